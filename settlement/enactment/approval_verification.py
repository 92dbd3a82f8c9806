"""Verification that each approval met the law that was shown, by the rows as they stood then.

What an approval asks first, of the law since the proposal and of what a participant that leaves
still holds, is asked again as of the moment before it: versions say when they were recorded, and
proposals when they were decided.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from common.damage import damage
from ledger.people import store
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from ledger.verification import Findings
from rulebook.standing import Record
from rulebook.store import every_record
from settlement.enactment.end_checks import check_left
from settlement.enactment.moved_law import move_words, moves_of, shown_at, wanted_law
from settlement.enactment.proposed import handover_of

UNSHOWN = "approval-of-other-law"
LAW = (Kind.PUBLICATION, Kind.ENDING)
INSTANT = dt.timedelta(microseconds=1)


def verify_approvals(session: Session) -> Findings:
    """Yield each approval of law that was another by then than when it was proposed."""
    histories = every_record(session)
    moments = {name: _moments(history) for name, history in histories.items()}
    for stored in store.proposals(session, kinds=LAW):
        try:
            values = list(_of_approval(session, stored, histories, moments))
        except (ValueError, LookupError, TypeError, AttributeError):
            continue  # what it says cannot be read, and is named as altered
        for value in values:
            yield damage(UNSHOWN, f"people.approval {stored.number}", value)


def _of_approval(
    session: Session,
    stored: StoredProposal,
    histories: Mapping[str, Sequence[Record]],
    moments: Mapping[str, Sequence[dt.datetime]],
) -> Iterator[str]:
    if stored.kind is Kind.ENDING:
        yield from _of_end(session, stored)
    if stored.approved_at is None:
        return
    since = shown_at(session, stored)
    # Its own law is recorded at its own moment.
    before = max(stored.approved_at - INSTANT, since)
    # A history may be long, and few approvals follow another of their document.
    touched = {
        name: histories[name]
        for name in wanted_law(stored)[0]
        if _holds_between(moments.get(name, ()), since, before)
    }
    for instrument, move in moves_of(stored, touched, since, before):
        yield move_words(instrument, move)


def _moments(history: Sequence[Record]) -> list[dt.datetime]:
    """Return when anything was recorded or closed of a document, in order."""
    return sorted(
        {each.recorded_from for each in history}
        | {each.recorded_to for each in history if each.recorded_to is not None}
    )


def _holds_between(moments: Sequence[dt.datetime], after: dt.datetime, until: dt.datetime) -> bool:
    return bisect_right(moments, after) < bisect_right(moments, until)


def _of_end(session: Session, ending: StoredProposal) -> Iterator[str]:
    """Find what an end, and what is handed over before it, lacked as each was approved."""
    handover = handover_of(session, ending)
    handed_at = handover.approved_at if handover is not None else None
    if ending.ended_at is not None and handed_at is not None and ending.ended_at < handed_at:
        yield "it was handed over once its end was given up"
    if ending.approved_at is None:
        return
    if handover is not None and (handed_at is None or handed_at > ending.approved_at):
        yield f"what proposal {handover.number} hands over was not law before it"
    before = ending.approved_at - INSTANT
    if before >= shown_at(session, ending):  # else nothing came in between
        for finding in check_left(session, ending, before):
            yield f"{finding.value}: nobody was chosen to take it over"
