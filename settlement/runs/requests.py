"""What Fair Play shares a day by, beside what was metered on it: requests, history and lottery.

All of it follows from the rules of the day and from readings as they were known to the run: of the
day, and of the local days before it that the rules let weigh in it. A day therefore comes out the
same whether it is settled alone or in a month.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.fair_play_day import History, no_history
from settlement.core.fair_play_market import history_of_day
from settlement.core.fair_play_rules import FairPlay, Requests
from settlement.core.model import DayReadings, MarketModel
from settlement.core.periods import interval_count
from settlement.meters.quality import MISSING, UsedReadings, codes_of, is_flagged
from settlement.meters.readings import MeasuredDay, Readings, VectorKey, rows_or_zero
from settlement.meters.register import AVAILABLE, DEMAND, DESIRED
from settlement.rules.register import register_of
from settlement.runs.day_memory import DayMemory
from settlement.runs.run import Pin, input_digest

HISTORY = "history of a day"


def history_days(rules: RuleSet) -> int:
    """Return how many days before a day its rules let weigh in it."""
    fair_play = rules.allocation_policy.fair_play
    return 0 if fair_play is None else fair_play.history_days


def first_day_of_history(periods: Sequence[RulePeriod]) -> dt.date:
    """Return the first day whose readings may weigh in a day of the periods."""
    return min(first - dt.timedelta(days=history_days(rules)) for first, _, rules in periods)


def history_digests(readings: Readings, periods: Sequence[RulePeriod]) -> dict[VectorKey, bytes]:
    """Return the digests of the readings that make the history of the days of the periods."""
    return {
        key: digest
        for first, last, rules in periods
        for day in _days_before(first, history_days(rules), last)
        for key, digest in digests_of(readings, day, _weighed(rules))
    }


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


@dataclass(frozen=True, eq=False)
class RequestsOfRun:
    """The requests of each day of a run, computed when asked for.

    Attributes:
        readings: as known to the run, from the first day of any history on.
        periods: the rules of the run's days.
        own_digests: of the stored readings that the run settles, by day, measure and entity.
        memory: of what days counted in the history of others, be it of another run.
    """

    readings: Readings
    periods: Sequence[RulePeriod]
    own_digests: Mapping[VectorKey, bytes]
    memory: DayMemory = field(default_factory=DayMemory)
    _histories: dict[tuple[dt.date, dt.date], History] = field(default_factory=dict)

    def of_day(self, day: dt.date, model: MarketModel, desired: UsedReadings) -> Requests | None:
        """Return the requests of a day of the run; None where its rules know no Fair Play.

        Args:
            desired: what is known of the day's requests beside the meter.
        """
        if model.fair_play is None:
            return None
        first, rules = next(
            (first, rules) for first, last, rules in self.periods if first <= day <= last
        )
        history = no_history(len(model.supply_points))
        for earlier in _days_before(day, model.fair_play.history_days):
            history += self._history(first, rules, earlier, model, model.fair_play)
        seed = self._seed(day, rules) if model.fair_play.terms.indivisible.any() else None
        return Requests(*_desired(desired, model.supply_points), history, seed)

    def _history(
        self,
        period: dt.date,
        rules: RuleSet,
        day: dt.date,
        model: MarketModel,
        fair_play: FairPlay,
    ) -> History:
        """Return what an earlier day counts under the rules of a period.

        Two threads may compute the same day at once; both find the same.
        """
        if (period, day) not in self._histories:
            readings = _earlier_readings(self.readings.days.get(day, {}), day, rules, model)
            self._histories[period, day] = (
                no_history(len(model.supply_points))
                if readings is None
                else self._history_of(model, fair_play, readings)
            )
        return self._histories[period, day]

    def _history_of(
        self, model: MarketModel, fair_play: FairPlay, readings: DayReadings
    ) -> History:
        key = self.memory.key_of(HISTORY, model, fair_play, readings)
        return self.memory.once(key, lambda: history_of_day(model, fair_play, readings))

    def _seed(self, day: dt.date, rules: RuleSet) -> bytes:
        """Return the digest of the day's rules and of its own and its history's readings."""
        # Of this day and not of the run: a day draws the same alone, in a month and in a replay.
        pins = [Pin(day, day, version.instrument, version.digest) for version in rules.versions]
        own = {key: digest for key, digest in self.own_digests.items() if key[0] == day}
        looked_at = own | history_digests(self.readings, [RulePeriod(day, day, rules)])
        return input_digest(pins, [digest for _, digest in sorted(looked_at.items())])


def _days_before(day: dt.date, count: int, last: dt.date | None = None) -> Iterator[dt.date]:
    """Yield the days from `count` days before a day to the eve of it, or of a last day."""
    first = day - dt.timedelta(days=count)
    if count:
        for offset in range(((last or day) - first).days):
            yield first + dt.timedelta(days=offset)


def _weighed(rules: RuleSet) -> dict[str, Set[str]]:
    """Return whose readings of an earlier day weigh in a later one, by measure."""
    register = register_of(rules.registrations)
    points = register.supply_points.keys()
    return {AVAILABLE: register.units.keys(), DEMAND: points, DESIRED: points}


def _earlier_readings(
    measured: Mapping[str, MeasuredDay], day: dt.date, rules: RuleSet, model: MarketModel
) -> DayReadings | None:
    """Return the readings of an earlier day as the rules and model of a later one see them.

    A unit without a reading had nothing available, a supply point without one desired nothing;
    nothing is estimated. A day counts if both were metered at all, in intervals as the rules have
    them.
    """
    market = rules.market_rules
    intervals = interval_count(day, market.time_zone, market.interval_minutes)
    believes = market.meter_data.implausible == "flag"
    weighed = {
        measure: _reported(measured[measure], believes=believes)
        for measure in _weighed(rules)
        if measure in measured and measured[measure].values.shape[1] == intervals
    }
    if not {AVAILABLE, DEMAND} <= weighed.keys():
        return None
    points = model.supply_points
    available, demand = weighed[AVAILABLE], weighed[DEMAND]
    desired = weighed.get(DESIRED, UsedReadings((), demand.values[:0], demand.codes[:0]))
    return DayReadings(
        day,
        # What is shared follows from availability; generation plays no part in it.
        np.zeros((len(model.units), intervals), dtype=np.int64),
        rows_or_zero(available.entities, available.values, model.units),
        rows_or_zero(demand.entities, demand.values, points),
        requests=Requests(*_desired(desired, points), no_history(len(points))),
    )


def _reported(measured: MeasuredDay, *, believes: bool) -> UsedReadings:
    """Return stored readings with 0 where one is missing, or implausible and not believed."""
    codes = codes_of(measured.quality)
    dropped = (codes == MISSING) | (is_flagged(codes) & (not believes))
    return UsedReadings(measured.entities, np.where(dropped, 0, measured.values), codes)


def _desired(
    desired: UsedReadings, points: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the requests known beside the meter, and of which supply points they are known."""
    known = set(desired.entities)
    is_known = np.array([point in known for point in points], dtype=np.bool_)
    return rows_or_zero(desired.entities, desired.values, points), is_known
