"""What leads further down from a report: its days, or the reports of its months."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.urls import reverse

from portal.days import period_of, period_words
from portal.fairness.pictures import day_words
from portal.fairness.reading import Listed
from portal.fairness.sections import DayAddress
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
WHOLE = "All days"


def days_section(
    report: Report, address: DayAddress, months: Iterable[Listed] = ()
) -> Iterator[Section]:
    """Yield the section that figures lead to: the days of a report, or the months of a longer one.

    Args:
        months: the kept reports of months in these days.
    """
    if report["days"] <= MOST_DAYS_WITH_INTERVALS:
        tables = tuple(days_tables(report, address))
        yield Section(DAYS, "Day by day", OF_DAYS, tables=tables)
    else:
        yield Section(DAYS, "Month by month", OF_MONTHS, tables=tuple(_months(report, months)))


def days_tables(report: Report, address: DayAddress) -> Iterator[Table]:
    """Yield what each day has of the figures, and in which intervals it was short."""
    parts = list(_part_rows(report, address))
    if parts:
        codes = _told(report)
        titles = tuple(FIGURE_OF[code].title for code in codes)
        yield Table("What each day has of the figures", titles, tuple(parts), "Day")
    if report["calendar"]:
        yield _short_days(report, address)


def _told(report: Report) -> list[str]:
    """Return the figures that are sums over intervals which the reader is told."""
    return [
        code
        for code, column in COLUMN_OF.items()
        if any(column in row["columns"] for row in report["by_interval"])
    ]


def _part_rows(report: Report, address: DayAddress) -> Iterator[Row]:
    codes, currency = _told(report), report["currency"]
    for row in report["by_interval"]:
        of_day = [row["columns"].get(COLUMN_OF[code]) for code in codes]
        cells = tuple(
            NONE if values is None else written(FIGURE_OF[code], sum(values), currency)
            for code, values in zip(codes, of_day, strict=True)
        )
        yield Row(day_words(row["day"]), cells, address=address(row["day"]))
    if report["by_interval"]:
        values = [figure_of(report, code)["value"] for code in codes]
        named = zip(codes, values, strict=True)
        yield Row(WHOLE, tuple(written(FIGURE_OF[code], value, currency) for code, value in named))


def _short_days(report: Report, address: DayAddress) -> Table:
    rows = tuple(
        Row(
            day_words(each["day"]),
            (
                str(each["short_intervals"]),
                exact_part(each["short_ppm"]),
                exact_part(each["late_ppm"]),
            ),
            address=address(each["day"]),
        )
        for each in report["calendar"]
    )
    columns = ("Intervals short", "Refused for good, of what was due", "Served late, of it")
    return Table("How short each day was", columns, rows, "Day")


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
