"""What a run is computed from: rule periods, their pins, and the readings known at a moment."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sqlalchemy.orm import Session

from common.refusals import Refused
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.booked import OnlineDay
from settlement.core.contract_state import NOTHING_CARRIED, Carried
from settlement.core.engine import DayReadings, MarketModel, ResultTable
from settlement.core.fair_play_market import DayShares, shares_of_day
from settlement.core.fair_play_rules import FairPlay
from settlement.meters.completing import Completed, complete
from settlement.meters.estimation import Estimate
from settlement.meters.quality import UsedReadings, quality_tables
from settlement.meters.readings import Readings, VectorKey, rows_or_zero
from settlement.meters.register import AVAILABLE, DEMAND, DESIRED, GENERATION, RESERVE, SUB_METERED
from settlement.meters.store import readings_known_at
from settlement.meters.terms import ruled_days
from settlement.rules.register import register_of
from settlement.runs.computing import Period
from settlement.runs.contract_days import ContractDays, carried_digest
from settlement.runs.contract_history import carried_before
from settlement.runs.day_totals import DayTotal, day_totals
from settlement.runs.online_day_store import online_days_known_at
from settlement.runs.online_days import StoredOnlineDay
from settlement.runs.run import Pin


@dataclass(frozen=True, eq=False)
class RunInputs:
    """The rules of each period and the readings of each day, complete.

    Attributes:
        used: the readings of each day and measure as they settle, measured or estimated.
        estimates: of each vector with estimates by rule, those by interval.
        looked_at: the digest of every stored reading that the run rests on, of its own days and,
            where a rule looks further, of days before and after them.
        contracts: what Fair Play shares each day by, where its rules know it.
        online: what a market online handed over of days.
    """

    periods: Sequence[RulePeriod]
    pins: tuple[Pin, ...]
    days: list[dt.date]
    used: Mapping[dt.date, Mapping[str, UsedReadings]]
    estimates: Mapping[VectorKey, Mapping[int, Estimate]]
    looked_at: Mapping[VectorKey, bytes]
    contracts: ContractDays
    online: Mapping[dt.date, StoredOnlineDay] = field(default_factory=dict)

    @property
    def reading_digests(self) -> list[bytes]:
        """The digests of the readings looked at, by day, measure and entity.

        Then that of what the first day begins with, where its rules know Fair Play, and of what a
        market online handed over of each day of which something in it counts.
        """
        digests = [digest for _, digest in sorted(self.looked_at.items())]
        if self.knows_contracts:
            digests.append(carried_digest(self.contracts.before))
        return digests + [each.input_digest for each in self.counting]

    @property
    def counting(self) -> list[StoredOnlineDay]:
        """What was handed over of each day of which something counts, by day."""
        return [
            self.online[day]
            for day, rules in ruled_days(self.periods)
            if day in self.online and self.online[day].counts_in(rules)
        ]

    @property
    def knows_contracts(self) -> bool:
        """Whether Fair Play shares any of the days, so that what came before is an input."""
        return any(rules.allocation_policy.fair_play for _, _, rules in self.periods)

    def compiled(self) -> list[Period]:
        """Return the compiled rules of each period."""
        return [
            Period(first_day, last_day, self.contracts.model_on(first_day))
            for first_day, last_day, _ in self.periods
        ]

    def day_readings(self, day: dt.date, model: MarketModel) -> DayReadings:
        """Return what a day is settled from, in the order of a model's units, points and meters."""
        requests, metered = self.contracts.requests(day, model), self.metered(day, model)
        handed, online = self.online.get(day), None
        if handed is not None and handed.counts_in(self._rules_on(day)):
            online = handed.of_model(model, metered.demand_wh.shape[1])
        return replace(metered, requests=requests, online=online)

    def online_on(self, day: dt.date, model: MarketModel) -> OnlineDay | None:
        """Return what was handed over of a day, whether it counts or not; to be told beside."""
        handed = self.online.get(day)
        if handed is None or handed.said.interval_minutes != model.interval_minutes:
            return None
        return handed.of_model(model, len(handed.said.is_published))

    def _rules_on(self, day: dt.date) -> RuleSet:
        return next(rules for first, last, rules in self.periods if first <= day <= last)

    def share(self, model: MarketModel, rules: FairPlay, readings: DayReadings) -> DayShares:
        """Return how Fair Play shares a day, which what the next begins with follows from, too."""
        return self.contracts.shares(readings.day) or shares_of_day(model, rules, readings)

    def metered(self, day: dt.date, model: MarketModel) -> DayReadings:
        """Return a day's readings alone, without the requests that Fair Play shares it by."""
        used = self.used[day]
        return DayReadings(
            day,
            used[GENERATION].values_of(model.units),
            used[AVAILABLE].values_of(model.units),
            used[DEMAND].values_of(model.supply_points),
            rows_or_zero(used[RESERVE].entities, used[RESERVE].values, model.units),
            sub_metered_wh=used[SUB_METERED].values_of(model.sub_meters),
        )

    def day_totals(self, day: dt.date) -> list[DayTotal]:
        """Return the energy of a day as it settles, by measure and entity.

        What units generated is as metered; what supply points take is what their contracts served,
        where Fair Play says so.
        """
        shares = self.contracts.shares(day)
        if shares is None:
            return day_totals(day, self.used[day])
        points = self.contracts.model_on(day).supply_points
        return day_totals(day, self.used[day], dict(zip(points, shares.taken_wh, strict=True)))

    def further_tables(self, day: dt.date) -> list[ResultTable]:
        """Return what is stored of a day beside its settlement.

        It says how good the day's readings are, where they are not all plainly measured.
        """
        return [
            table
            for measure, used in self.used[day].items()
            for table in quality_tables(measure, used)
        ]


