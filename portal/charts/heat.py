"""A calendar heat map: days by half-hours, or months by days, each shaded by how much there was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from portal.charts.chart import NARROW, Chart, Table, chart
from portal.charts.drawing import Drawing, Element, units, width_of, words
from portal.charts.palette import Ink
from portal.charts.shades import Shades, legend, legend_height, shades_of, squares
from portal.charts.units import Unit

MOST_ROWS, MOST_COLUMNS = 62, 62
CELL_HEIGHT = units(14)
HIGH_CELL, FEW_ROWS = units(20), 12
HEAD, GAP, RIGHT, EDGE = units(24), units(8), units(2), units(2)
LINE = units(17)
"""Names of rows closer than this would run into each other."""
BETWEEN = units(10)


@dataclass(frozen=True)
class HeatRow:
    """A row of a heat map; None stands where there is no such interval, or no such day."""

    name: str
    values: tuple[int | None, ...]


def heat_chart(
    key: str,
    title: str,
    rows: Sequence[HeatRow],
    columns: Sequence[tuple[int, str]],
    unit: Unit,
    said: str,
    table: Table,
) -> Chart:
    """Return rows of cells, each with a square that is larger and stronger the more there was.

    Args:
        columns: which columns are named, by number, and how; those for which there is room are.
        said: what the table tells, in a sentence, for who does not see the drawing.
        table: the figures.

    Raises:
        ValueError: there is no row or column, or more than can be told apart, or rows of other
            lengths, or a value below nothing.
    """
    lengths = {len(row.values) for row in rows}
    if len(lengths) != 1 or len(rows) > MOST_ROWS or not 0 < max(lengths) <= MOST_COLUMNS:
        raise ValueError(
            f"{key} has {len(rows)} rows of {sorted(lengths)} cells, and not 1 to {MOST_ROWS} of "
            f"as many each, 1 to {MOST_COLUMNS}"
        )
    values = [value for row in rows for value in row.values if value is not None]
    draw = partial(_draw, rows=tuple(rows), columns=tuple(columns), shades=shades_of(values, unit))
    return chart(key, title, f"{title}. {said}", table, draw)


def _draw(
    width: int,
    *,
    rows: tuple[HeatRow, ...],
    columns: tuple[tuple[int, str], ...],
    shades: Shades,
) -> Drawing:
    top = legend_height(shades, width) + HEAD
    left = max(width_of(row.name) for row in rows) + GAP
    across = (width - left - RIGHT) // len(rows[0].values)
    is_tall = len(rows) <= FEW_ROWS and width > NARROW
    down = HIGH_CELL if is_tall else CELL_HEIGHT
    elements = list(legend(shades, width))
    elements += _column_names(columns, left, across, top, width)
    elements += _row_names(rows, left, down, top)
    cells = []
    for number, row in enumerate(rows):
        y = top + down * number
        elements += _ground(row, left, across, y, down)
        cells += [
            (left + across * at, y, across, down, shades.level(value))
            for at, value in enumerate(row.values)
            if value
        ]
    elements += squares(cells)
    return Drawing(width, top + down * len(rows) + EDGE, tuple(elements))


def _column_names(
    columns: Sequence[tuple[int, str]], left: int, across: int, top: int, width: int
) -> Iterator[Element]:
    """Yield the names of columns that have room beside the one before."""
    free = 0
    for number, name in columns:
        x = left + across * number
        if x >= free and x + width_of(name) <= width:
            yield words(x, top - units(8), name)
            free = x + width_of(name) + BETWEEN


def _row_names(rows: Sequence[HeatRow], left: int, down: int, top: int) -> Iterator[Element]:
    """Yield the name of every row, or of every second or third where they are low."""
    stride = -(-LINE // down)
    for number in range(0, len(rows), stride):
        baseline = top + down * number + down // 2 + units(5)
        yield words(left - GAP, baseline, rows[number].name, anchor="end")


def _ground(row: HeatRow, left: int, across: int, top: int, down: int) -> Iterator[Element]:
    """Yield a frame around cells that follow each other: where there is none, nothing was."""
    at = 0
    for is_there, run in groupby(row.values, lambda value: value is not None):
        count = len(list(run))
        if is_there:
            place = (
                ("x", left + across * at),
                ("y", top),
                ("width", across * count),
                ("height", down),
            )
            yield Element("rect", (*place, ("fill", Ink.GROUND), ("stroke", Ink.RULE)))
        at += count
