"""Days of readings that a market is fed with: loaded, completed by the law, made into events."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any
from market.core.events import Event, Kind, Outcome
from market.core.grid_state import NEVER_US
from market.feeding import Eve, FedReadings, day_events
from market.rules import required_online_market
from rulebook.law import rules_for_period
from settlement.meters.quality import UsedReadings, quality_words
from settlement.meters.readings import MeasuredDay
from settlement.meters.register import AVAILABLE, DEMAND
from settlement.meters.store import readings_known_at
from settlement.runs.inputs import completed_readings

FIRST_KNOWN = text(
    "SELECT least((SELECT min(day) FROM market.opening WHERE market = :market), "
    "(SELECT min(day) FROM market.submission WHERE market = :market AND kind = 'rules'))"
)
OUTCOMES = text(
    "SELECT outcome, count(*) FROM market.event WHERE market = :market "
    "AND day BETWEEN :first AND :last AND key = ANY(:keys) AND (day, key) IN ("
    "SELECT * FROM unnest(CAST(:days AS date[]), CAST(:keys AS text[]))) GROUP BY outcome"
)
KEYS_TOLD = text(
    "SELECT day, key FROM market.event WHERE market = :market AND day BETWEEN :first AND :last "
    "UNION ALL "
    "SELECT day, key FROM market.submission WHERE market = :market AND day BETWEEN :first AND :last"
)


def check_known(session: Session, market: str, day: dt.date) -> Iterator[Finding]:
    """Find that a day lies before the first of which a market knows law: its readings are nobody's.

    A market that was told nothing knows the first that it is told.
    """
    first = session.execute(FIRST_KNOWN, {"market": market}).scalar_one()
    if first is not None and day < first:
        yield Finding(
            "market-day-before",
            f"market {market}: day",
            str(day),
            f"{first} or later: the first day that it was told",
            "feed a later day; what was before is settled without the market online",
        )


def outcomes_of(session: Session, market: str, events: Sequence[Event]) -> Counter[Outcome]:
    """Return what became of events that are in the log, in counts."""
    days = [event.day for event in events]
    told = {"days": days, "keys": [event.key for event in events]}
    limits = {"market": market, "first": min(days), "last": max(days)}
    rows = session.execute(OUTCOMES, limits | told)
    return Counter({Outcome(outcome): count for outcome, count in rows})


def events_of_day(session: Session, market: str, day: dt.date, known: dt.datetime) -> list[Event]:
    """Return a day's readings as events in their order, as they settle by the law of the day.

    What the rules estimate is told as they estimate it, with the method in its quality. It has the
    revision of its vector, as it stands in place of what that does not say. What was read of the
    day before forecasts the coming hours; of whatever has a gap in it nothing is forecast.

    Args:
        known: up to when readings and law are known.

    Raises:
        Refused: the law of the day has no market online (`market-not-online`), there is no law, or
            readings are missing or may not settle; every one is named.
    """
    periods = rules_for_period(session, market, day, day, known)
    rules = periods[0].rules
    online = required_online_market(rules)
    stored, completed = completed_readings(session, market, periods, known)
    refuse_any(completed.findings)
    methods = [step.method for step in rules.market_rules.meter_data.estimation]
    measured, used = stored.days.get(day, {}), completed.days[day]
    return day_events(
        online,
        day,
        {
            measure: _fed(used[measure], measured.get(measure), methods)
            for measure in (AVAILABLE, DEMAND)
        },
        _eve(session, market, day - dt.timedelta(days=1), known),
    )


def _eve(session: Session, market: str, day: dt.date, known: dt.datetime) -> dict[str, Eve]:
    read = readings_known_at(session, market, day, day, known).days.get(day, {})
    eve = {}
    for measure in (AVAILABLE, DEMAND):
        if measure in read:
            whole = tuple(sorted(read[measure].without_gaps))
            eve[measure] = Eve(whole, read[measure].values_of(whole))
    return eve


def _fed(used: UsedReadings, stored: MeasuredDay | None, methods: Sequence[str]) -> FedReadings:
    revisions = dict(zip(stored.entities, stored.revisions, strict=True)) if stored else {}
    return FedReadings(
        used.entities,
        used.values,
        tuple(revisions.get(entity, 0) for entity in used.entities),
        tuple(tuple(quality_words(code, methods) for code in row) for row in used.codes.tolist()),
    )


@dataclass(frozen=True)
class Split:
    """A feed beside what the market was told before.

    Attributes:
        readings: events that it was told; of readings alone, as the same revision must say the
            same, where telemetry is what was said then, whatever was read later.
        before: how many events it was told, readings and others.
        rest: what it is still to be told.
    """

    readings: list[Event]
    before: int
    rest: list[Event]


def split_by_told(session: Session, market: str, events: Sequence[Event]) -> Split:
    """Return events of a feed by whether the market was told them.

    Up to the last moment that its clock was told to have reached, the day is lived through: there
    only readings are left to tell, such as a later revision.
    """
    days = [event.day for event in events]
    limits = {"market": market, "first": min(days), "last": max(days)}
    told = {(day, key) for day, key in session.execute(KEYS_TOLD, limits)}
    known = [event for event in events if (event.day, event.key) in told]
    reached_us = max((event.at_us for event in known if event.kind is Kind.CLOCK), default=NEVER_US)
    rest = [
        event
        for event in events
        if (event.day, event.key) not in told
        and (event.kind is Kind.READING or event.at_us >= reached_us)
    ]
    readings = [event for event in known if event.kind is Kind.READING]
    return Split(readings, len(known), rest)
