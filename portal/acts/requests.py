"""Requests for acts: stored by a page, which may write nothing else, and executed by the worker.

The row is taken, and marked as done or refused, in the transaction that does it: a worker that dies
leaves it to be done again, and whoever does it a second time finds it marked. So it is done once.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Refused
from database import session as database
from portal import jobs
from portal.acts.permits import act_by_permit, end_permit, grant_permit
from portal.audit import Action, record
from portal.models import Act

log = logging.getLogger(__name__)

Kind, State = Act.Kind, Act.State
KEPT = dt.timedelta(days=1)

TAKE = "SELECT id FROM portal.portal_act WHERE id = :number AND state = 'asked' FOR UPDATE"
MARK = """
UPDATE portal.portal_act
   SET state = :state, outcome = CAST(:outcome AS jsonb), finished_at = :now, content = NULL
 WHERE id = :number
"""


class Entry(NamedTuple):
    """What the audit trail says of an act."""

    action: Action
    subject: str
    reason: str = ""


@dataclass
class Done:
    """What an act came to: sentences for who asked, where they are led, entries of the trail.

    `found` is what the page that they are led to shows of it, as plain values.
    """

    told: str
    where: list[str]
    notes: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    appended: bool = True
    found: dict[str, Any] = field(default_factory=dict)


Execute = Callable[[Session, Act, dt.datetime], Done]


def ask(
    user: User,
    kind: str,
    subject: str,
    arguments: Mapping[str, Any],
    content: bytes | None = None,
) -> Act:
    """Store what a person asks for, with its job, and wait a moment for its outcome."""
    act = Act(
        user=user,
        kind=kind,
        subject=subject,
        arguments=dict(arguments),
        content=content,
        asked_at=timezone.now(),
    )
    with transaction.atomic():
        grant_permit(act, KEPT)
        act.save()
        act.job_number = jobs.defer("act", act.pk)
        act.save(update_fields=["job_number"])
    return jobs.wait_for(lambda: Act.objects.defer("content").get(pk=act.pk))


def execute(number: int, executors: Mapping[str, Execute], now: dt.datetime) -> Act | None:
    """Do what a request asks for, unless that was done; the worker's part.

    Raises:
        Exception: a fault of ours, of which the request says that it failed.
    """
    act = Act.objects.select_related("user").filter(pk=number, state=State.ASKED).first()
    if act is None:
        return None
    try:
        done = _in_one_transaction(act, executors[act.kind], now)
    except Exception as error:
        # What an error says may be of others' data: it is for the log.
        _fail(number, f"a fault of ours ({type(error).__name__})", now)
        raise
    for entry in done.entries if done else ():
        record(act.user, entry.action, entry.subject, entry.reason[:500], at=now)
    return Act.objects.get(pk=number)


def _in_one_transaction(act: Act, run: Execute, now: dt.datetime) -> Done | None:
    with database.transaction() as session:
        if not take(session, act.pk):
            return None
        try:
            with session.begin_nested():
                act_by_permit(session, act)
                done = run(session, act, now)
        except Refused as refused:
            findings = [finding.as_dict() for finding in refused.findings]
            mark(session, act.pk, State.REFUSED, {"findings": findings}, now)
            return None
        end_permit(session, act)
        outcome = {
            "told": done.told,
            "notes": done.notes,
            "where": done.where,
            "found": done.found,
        }
        mark(session, act.pk, State.DONE, outcome, now)
        return done


def take(session: Session, number: int) -> bool:
    """Return whether a request is still to be done, and keep others from it until the commit."""
    return session.execute(text(TAKE), {"number": number}).one_or_none() is not None


def mark(
    session: Session, number: int, state: str, outcome: Mapping[str, Any], now: dt.datetime
) -> None:
    """Store what a request came to, in the transaction that does it."""
    values = {"number": number, "state": state, "outcome": json.dumps(outcome), "now": now}
    session.execute(text(MARK), values)


def _fail(number: int, error: str, now: dt.datetime) -> None:
    Act.objects.filter(pk=number, state=State.ASKED).update(
        state=State.FAILED, outcome={"error": error}, finished_at=now, content=None
    )


def resume_lost(now: dt.datetime) -> int:
    """Queue again what nobody does any more, as its worker died; return how many."""
    lost = [
        act
        for act in Act.objects.filter(state=State.ASKED).defer("content")
        if jobs.is_lost(act.job_number, now)
    ]
    for act in lost:
        with transaction.atomic():
            jobs.give_up(act.job_number)
            act.job_number = jobs.defer("act", act.pk)
            act.save(update_fields=["job_number"])
    return len(lost)


def remove_old(now: dt.datetime) -> None:
    """Remove requests whose outcome was there to be read for a day; the ledger keeps the acts."""
    Act.objects.filter(finished_at__lt=now - KEPT).delete()
