"""Whether settlement days may be sealed: pure, before anything is written."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from common.refusals import Finding
from rulebook.days import day_ranges, range_words, ranges_alike
from rulebook.resolve import RuleSet


@dataclass(frozen=True)
class DayOnRecord:
    """A settlement day as far as sealing it needs it.

    Attributes:
        rules: in force on the day.
        posted: run kinds that are posted for it, in order.
        is_sealed: whether it is sealed already, and stays so.
    """

    day: dt.date
    rules: RuleSet
    posted: Sequence[str]
    is_sealed: bool


def seal_findings(market: str, days: Iterable[DayOnRecord], today: dt.date) -> Iterator[Finding]:
    """Find each reason why days may not be sealed today, a day of the market.

    A day may be sealed from `sealed_after_days` after it, once the last run of its calendar is
    posted. One that is sealed already is passed over.

    Args:
        days: in order.
    """
    waiting = [day for day in days if not day.is_sealed]
    yield from _too_early(market, waiting, today)
    yield from _not_posted(market, waiting)
    yield from _without_terms(market, waiting)


def _too_early(market: str, days: Iterable[DayOnRecord], today: dt.date) -> Iterator[Finding]:
    early = (
        (on_record.day, terms.sealed_after_days)
        for on_record in days
        if (terms := on_record.rules.settlement_terms) is not None
        and today < _after(on_record.day, terms.sealed_after_days)
    )
    for first, last, sealed_after_days in ranges_alike(early):
        yield Finding(
            "seal-too-early",
            f"{market} {range_words(first, last)}",
            f"asked for on {today}",
            f"a day may be sealed {sealed_after_days} days after it",
            f"seal on {_after(last, sealed_after_days)} or later",
        )


def _not_posted(market: str, days: Iterable[DayOnRecord]) -> Iterator[Finding]:
    lacking = (
        (on_record.day, (last_run.run, last_run.lag_days, tuple(on_record.posted)))
        for on_record in days
        for last_run in on_record.rules.market_rules.settlement_calendar[-1:]
        if last_run.run not in on_record.posted
    )
    for first, last, (kind, lag_days, posted) in ranges_alike(lacking):
        yield Finding(
            "last-run-missing",
            f"{market} {range_words(first, last)}",
            f"posted: {', '.join(posted) or 'nothing'}",
            f"the last run of the calendar, {kind}, is posted before a day is sealed",
            f"settle and post {kind}, "
            f"due on {range_words(_after(first, lag_days), _after(last, lag_days))}",
        )


def _without_terms(market: str, days: Iterable[DayOnRecord]) -> Iterator[Finding]:
    without = [on_record.day for on_record in days if on_record.rules.settlement_terms is None]
    for first, last in day_ranges(without):
        yield Finding(
            "no-settlement-terms",
            f"{market} {range_words(first, last)}",
            "no settlement terms in force",
            "the settlement terms say from when a day may be sealed",
            "publish settlement terms with sealed_after_days for these days",
        )


def _after(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)
