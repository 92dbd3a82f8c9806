"""The pictures of a fairness report, each with its table. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from common.quantities import plural
from portal.charts.bars import bar_chart
from portal.charts.chart import NOTHING, Chart, Table
from portal.charts.heat import HeatRow, heat_chart
from portal.charts.lines import WHOLE_PPM, Line, line_chart, lorenz_chart
from portal.charts.palette import SERIES
from portal.charts.promises import Promise, promise_chart
from portal.charts.units import Unit
from portal.fairness.holarchy import Shortness, short_map
from portal.fairness.words import MARKET, Report, design_title
from portal.study_tables import DESIGNS
from rulebook.days import day_start
from rulebook.documents import GridModel
from settlement.core.periods import interval_starts
from settlement.fairness.intervals import MOST_DAYS_WITH_INTERVALS

DayRow = Mapping[str, Any]

ENERGY, PPM = Unit("Wh"), Unit("ppm")
SLOT_MINUTES = 30
"""No finer than half an hour: a column of five minutes could not be told from the next."""
NAMED_HOURS = 4
MISSED, LATE = "Refused for good", "Served late"
WHEN = (
    "Energy counts where it was missed, at the close of its window, or where it was served late; "
    "times are local."
)
TWICE = "Where the clock was turned back, the hour that came twice stands in one, both together."


def promises_chart(report: Report) -> Chart | None:
    """Return what was delivered of each product beside its promise; None without promises."""
    rows = [
        Promise(
            product_name(row),
            row["promised_ppm"],
            row["delivered_ppm"],
            all_kept=row["promises_kept"] == row["promises"],
        )
        for row in report["products"]
        if row["promised_ppm"] is not None and row["promises"]
    ]
    if not rows:
        return None
    return promise_chart("promises", "Delivered of what was due, by product", "Product", rows)


def convergence_chart(report: Report) -> Chart | None:
    """Return how far each product was behind its promise, at the node that was most, day by day.

    None where none was at the end of any day. Of more products than lines can be told apart it has
    those that were most behind: the table of all stands beside it.
    """
    first, last = (dt.date.fromisoformat(report[key]) for key in ("first_day", "last_day"))
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    most: dict[str, dict[str, int]] = {}
    for row in report.get("convergence", ()):
        of_product = most.setdefault(row["product"], {})
        for each in row["days"]:
            of_product[each["day"]] = max(of_product.get(each["day"], 0), each["shortfall_ppm"])
    if not most:
        return None
    drawn = sorted(most, key=lambda product: (-max(most[product].values()), product))[: len(SERIES)]
    series = [
        Line(
            product,
            tuple((n, most[product].get(day.isoformat(), 0)) for n, day in enumerate(days, 1)),
        )
        for product in sorted(drawn)
    ]
    title = "Behind the promise of the month where a day ends, at the node that is most"
    if len(drawn) < len(most):
        title = f"{title}; of {len(most)} products the {len(drawn)} that were most"
    return line_chart("convergence", title, ("Day", Unit("days")), series, PPM, len(days))


def product_name(row: Mapping[str, Any]) -> str:
    """Return what a product is called: by its letters, and in words."""
    return f"{row['product']} {row['title']}"


def access_chart(report: Report) -> Chart | None:
    """Return the Lorenz curves of what households get, of the market and of other designs."""
    sides = {MARKET: report["access"], **access_of_designs(report)}
    curves = [
        (design_title(design), access["households"]["lorenz_ppm"])
        for design, access in sides.items()
        if access["households"]["lorenz_ppm"]
    ]
    # Rounded down, the last tenth may be a part per million short of the whole; it is the whole.
    whole = [(name, [*curve[:-1], WHOLE_PPM]) for name, curve in curves]
    if not whole:
        return None
    title = "Energy delivered of what was wanted, by tenths of the households"
    return lorenz_chart("lorenz", title, "households", whole, "get")


def access_of_designs(report: Report) -> dict[str, Mapping[str, Any]]:
    """Return the evenness of service of each other design that was put beside, in their order."""
    beside = report.get("designs") or {}
    return {design: beside[design]["access"] for design in DESIGNS if design in beside}


def reward_chart(report: Report) -> Chart | None:
    """Return by technology how much more of the pots it gets than it contributes."""
    rows = [
        (row["technology"], row["reward_share_ppm"] - row["shapley_share_ppm"])
        for row in report.get("technologies", ())
        if row["reward_share_ppm"] is not None and row["shapley_share_ppm"] is not None
    ]
    if not rows:
        return None
    title = "Share of the pots less share of the contribution, by technology"
    return bar_chart("reward", title, "Technology", rows, PPM)


def burden_chart(report: Report) -> Chart | None:
    """Return by product how much less of the cost it bears than of the burden that it is."""
    rows = [
        (product_name(row), row["tight_share_ppm"] - row["cost_share_ppm"])
        for row in report["products"]
        if row["tight_share_ppm"] is not None and row["cost_share_ppm"] is not None
    ]
    if not rows:
        return None
    title = "Share of the energy of tight intervals less share of the cost, by product"
    return bar_chart("burden", title, "Product", rows, PPM)


def place_map(report: Report, grid: GridModel | None) -> Chart | None:
    """Return the map of the holarchy; None where nothing was short, or there is no map.

    By energy where all of it may be told, else by the part of what was due.
    """
    rows = {row["holon"]: row for row in report["places"] if row["product"] is None}
    if all(row["missed_wh"] is not None for row in rows.values()):
        title, short = "Where energy was not served when it was wanted", _short_energy(rows)
    else:
        title, short = "Where energy that was due was refused for good", _short_parts(rows)
    if grid is None or not any(short.amounts.values()):
        return None  # no map of nothing: the words say that nobody was short
    return short_map("places", title, grid, short)


def _short_energy(rows: Mapping[str, DayRow]) -> Shortness:
    """Return parts of what was due, so that large places and small ones can be compared."""
    short = {
        # Rounded up: what little there was is shaded.
        holon: -(-unserved_wh(row) * WHOLE_PPM // row["matured_wh"]) if row["matured_wh"] else 0
        for holon, row in rows.items()
    }
    figures = {
        holon: (
            ENERGY.exact(row["missed_wh"]),
            ENERGY.exact(row["deferred_wh"]),
            PPM.exact(short[holon]),
        )
        for holon, row in rows.items()
    }
    return Shortness(short, (MISSED, LATE, "Both, of what was due"), figures, PPM)


def _short_parts(rows: Mapping[str, DayRow]) -> Shortness:
    refused = {
        holon: WHOLE_PPM - row["delivered_ppm"]
        for holon, row in rows.items()
        if row["delivered_ppm"] is not None
    }
    written = {holon: (PPM.exact(value),) for holon, value in refused.items()}
    return Shortness(refused, (f"{MISSED}, of what was due",), written, PPM)


def calendar_chart(report: Report, zone: str) -> Chart | None:
    """Return when energy was not served when it was wanted: half-hours of days, or days of months.

    What everybody is told of a day is the part of what was due, and of its intervals nothing. None
    where nobody was short, or service is not known.
    """
    days = report["calendar"]
    if not any(row["short_intervals"] for row in days):
        return None
    if any("missed_wh" not in row for row in days):
        return _months_chart(days, PPM)
    if len(days) > MOST_DAYS_WITH_INTERVALS:
        return _months_chart(days, ENERGY)
    return _days_chart(report, days, zone)


def unserved_wh(row: DayRow) -> int:
    """Return the energy that was not served when it was wanted."""
    return int(row["missed_wh"]) + int(row["deferred_wh"])


def _unserved_ppm(row: DayRow) -> int:
    """Return what was not served when it was wanted, as a part of what was due."""
    return (row["short_ppm"] or 0) + (row["late_ppm"] or 0)


VALUES = {ENERGY: unserved_wh, PPM: _unserved_ppm}
FIELDS = {ENERGY: ("missed_wh", "deferred_wh"), PPM: ("short_ppm", "late_ppm")}
"""By unit, what a day is shaded by, and what it is made of."""


def _months_chart(days: Sequence[DayRow], unit: Unit) -> Chart:
    short = {dt.date.fromisoformat(row["day"]): row for row in days}
    months: dict[dt.date, list[DayRow]] = {}
    for day in sorted(short):
        months.setdefault(day.replace(day=1), []).append(short[day])
    rows = [HeatRow(f"{month:%b}", tuple(_days_of(month, short, unit))) for month in months]
    columns = [(day - 1, str(day)) for day in (1, 5, 10, 15, 20, 25, 30)]
    title = "When energy was not served when it was wanted, by day"
    if unit == ENERGY:
        of_months = tuple(_month_row(month, of_month) for month, of_month in months.items())
        table = Table(("Month", "Days short", MISSED, LATE, "Most on"), of_months, WHEN)
    else:
        titles = (
            "Day",
            "Intervals short",
            *(f"{name}, of what was due" for name in (MISSED, LATE)),
        )
        table = Table(titles, tuple(map(_part_row, filter(_unserved_ppm, days))), WHEN)
    return heat_chart("calendar", title, rows, columns, unit, _said(days, unit), table)


def _days_of(month: dt.date, short: Mapping[dt.date, DayRow], unit: Unit) -> Iterator[int | None]:
    for number in range(1, 32):
        try:
            day = month.replace(day=number)
        except ValueError:
            yield None
        else:
            yield VALUES[unit](short[day]) if day in short else None


def _month_row(month: dt.date, days: Sequence[DayRow]) -> tuple[str, ...]:
    missed, late = (sum(row[key] for row in days) for key in FIELDS[ENERGY])
    worst = max(days, key=unserved_wh)
    count = sum(1 for row in days if unserved_wh(row))
    most = day_words(worst["day"]) if unserved_wh(worst) else NOTHING
    return (f"{month:%B %Y}", str(count), ENERGY.exact(missed), ENERGY.exact(late), most)


def _part_row(row: DayRow) -> tuple[str, ...]:
    parts = (PPM.exact(row[key] or 0) for key in FIELDS[PPM])
    return (day_words(row["day"]), str(row["short_intervals"]), *parts)


def _days_chart(report: Report, days: Sequence[DayRow], zone: str) -> Chart:
    minutes = interval_minutes(report, zone)
    slot = max(minutes, SLOT_MINUTES)
    clocks = {row["day"]: local_slots(row["day"], zone, minutes, slot) for row in days}
    rows = [HeatRow(day_words(row["day"])[:-5], _slots(row, clocks[row["day"]], slot))
            for row in days]  # fmt: skip
    hours = range(0, 24, NAMED_HOURS)
    columns = [(hour * 60 // slot, f"{hour:02}:00") for hour in hours]
    is_twice = any(len(set(of_day)) < len(of_day) * minutes // slot for of_day in clocks.values())
    note = f"{WHEN} {TWICE}" if is_twice else WHEN
    table = Table(
        ("Day", "Intervals short", MISSED, LATE, "Most at"),
        tuple(_day_row(row, zone, minutes) for row in days if unserved_wh(row)),
        f"{_quiet(days)} {note}",
    )
    title = "When energy was not served when it was wanted, by time of day"
    return heat_chart("calendar", title, rows, columns, ENERGY, _said(days, ENERGY), table)


def interval_minutes(report: Report, zone: str) -> int:
    """Return how long an interval is, from how many there are in the days of a report."""
    first, last = (dt.date.fromisoformat(report[key]) for key in ("first_day", "last_day"))
    whole = day_start(last + dt.timedelta(days=1), zone) - day_start(first, zone)
    return int(whole.total_seconds()) // 60 // int(report["intervals"])


def local_slots(day: str, zone: str, minutes: int, slot: int) -> list[int]:
    """Return in which part of the local day each interval begins.

    >>> slots = local_slots("2024-03-31", "Europe/London", 30, 30)
    >>> len(slots), slots[:3], slots[-1]
    (46, [0, 1, 4], 47)
    """
    starts = interval_starts(dt.date.fromisoformat(day), zone, minutes)
    local = (start.astimezone(ZoneInfo(zone)) for start in starts)
    return [(start.hour * 60 + start.minute) // slot for start in local]


def _quiet(days: Sequence[DayRow]) -> str:
    count = sum(1 for row in days if not unserved_wh(row))
    return f"On {plural(count, 'other day')} all was served when it was wanted."


def _slots(row: DayRow, slots: Sequence[int], slot: int) -> tuple[int | None, ...]:
    found: list[int | None] = [None] * (24 * 60 // slot)
    for at, value in zip(slots, interval_wh(row, len(slots)), strict=True):
        found[at] = (found[at] or 0) + value
    return tuple(found)


def interval_wh(row: DayRow, count: int) -> list[int]:
    """Return what was not served when it was wanted in each interval; a day may tell none."""
    nothing = [0] * count
    missed, late = (row.get(f"interval_{key}") or nothing for key in ("missed_wh", "deferred_wh"))
    return [of_missed + of_late for of_missed, of_late in zip(missed, late, strict=True)]


def _day_row(row: DayRow, zone: str, minutes: int) -> tuple[str, ...]:
    most = NOTHING
    if unserved_wh(row):
        starts = interval_starts(dt.date.fromisoformat(row["day"]), zone, minutes)
        values = interval_wh(row, len(starts))
        worst = starts[max(range(len(values)), key=values.__getitem__)]
        most = f"{worst.astimezone(ZoneInfo(zone)):%H:%M}"
    short = ENERGY.exact(row["missed_wh"]), ENERGY.exact(row["deferred_wh"])
    return (day_words(row["day"]), str(row["short_intervals"]), *short, most)


def _said(days: Sequence[DayRow], unit: Unit) -> str:
    value = VALUES[unit]
    short = [row for row in days if value(row)]
    if not short:
        return f"On all {len(days)} days all was served when it was wanted."
    worst = max(short, key=value)
    of_what = "" if unit == ENERGY else " of what was due"
    return (
        f"{len(short)} of {plural(len(days), 'day')} were short; most on "
        f"{day_words(worst['day'])}, {unit.exact(value(worst))}{of_what}."
    )


def interval_words(report: Report, day: str, interval: int, zone: str) -> str:
    """Return when an interval of a day began, counted from 0, by the local clock."""
    starts = interval_starts(dt.date.fromisoformat(day), zone, interval_minutes(report, zone))
    return f"{day_words(day)}, {starts[interval].astimezone(ZoneInfo(zone)):%H:%M}"


def day_words(day: str) -> str:
    """Return a day as people write it.

    >>> day_words("2024-01-05")
    '5 Jan 2024'
    """
    date = dt.date.fromisoformat(day)
    return f"{date.day} {date:%b %Y}"