def run_inputs(
    session: Session,
    market: str,
    periods: Sequence[RulePeriod],
    known_at: dt.datetime,
) -> RunInputs:
    """Load what a run needs.

    Args:
        session: the caller's session.
        market: of the run.
        periods: the rules of its days.
        known_at: up to when readings were received that the run knows.

    Raises:
        Refused: a reading is missing and the rules do not estimate it, may not settle, or a day has
            the wrong number of intervals; every one is named.
    """
    completed = completed_readings(session, market, periods, known_at)
    days = periods[0].first_day, periods[-1].last_day
    online = online_days_known_at(session, market, *days, known_at)
    before = carried_before(session, market, periods, known_at)
    return inputs_of(periods, *completed, before, online)


def inputs_of(
    periods: Sequence[RulePeriod],
    readings: Readings,
    completed: Completed,
    before: Carried = NOTHING_CARRIED,
    online: Mapping[dt.date, StoredOnlineDay] = MappingProxyType({}),
) -> RunInputs:
    """Return what a run needs, from the readings as known and what the rules make of them.

    Args:
        periods: the rules of its days.
        readings: as known to the run.
        completed: what the rules make of them.
        before: what the first day begins with.
        online: what a market online handed over of days.

    Raises:
        Refused: see `run_inputs`.
    """
    if completed.findings:
        raise Refused(completed.findings)
    own = _own_digests(readings, periods)
    return RunInputs(
        periods,
        pins_of(periods),
        sorted(completed.days),
        completed.days,
        completed.estimates,
        # By key, as one reading may be looked at and settle: it is one input.
        {**completed.looked_at, **own},
        ContractDays(periods, completed.days, own, before, online),
        online,
    )


def completed_readings(
    session: Session,
    market: str,
    periods: Sequence[RulePeriod],
    known_at: dt.datetime,
) -> tuple[Readings, Completed]:
    """Return the stored readings of the periods, and what the rules make of them."""

    def history(first_day: dt.date, last_day: dt.date, entities: Sequence[str]) -> Readings:
        return readings_known_at(session, market, first_day, last_day, known_at, entities)

    first_day, last_day = periods[0].first_day, periods[-1].last_day
    readings = readings_known_at(session, market, first_day, last_day, known_at)
    return readings, complete(readings, periods, history)


def _own_digests(readings: Readings, periods: Sequence[RulePeriod]) -> dict[VectorKey, bytes]:
    """Return the digests of the readings that the run settles."""
    own: dict[VectorKey, bytes] = {}
    for day, rules in ruled_days(periods):
        register = register_of(rules.registrations)
        used = {
            AVAILABLE: set(register.units),
            DEMAND: set(register.supply_points),
            DESIRED: set(register.supply_points),
            GENERATION: set(register.units),
            RESERVE: set(register.units),
            SUB_METERED: set(register.sub_meters),
        }
        own.update(digests_of(readings, day, used))
    return own


def digests_of(
    readings: Readings, day: dt.date, used: Mapping[str, Set[str]]
) -> Iterator[tuple[VectorKey, bytes]]:
    """Yield the digest of each reading there is of a day, of the entities used by measure."""
    for measure, entities in used.items():
        measured = readings.days.get(day, {}).get(measure)
        if measured is None:
            continue
        for entity, digest in zip(measured.entities, measured.digests, strict=True):
            if entity in entities:
                yield (day, measure, entity), digest


def pins_of(periods: Sequence[RulePeriod]) -> tuple[Pin, ...]:
    """Return the pins of a run to the rules of its days, in their order."""
    return tuple(
        sorted(
            Pin(first_day, last_day, version.instrument, version.digest)
            for first_day, last_day, rules in periods
            for version in rules.versions
        )
    )
