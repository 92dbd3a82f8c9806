"""What a run is computed from: rule periods, their pins, and the readings known at a moment."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from rulebook.findings import Finding, Refused
from rulebook.resolve import RuleSet
from settlement.compile import register_of
from settlement.core.engine import DayReadings, MarketModel
from settlement.core.periods import interval_count
from settlement.meters.readings import MeasuredDay, Readings, missing_readings
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION, RESERVE
from settlement.meters.store import VectorKey, readings_known_at
from settlement.meters.terms import meter_register
from settlement.runs import Pin


@dataclass(frozen=True, eq=False)
class RunInputs:
    """The rules of each period and the readings of each day, complete.

    Attributes:
        looked_at: the digest of every stored reading that the run rests on, of its own days and,
            where a rule looks further, of days before and after them.
    """

    periods: Sequence[tuple[dt.date, dt.date, RuleSet]]
    pins: tuple[Pin, ...]
    days: list[dt.date]
    readings: Readings
    looked_at: Mapping[VectorKey, bytes]

    @property
    def reading_digests(self) -> list[bytes]:
        """The digests of the readings looked at, by day, measure and entity."""
        return [digest for _, digest in sorted(self.looked_at.items())]

    def day_readings(self, day: dt.date, model: MarketModel) -> DayReadings:
        """Return a day's readings in the order of a model's units and supply points."""
        measured = self.readings.days[day]
        return DayReadings(
            day,
            measured[GENERATION].values_of(model.units),
            measured[AVAILABLE].values_of(model.units),
            measured[DEMAND].values_of(model.supply_points),
            _reserve_w(measured.get(RESERVE), model.units, measured[AVAILABLE].values.shape[1]),
        )


def _reserve_w(
    measured: MeasuredDay | None, units: Sequence[str], intervals: int
) -> NDArray[np.int64]:
    """Return reserve held, shape (U, T); a unit without a reading of it held none."""
    held = np.zeros((len(units), intervals), dtype=np.int64)
    if measured is not None:
        place = {unit: number for number, unit in enumerate(units)}
        for entity, values in zip(measured.entities, measured.values, strict=True):
            if entity in place:
                held[place[entity]] = values
    return held


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
    register = meter_register(periods)
    readings = readings_known_at(session, market, periods[0][0], periods[-1][1], known_at)
    findings = [*missing_readings(readings, register), *_wrong_lengths(readings, periods)]
    if findings:
        raise Refused(findings)
    days = sorted(readings.days)
    return RunInputs(periods, _pins(periods), days, readings, _own_digests(readings, periods))


def _wrong_lengths(
    readings: Readings, periods: Sequence[tuple[dt.date, dt.date, RuleSet]]
) -> Iterator[Finding]:
    """Yield a finding where the rules in force split a day otherwise than its readings do."""
    for day, rules in _days(periods):
        count = interval_count(
            day, rules.market_rules.time_zone, rules.market_rules.interval_minutes
        )
        for measure, measured in readings.days.get(day, {}).items():
            if measured.values.shape[1] != count:
                yield Finding(
                    "interval-count",
                    f"{readings.market} {day} {measure}",
                    f"{measured.values.shape[1]} intervals",
                    f"the day has {count}",
                    "ingest a revision under the rules in force",
                )


def _own_digests(
    readings: Readings, periods: Sequence[tuple[dt.date, dt.date, RuleSet]]
) -> dict[VectorKey, bytes]:
    """Return the digests of the readings that the run settles."""
    own = {}
    for day, rules in _days(periods):
        register = register_of(rules.registrations)
        used = {
            AVAILABLE: set(register.units),
            DEMAND: set(register.supply_points),
            GENERATION: set(register.units),
            RESERVE: set(register.units),
        }
        for measure, entities in used.items():
            measured = readings.days[day].get(measure)
            if measured is None:
                continue  # only the optional: what must be there was checked
            for entity, digest in zip(measured.entities, measured.digests, strict=True):
                if entity in entities:
                    own[day, measure, entity] = digest
    return own


def _days(
    periods: Sequence[tuple[dt.date, dt.date, RuleSet]],
) -> Iterator[tuple[dt.date, RuleSet]]:
    for first_day, last_day, rules in periods:
        for offset in range((last_day - first_day).days + 1):
            yield first_day + dt.timedelta(days=offset), rules


def _pins(periods: Sequence[tuple[dt.date, dt.date, RuleSet]]) -> tuple[Pin, ...]:
    return tuple(
        sorted(
            Pin(first_day, last_day, version.instrument, version.digest)
            for first_day, last_day, rules in periods
            for version in rules.versions
        )
    )
