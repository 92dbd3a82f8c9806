"""Small multiples: the same drawing of each month, all by one scale."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from portal.charts.chart import NARROW, Chart, Table, chart, check_series
from portal.charts.drawing import Drawing, Element, line, shortened, units, width_of, words
from portal.charts.frame import Axis, legend, legend_height, lines, steps, values_axis
from portal.charts.palette import Ink
from portal.charts.scales import Scale
from portal.charts.times import Series, low_high_titles, lowest_and_highest
from portal.charts.units import Unit

COLUMNS, NARROW_COLUMNS = 4, 2
PLOT, TITLE, GAP = units(84), units(26), units(14)
AXIS_NAME, BELOW, RIGHT = units(24), units(26), units(8)
MOST_LETTERS = 16
MIDDLE = "1.75"


@dataclass(frozen=True)
class Panel:
    """A month, or another part, with a value for each of its intervals in every series."""

    name: str
    series: tuple[Series, ...]


def panels_chart(
    key: str, title: str, part: str, panels: Sequence[Panel], unit: Unit, over: str
) -> Chart:
    """Return a small drawing of each panel, all by the same scale.

    The table has the lowest and the highest of each panel.

    Args:
        part: what a panel is, such as `Month`.
        over: what each is drawn over, such as `Half-hours of the mean day`.

    Raises:
        ValueError: there is no panel, or one has other series than the first, or one without a
            value.
    """
    if not panels:
        raise ValueError(f"{key} has no panel")
    names = [each.name for each in panels[0].series]
    check_series(names)
    for panel in panels:
        if [each.name for each in panel.series] != names or not all(
            each.values for each in panel.series
        ):
            raise ValueError(f"{panel.name} has not a value in each of {', '.join(names)}")
    rows = tuple(
        (panel.name, *lowest_and_highest([each.values for each in panel.series], unit))
        for panel in panels
    )
    return chart(
        key,
        title,
        f"{title}. {'; '.join(_extremes(panels, number, unit) for number in range(len(names)))}.",
        Table((part, *low_high_titles(panels[0].series, unit)), rows),
        partial(_draw, panels=panels, unit=unit, over=over),
    )


def _extremes(panels: Sequence[Panel], number: int, unit: Unit) -> str:
    low = min(panels, key=lambda panel: min(panel.series[number].values))
    high = max(panels, key=lambda panel: max(panel.series[number].values))
    return (
        f"{low.series[number].name}: lowest {unit.exact(min(low.series[number].values))} "
        f"({low.name}), highest {unit.exact(max(high.series[number].values))} ({high.name})"
    )


def _draw(width: int, *, panels: Sequence[Panel], unit: Unit, over: str) -> Drawing:
    names = [each.name for each in panels[0].series]
    y = values_axis(
        [value for panel in panels for each in panel.series for value in each.values], unit, NARROW
    )
    columns = NARROW_COLUMNS if width <= NARROW else COLUMNS
    left = max(width_of(label) for _, label in y.named) + units(12)
    room = (width - left - RIGHT - GAP * (columns - 1)) // columns
    top = legend_height(names) + AXIS_NAME
    elements = [*legend(width, names), words(0, top - units(10), y.name)]
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        start = left + (room + GAP) * column
        end = top + (TITLE + PLOT) * (row + 1)
        up = Scale(y.low, y.high, end, end - PLOT)
        elements.extend(_panel(panel, Scale(0, 1, start, start + room), up, y))
        if column == 0:
            elements.extend(
                words(start - units(8), up.at(value) + units(5), label, anchor="end")
                for value, label in y.named
            )
    bottom = top + (TITLE + PLOT) * -(-len(panels) // columns)
    elements.append(words(width - RIGHT, bottom + units(20), over, anchor="end"))
    return Drawing(width, bottom + BELOW, tuple(elements))


def _panel(panel: Panel, across: Scale, up: Scale, y: Axis) -> Iterator[Element]:
    yield words(across.start, up.end - units(7), shortened(panel.name, MOST_LETTERS), size=13)
    for value, _ in y.named:
        at = up.at(value)
        yield line(across.start, at, across.end, at, Ink.EDGE if value == 0 else Ink.RULE)
    yield from lines(
        [
            steps(each.values, Scale(0, len(each.values), across.start, across.end), up)
            for each in panel.series
        ],
        MIDDLE,
    )
