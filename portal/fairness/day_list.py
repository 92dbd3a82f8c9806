"""What leads further down from a report: its days, or the reports of its months."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.urls import reverse

from portal.days import period_of, period_words
from portal.fairness.pictures import day_words
from portal.fairness.reading import Listed
from portal.fairness.sections import DayAddress, known_of
from portal.fairness.shown import DAYS, Row, Section, Table
from portal.fairness.summary import figure_of, short_headline
from portal.fairness.words import NONE, exact_part, written
from settlement.fairness.definitions import FIGURE_OF
from settlement.fairness.intervals import COLUMN_OF, MOST_DAYS_WITH_INTERVALS

Report = Mapping[str, Any]

OF_DAYS = (
    "Each day leads to its intervals: prices and by which layer they bind, tightness, and, for "
    "those who oversee the market, energy, charges, payments and carbon. What figures have of "
    "days adds up to them; others are ratios, indices or counts of the same intervals.",
)
OF_MONTHS = (
    "A year is made of its months: the report of each leads to its days, and they to their "
    "intervals.",
)
ALL_DAYS = "All days"
SHORT = ("Intervals short", "Refused for good, of what was due", "Served late, of it")


def days_section(
    report: Report, address: DayAddress, months: Iterable[Listed] = ()
) -> Iterator[Section]:
    """Yield the section that figures lead to: the days of a report, or the months of a longer one.

    Args:
        months: the kept reports of months in these days.
    """
    if report["days"] <= MOST_DAYS_WITH_INTERVALS:
        tables = known_of([_days_table(report, address)])
        yield Section(DAYS, "Day by day", OF_DAYS, tables=tuple(tables))
    else:
        yield Section(DAYS, "Month by month", OF_MONTHS, tables=tuple(_months(report, months)))


def _days_table(report: Report, address: DayAddress) -> Table:
    """Return in which intervals each day was short, and what it has of figures that are sums."""
    short = {row["day"]: row for row in report["calendar"]}
    every = {row["day"]: row["columns"] for row in report["by_interval"]}
    codes = [
        code
        for code, column in COLUMN_OF.items()
        if any(column in columns for columns in every.values())
    ]
    currency = report["currency"]

    def parts(columns: Mapping[str, Any]) -> Iterator[str]:
        for code in codes:
            values = columns.get(COLUMN_OF[code])
            yield NONE if values is None else written(FIGURE_OF[code], sum(values), currency)

    rows = [
        Row(
            day_words(day),
            (*_shortness(short.get(day)), *parts(every.get(day, {}))),
            address=address(day),
        )
        for day in sorted({*short, *every})
    ]
    whole = (written(FIGURE_OF[code], figure_of(report, code)["value"], currency) for code in codes)
    rows.append(Row(ALL_DAYS, (NONE, NONE, NONE, *whole)))
    titles = (*SHORT, *(FIGURE_OF[code].title for code in codes))
    return Table("What each day has of the figures", titles, tuple(rows), "Day")


def _shortness(row: Mapping[str, Any] | None) -> tuple[str, ...]:
    if row is None:
        return (NONE,) * len(SHORT)
    parts = (exact_part(row[name]) for name in ("short_ppm", "late_ppm"))
    return (str(row["short_intervals"]), *parts)


def _months(report: Report, months: Iterable[Listed]) -> Iterator[Table]:
    """Yield the kept reports of months, the first month first."""
    rows = tuple(
        Row(
            period_words(each.first_day, each.last_day),
            (short_headline(each.said),),
            address=reverse(
                "fairness-report", args=[each.market, period_of(each.first_day, each.last_day)]
            ),
        )
        for each in sorted(months, key=lambda each: each.first_day)
    )
    columns = ("What it says",)
    if rows:
        yield Table("Reports of its months", columns, rows, "Month", texts=frozenset(columns))
    else:
        command = f"manage.py fairness {report['market']} --month {report['first_day'][:7]} --keep"
        lead = f"No report of a month of it is kept. The operator keeps one by {command}."
        yield Table("Reports of its months", columns, (), "Month", lead)
