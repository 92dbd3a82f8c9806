"""Values of intervals: over time, from the highest to the lowest, and a panel a month."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from itertools import count as count_from

from portal.charts.chart import Chart, Table, chart, check_series
from portal.charts.drawing import Drawing, Element, path, units
from portal.charts.frame import THICK, THIN, Axis, frame, lines, steps, ticks, values_axis
from portal.charts.palette import Ink
from portal.charts.scales import Scale, round_values, written
from portal.charts.units import Unit

PERCENT = Unit("ppm")
PPM_OF_PERCENT = 10_000
TOLD_PERCENTS = (0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 100)
MOST_DAYS_TOLD = 62
"""A chart of more days tells each month, as a row a day would be longer than who reads it has."""
MANY = 500
BAR = units(6)
"""How high the bar of marked intervals is."""
STRIDES = (1, 2, 3, 6, 7, 12, 14, 24, 28)

Day = tuple[dt.date, int]
"""A local day, and how many intervals it has: 46, 48 or 50 half-hours."""


@dataclass(frozen=True)
class Series:
    """A value of each interval."""

    name: str
    values: tuple[int, ...]


def time_chart(
    key: str,
    title: str,
    days: Sequence[Day],
    series: Sequence[Series],
    unit: Unit,
    marked: Collection[int] = (),
) -> Chart:
    """Return the values of each interval as steps, laid over each other.

    Intervals that are `marked`, by their number from 0, have a bar along the axis.

    The table has a row for each interval of a single day; of more, each day's lowest and highest,
    and of more than `MOST_DAYS_TOLD` each month's.

    Raises:
        ValueError: a series has not a value for each interval, or the series are none of a chart.
    """
    count = sum(intervals for _, intervals in days)
    _check_values(series, count)
    return chart(
        key,
        title,
        f"{title}. {'; '.join(_extremes(each, days, unit) for each in series)}.",
        _intervals_table(series, unit) if len(days) == 1 else _spans_table(days, series, unit),
        partial(_draw_times, days=days, series=series, unit=unit, marked=marked),
    )


def _check_values(series: Sequence[Series], count: int | None) -> None:
    check_series([each.name for each in series])
    for each in series:
        if not each.values or count not in (None, len(each.values)):
            raise ValueError(f"{each.name} has {len(each.values)} values for {count} intervals")


def _extremes(each: Series, days: Sequence[Day], unit: Unit) -> str:
    low, high = min(each.values), max(each.values)
    return (
        f"{each.name}: lowest {unit.exact(low)} ({_when(days, each.values.index(low))}), "
        f"highest {unit.exact(high)} ({_when(days, each.values.index(high))})"
    )


def _when(days: Sequence[Day], number: int) -> str:
    for day, intervals in days:
        if number < intervals:
            return f"{_day(day)}, interval {number + 1}"
        number -= intervals
    raise AssertionError("an interval after the last day")


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def _intervals_table(series: Sequence[Series], unit: Unit) -> Table:
    rows = zip(*(map(unit.cell, each.values) for each in series), strict=True)
    return Table(
        ("Interval", *(unit.title(each.name) for each in series)),
        tuple((str(number), *row) for number, row in enumerate(rows, 1)),
    )


def _spans_table(days: Sequence[Day], series: Sequence[Series], unit: Unit) -> Table:
    by_month = len(days) > MOST_DAYS_TOLD
    spans: dict[str, list[int]] = {}
    for (day, intervals), end in zip(days, accumulate(count for _, count in days), strict=True):
        name = f"{day:%B %Y}" if by_month else _day(day)
        spans.setdefault(name, [end - intervals])[1:] = [end]
    rows = tuple(
        (name, *lowest_and_highest([each.values[start:end] for each in series], unit))
        for name, (start, end) in spans.items()
    )
    head = "Month" if by_month else "Day"
    return Table((head, *low_high_titles(series, unit)), rows, f"A row is a whole {head.lower()}.")


def low_high_titles(series: Sequence[Series], unit: Unit) -> list[str]:
    """Return the columns of `lowest_and_highest`."""
    return [unit.title(f"{each.name}, {end}") for each in series for end in ("lowest", "highest")]


def lowest_and_highest(values: Sequence[Sequence[int]], unit: Unit) -> Iterator[str]:
    """Yield the lowest and the highest of the values of each series, for people."""
    for of in values:
        yield unit.cell(min(of))
        yield unit.cell(max(of))


def _draw_times(
    width: int,
    *,
    days: Sequence[Day],
    series: Sequence[Series],
    unit: Unit,
    marked: Collection[int],
) -> Drawing:
    count = sum(intervals for _, intervals in days)
    named, name = _moments(days, width)
    return _draw_steps(width, Axis(0, count, named, name), series, unit, marked)


def _draw_steps(
    width: int,
    x: Axis,
    series: Sequence[Series],
    unit: Unit,
    marked: Collection[int] = (),
) -> Drawing:
    values = [value for each in series for value in each.values]
    around = frame(width, x, values_axis(values, unit, width), [each.name for each in series])
    # Each by a scale of its own, as series of a duration curve may have other counts.
    paths = [
        steps(each.values, Scale(0, len(each.values), around.x.start, around.x.end), around.y)
        for each in series
    ]
    thickness = THIN if max(len(each.values) for each in series) > MANY else THICK
    bars = tuple(_bars(marked, around.x, around.y))
    return Drawing(width, around.bottom, (*around.elements, *bars, *lines(paths, thickness)))


def _bars(marked: Collection[int], x: Scale, y: Scale) -> Iterator[Element]:
    """Yield a bar along the axis for each run of marked intervals."""
    for first in sorted(marked):
        if first - 1 in marked:
            continue
        end = next(at for at in count_from(first) if at not in marked)
        at = f"M{written(x.at(first))} {written(y.start - BAR // 2)}H{written(x.at(end))}"
        yield path(at, Ink.EDGE, "", written(BAR))


def _moments(days: Sequence[Day], width: int) -> tuple[tuple[tuple[int, str], ...], str]:
    """Return the beginnings of days or months that an axis names, and what it is called."""
    starts = [0, *accumulate(count for _, count in days)]
    most = ticks(width)
    if len(days) == 1:
        named = round_values(0, starts[-1], most)
        return tuple((at, str(at)) for at in named), f"Intervals of {_day(days[0][0])}"
    by_month = len(days) > MOST_DAYS_TOLD
    first, last = days[0][0], days[-1][0]
    marks = [
        (start, f"{day:%b %Y}" if by_month else f"{day.day} {day:%b}")
        for (day, _), start in zip(days, starts, strict=False)
        if not by_month or day.day == 1
    ]
    stride = next(
        (each for each in STRIDES if -(-len(marks) // each) <= most), -(-len(marks) // most)
    )
    return tuple(marks[::stride]), f"{_day(first)} to {_day(last)}"


def duration_chart(key: str, title: str, series: Sequence[Series], unit: Unit) -> Chart:
    """Return the values of each series from the highest down, over the share of its intervals.

    A row of the table says which value is reached or exceeded in so many of the intervals: of 200,
    1 % is the second highest; 0 % is the highest.

    Raises:
        ValueError: a series has no value, or the series are none of a chart.
    """
    _check_values(series, None)
    ordered = [Series(each.name, tuple(sorted(each.values, reverse=True))) for each in series]
    rows = tuple(
        (
            PERCENT.exact(percent * PPM_OF_PERCENT),
            *(unit.cell(_reached(each.values, percent)) for each in ordered),
        )
        for percent in TOLD_PERCENTS
    )
    said = "; ".join(
        f"{each.name}: highest {unit.exact(each.values[0])}, at least "
        f"{unit.exact(_reached(each.values, 50))} in half of the intervals, "
        f"lowest {unit.exact(each.values[-1])}"
        for each in ordered
    )
    return chart(
        key,
        title,
        f"{title}. {said}.",
        Table(
            ("Share of intervals", *(unit.title(each.name) for each in ordered)),
            rows,
            "A value is reached or exceeded in that share of the intervals; 0 % is the highest.",
        ),
        partial(_draw_duration, series=ordered, unit=unit),
    )


def _reached(falling: Sequence[int], percent: int) -> int:
    return falling[max(0, -(-percent * len(falling) // 100) - 1)]


def _draw_duration(width: int, *, series: Sequence[Series], unit: Unit) -> Drawing:
    named = round_values(0, 100, ticks(width))
    labels = PERCENT.on_axis([percent * PPM_OF_PERCENT for percent in named])
    x = Axis(0, 100, tuple(zip(named, labels, strict=True)), "Share of intervals")
    return _draw_steps(width, x, series, unit)
