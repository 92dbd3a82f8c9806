"""Verification of changes: every row hashed again, and every step judged again as it was taken.

What might be done at a moment is asked of the rights that accounts held then; the proposals,
approvals and trials that steps name are held to them.
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Refused
from ledger.people.roles import Role
from ledger.people.verification import Registry, read_registry
from ledger.verification import FOREIGN, Findings
from rulebook.changes import store
from rulebook.changes.breaches import breaches, opening_findings
from rulebook.changes.life import Actor, Life, Wanted, next_event
from rulebook.changes.records import EventRow, draft_of_revision
from rulebook.changes.steps import OF_A_PROPOSAL, Kind
from rulebook.versions import instant_text
from settlement.enactment.changes import (
    consultation_body,
    consultation_days_of,
    determination_body,
)
from settlement.tables import TrialRow

DIGEST = "change-digest"
COURSE = "change-course"
NAMED = "change-names-another"
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)
"""What it raises to read a row of another form than was stored."""

STATES_A_DAY: Mapping[str, tuple[str, Callable[..., dict[str, Any]]]] = MappingProxyType(
    {
        Kind.CONSULT.value: ("last_day", consultation_body),
        Kind.ACCEPT.value: ("review_on", determination_body),
    }
)
"""By kind of step, the day in its body, and what makes that body."""

PROPOSED = text(
    "SELECT proposal.number, proposal.market, proposal.content, proposal.proposed_by, "
    "approval.approved_by, approval.approved_at FROM people.proposal "
    "LEFT JOIN people.approval ON approval.proposal = proposal.number"
)
"""Every proposal, with its approval."""


def verify_changes(session: Session) -> Findings:
    """Yield what is wrong with changes, their revisions and their events."""
    yield from _verify_digests(session)
    registry = read_registry(session)
    proposed = {row.number: row for row in session.execute(PROPOSED)}
    columns = (TrialRow.id, TrialRow.market, TrialRow.digest, TrialRow.drafts)
    trials = {str(row.id): row for row in session.execute(select(*columns))}
    for life in store.lives(session).values():
        known = Life(life.change, life.revisions, life.events, registry.persons)
        yield from _verify_texts(known)
        yield from _verify_course(session, known, registry)
        for event in known.events:
            yield from _verify_named(known, event, trials, proposed)


def _verify_digests(session: Session) -> Findings:
    seen: set[str] = set()
    for place, row, digest in store.stored_rows(session):
        if place in seen:
            yield damage(FOREIGN, place, "the row stands twice")
        seen.add(place)
        if row.digest != digest:
            yield damage(DIGEST, place, "its columns do not give the digest stored with it")


def _verify_texts(life: Life) -> Findings:
    """Hold what a change says to what may be opened, and every revision to its texts."""
    place = f"rulebook.change {life.change.number}"
    for finding in opening_findings(life.change):
        yield damage(COURSE, place, f"{finding.place}: {finding.value}")
    for row in life.revisions:
        try:
            draft_of_revision(life.change.market, row)
        except Refused as refused:
            value = str(refused.findings[0])
            yield damage(DIGEST, f"rulebook.revision {row.change}/{row.number}", value)
        except UNREADABLE:
            value = "its texts cannot be read"
            yield damage(DIGEST, f"rulebook.revision {row.change}/{row.number}", value)
    saved = sum(event.kind == Kind.REVISE for event in life.events)
    if saved != len(life.revisions):
        yield damage(COURSE, place, f"{len(life.revisions)} revisions, of which {saved} were saved")


def _verify_course(session: Session, life: Life, registry: Registry) -> Findings:
    """Take every step of a change again, from the first."""
    change, saved = life.change, 0
    if not life.events:
        yield damage(COURSE, f"rulebook.change {change.number}", "nobody opened it")
    for done, event in enumerate(life.events):
        place = f"rulebook.change_event {event.change}/{event.sequence}"
        saved += event.kind == Kind.REVISE
        before = Life(change, life.revisions[:saved], life.events[:done], life.persons)
        if event.kind == Kind.CONSULT:
            shortest = consultation_days_of(session, change.market, event.at)
            before = dataclasses.replace(before, consultation_days=shortest)
        try:
            wanted = Wanted(
                Kind(event.kind),
                event.reason,
                event.participant,
                event.answers,
                event.proposal,
                event.body,
            )
            found = list(breaches(before, wanted, _actor_at(event, registry), event.at))
            is_next = not found and next_event(before, wanted, event.account, event.at) == event
        except UNREADABLE:
            found, is_next = [], False
        for finding in found:
            yield damage(COURSE, place, f"{finding.limit}, found {finding.value}")
        if not found and not is_next:
            yield damage(COURSE, place, "it does not follow what was before it")
        yield from _verify_author(before, event, place)
        yield from _verify_days(session, change.market, event, place)


def _verify_days(session: Session, market: str, event: EventRow, place: str) -> Findings:
    """Hold the day that a step states to the moment by which it is counted.

    Pages tell the day, so one that is later than the moment would mislead who still responds.
    """
    if event.kind not in STATES_A_DAY:
        return
    name, body_of = STATES_A_DAY[event.kind]
    try:
        day = dt.date.fromisoformat(event.body[name])
        is_so = body_of(session, market, day, event.at) == event.body
    except (*UNREADABLE, Refused):
        is_so = False
    if not is_so:
        yield damage(COURSE, place, f"its {name} is not the day of the moment that it states")


def _verify_author(life: Life, event: EventRow, place: str) -> Findings:
    """Hold an opening to its change, and the saving of a text to its revision."""
    change, revision = life.change, life.revision
    said: tuple[object, ...] | None = None
    if event.kind == Kind.OPEN:
        said = (change.opened_by, change.opened_at, change.participant)
    elif event.kind == Kind.REVISE and revision is not None:
        said = (revision.author, revision.made_at, event.participant)
    if said not in (None, (event.account, event.at, event.participant)):
        yield damage(COURSE, place, "what it stored says otherwise who did so, and when")


def _verify_named(
    life: Life, event: EventRow, trials: Mapping[str, Any], proposed: Mapping[int, Any]
) -> Findings:
    """Hold a step to the trials, or the proposal, that it names."""
    place = f"rulebook.change_event {event.change}/{event.sequence}"
    try:
        if event.kind == Kind.ASSESS:
            found = [*_named_trials(life, event, trials)]
        elif event.kind in OF_A_PROPOSAL:
            found = [*_named_proposal(life, event, proposed.get(event.proposal or 0))]
        else:
            found = []
    except UNREADABLE:
        found = ["what it names cannot be read"]
    for value in found:
        yield damage(NAMED, place, value)


def _named_trials(life: Life, event: EventRow, trials: Mapping[str, Any]) -> Iterator[str]:
    revision = life.revision_of(event)
    for trial, digest in event.body["trials"].items():
        row = trials.get(trial)
        if row is None or (row.market, row.digest.hex()) != (life.change.market, digest):
            yield f"trial {trial} is another"
        elif revision is None or revision.draft_digest.hex() not in [
            each["digest"] for each in row.drafts
        ]:
            yield f"trial {trial} is of another draft"


def _named_proposal(life: Life, event: EventRow, row: Any) -> Iterator[str]:
    """Yield how a proposal, or its approval, differs from what a step says of it."""
    revision, what = life.revision_of(event), f"proposal {event.proposal}"
    if row is None or revision is None:
        yield f"{what} is not there"
    elif event.kind == Kind.APPROVE:
        if (row.approved_by, row.approved_at) != (event.account, event.at):
            yield f"{what} was approved otherwise"
    else:
        decided, texts = json.loads(row.content), revision.draft["documents"]
        said = (decided["valid_from"], decided["valid_to"], decided["documents"])
        digests = {name: each["digest"] for name, each in texts.items()}
        wanted = (instant_text(revision.valid_from), instant_text(revision.valid_to), digests)
        if said != wanted or (row.market, row.proposed_by) != (life.change.market, event.account):
            yield f"{what} is of another text"
        is_told = any(
            each.kind == Kind.APPROVE and each.proposal == event.proposal for each in life.events
        )
        if (row.approved_by is not None) != is_told:
            yield f"{what} was approved, or was not, otherwise than its change says"


def _actor_at(event: EventRow, registry: Registry) -> Actor:
    """Return who took a step, with the rights that the account held at its moment."""
    held = [span for span in registry.spans.get(event.account, ()) if _holds(span, event.at)]
    participants = {span.owner for span in held if span.role == Role.PARTICIPANT}
    return Actor(
        event.account,
        registry.persons.get(event.account),
        frozenset(span.role for span in held),
        frozenset((market or "", name or "") for market, name in participants),
    )


def _holds(span: Any, at: dt.datetime) -> bool:
    return span.granted_at <= at and (span.withdrawn_at is None or at <= span.withdrawn_at)
