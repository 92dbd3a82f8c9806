"""Bars around nothing, from who loses most to who gains most."""

from collections.abc import Iterator, Sequence
from functools import partial

from common.quantities import MINUS
from portal.charts.chart import NARROW, Chart, Table, chart
from portal.charts.drawing import (
    LETTER_TENTHS,
    Drawing,
    Element,
    letters_wide,
    line,
    shortened,
    units,
    words,
)
from portal.charts.frame import ticks
from portal.charts.palette import Ink, on_page
from portal.charts.scales import Scale, round_values, written
from portal.charts.units import Unit

MOST_BARS = 60
BAR, NAME, GAP = units(12), units(18), units(8)
TOP, BELOW, RIGHT = units(6), units(50), units(30)
MOST_LETTERS, MOST_NARROW_LETTERS = 26, 42
CELL_WIDTH = units(1_000)

Row = tuple[str, int]


def bar_chart(
    key: str, title: str, who: str, rows: Sequence[Row], unit: Unit, beside: Sequence[Row] = ()
) -> Chart:
    """Return who loses and who gains, sorted from the greatest loss to the greatest gain.

    The drawing has the `MOST_BARS` that change most, and says so where they are not all; the table
    has all. Bars of a gain are full and to the right, those of a loss hollow and to the left.

    Args:
        who: what the names are of, such as `Participant`.
        rows: names, each once, and what each gains; a loss is below nothing.
        beside: the rows of all charts that this one is compared with: they have one scale, so
            that equal amounts are equally long.

    Raises:
        ValueError: there is no row, or two of one name.
    """
    names = {name for name, _ in rows}
    if not rows or len(names) < len(rows):
        raise ValueError(f"{key} has {len(rows)} rows of {len(names)} names")
    ordered = sorted(rows, key=lambda row: (row[1], row[0]))
    most = set(sorted(ordered, key=lambda row: (-abs(row[1]), row[0]))[:MOST_BARS])
    shown = [row for row in ordered if row in most]
    left_out = len(rows) - len(shown)
    note = f"The drawing has the {len(shown)} of {len(rows)} that change most." if left_out else ""
    return chart(
        key,
        title,
        _sentence(title, ordered, unit, note),
        Table(
            (who, unit.title("Difference")),
            tuple((name, _with_sign(value, unit.cell(value))) for name, value in ordered),
            note,
        ),
        partial(_draw, rows=shown, unit=unit, beside=beside),
    )


def _with_sign(value: int, said: str) -> str:
    return f"+{said}" if value > 0 else said


def _sentence(title: str, ordered: Sequence[Row], unit: Unit, note: str) -> str:
    losing = [row for row in ordered if row[1] < 0]
    gaining = [row for row in ordered if row[1] > 0]
    parts = [f"{len(losing)} lose, {len(gaining)} gain, of {len(ordered)}"]
    if losing:
        name, value = losing[0]
        parts.append(f"most is lost by {name}, {unit.exact(value)}")
    if gaining:
        parts.append(
            f"most is gained by {gaining[-1][0]}, {_with_sign(1, unit.exact(gaining[-1][1]))}"
        )
    return f"{title}. {'; '.join(parts)}. {note}".strip()


def _draw(width: int, *, rows: Sequence[Row], unit: Unit, beside: Sequence[Row]) -> Drawing:
    values = [value for _, value in (*rows, *beside)]
    is_narrow = width <= NARROW
    most = MOST_NARROW_LETTERS if is_narrow else MOST_LETTERS
    names = [shortened(name, most) for name, _ in rows]
    # Where the bars begin is part of the scale, so names of the other charts have room here, too.
    widest = max(letters_wide(shortened(name, most)) for name, _ in (*rows, *beside))
    # On a phone a name stands above its bar: beside it, there would be room for neither.
    left = RIGHT if is_narrow else widest * LETTER_TENTHS + units(10)
    above = NAME if is_narrow else 0
    height = above + BAR + GAP
    across = Scale(min(0, *values), max(0, *values), left, width - RIGHT)
    bottom = TOP + height * len(rows)
    elements = list(_axis(across, bottom, unit, ticks(width) - 1))
    for number, ((_, value), name) in enumerate(zip(rows, names, strict=True)):
        top = TOP + height * number + above
        elements.append(words(0, top + units(-5 if is_narrow else 11), name))
        if value:
            elements.append(_bar(across, top, value))
    return Drawing(width, bottom + BELOW, tuple(elements))


def _axis(across: Scale, bottom: int, unit: Unit, most: int) -> Iterator[Element]:
    named = round_values(across.low, across.high, most)
    for value, label in zip(named, unit.on_axis(named), strict=True):
        at = across.at(value)
        yield line(at, TOP, at, bottom, Ink.EDGE if value == 0 else Ink.RULE)
        yield words(at, bottom + units(18), label, anchor="middle")
    caption = f"{MINUS} loses, + gains: {unit.axis_name}"
    yield words(across.end, bottom + units(40), caption, anchor="end")


def _bar(across: Scale, top: int, value: int) -> Element:
    start, end = sorted((across.at(0), across.at(value)))
    place = (("x", start), ("y", top), ("width", end - start), ("height", BAR))
    if value > 0:
        return Element("rect", (*place, ("fill", Ink.GAIN), ("stroke", Ink.GAIN)))
    return Element("rect", (*place, ("fill", "none"), ("stroke", Ink.LOSS), ("stroke-width", "2")))


def cell_bar(value: int, largest: int) -> str:
    """Return a value as a bar beside its figure in a table, for the eye alone.

    Args:
        largest: the size of the largest value of the table, which has the whole width.
    """
    end = Scale(0, largest, 0, CELL_WIDTH).at(abs(value)) if largest else 0
    ink = on_page(Ink.THIRD if value < 0 else Ink.FIRST)
    return (
        f'<svg class="bar" viewBox="0 0 {written(CELL_WIDTH)} 10" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{written(end)}" height="10" fill="{ink}"/></svg>'
    )
