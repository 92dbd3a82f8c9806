"""What lines of every kind are drawn in: axes with their words, the legend, and the lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portal.charts.chart import NARROW
from portal.charts.drawing import (
    LETTER_TENTHS,
    Element,
    line,
    path,
    shortened,
    units,
    width_of,
    words,
)
from portal.charts.palette import SERIES, Ink
from portal.charts.scales import TENTHS, Scale, round_values, written
from portal.charts.units import Unit

HEIGHT = units(236)
RIGHT = units(26)
THICK, THIN = "2.5", "1.25"
"""Lines, and those of so many values that thick ones would run into a patch."""
LEGEND_ROW, KEY = units(22), units(36)
AXIS_NAME = units(32)
BELOW = units(50)
TICKS, NARROW_TICKS = 6, 4
"""How many values an axis names at most, on a page and on a phone."""


@dataclass(frozen=True)
class Axis:
    """The values that an axis spans, those that it names, and what it is called."""

    low: int
    high: int
    named: tuple[tuple[int, str], ...]
    name: str


@dataclass(frozen=True)
class Frame:
    """Where lines are drawn: two scales, the axes and the legend around them.

    Attributes:
        bottom: where the drawing ends.
    """

    x: Scale
    y: Scale
    elements: tuple[Element, ...]
    bottom: int


def ticks(width: int) -> int:
    """Return how many values an axis names at most."""
    return NARROW_TICKS if width <= NARROW else TICKS


def axis_of(low: int, high: int, unit: Unit, width: int, name: str = "") -> Axis:
    """Return an axis that names few round values."""
    named = round_values(low, high, ticks(width))
    return Axis(
        low, high, tuple(zip(named, unit.on_axis(named), strict=True)), name or unit.axis_name
    )


def values_axis(values: Sequence[int], unit: Unit, width: int, name: str = "") -> Axis:
    """Return the upright axis of values, which nothing is always on."""
    return axis_of(min(0, *values), max(0, *values), unit, width, name)


def frame(width: int, x: Axis, y: Axis, names: Sequence[str]) -> Frame:
    """Return the frame of a drawing, with the legend above it."""
    top = legend_height(names) + AXIS_NAME
    left = max(width_of(label) for _, label in y.named) + units(12)
    across = Scale(x.low, x.high, left, width - RIGHT)
    up = Scale(y.low, y.high, top + HEIGHT, top)
    return Frame(across, up, (*legend(width, names), *_axes(across, up, x, y)), up.start + BELOW)


def legend_height(names: Sequence[str]) -> int:
    """Return how high the legend is; a single series needs none."""
    return LEGEND_ROW * len(names) if len(names) > 1 else 0


def legend(width: int, names: Sequence[str]) -> Iterator[Element]:
    """Yield a row for each series, unless there is one alone."""
    if not legend_height(names):
        return
    most = (width - KEY - units(8)) // LETTER_TENTHS
    for row, (name, (ink, dashes)) in enumerate(zip(names, SERIES, strict=False)):
        middle = LEGEND_ROW * row + units(10)
        yield path(f"M0 {written(middle)}H{written(KEY)}", ink, dashes, THICK)
        yield words(KEY + units(8), middle + units(5), shortened(name, most))


def _axes(across: Scale, up: Scale, x: Axis, y: Axis) -> Iterator[Element]:
    yield words(0, up.end - units(16), y.name)
    for value, label in y.named:
        at = up.at(value)
        ink = Ink.EDGE if value == 0 else Ink.RULE
        yield line(across.start, at, across.end, at, ink)
        yield words(across.start - units(8), at + units(5), label, anchor="end")
    for value, label in x.named:
        at = across.at(value)
        yield line(at, up.start, at, up.end, Ink.RULE)
        yield words(at, up.start + units(20), label, anchor="middle")
    yield words(across.end, up.start + units(42), x.name, anchor="end")


def straight(points: Sequence[tuple[int, int]], x: Scale, y: Scale) -> str:
    """Return a path from point to point."""
    return "M" + "L".join(f"{written(x.at(a))} {written(y.at(b))}" for a, b in points)


def steps(values: Sequence[int], x: Scale, y: Scale) -> str:
    """Return a path on which the value of each interval lasts to the next.

    Of intervals that share a unit of the width, the first, least, greatest and last are drawn: a
    year has thirty for each, and more would be the same picture in forty times the bytes.
    """
    columns: dict[int, list[int]] = {}
    for number in range(len(values)):
        columns.setdefault(x.at(number) // TENTHS, []).append(number)
    first = columns[min(columns)][0]
    parts = [f"M{written(x.at(first))} {written(y.at(values[first]))}"]
    height = y.at(values[first])
    for numbers in columns.values():
        of = [values[number] for number in numbers]
        heights = [y.at(value) for value in (of[0], min(of), max(of), of[-1])]
        if any(there != height for there in heights):
            parts.append(f"H{written(x.at(numbers[0]))}")
        for there in heights:
            if there != height:
                parts.append(f"V{written(there)}")
                height = there
    parts.append(f"H{written(x.at(len(values)))}")
    return "".join(parts)


def lines(paths: Sequence[str], thickness: str = THICK) -> Iterator[Element]:
    """Yield the lines of the series, the first below the others: it shows through their dashes."""
    for (ink, dashes), commands in zip(SERIES, paths, strict=False):
        yield path(commands, ink, dashes, thickness)
