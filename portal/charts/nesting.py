"""Parts that lie in parts: a column a layer, and each part as high as what it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from portal.charts.chart import Chart, Table, chart
from portal.charts.drawing import LETTER_TENTHS, Drawing, Element, shortened, units, words
from portal.charts.network import LEGEND_ROW, Mark, legend
from portal.charts.palette import Ink
from portal.charts.shades import SWATCH, Shades, squares
from portal.charts.shades import legend as shade_legend
from portal.charts.shades import legend_height as shade_height

MOST_PARTS = 120
"""Of the innermost column; more would be taller than any page."""
ROW, HEAD, GAP, EDGE = units(26), units(26), units(6), units(2)


@dataclass(frozen=True)
class Part:
    """A part in a layer, and those of the next layer inward that lie in it.

    Attributes:
        name: that stands in it.
        parts: inside it; none in the innermost layer.
        amount: of what the drawing is shaded by; None where it has none.
    """

    name: str
    parts: tuple["Part", ...] = ()
    mark: Mark = Mark.SAME
    amount: int | None = None

    @property
    def rows(self) -> int:
        """How many rows it is high: one for each part inside that holds no other."""
        return sum(part.rows for part in self.parts) or 1


def nesting_chart(
    key: str,
    title: str,
    layers: Sequence[str],
    parts: Sequence[Part],
    said: str,
    table: Table,
    shades: Shades | None = None,
) -> Chart:
    """Return parts in their layers.

    Args:
        layers: names of the columns, outermost first.
        parts: of the outermost layer.
        said: what the table tells, in a sentence, for who does not see the drawing.
        table: the figures.
        shades: of the amounts of the parts, where they have any.

    Raises:
        ValueError: there is none, or more than can be drawn, or they lie deeper than layers go.
    """
    count = sum(part.rows for part in parts)
    if not 0 < count <= MOST_PARTS:
        raise ValueError(f"{key} has {count} rows, and not 1 to {MOST_PARTS}")
    if max(map(_depth, parts)) > len(layers):
        raise ValueError(f"the parts of {key} lie in more than its {len(layers)} layers")
    draw = partial(_draw, layers=tuple(layers), parts=tuple(parts), shades=shades)
    return chart(key, title, f"{title}. {said}", table, draw)


def _depth(part: Part) -> int:
    return 1 + max(map(_depth, part.parts), default=0)


def _draw(
    width: int, *, layers: tuple[str, ...], parts: tuple[Part, ...], shades: Shades | None
) -> Drawing:
    column = (width - 2 * EDGE) // len(layers)
    found = {mark for part in parts for mark in _marks(part)}
    marks = [mark for mark in Mark if mark.sign and mark in found]
    marked = LEGEND_ROW * len(marks)
    top = marked + (shade_height(shades, width) if shades else 0)
    most = (column - 2 * GAP) // LETTER_TENTHS
    elements: list[Element] = [*legend(marks)]
    if shades:
        elements += shade_legend(shades, width, marked)
    for number, layer in enumerate(layers):
        x = EDGE + number * column + GAP
        elements.append(words(x, top + units(18), shortened(layer, most)))
    top += HEAD
    elements += _boxes(parts, EDGE, top, column, shades)
    return Drawing(width, top + ROW * sum(part.rows for part in parts) + EDGE, tuple(elements))


def _marks(part: Part) -> Iterator[Mark]:
    yield part.mark
    for inner in part.parts:
        yield from _marks(inner)


def _boxes(
    parts: Sequence[Part], left: int, top: int, column: int, shades: Shades | None
) -> Iterator[Element]:
    before = GAP + (SWATCH + GAP if shades else 0)
    most = (column - before - GAP) // LETTER_TENTHS
    for part in parts:
        height = ROW * part.rows
        yield _box(part, left, top, column, height)
        if shades and part.amount:
            at = (left + GAP, top + (height - SWATCH) // 2, SWATCH, SWATCH)
            yield from squares([(*at, shades.level(part.amount))])
        said = shortened(f"{part.mark.sign} {part.name}".strip(), most)
        yield words(left + before, top + height // 2 + units(5), said)
        yield from _boxes(part.parts, left + column, top, column, shades)
        top += height


def _box(part: Part, left: int, top: int, width: int, height: int) -> Element:
    mark = part.mark
    place = (("x", left), ("y", top), ("width", width), ("height", height))
    look = (
        ("fill", Ink.GROUND),
        ("stroke", mark.ink if mark.sign else Ink.RULE),
        ("stroke-width", mark.thickness if mark.sign else "1"),
    )
    dashes = (("stroke-dasharray", mark.dashes),) if mark.dashes else ()
    return Element("rect", (*place, *look, *dashes))
