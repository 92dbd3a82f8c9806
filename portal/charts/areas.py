"""Areas over two axes of time: when each applies, over when it was known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from portal.charts.chart import Chart, Table, chart
from portal.charts.drawing import Drawing, Element, units, width_of, words
from portal.charts.frame import HEIGHT, RIGHT, Axis, frame
from portal.charts.palette import SERIES, Ink
from portal.charts.scales import Scale

MOST_AREAS = 60
BETWEEN = units(12)
LINE = units(18)


@dataclass(frozen=True)
class Area:
    """What is called by a name from `left` to `right`, as known from `low` to `high`.

    Attributes:
        right, high: None where there is no end: it is drawn to the edge.
    """

    name: str
    left: int
    right: int | None
    low: int
    high: int | None


def areas_chart(
    key: str, title: str, areas: Sequence[Area], axes: tuple[Axis, Axis], said: str, table: Table
) -> Chart:
    """Return areas over two axes; those of one name have one ink, and the name stands in each.

    Args:
        axes: what is along, then what is up, each with all values that it may name.
        said: what the table tells, in a sentence, for who does not see the drawing.

    Raises:
        ValueError: there is no area, or more than can be told apart, or one of no extent.
    """
    if not 0 < len(areas) <= MOST_AREAS:
        raise ValueError(f"{key} has {len(areas)} areas, and not 1 to {MOST_AREAS}")
    empty = [
        each.name
        for each in areas
        if each.right in (each.left, axes[0].low) or each.high == each.low
    ]
    if empty:
        raise ValueError(f"areas of no extent: {', '.join(empty)}")
    return chart(key, title, f"{title}. {said}", table, partial(_draw, areas=areas, axes=axes))


def _draw(width: int, *, areas: Sequence[Area], axes: tuple[Axis, Axis]) -> Drawing:
    along, up = axes
    thin_up = Axis(up.low, up.high, _thinned_up(up), up.name)
    around = frame(width, along, thin_up, [])
    # Named again, now that it is known how much room there is beside the other axis.
    named = _thinned(along, around.x)
    around = frame(width, Axis(along.low, along.high, named, along.name), thin_up, [])
    inks = {name: number for number, name in enumerate(dict.fromkeys(a.name for a in areas))}
    parts = [part for each in areas for part in _area(each, around.x, around.y, inks[each.name])]
    return Drawing(width, around.bottom, (*around.elements, *parts))


def _area(area: Area, x: Scale, y: Scale, number: int) -> Iterator[Element]:
    ink, dashes = SERIES[number % len(SERIES)]
    left, right = x.at(area.left), x.at(x.high if area.right is None else min(area.right, x.high))
    bottom, top = y.at(area.low), y.at(y.high if area.high is None else area.high)
    place = (("x", left), ("y", top), ("width", right - left), ("height", bottom - top))
    look = (("fill", Ink.GROUND), ("stroke", ink), ("stroke-width", "2"))
    yield Element("rect", (*place, *look, *((("stroke-dasharray", dashes),) if dashes else ())))
    if right - left > width_of(area.name) and bottom - top >= LINE:
        yield words((left + right) // 2, (bottom + top) // 2 + units(5), area.name, anchor="middle")


def _thinned(axis: Axis, scale: Scale) -> tuple[tuple[int, str], ...]:
    """Return the values whose names have room beside each other, the first ones first."""
    found: list[tuple[int, str]] = []
    for value, label in axis.named:
        half = width_of(label) // 2
        at = scale.at(value)
        # Left of the axis stand the names of the other one, but a line higher.
        free = scale.at(found[-1][0]) + width_of(found[-1][1]) // 2 + BETWEEN if found else 0
        if free <= at - half and at + half <= scale.end + RIGHT:
            found.append((value, label))
    return tuple(found)


def _thinned_up(axis: Axis) -> tuple[tuple[int, str], ...]:
    """Return the values whose names have room above each other."""
    scale = Scale(axis.low, axis.high, 0, HEIGHT)
    found: list[tuple[int, str]] = []
    for value, label in axis.named:
        if not found or scale.at(value) - scale.at(found[-1][0]) >= LINE:
            found.append((value, label))
    return tuple(found)
