"""What the readings of settlement days lack: few days are looked at closely, all are counted."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from common.refusals import Finding
from rulebook.days import day_ranges
from rulebook.resolve import RulePeriod
from settlement.calendar.due import ONE_DAY
from settlement.calendar.store import vectors_by_day
from settlement.meters.terms import meter_register
from settlement.runs.inputs import completed_readings

NOTHING = "no readings at all"
WORDS = {
    "no-reading": "without readings",
    "missing-reading": "with gaps",
    "no-estimate": "with gaps that no rule fills",
    "implausible-reading": "implausible",
    "too-much-estimated": "estimated beyond the limit",
    "interval-count": "with the wrong number of intervals",
}
"""What a finding of a run says of the day's vectors, in a few words."""


def missing_readings(
    session: Session,
    market: str,
    periods: Sequence[RulePeriod],
    days: Sequence[dt.date],
    known: dt.datetime,
) -> dict[dt.date, tuple[Finding, ...]]:
    """Return what would refuse a run of some days; days of which nothing does are left out.

    Days whose vectors are all there and plainly measured are not looked at any closer.
    """
    if not days:
        return {}
    found = vectors_by_day(session, market, known)
    expected = _expected(periods)
    doubtful = [day for day in days if _is_doubtful(found, expected[day], day)]
    return {
        day: findings
        for first, last in day_ranges(doubtful)
        for day, findings in _findings(session, market, periods, first, last, known)
    }


def summarise_missing(findings: Iterable[Finding]) -> str:
    """Return what is missing in a few words, with counts.

    >>> summarise_missing([Finding("no-reading", "", "", "", "")] * 2)
    '2 without readings'
    """
    counts = Counter(WORDS.get(finding.code, finding.code) for finding in findings)
    return ", ".join(f"{count} {words}" for words, count in sorted(counts.items()))


def _expected(periods: Sequence[RulePeriod]) -> dict[dt.date, Counter[str]]:
    """Return how many vectors of each measure must be reported of each day."""
    expected: dict[dt.date, Counter[str]] = {}
    for (first, last, _), terms in zip(periods, meter_register(periods).terms, strict=True):
        counts: Counter[str] = Counter()
        for entity in terms.entities.values():
            counts.update(entity.limits.keys() - entity.optional)
        for offset in range((last - first).days + 1):
            expected[first + offset * ONE_DAY] = counts
    return expected


def _is_doubtful(
    found: Mapping[tuple[dt.date, str], tuple[int, int]], expected: Counter[str], day: dt.date
) -> bool:
    return any(
        vectors < count or doubtful > 0
        for measure, count in expected.items()
        for vectors, doubtful in (found.get((day, measure), (0, 0)),)
    )


def _findings(
    session: Session,
    market: str,
    periods: Sequence[RulePeriod],
    first: dt.date,
    last: dt.date,
    known: dt.datetime,
) -> Iterator[tuple[dt.date, tuple[Finding, ...]]]:
    """Yield the findings of each of consecutive days that has any."""
    within = [
        RulePeriod(max(first, start), min(last, end), rules)
        for start, end, rules in periods
        if start <= last and first <= end
    ]
    _, completed = completed_readings(session, market, within, known)
    if not completed.findings:
        return
    if first == last:
        yield first, tuple(completed.findings)
        return
    # A finding names its day only in words: halve the days until all that is found is of one.
    middle = first + (last - first) // 2
    yield from _findings(session, market, periods, first, middle, known)
    yield from _findings(session, market, periods, middle + ONE_DAY, last, known)
