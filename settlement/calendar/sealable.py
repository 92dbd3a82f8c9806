"""Whether settlement days may be sealed: pure, before anything is written."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from common.refusals import Finding
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
    """
    without_terms: list[dt.date] = []
    for on_record in days:
        if on_record.is_sealed:
            continue
        if on_record.rules.settlement_terms is None:
            without_terms.append(on_record.day)
        else:
            yield from _too_early(
                market, on_record, on_record.rules.settlement_terms.sealed_after_days, today
            )
        yield from _not_posted(market, on_record)
    if without_terms:
        yield Finding(
            "no-settlement-terms",
            f"{market} {without_terms[0]} to {without_terms[-1]}",
            f"no settlement terms in force on {len(without_terms)} of the days",
            "the settlement terms say from when a day may be sealed",
            "publish settlement terms with sealed_after_days for these days",
        )


def _too_early(
    market: str, on_record: DayOnRecord, sealed_after_days: int, today: dt.date
) -> Iterator[Finding]:
    first = on_record.day + dt.timedelta(days=sealed_after_days)
    if today < first:
        yield Finding(
            "seal-too-early",
            f"{market} {on_record.day}",
            f"asked for on {today}",
            f"it may be sealed {sealed_after_days} days after the day",
            f"seal it on {first} or later",
        )


def _not_posted(market: str, on_record: DayOnRecord) -> Iterator[Finding]:
    last = on_record.rules.market_rules.settlement_calendar[-1]
    if last.run not in on_record.posted:
        due = on_record.day + dt.timedelta(days=last.lag_days)
        yield Finding(
            "last-run-missing",
            f"{market} {on_record.day}",
            f"posted: {', '.join(on_record.posted) or 'nothing'}",
            f"the last run of the calendar, {last.run}, is posted before a day is sealed",
            f"settle and post {last.run}, due on {due}",
        )
