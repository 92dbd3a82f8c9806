"""Working copies of a revision of a change: begun from it, and brought after a later one."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from portal.copies import begin_copy
from portal.editing.keys import key_of
from portal.models import WorkingCopy
from portal.queries.revisable import bodies_of
from portal.queries.rules import market_zone
from rulebook.changes.life import Life
from rulebook.changes.records import RevisionRow
from rulebook.days import day_of
from rulebook.merging import ABSENT, Conflict, merge, value_shown


def begin_from(
    session: Session, user: User, life: Life, revision: RevisionRow, now: dt.datetime
) -> WorkingCopy:
    """Begin a working copy of a revision, drawn from the law that it was drawn from.

    Raises:
        Refused: the account has as many copies as it may have, or the documents are too large.
    """
    market = life.change.market
    zone = market_zone(session, market)
    return begin_copy(
        session,
        user,
        market,
        day_of(revision.drawn_from, zone),
        bodies_of(revision),
        now,
        base=dict(revision.draft["base"]),
        drawn_from=revision.drawn_from,
        wanted_from=day_of(revision.valid_from, zone),
        change=life.change.number,
        revision=revision.number,
    )


def brought_after(
    copy: WorkingCopy, own: RevisionRow, later: RevisionRow, zone: str
) -> Mapping[str, Any]:
    """Return what a copy becomes once a later revision is laid under it: its changes, made there.

    Raises:
        Refused: with every place that both changed, to different values.
    """
    before, theirs = bodies_of(own), bodies_of(later)
    bodies, findings = {}, []
    for name in {**copy.bodies, **theirs}:
        body, conflicts = merge(
            before.get(name, ABSENT), copy.bodies.get(name, ABSENT), theirs.get(name, ABSENT)
        )
        findings += [_conflict(name, each, later) for each in conflicts]
        if body is not ABSENT:
            bodies[name] = body
    if findings:
        raise Refused(findings)
    drawn = {**copy.base, **later.draft["base"]}
    return {
        "bodies": bodies,
        "base": {name: body for name, body in drawn.items() if name in bodies},
        "drawn_from": later.drawn_from,
        "law_day": day_of(later.drawn_from, zone),
        "revision": later.number,
    }


def _conflict(instrument: str, conflict: Conflict, later: RevisionRow) -> Finding:
    place = f"{key_of(instrument)}: {conflict.path}" if conflict.path else key_of(instrument)
    return Finding(
        "revision-conflict",
        place,
        f"the copy has {value_shown(conflict.draft)}, begun from {value_shown(conflict.base)}",
        f"revision {later.number} has {value_shown(conflict.law)} there",
        "write that there, bring the revision in, and change it again",
    )
