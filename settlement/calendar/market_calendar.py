"""The calendar of a market: what is due on a day, what came late, and sealing what is final."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import ledger.queries
import ledger.sealing
import ledger.store
from common.refusals import Finding, Refused
from ledger.posting import Posted
from ledger.seal import DayToSeal, Seal, SealRequest
from rulebook.days import day_of, day_start
from rulebook.law import rules_for_period
from rulebook.resolve import RulePeriod, RuleSet
from rulebook.store import lock_market, time_zone
from settlement.billing.post import post
from settlement.calendar import store
from settlement.calendar.due import ONE_DAY, CalendarEntry, DayFacts, DueRange, entries_of
from settlement.calendar.following import FollowingDays, following_days
from settlement.calendar.late import DayTerms, LateReadings, late_readings
from settlement.calendar.missing_readings import NOTHING, missing_readings, summarise_missing
from settlement.calendar.sealable import DayOnRecord, seal_findings
from settlement.core.contract_state import first_day_of_term
from settlement.meters.register import AVAILABLE, DEMAND, DESIRED
from settlement.meters.store import lock_readings
from settlement.meters.terms import ruled_days
from settlement.runs.contract_history import carried_before
from settlement.runs.settle import Progress, Settle, Settled, no_progress, settle

SHARED_BY = (AVAILABLE, DEMAND, DESIRED)
"""The measures by which contracts are served, and so what they carry from day to day."""
SERVED_BY = ("allocation-policy", "grid-model", "market-rules", "registration")
"""The kinds of document by which they are."""


@dataclass(frozen=True)
class CalendarDay:
    """A settlement day: its runs, what its readings lack, and whether it is sealed."""

    day: dt.date
    entries: tuple[CalendarEntry, ...]
    lacks: tuple[Finding, ...]
    is_sealed: bool


@dataclass(frozen=True)
class MarketCalendar:
    """The settlement days of a market from the first to the last with readings.

    Attributes:
        on: the day of the market on which the states hold.
        periods: the rules of the days.
    """

    market: str
    zone: str
    on: dt.date
    periods: Sequence[RulePeriod]
    days: tuple[CalendarDay, ...]

    @property
    def entries(self) -> list[CalendarEntry]:
        """Every run of every day."""
        return [entry for day in self.days for entry in day.entries]


def market_calendar(
    session: Session, market: str, *, known: dt.datetime, on: dt.date | None = None
) -> MarketCalendar:
    """Return the calendar of a market as it stands on a day.

    Args:
        session: the caller's session.
        market: whose calendar.
        known: what is known is taken up to here.
        on: the day of the market by which runs are due; that of `known` where it is None.

    Raises:
        Refused: no rules are known of the market, or of one of its days.
    """
    zone = _zone(session, market, known)
    on = on or day_of(known, zone)
    metered = store.days_with_readings(session, market, known)
    if not metered:
        return MarketCalendar(market, zone, on, [], ())
    periods = rules_for_period(session, market, metered[0], metered[-1], known)
    posted: defaultdict[dt.date, dict[str, tuple[uuid.UUID, dt.date]]] = defaultdict(dict)
    for run in store.posted_runs(session, market):
        posted[run.day][run.kind] = (run.run_id, day_of(run.posted_at, zone))
    settled = store.unposted_runs(session, market)
    ruled = list(ruled_days(periods))
    sealed = ledger.store.sealed_at(session, ((market, day) for day, _ in ruled))
    # Only these are looked at closely: to complete readings is dear, and other days wait for none.
    open_days = [day for day, rules in ruled if _may_be_due(day, rules, posted[day], on)]
    lacks = missing_readings(session, market, periods, open_days, known)
    metered_days = set(metered)
    days = []
    for day, rules in ruled:
        facts = DayFacts(
            day,
            rules.market_rules.settlement_calendar,
            posted[day],
            {kind for kind, first, last in settled if first <= day <= last},
            NOTHING if day not in metered_days else summarise_missing(lacks.get(day, ())),
            (market, day) in sealed,
        )
        days.append(
            CalendarDay(day, tuple(entries_of(facts, on)), lacks.get(day, ()), facts.is_sealed)
        )
    return MarketCalendar(market, zone, on, periods, tuple(days))


def _may_be_due(
    day: dt.date, rules: RuleSet, posted: dict[str, tuple[uuid.UUID, dt.date]], on: dt.date
) -> bool:
    """Return whether a run of a day is due and the last one is not posted."""
    calendar = rules.market_rules.settlement_calendar
    first_due = min(run.lag_days for run in calendar) * ONE_DAY + day
    return first_due <= on and calendar[-1].run not in posted


def settle_range(
    session: Session,
    market: str,
    due: DueRange,
    *,
    now: dt.datetime,
    threads: int = 1,
    progress: Progress = no_progress,
    settle_days: Settle = settle,
) -> tuple[Settled, list[Posted]]:
    """Settle the days of a range and post what differs, in one transaction of the caller's.

    Args:
        settle_days: `settle`, or what settles a market that may be online.

    Raises:
        Refused: as `settle` and `post` do; nothing is written.
    """
    settled = settle_days(
        session,
        market,
        due.kind,
        due.first_day,
        due.last_day,
        known_at=now,
        now=now,
        threads=threads,
        progress=progress,
    )
    return settled, post(session, settled.run, now=now)


def list_late_readings(session: Session, market: str, *, known: dt.datetime) -> list[LateReadings]:
    """Return the readings that came after the last posted run of their day.

    Raises:
        Refused: no rules are known of the market, or of one of the days.
    """
    zone = _zone(session, market, known)
    arrived = store.arrivals(session, market, known, zone)
    if not arrived:
        return []
    days = [arrival.day for arrival in arrived]
    periods = rules_for_period(session, market, min(days), max(days), known)
    sealed = ledger.store.sealed_at(session, ((market, day) for day in days))
    terms = {day: _terms(market, day, rules, sealed) for day, rules in ruled_days(periods)}
    return late_readings(arrived, terms)


def _terms(
    market: str, day: dt.date, rules: RuleSet, sealed: Container[tuple[str, dt.date]]
) -> DayTerms:
    return DayTerms(
        rules.market_rules.settlement_calendar,
        rules.market_rules.meter_data.late_after_days,
        (market, day) in sealed,
    )


def list_following_days(
    session: Session, market: str, *, known: dt.datetime
) -> list[FollowingDays]:
    """Return the posted days that begin otherwise since: readings or law of days before them came.

    Raises:
        Refused: no rules are known of the market, or of one of the days.
    """
    zone = _zone(session, market, known)
    posted = store.last_posted(session, market)
    if not posted:
        return []
    periods = rules_for_period(session, market, posted[0].day, posted[-1].day, known)
    rules_of = dict(ruled_days(periods))
    posted = [each for each in posted if rules_of[each.day].allocation_policy.fair_play]
    after = min((each.known_at for each in posted), default=known)
    changed = store.last_received(session, market, SHARED_BY, after=after, known=known)
    first = first_day_of_term(first_day_of_term(periods[0].first_day) - ONE_DAY)
    ruled = store.law_last_changed(
        session, market, SERVED_BY, (first, periods[-1].last_day), zone, after=after, known=known
    )
    for day, moment in ruled.items():
        changed[day] = max(moment, changed.get(day, moment))
    if not changed:
        return []
    sealed = ledger.store.sealed_at(session, ((market, each.day) for each in posted))
    terms = {day: _terms(market, day, rules, sealed) for day, rules in rules_of.items()}

    def begins_otherwise(day: dt.date, then: dt.datetime) -> bool:
        period = RulePeriod(day, day, rules_of[day])
        before, now = (carried_before(session, market, [period], at) for at in (then, known))
        return before.owed_w != now.owed_w

    return following_days(posted, changed, terms, begins_otherwise)


def _zone(session: Session, market: str, known: dt.datetime) -> str:
    zone = time_zone(session, market, known)
    if zone is None:
        raise Refused(
            [
                Finding(
                    "no-rules",
                    market,
                    f"no market rules known at {known.isoformat()}",
                    "the calendar is that of published market rules",
                    "publish the market's rules, or correct the name of the market",
                )
            ]
        )
    return zone


def seal(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    *,
    sealed_by: str,
    reason: str,
    now: dt.datetime,
) -> list[Seal]:
    """Close settlement days: from then on nothing is posted, metered or ruled for them.

    A day that is sealed already keeps its seal and is returned with it.

    Raises:
        Refused: a day may not be sealed yet, its last run is not posted, or nobody or no reason is
            named; every finding is given.
    """
    # In the one order of all locks: readings, law, ledger. Held together, nothing comes to a day
    # between the look at it and its seal.
    lock_readings(session, market)
    lock_market(session, market)
    ledger.store.lock(session)
    periods = rules_for_period(session, market, first_day, last_day, now)
    posted: defaultdict[dt.date, list[str]] = defaultdict(list)
    for day, kind in ledger.queries.posted_runs(session, market, first_day, last_day):
        posted[day].append(kind)
    ruled = list(ruled_days(periods))
    sealed = ledger.store.sealed_at(session, ((market, day) for day, _ in ruled))
    days = [DayOnRecord(day, rules, posted[day], (market, day) in sealed) for day, rules in ruled]
    zone = periods[0].rules.market_rules.time_zone
    findings = list(seal_findings(market, days, day_of(now, zone)))
    if findings:
        raise Refused(findings)
    request = SealRequest(
        market, tuple(_instants(day, zone) for day, _ in ruled), sealed_by, reason
    )
    return ledger.sealing.seal_days(session, request, now)


def _instants(day: dt.date, zone: str) -> DayToSeal:
    return DayToSeal(day, day_start(day, zone), day_start(day + dt.timedelta(days=1), zone))
