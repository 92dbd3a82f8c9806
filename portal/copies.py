"""Working copies of law: begun from the law of a day, saved, checked, and made drafts.

A working copy is its author's alone and binds nobody. It is saved whatever is wrong with it; what
publication would refuse is stated each time that it is shown, by the law as it is then.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.transaction import atomic
from sqlalchemy.orm import Session

from common.currencies import DECIMALS
from common.refusals import Finding, Refused
from portal.editing.judging import Located, draft_of_bodies, judge, located, read_bodies
from portal.editing.keys import key_of
from portal.models import WorkingCopy
from portal.queries.drafts import wanted_law
from portal.queries.rules import market_currency, market_zone, start_of_day
from portal.quotas import lock_account
from rulebook.changes.basing import base_findings
from rulebook.comparing import NO_CURRENCY
from rulebook.digest import document_body
from rulebook.drafting import Draft
from rulebook.merging import ABSENT, Edit, edits_between
from rulebook.reading import document_of
from rulebook.store import records_of_day

MOST_COPIES = 20
"""Of an account: whoever has so many throws one away first."""
LARGEST_COPY_BYTES = 2_000_000
"""Of the documents of a copy, written out: a form is slow beyond, and files have commands."""

Bodies = Mapping[str, Mapping[str, Any]]


def copies_of(user: User) -> QuerySet[WorkingCopy]:
    """Return the working copies of a person, the last changed first."""
    return WorkingCopy.objects.filter(user=user)


def begin_copy(
    session: Session,
    user: User,
    market: str,
    law_day: dt.date,
    bodies: Bodies,
    now: dt.datetime,
    **otherwise: Any,
) -> WorkingCopy:
    """Begin a working copy of some documents, drawn from the law of a day.

    Args:
        otherwise: what it begins with that is not as in that law, as of a revision.

    Raises:
        Refused: the account has as many as it may have, or the documents are too large.
    """
    refuse_size(bodies)
    zone = market_zone(session, market)
    drawn = {
        "drawn_from": start_of_day(law_day, zone),
        "wanted_from": law_day,
        "base": dict(bodies),
    }
    with atomic():
        lock_account(user)
        _refuse_more(copies_of(user).count())
        return WorkingCopy.objects.create(
            user=user,
            market=market,
            law_day=law_day,
            bodies=dict(bodies),
            begun_at=now,
            changed_at=now,
            **(drawn | otherwise),
        )


def _refuse_more(count: int) -> None:
    if count >= MOST_COPIES:
        raise Refused(
            [
                Finding(
                    "too-many-copies",
                    "working copies",
                    f"{count}",
                    f"an account has at most {MOST_COPIES} working copies",
                    "throw one away first",
                )
            ]
        )


def save_copy(copy: WorkingCopy, now: dt.datetime, **changes: Any) -> bool:
    """Save changes of a working copy, unless it was saved since it was read; return whether.

    Raises:
        Refused: it would be larger than a copy may be; nothing is saved.
    """
    refuse_size(changes.get("bodies", {}))
    changes |= {"version": copy.version + 1, "changed_at": now}
    # One statement, so that of two who save at once the second changes no row.
    mine = WorkingCopy.objects.filter(pk=copy.pk, user=copy.user, version=copy.version)
    return bool(mine.update(**changes))


def refuse_size(bodies: Bodies) -> None:
    """Refuse documents that are larger together than a working copy may be.

    Raises:
        Refused: with the one reason.
    """
    size = len(json.dumps(bodies))
    if size > LARGEST_COPY_BYTES:
        raise Refused(
            [
                Finding(
                    "copy-too-large",
                    "working copy",
                    f"{size:,} bytes",
                    f"the documents of a working copy have at most {LARGEST_COPY_BYTES:,} bytes",
                    "take another document out of it, or write this one in a file",
                )
            ]
        )


def tidied(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body as the law would hold it, where it can be read; else as it is.

    A form knows a field without a value; the law leaves some of those out.
    """
    document, _ = document_of(body, str(body["kind"]))
    return body if document is None else document_body(document)


def currency_of_copy(session: Session, copy: WorkingCopy) -> str:
    """Return the currency that amounts of a copy are typed in: that of its own rules, if any."""
    rules = copy.bodies.get(f"{copy.market}/market-rules", {})
    code = rules.get("currency")
    return (
        code
        if isinstance(code, str) and code in DECIMALS
        else market_currency(session, copy.market, copy.drawn_from)
    )


def judge_copy(session: Session, copy: WorkingCopy, code: str, now: dt.datetime) -> list[Located]:
    """Return what publication would find wrong with a copy, by the law as it is known now."""
    law = wanted_law(session, copy.market, copy.wanted_from, now)
    published = records_of_day(session, copy.market, copy.bodies, copy.drawn_from)
    places = {name: key_of(name) for name in copy.bodies}
    of_base = base_findings(places, copy.base, copy.drawn_from, published)
    return [
        *(located(finding, copy.bodies) for finding in of_base),
        *judge(copy.market, copy.bodies, copy.base, copy.drawn_from, law, code),
    ]


def edits_of_copy(copy: WorkingCopy) -> dict[str, list[Edit]]:
    """Return what a copy changes of the law that it was drawn from, by instrument."""
    found = {
        instrument: list(edits_between(copy.base.get(instrument, ABSENT), body))
        for instrument, body in copy.bodies.items()
    }
    return {instrument: edits for instrument, edits in found.items() if edits}


def dated_as_before(copy: WorkingCopy) -> list[str]:
    """Return the instruments whose text was changed and whose publication date was not."""
    date = "publication_date"
    return [
        name
        for name in edits_of_copy(copy)
        if name in copy.base and copy.bodies[name].get(date) == copy.base[name].get(date)
    ]


def draft_of_copy(copy: WorkingCopy) -> Draft:
    """Return a working copy as a draft of law, to be tried or saved as a revision.

    Raises:
        Refused: a document of it cannot be read, or is wrong by itself.
    """
    documents, findings = read_bodies(copy.bodies, NO_CURRENCY)
    if findings:
        raise Refused(findings)
    return draft_of_bodies(copy.market, documents, copy.base, copy.drawn_from)
