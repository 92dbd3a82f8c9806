"""A day of a fairness report: its intervals, who was short in which of them, and where. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.quantities import plural
from portal.charts.chart import Chart
from portal.charts.times import Series, time_chart
from portal.charts.units import Unit
from portal.fairness.day_intervals import clock, interval_charts, said_of_prices
from portal.fairness.pictures import ENERGY, LATE, MISSED, PPM, interval_minutes
from portal.fairness.shown import Row, Table
from portal.fairness.words import NONE, Report
from portal.study_figures import energy
from settlement.core.periods import interval_starts

FIELDS = (("missed_wh", "short_ppm", MISSED), ("deferred_wh", "late_ppm", LATE))


@dataclass(frozen=True)
class DayShown:
    """A day of a report.

    Attributes:
        run: whose result of the day is posted.
        said: what is told of the day in a sentence.
        before, after: the days beside it that the report has; None at its ends.
    """

    day: dt.date
    run: str
    said: str
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    before: dt.date | None
    after: dt.date | None


def day_shown(report: Report, day: dt.date, zone: str) -> DayShown | None:
    """Return a day of a report; None where the report has none."""
    named = day.isoformat()
    short = {row["day"]: row for row in report["calendar"]}
    every = {row["day"]: row for row in report.get("by_interval", ())}
    if named not in short and named not in every:
        return None
    said, tables, charts = [], [], []
    if named in short:
        row = short[named]
        is_energy = "missed_wh" in row
        intervals = _intervals(report, row, day, zone) if is_energy else None
        said.append(_said(row, is_energy=is_energy, has_intervals=intervals is not None))
        tables += [_nodes_table(row, is_energy=is_energy)] if row["nodes"] else []
        if intervals is not None:
            tables.append(intervals)
            charts.append(_chart(row, day))
    if named in every:
        columns = every[named]["columns"]
        starts = interval_starts(day, zone, interval_minutes(report, zone))
        said.append(said_of_prices(columns))
        charts += interval_charts(columns, day, starts, zone, report["currency"])
    before, after = ((day + dt.timedelta(days=step)) for step in (-1, 1))
    known = {*short, *every}
    return DayShown(
        day,
        {**short, **every}[named]["run"],
        " ".join(said),
        tuple(tables),
        tuple(charts),
        before if before.isoformat() in known else None,
        after if after.isoformat() in known else None,
    )


def _said(row: Mapping[str, Any], *, is_energy: bool, has_intervals: bool) -> str:
    if not row["short_intervals"]:
        return "All was served when it was wanted."
    short = plural(row["short_intervals"], "settlement period")
    if not is_energy:
        return (
            f"In {short} something was refused for good or served late. Everybody is told the part "
            "of what was due; the energy of it is of those who oversee the market."
        )
    became = (
        f"{energy(row['missed_wh'])} was refused for good" if row["missed_wh"] else "",
        f"{energy(row['deferred_wh'])} was served late" if row["deferred_wh"] else "",
    )
    words = (
        f"In {short} not all was served when it was wanted: {', and '.join(filter(None, became))}."
    )
    if has_intervals:
        return words
    return f"{words} The report of the month tells each of them; that of a year tells days."


def _nodes_table(row: Mapping[str, Any], *, is_energy: bool) -> Table:
    def cells(node: Mapping[str, Any]) -> tuple[str, ...]:
        parts = tuple(NONE if node[ppm] is None else PPM.exact(node[ppm]) for _, ppm, _ in FIELDS)
        if not is_energy:
            return parts
        return (*(energy(node[wh]) for wh, _, _ in FIELDS), *parts)

    titles = tuple(title for _, _, title in FIELDS)
    of_due = tuple(f"{title}, of what was due" for title in titles)
    rows = tuple(Row(node["node"], cells(node)) for node in row["nodes"])
    columns = (*titles, *of_due) if is_energy else of_due
    return Table("Where", columns, rows, "Node")


def _intervals(report: Report, row: Mapping[str, Any], day: dt.date, zone: str) -> Table | None:
    """Return the settlement periods that were short, by the local clock; None where untold."""
    if "interval_missed_wh" not in row:
        return None
    starts = interval_starts(day, zone, interval_minutes(report, zone))
    values = zip(starts, row["interval_missed_wh"], row["interval_deferred_wh"], strict=True)
    rows = tuple(
        Row(clock(start, zone), (energy(missed), energy(late)), f"Period {number}")
        for number, (start, missed, late) in enumerate(values, start=1)
        if missed or late
    )
    return Table("When", (MISSED, LATE), rows, "From")


def _chart(row: Mapping[str, Any], day: dt.date) -> Chart:
    series: Sequence[Series] = [
        Series(title, tuple(row[f"interval_{wh}"])) for wh, _, title in FIELDS
    ]
    count = len(row["interval_missed_wh"])
    title = "Energy that was not served when it was wanted"
    return time_chart("periods", title, [(day, count)], series, Unit(ENERGY.name))
