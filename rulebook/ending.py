"""The end of a document: from a day on it is no law any more, and what it was stays on record."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, shown
from rulebook import store
from rulebook.days import day_of
from rulebook.publication import (
    Change,
    Decision,
    Request,
    instant_of,
    law_of_sealed_days,
    recording_findings,
    zone_in,
)
from rulebook.publishing import Plan, PublishedVersion, published, record, standing_after
from rulebook.resolve import document_in
from rulebook.resulting_law import ending_findings
from rulebook.versions import Version, instant_shown


@dataclass(frozen=True)
class EndingPlan:
    """What ending a document would do: the change, and when the last version before it applies."""

    request: Request
    change: Change
    start: dt.datetime
    end: dt.datetime

    @property
    def instrument(self) -> str:
        """What ends."""
        return self.change.document.instrument

    @property
    def is_needed(self) -> bool:
        """Whether anything would be recorded, or it ends on that day already."""
        return self.change.unchanged is None

    def as_standing(self) -> PublishedVersion:
        """Return how a document stands that ends on that day already."""
        if self.change.unchanged is None:
            raise ValueError(f"{self.instrument} does not end on that day")
        return published(self.change.unchanged, self.change, False, ())


def plan_end(
    session: Session,
    market: str,
    name: str,
    day: dt.date,
    *,
    known: dt.datetime,
    reason: str,
    sealed: Mapping[str, Sequence[tuple[dt.datetime, dt.datetime]]] = MappingProxyType({}),
    locks: bool = True,
    after: Plan | None = None,
) -> EndingPlan:
    """Return what it would do to end a document: `day` is the first on which it does not apply.

    Its last version before the day would be recorded again with that end, under the names of those
    who end it; versions for later days closed by it. What was known before stays as it was.

    Args:
        session: inside the caller's transaction.
        market: of the document.
        name: its instrument, with or without the market: `registration/doric`.
        day: first day without it.
        known: when this is recorded; the shell passes the time of its clock.
        reason: why.
        sealed: the instants between which each sealed day lies, by market; their law stands.
        locks: whether others who publish wait for the transaction; who only asks keeps nobody.
        after: a publication that is to be law before the end is; None where none is.

    Raises:
        Refused: with every finding; nothing is written.
    """
    if locks:
        store.lock_market(session, market)
    # After the lock: of two changes at once, the second sees what the first recorded.
    current = store.open_versions(session, market)
    if after is not None:
        current = standing_after(current, after)
    request = Request((), day, None, known, reason.strip())
    findings = [*_check_reason(request)]
    instrument = name if name.startswith(f"{market}/") else f"{market}/{name}"
    versions = [version for version in current if version.instrument == instrument]
    zone = zone_in(current)
    if zone is None or not versions:
        raise Refused([*findings, _unknown(market, instrument, current)])
    at, wrong = instant_of("day", day, zone)
    change, further = (None, []) if at is None else _change(versions, at, zone)
    findings += [*wrong, *further]
    if at is None or change is None:
        raise Refused(findings)
    stands = change.unchanged or _last_before(versions, at)
    findings += recording_findings(request, [change], at, store.last_recorded(session, market))
    if change.unchanged is None:
        findings += _sealed_findings(change, sealed.get(market, ()), at)
        findings += ending_findings(change, current, at, zone)
    if findings:
        raise Refused(findings)
    until = at if stands.valid_to is None else min(at, stands.valid_to)
    return EndingPlan(request, change, stands.valid_from, until)


def end(session: Session, planned: EndingPlan, decision: Decision) -> PublishedVersion:
    """End a document, as two people decided, in the transaction in which the plan was made.

    Raises:
        Refused: the law of a day would change that was sealed meanwhile.
    """
    (ended,) = record(
        session, planned.request, decision, [planned.change], planned.start, planned.end
    )
    return ended


def _change(
    versions: Sequence[Version], at: dt.datetime, zone: str
) -> tuple[Change | None, list[Finding]]:
    """Return what ending a document at `at` does to its open versions, or why it cannot.

    A closed version names the one that took its place, so the last version before `at` is
    recorded again, and closes itself and all later ones.
    """
    instrument, last = versions[0].instrument, _last_before(versions, at)
    if last.valid_from >= at:
        return None, [_never_applied(instrument, last, at, zone)]
    later = [version for version in versions if version.valid_from >= at]
    if not later and last.valid_to is not None and last.valid_to < at:
        return None, [_ended_before(instrument, last.valid_to, at, zone)]
    document, findings = document_in(last)
    if document is None:
        return None, list(findings)
    if not later and last.valid_to == at:
        return Change(instrument, document, (), (), last), []
    return Change(instrument, document, (last, *later), (), None), []


def _last_before(versions: Sequence[Version], at: dt.datetime) -> Version:
    """Return the last version that begins before `at`; the first of all where none does."""
    in_order = sorted(versions, key=lambda version: version.valid_from)
    return next((v for v in reversed(in_order) if v.valid_from < at), in_order[0])


def _sealed_findings(
    change: Change, sealed: Sequence[tuple[dt.datetime, dt.datetime]], at: dt.datetime
) -> Iterator[Finding]:
    """Find the sealed days from `at` on whose law the document is part of."""
    days = sorted(
        span
        for span in sealed
        if span[1] > at and any(version.valid_within(*span) for version in change.closes)
    )
    if days:
        remedy = f"end it on the day that begins at {instant_shown(days[-1][1])}, or later"
        yield law_of_sealed_days(change.place, days, "none of it", remedy)


def _check_reason(request: Request) -> Iterator[Finding]:
    if not request.reason:
        yield Finding(
            "reason-missing",
            "end: --reason",
            "nothing",
            "a document is ended for a stated reason",
            "state the reason",
        )


def _unknown(market: str, instrument: str, current: Sequence[Version]) -> Finding:
    known = sorted({version.instrument for version in current})
    near = get_close_matches(instrument, known, n=1)
    return Finding(
        "document-unknown",
        shown(instrument),
        "no such document",
        f"one of the {len(known)} documents that stand in {market}"
        if known
        else f"nothing was ever published for {market}",
        f"write {near[0]}" if near else f"`rules_at {market} DAY` lists what is in force on a day",
    )


def _never_applied(instrument: str, first: Version, at: dt.datetime, zone: str) -> Finding:
    begins = day_of(first.valid_from, zone)
    return Finding(
        "ends-before-it-begins",
        instrument,
        f"{day_of(at, zone)}",
        f"a document ends after it began to apply, on {begins}",
        f"name a day after {begins}, or publish what applies instead",
    )


def _ended_before(instrument: str, ended: dt.datetime, at: dt.datetime, zone: str) -> Finding:
    day = day_of(ended, zone)
    return Finding(
        "document-has-ended",
        instrument,
        f"{day_of(at, zone)}",
        f"it applies until {day} already, without that day",
        f"name an earlier day than {day}; to let it apply longer, publish it from {day} on",
    )
