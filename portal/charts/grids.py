"""A grid of cells, each in one of a few states, told apart by shape as well as by colour."""

from collections.abc import Iterator, Sequence
from functools import partial

from portal.charts.chart import Chart, Table, chart
from portal.charts.drawing import (
    LETTER_TENTHS,
    Drawing,
    Element,
    letters_wide,
    shortened,
    units,
    words,
)
from portal.charts.palette import Ink

MOST_STATES = 3
ROW, LEGEND_ROW, INSET, BELOW = units(20), units(22), units(3), units(46)
MOST_LETTERS = 10


def grid_chart(
    key: str,
    title: str,
    axes: tuple[str, str],
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[int]]],
    states: Sequence[str],
    alternative: str,
    table: Table,
) -> Chart:
    """Return cells in rows and columns; the first row is drawn lowest, as on an axis.

    A cell of the first state is hollow, of the second half full, of the third full.

    Args:
        axes: what the columns and what the rows are.
        columns: their names.
        rows: names, each with the state of every column, from 0.
        states: their names.

    Raises:
        ValueError: more states than can be told apart, no cell, or a row of other columns.
    """
    if not 0 < len(states) <= MOST_STATES or not rows or not columns:
        raise ValueError(f"{key}: {len(states)} states of {len(rows)} x {len(columns)} cells")
    for name, cells in rows:
        if len(cells) != len(columns) or not all(0 <= cell < len(states) for cell in cells):
            raise ValueError(f"{key}: row {name} has not its {len(columns)} cells of known states")
    draw = partial(_draw, axes=axes, columns=columns, rows=rows, states=states)
    return chart(key, title, f"{title}. {alternative}", table, draw)


def _draw(
    width: int,
    *,
    axes: tuple[str, str],
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[int]]],
    states: Sequence[str],
) -> Drawing:
    names = [shortened(name, MOST_LETTERS) for name, _ in rows]
    left = max(letters_wide(name) for name in names) * LETTER_TENTHS + units(8)
    cell = (width - left - units(20)) // len(columns)
    elements = list(_legend(states))
    top = LEGEND_ROW * len(states) + units(24)
    elements.append(words(0, top - units(8), axes[1]))
    for number, ((_, cells), name) in enumerate(zip(reversed(rows), reversed(names), strict=True)):
        at = top + ROW * number
        elements.append(words(left - units(6), at + units(15), name, anchor="end"))
        for column, state in enumerate(cells):
            elements += _cell(left + cell * column, at, cell, ROW, state)
    bottom = top + ROW * len(rows)
    elements += _column_names(columns, left, cell, bottom)
    elements.append(words(width - units(20), bottom + units(40), axes[0], anchor="end"))
    return Drawing(width, bottom + BELOW, tuple(elements))


def _legend(states: Sequence[str]) -> Iterator[Element]:
    for number, name in enumerate(states):
        yield from _cell(0, LEGEND_ROW * number, units(30), ROW, number)
        yield words(units(38), LEGEND_ROW * number + units(15), name)


def _column_names(columns: Sequence[str], left: int, cell: int, bottom: int) -> Iterator[Element]:
    """Yield the names for which there is room, the first always."""
    widest = max(letters_wide(shortened(name, MOST_LETTERS)) for name in columns)
    every = max(1, -(-(widest * LETTER_TENTHS + units(8)) // max(cell, 1)))
    for number in range(0, len(columns), every):
        name = shortened(columns[number], MOST_LETTERS)
        at = left + cell * number + cell // 2
        # The first may be wider than its cell, and no name leaves the drawing.
        at = max(at, letters_wide(name) * LETTER_TENTHS // 2)
        yield words(at, bottom + units(18), name, anchor="middle")


def _cell(x: int, y: int, width: int, height: int, state: int) -> Iterator[Element]:
    inner, high = max(width - 2 * INSET, 1), height - 2 * INSET
    place = (("x", x + INSET), ("y", y + INSET), ("width", inner), ("height", high))
    ink = (Ink.EDGE, Ink.SECOND, Ink.LOSS)[state]
    fill = ink if state == MOST_STATES - 1 else "none"
    yield Element("rect", (*place, ("fill", fill), ("stroke", ink), ("stroke-width", "1.5")))
    if state == 1:
        half = (("x", x + INSET), ("y", y + INSET + high // 2))
        size = (("width", inner), ("height", high - high // 2))
        yield Element("rect", (*half, *size, ("fill", ink)))
