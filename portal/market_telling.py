"""Telling a market what happened to it, from files that whoever runs it wrote."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any
from database.bulk import driver_connection
from database.session import transaction
from ledger.people import store as people
from market.clock import FAR_HOURS, after, clock_of, far_ahead
from market.core.events import Event, Kind, Outcome
from market.inbox import check, place_of, submit
from market.law_of_days import law_in
from market.moments import microseconds_of, moment_of
from market.store import now as database_now
from market.told_events import ToldEvent, told_events
from market.told_rows import MOST_ROWS, read_rows
from portal.market_feed import AS_MEANT, what_became
from settlement.meters.cells import tell_once

MOST_BYTES = 64 * 2**20
KNOWN = text(
    "SELECT day, key FROM market.event WHERE market = :market AND day = ANY(:of_days) "
    "UNION SELECT day, key FROM market.submission WHERE market = :market AND day = ANY(:of_days)"
)
APART = text(
    "SELECT day, key, outcome FROM market.event WHERE market = :market AND day = ANY(:of_days) "
    "AND outcome <> ALL(:meant)"
)
WHY: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.LATE: "it is further behind the market's clock than the rules accept",
        Outcome.AHEAD: "its moment had not come when it was told, or is more than a day ahead of "
        "the market's clock, or it is of intervals beyond those that are quoted",
        Outcome.MISDATED: "its day is not that of its moment by the law in force",
        Outcome.CONTRADICTED: "the same revision of this reading said something else before",
        Outcome.UNKNOWN: "the law in force knows no such unit, line or supply point, or the market "
        "was told no law yet, which a row of the kind rules does",
        Outcome.UNREADABLE: "a number or word is none that its kind may say",
        Outcome.TOO_LARGE: "with it, sums would pass what is exact",
    }
)
"""Why an event moved nothing."""


@dataclass(frozen=True)
class Apart:
    """An event that moved nothing, and what became of it."""

    place: str
    outcome: Outcome


@dataclass(frozen=True)
class ToldFiles:
    """What came of files of events.

    Attributes:
        before: events of theirs that the market had been told, or that stand in them twice.
        now: those that it was told by this.
        outcomes: what became of all of them, in counts, as far as they were taken.
        apart: those that moved nothing, though nothing later was known, in the order of the files.
        clock: from when to when its clock goes by this; None where no clock event moves it, and
            from None where it had none.
        has_leader: whether somebody led the market at the end.
    """

    market: str
    before: int
    now: int
    outcomes: Mapping[Outcome, int]
    apart: tuple[Apart, ...]
    has_leader: bool
    clock: tuple[dt.datetime | None, dt.datetime] | None = None

    @property
    def waiting(self) -> int:
        """How many events nobody took yet."""
        return max(self.now + self.before - sum(self.outcomes.values()), 0)


def tell(
    market: str, files: Sequence[tuple[str, bytes]], now: dt.datetime, *, far: bool = False
) -> ToldFiles:
    """Tell a market the events of files, in their order: all of them, or none and every finding.

    An event that it was told is not told twice; what became of it is said all the same.

    Args:
        files: name and content.
        now: up to when law is known.
        far: whether its clock may go on by days at once, as who tells it has said.

    Raises:
        Refused: something is wrong with any of them.
    """
    with transaction() as session:
        told = _read(session, market, files, now)
        events = [each.event for each in told]
        known = _known(session, market, events)
        distinct = {(event.day, event.key): event for event in events}
        fresh = [event for key, event in distinct.items() if key not in known]
        begins_us, moved_us, wrong = _clock(session, market, fresh, far=far)
        account = people.acting(session).account
        wrong += submit(session, market, events, by=account)
        refuse_any(tell_once([_at_row(market, told, each) for each in wrong]))
    outcomes, has_leader = what_became(market, list(distinct.values()))
    count, apart = len(fresh), _apart(market, told)
    begins = None if begins_us is None else moment_of(begins_us)
    clock = None if moved_us is None else (begins, moment_of(moved_us))
    return ToldFiles(market, len(distinct) - count, count, outcomes, apart, has_leader, clock)


def _clock(
    session: Session, market: str, fresh: Sequence[Event], *, far: bool
) -> tuple[int | None, int | None, list[Finding]]:
    """Return where the clock stands, whereto clock events move it, and which move it too far."""
    connection = driver_connection(session)
    begins_us = clock_of(connection, market)
    now_us = microseconds_of(database_now(connection))
    clock_us, moved_us = begins_us, None
    for event in fresh:
        after_us = after(clock_us, event.kind, event.at_us, now_us)
        if event.kind is Kind.CLOCK and after_us != clock_us:
            moved_us = after_us
        clock_us = after_us
    if begins_us is None or far:
        return begins_us, moved_us, []
    found = far_ahead(begins_us, fresh, now_us)
    return begins_us, moved_us, [_far_ahead(market, *each) for each in found]


def _far_ahead(market: str, event: Event, clock_us: int) -> Finding:
    return Finding(
        "clock-far-ahead",
        place_of(market, event),
        _written(event.at_us),
        f"at most {FAR_HOURS} hours after the market's clock, which is at {_written(clock_us)} by "
        "then: what is told later of the time in between is too late to count",
        "correct the moment; or, where nothing is to be told of the time in between, tell it again "
        "with `--far`",
    )


def _written(at_us: int) -> str:
    return f"{moment_of(at_us):%Y-%m-%dT%H:%MZ}"


def _read(
    session: Session, market: str, files: Sequence[tuple[str, bytes]], now: dt.datetime
) -> list[ToldEvent]:
    findings: list[Finding] = []
    told: list[ToldEvent] = []
    resolve = law_in(session, market)
    for name, content in files:
        rows, wrong = read_rows(name, content)
        read, more = told_events(rows, lambda day: resolve(day, now))
        told += read
        findings += tell_once([*wrong, *more, *kept_out(market, read)])
    if len(told) > MOST_ROWS:
        place, limit = "all files together", f"at most {MOST_ROWS:,} events at once"
        remedy = "tell some of them first"
        findings.append(Finding("too-many-events", place, f"{len(told):,}", limit, remedy))
    refuse_any(findings)
    return told


def kept_out(market: str, told: Sequence[ToldEvent]) -> Iterator[Finding]:
    """Yield what keeps events out of the inbox, each at its row."""
    for each in told:
        for finding in check(market, each.event):
            yield replace(finding, place=each.place)


def _known(session: Session, market: str, events: Sequence[Event]) -> set[tuple[dt.date, str]]:
    """Return day and key of all that a market was told of the days of events."""
    of_days = sorted({event.day for event in events})
    rows = session.execute(KNOWN, {"market": market, "of_days": of_days})
    return {(day, key) for day, key in rows}


def _at_row(market: str, told: Sequence[ToldEvent], finding: Finding) -> Finding:
    """Return a finding of the inbox at the last row of the event that it names."""
    for each in reversed(told):
        if place_of(market, each.event) == finding.place:
            return replace(finding, place=each.place)
    return finding


def _apart(market: str, told: Sequence[ToldEvent]) -> tuple[Apart, ...]:
    of_days = sorted({each.event.day for each in told})
    meant = [outcome.value for outcome in AS_MEANT]
    with transaction() as session:
        rows = session.execute(APART, {"market": market, "of_days": of_days, "meant": meant})
        became = {(day, key): Outcome(outcome) for day, key, outcome in rows}
    return tuple(
        Apart(each.place, became[each.event.day, each.event.key])
        for each in told
        if (each.event.day, each.event.key) in became
    )
