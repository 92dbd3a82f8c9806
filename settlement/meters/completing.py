"""Stored readings made complete under the rules: what settles as it is, what is estimated, and what
must be refused. Nothing here knows the database; it asks the caller for the readings of other days.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from common.refusals import Finding
from rulebook.documents.base import MILLION
from rulebook.documents.meter_data import PROFILE
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.periods import interval_starts
from settlement.meters.estimation import (
    DAYS_A_WEEK,
    ONE_DAY,
    Estimate,
    Gap,
    KnownVector,
    Past,
    estimates_of,
)
from settlement.meters.quality import (
    BY_RULE,
    MISSING,
    UsedReadings,
    codes_of,
    estimated_energy_wh,
    is_flagged,
    is_metered,
)
from settlement.meters.readings import MeasuredDay, Readings, VectorKey
from settlement.meters.register import DEMAND, GENERATION, MEASURES, MeterTerms
from settlement.meters.resolution import (
    distance_minutes,
    hours_of_one_reading,
    on_a_coarser_grid,
    once_a_day,
)
from settlement.meters.terms import meter_register
from settlement.meters.unsettled import Unsettled

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MINUTES_PER_DAY = 24 * 60
LEAST_STORED = 2
"""Of a whole day that is known, two readings an hour apart and nothing else are no gaps."""

History = Callable[[dt.date, dt.date, Sequence[str]], Readings]
"""Returns the readings of some entities over consecutive days, as the run knows them."""


@dataclass(frozen=True, eq=False)
class Completed:
    """The readings of a run's days under their rules.

    Attributes:
        days: what is used, by day and measure; units and supply points of the day's rules alone.
        estimates: of each vector with estimates, those by interval.
        looked_at: the digests of the stored readings that estimation looked at.
        findings: why the run must be refused; the days are incomplete where there is one.
    """

    days: dict[dt.date, dict[str, UsedReadings]]
    estimates: dict[VectorKey, dict[int, Estimate]]
    looked_at: dict[VectorKey, bytes]
    findings: list[Finding]


def complete(readings: Readings, periods: Sequence[RulePeriod], history: History) -> Completed:
    """Return the readings of every day of the periods, complete or with every reason why not.

    What is estimated for a day depends on the stored readings and the day's rules, not on which
    other days are asked for. `history` is called at most once, and only if something is missing.
    """
    register = meter_register(periods)
    days = [
        _Day(readings, first + number * ONE_DAY, rules, terms, groups)
        for (first, last, rules), terms in zip(periods, register.terms, strict=True)
        for groups in (_groups(rules),)
        for number in range((last - first).days + 1)
    ]
    completed = Completed({}, {}, {}, [])
    gapped = [day for day in days if day.estimates and any(map(day.gapped, MEASURES))]
    stored = _stored(gapped, history) if gapped else None
    for day in days:
        completed.findings.extend(day.refused())
        if stored is not None and day.estimates:
            day.fill(stored, completed)
        completed.findings.extend(day.overestimated())
        completed.days[day.day] = day.used
    if stored is not None:
        completed.looked_at.update(stored.looked_at())
    return completed


def _stored(gapped: Sequence["_Day"], history: History) -> "_Stored":
    entities = sorted({entity for day in gapped for entity in day.asked_for()})
    weeks = max(step.weeks or 1 for day in gapped for step in day.rule.estimation)
    first, last = gapped[0].day - weeks * DAYS_A_WEEK * ONE_DAY, gapped[-1].day + ONE_DAY
    return _Stored(history(first, last, entities))


class _Stored:
    """Stored readings as estimation looks at them."""

    def __init__(self, readings: Readings) -> None:
        self._measured: defaultdict[str, dict[tuple[dt.date, str], KnownVector]] = defaultdict(dict)
        self.digests: dict[VectorKey, bytes] = {}
        for day, measures in readings.days.items():
            for measure, stored in measures.items():
                measured = is_metered(codes_of(stored.quality))
                for number, entity in enumerate(stored.entities):
                    vector = KnownVector(stored.values[number], measured[number])
                    self._measured[measure][day, entity] = vector
                    self.digests[day, measure, entity] = stored.digests[number]
        self._pasts: dict[tuple[str, str, int], Past] = {}

    def past(self, measure: str, time_zone: str, minutes: int) -> Past:
        """Return the vectors of a measure that split their day as the rules do."""
        key = (measure, time_zone, minutes)
        if key not in self._pasts:
            clock = _clock(time_zone, minutes)
            fitting = {
                (day, entity): vector
                for (day, entity), vector in self._measured[measure].items()
                if len(vector.values) == len(clock(day))
            }
            self._pasts[key] = Past(fitting, clock)
        return self._pasts[key]

    def looked_at(self) -> Iterator[tuple[VectorKey, bytes]]:
        """Yield each vector that estimation looked at, with its digest."""
        for (measure, _, _), past in self._pasts.items():
            for day, entity in past.looked_at:
                yield (day, measure, entity), self.digests[day, measure, entity]


@cache
def _clock(time_zone: str, minutes: int) -> Callable[[dt.date], Sequence[int]]:
    zone = ZoneInfo(time_zone)

    @cache
    def of_day(day: dt.date) -> Sequence[int]:
        local = (start.astimezone(zone) for start in interval_starts(day, time_zone, minutes))
        return [start.hour * 60 + start.minute for start in local]

    return of_day


class _Day:
    """One day being completed."""

    def __init__(
        self,
        readings: Readings,
        day: dt.date,
        rules: RuleSet,
        terms: MeterTerms,
        groups: "_Groups",
    ) -> None:
        self.day, self._terms, self._groups = day, terms, groups
        self._rules, self.rule = rules.market_rules, rules.market_rules.meter_data
        self._starts = interval_starts(day, self._rules.time_zone, self._rules.interval_minutes)
        self._why = Unsettled(readings.market, day, readings.known, self._starts)
        self._raw = readings.days.get(day, {})
        self._stated: dict[str, Flags] = {}
        self.used = {measure: self._stacked(measure) for measure in MEASURES}

    @property
    def estimates(self) -> bool:
        """Whether the rules estimate what is missing."""
        return self.rule.missing == "estimate"

    def _stacked(self, measure: str) -> UsedReadings:
        stored = self._raw.get(measure)
        place = {} if stored is None else {name: i for i, name in enumerate(stored.entities)}
        entities = tuple(
            name
            for name, entity in sorted(self._terms.entities.items())
            if measure in entity.limits and (measure not in entity.optional or name in place)
        )
        shape = (len(entities), len(self._starts))
        values, codes = np.zeros(shape, dtype=np.int64), np.full(shape, MISSING, dtype=np.int64)
        if stored is not None and self._fits(stored):
            known = [number for number, name in enumerate(entities) if name in place]
            rows = [place[entities[number]] for number in known]
            values[known] = stored.values[rows]
            if rows:
                codes[known] = codes_of([stored.quality[row] for row in rows])
        self._stated[measure] = codes != MISSING
        if self.rule.implausible == "estimate":
            codes[is_flagged(codes)] = MISSING
        # What stands under a missing reading means nothing, and must not come into a sum.
        values[codes == MISSING] = 0
        return UsedReadings(entities, values, codes)

    def _fits(self, stored: MeasuredDay) -> bool:
        return len(stored.quality[0]) == len(self._starts)

    def gapped(self, measure: str) -> list[tuple[int, str]]:
        """Return number and name of each entity with a missing interval."""
        used = self.used[measure]
        rows = np.flatnonzero((used.codes == MISSING).any(axis=1)).tolist()
        return [(row, used.entities[row]) for row in rows]

    def _coarser(self, measure: str) -> dict[int, int]:
        """Return the numbers of entities with readings of a coarser meter, and their minutes.

        All of the day or a stretch of it stand on the grid of such a meter: they came one by one,
        or before their resolution was stated. Between them nothing is missing: each was measured
        over the time to the next.
        """
        stated, minutes = self._stated[measure], self._rules.interval_minutes
        gapped = (self.used[measure].codes == MISSING).any(axis=1)
        whole = on_a_coarser_grid(stated, minutes, LEAST_STORED)
        partly = hours_of_one_reading(stated, minutes)
        return {
            row: distance_minutes(stated[row], minutes) if whole[row] else int(partly[row])
            for row in np.flatnonzero(gapped & (whole | (partly > 0))).tolist()
        }

    def asked_for(self) -> Iterator[str]:
        """Yield the entities whose readings an estimate of the day may look at."""
        for measure in MEASURES:
            with_profile = any(
                step.method == PROFILE and measure in step.measures for step in self.rule.estimation
            )
            for _, entity in self.gapped(measure):
                yield entity
                if with_profile:
                    yield from self._others(entity)

    def _others(self, entity: str) -> list[str]:
        """Return the others of a supply point's product, or of a unit's technology."""
        members = self._groups.members[self._groups.of[entity]]
        return [other for other in members if other != entity]

    def fill(self, stored: _Stored, completed: Completed) -> None:
        """Put estimates where readings are missing, and note what they rest on."""
        rules = self._rules
        for measure, used in self.used.items():
            steps = [
                (number, step)
                for number, step in enumerate(self.rule.estimation, start=1)
                if measure in step.measures
            ]
            past = stored.past(measure, rules.time_zone, rules.interval_minutes)
            coarser = self._coarser(measure)
            for row, entity in self.gapped(measure):
                if row in coarser:
                    continue
                if self._is_daily(measure, row, past):
                    completed.findings.append(
                        self._why.other_resolution(measure, entity, MINUTES_PER_DAY)
                    )
                    continue
                missing = used.codes[row] == MISSING
                limits = self._terms.entities[entity].believed(measure)
                gap = Gap(self.day, entity, missing, limits, self._others(entity))
                found = estimates_of(gap, steps, past)
                for interval, estimate in found.items():
                    used.values[row, interval] = estimate.value
                    used.codes[row, interval] = BY_RULE + estimate.step
                if found:
                    completed.estimates[self.day, measure, entity] = found
                unfilled = np.flatnonzero(used.codes[row] == MISSING).tolist()
                if unfilled:
                    tried = [step.method for _, step in steps]
                    completed.findings.append(
                        self._why.no_estimate(measure, entity, unfilled, tried)
                    )

    def _is_daily(self, measure: str, row: int, past: Past) -> bool:
        """Return whether a day and one beside it have one reading each, at the same time of day.

        Days that came one by one: of one alone nothing tells a day's energy from a gap.
        """
        place = _once(self._stated[measure][row])
        if place < 0:
            return False
        entity = self.used[measure].entities[row]
        # Not by `past.vector`: no estimate rests on them where this tells nothing.
        beside = (past.vectors.get((self.day + step, entity)) for step in (-ONE_DAY, ONE_DAY))
        return any(vector is not None and _once(vector.measured) == place for vector in beside)

    def refused(self) -> Iterator[Finding]:
        """Yield a finding for each vector that the rules do not let settle as it is stored."""
        for measure, used in self.used.items():
            stored = self._raw.get(measure)
            if stored is not None and not self._fits(stored):
                yield self._why.wrong_length(measure, stored.values.shape[1])
                continue
            if self.rule.implausible == "refuse":
                for row in np.flatnonzero(is_flagged(used.codes).any(axis=1)).tolist():
                    flagged = np.flatnonzero(is_flagged(used.codes[row])).tolist()
                    yield self._why.implausible(measure, used.entities[row], flagged)
            if self.estimates:
                for row, minutes in self._coarser(measure).items():
                    yield self._why.other_resolution(measure, used.entities[row], minutes)
                continue
            for row, entity in self.gapped(measure):
                if stored is not None and entity in stored.entities:
                    missing = np.flatnonzero(used.codes[row] == MISSING).tolist()
                    yield self._why.missing(measure, entity, missing)
                else:
                    yield self._why.no_reading(measure, entity)

    def overestimated(self) -> Iterator[Finding]:
        """Yield a finding where more of the day's energy is estimated than the rules allow."""
        limit_ppm = self.rule.estimated_at_most_ppm
        if limit_ppm is None:
            return
        for measure in (DEMAND, GENERATION):
            estimated_wh, whole_wh = estimated_energy_wh(self.used[measure])
            if estimated_wh * MILLION > limit_ppm * whole_wh:
                yield self._why.too_much_estimated(measure, estimated_wh, whole_wh, limit_ppm)


def _once(stated: Flags) -> int:
    """Return the place of the one reading of a day, as `once_a_day` counts it."""
    return int(once_a_day(stated[np.newaxis], np.array([len(stated)]))[0])


@dataclass(frozen=True)
class _Groups:
    of: Mapping[str, str]
    members: Mapping[str, Sequence[str]]


def _groups(rules: RuleSet) -> _Groups:
    of = {}
    for registration in rules.registrations:
        of.update({unit.unit: f"technology {unit.technology}" for unit in registration.units})
        of.update({p.supply_point: f"product {p.product}" for p in registration.supply_points})
        # What one sub-meter counts says nothing of another: each is a group of its own.
        of.update({m.sub_meter: f"sub-meter {m.sub_meter}" for m in registration.sub_meters})
    members: defaultdict[str, list[str]] = defaultdict(list)
    for entity, group in sorted(of.items()):
        members[group].append(entity)
    return _Groups(of, members)
