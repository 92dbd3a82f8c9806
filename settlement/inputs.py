"""What a run is computed from: rule periods, their pins, and the readings known at a moment."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from rulebook.findings import Finding, Refused
from rulebook.service import RuleSet
from settlement.compile import register_of
from settlement.core.engine import DayReadings, MarketModel
from settlement.core.periods import interval_count
from settlement.meter_store import Readings, readings_known_at
from settlement.posting import METERED_DEMAND, METERED_GENERATION
from settlement.runs import Pin

AVAILABLE = "available_w"


@dataclass(frozen=True, eq=False)
class RunInputs:
    """The rules of each period and the readings of each day, complete."""

    periods: Sequence[tuple[dt.date, dt.date, RuleSet]]
    pins: tuple[Pin, ...]
    days: list[dt.date]
    readings: Readings
    reading_digests: list[bytes]

    def values(self, day: dt.date, measure: str, entity: str) -> np.ndarray:
        """Return one day vector of readings."""
        return self.readings.vector(day, measure, entity).values

    def day_readings(self, day: dt.date, model: MarketModel) -> DayReadings:
        """Return a day's readings in the order of a model's units and supply points."""
        return DayReadings(
            day,
            np.stack([self.values(day, METERED_GENERATION, unit) for unit in model.units]),
            np.stack([self.values(day, AVAILABLE, unit) for unit in model.units]),
            np.stack([self.values(day, METERED_DEMAND, point) for point in model.supply_points]),
        )


def run_inputs(
    session: Session,
    market: str,
    periods: Sequence[tuple[dt.date, dt.date, RuleSet]],
    known_at: dt.datetime,
) -> RunInputs:
    """Load what a run needs.

    Raises:
        Refused: a reading is missing, or a day has the wrong number of intervals; every one is
            named.
    """
    first_day, last_day = periods[0][0], periods[-1][1]
    readings = readings_known_at(session, market, first_day, last_day, known_at)
    days, digests, missing = [], [], []
    for period_first, period_last, rules in periods:
        wanted = _wanted(rules)
        for offset in range((period_last - period_first).days + 1):
            day = period_first + dt.timedelta(days=offset)
            count = interval_count(
                day, rules.market_rules.time_zone, rules.market_rules.interval_minutes
            )
            days.append(day)
            for measure, entity in wanted:
                finding = _finding(readings, day, measure, entity, count)
                if finding:
                    missing.append(finding)
                else:
                    digests.append(readings.vector(day, measure, entity).digest)
    if missing:
        raise Refused(missing)
    return RunInputs(periods, _pins(periods), days, readings, digests)


def _wanted(rules: RuleSet) -> list[tuple[str, str]]:
    register = register_of(rules.registrations)
    wanted = [(METERED_DEMAND, point) for point in register.supply_points]
    wanted += [
        (measure, unit) for unit in register.units for measure in (AVAILABLE, METERED_GENERATION)
    ]
    return sorted(wanted)


def _finding(
    readings: Readings, day: dt.date, measure: str, entity: str, count: int
) -> Finding | None:
    place = f"reading {day} {measure} {entity}"
    vector = readings.find(day, measure, entity)
    if vector is None:
        return Finding(
            "missing-reading",
            place,
            "none",
            "every unit and supply point has readings for every settled day",
            "ingest the readings, or settle days that have them",
        )
    if len(vector.values) != count:
        return Finding(
            "interval-count",
            place,
            f"{len(vector.values)} intervals",
            f"the day has {count}",
            "ingest a revision under the rules in force",
        )
    return None


def _pins(periods: Sequence[tuple[dt.date, dt.date, RuleSet]]) -> tuple[Pin, ...]:
    return tuple(
        sorted(
            Pin(first_day, last_day, version.instrument, version.digest)
            for first_day, last_day, rules in periods
            for version in rules.versions
        )
    )
