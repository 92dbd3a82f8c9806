"""How good the readings of a market are: counted before a run, and as a run used them."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from common.refusals import Finding
from rulebook.law import rules_for_period
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.periods import interval_count
from settlement.meters.quality import MEASURED, QUALITY, WORDS, quality_words
from settlement.meters.register import MEASURE_TITLES, MEASURES
from settlement.meters.terms import meter_register, ruled_days
from settlement.runs.inputs import completed_readings
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run
from settlement.runs.store import series

CodeCounts = Counter[tuple[int, str]]
"""Intervals by code of quality and its words, so that words sort by their code."""


@dataclass(frozen=True)
class QualityCounts:
    """How many intervals of a measure, of one entity or of all, have which quality.

    Attributes:
        entity: empty where all are counted together.
        intervals: by the words of the quality, best first; none of them zero.
    """

    measure: str
    entity: str
    intervals: Mapping[str, int]

    @property
    def title(self) -> str:
        """What people call the measure."""
        return MEASURE_TITLES[self.measure]

    @property
    def is_measured(self) -> bool:
        """Whether all was plainly measured."""
        return self.intervals.keys() <= {WORDS[MEASURED]}


@dataclass(frozen=True)
class QualityReport:
    """What a run of the days would use, and why it would refuse.

    Attributes:
        measures: counts of every measure, over all entities.
        entities: counts of every entity and measure.
        findings: what a run would be refused with; none where it would settle.
    """

    market: str
    first_day: dt.date
    last_day: dt.date
    known: dt.datetime
    measures: tuple[QualityCounts, ...]
    entities: tuple[QualityCounts, ...]
    findings: tuple[Finding, ...]


def reading_quality(
    session: Session, market: str, first_day: dt.date, last_day: dt.date, *, known: dt.datetime
) -> QualityReport:
    """Return how good the readings of some days are under the rules in force on them.

    Raises:
        Refused: no rules are in force on one of the days.
    """
    periods = rules_for_period(session, market, first_day, last_day, known)
    _, completed = completed_readings(session, market, periods, known)
    counts: dict[tuple[str, str], CodeCounts] = {}
    for day, rules in ruled_days(periods):
        methods = _methods(rules)
        for measure, used in completed.days[day].items():
            for entity, codes in zip(used.entities, used.codes, strict=True):
                counts.setdefault((measure, entity), Counter()).update(_counted(codes, methods))
    return QualityReport(
        market,
        first_day,
        last_day,
        known,
        tuple(_by_measure(counts)),
        tuple(_counts(measure, entity, found) for (measure, entity), found in _sorted(counts)),
        tuple(completed.findings),
    )


def run_quality(session: Session, run: Run) -> tuple[QualityCounts, ...]:
    """Return how good the readings were that a run used, by measure, from what it stored.

    A measure that need not be reported stands there only where some of it was not measured.
    """
    counts: dict[tuple[str, str], CodeCounts] = {}
    periods = pinned_periods(session, run)
    methods = {day: _methods(rules) for day, rules in ruled_days(periods)}
    expected = _expected(periods)
    names = {QUALITY + measure: measure for measure in MEASURES}
    for vector in series(session, run.id, names):
        found = _counted(vector.values, methods[vector.day])
        measure = names[vector.measure]
        counts.setdefault((measure, ""), Counter()).update(found)
        expected[measure] -= len(vector.values)
    for measure, intervals in expected.items():
        if intervals > 0:
            counts.setdefault((measure, ""), Counter())[MEASURED, WORDS[MEASURED]] += intervals
    return tuple(_by_measure(counts))


def _expected(periods: Sequence[RulePeriod]) -> Counter[str]:
    """Return how many intervals of each measure must be reported over the periods."""
    expected: Counter[str] = Counter()
    register = meter_register(periods)
    for period, terms in zip(periods, register.terms, strict=True):
        law = period.rules.market_rules
        intervals = sum(
            interval_count(day, law.time_zone, law.interval_minutes) for day in period.days
        )
        for entity in terms.entities.values():
            for measure in entity.limits.keys() - entity.optional:
                expected[measure] += intervals
    return expected


def _counted(codes: np.ndarray, methods: Sequence[str]) -> CodeCounts:
    if codes.size and np.all(codes == codes[0]):  # as on most days: nothing to sort
        code = int(codes[0])
        return Counter({(code, quality_words(code, methods)): codes.size})
    found, times = np.unique(codes, return_counts=True)
    return Counter(
        {
            (code, quality_words(code, methods)): count
            for code, count in zip(found.tolist(), times.tolist(), strict=True)
        }
    )


def _methods(rules: RuleSet) -> list[str]:
    return [step.method for step in rules.market_rules.meter_data.estimation]


def _by_measure(counts: Mapping[tuple[str, str], CodeCounts]) -> Iterator[QualityCounts]:
    for measure in MEASURES:
        whole: CodeCounts = Counter()
        for (name, _), found in counts.items():
            whole += found if name == measure else Counter()
        if whole:
            yield _counts(measure, "", whole)


def _sorted(
    counts: Mapping[tuple[str, str], CodeCounts],
) -> list[tuple[tuple[str, str], CodeCounts]]:
    return sorted(counts.items(), key=lambda item: (MEASURES.index(item[0][0]), item[0][1]))


def _counts(measure: str, entity: str, found: CodeCounts) -> QualityCounts:
    """Return counts by words; two codes of the same words, under changed rules, are one."""
    intervals: dict[str, int] = {}
    for (_, words), count in sorted(found.items()):
        intervals[words] = intervals.get(words, 0) + count
    return QualityCounts(measure, entity, intervals)
