"""Lines from point to point: price curves laid over each other, and Lorenz curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from portal.charts.chart import NOTHING, Chart, Table, chart, check_series
from portal.charts.drawing import Drawing, line, units, words
from portal.charts.frame import Frame, axis_of, frame, lines, straight, values_axis
from portal.charts.palette import Ink
from portal.charts.units import Unit

PPM = Unit("ppm")
WHOLE_PPM = 1_000_000


@dataclass(frozen=True)
class Line:
    """A line over values in rising order.

    Attributes:
        points: value and height, at least one; before the first and after the last the line is
            level, as a price curve is.
    """

    name: str
    points: tuple[tuple[int, int], ...]


def line_chart(
    key: str, title: str, over: tuple[str, Unit], series: Sequence[Line], unit: Unit, to: int
) -> Chart:
    """Return lines from nothing to `to`, laid over each other; the table has every point of each.

    Args:
        over: what they are drawn over, such as tightness, and its unit.

    Raises:
        ValueError: there are more series than inks, or two of one name, or one without a point.
    """
    check_series([each.name for each in series])
    empty = [each.name for each in series if not each.points]
    if empty:
        raise ValueError(f"lines without a point: {', '.join(empty)}")
    heights = [dict(each.points) for each in series]
    places = sorted({place for each in heights for place in each})
    rows = tuple(
        (
            over[1].exact(place),
            *(unit.cell(each[place]) if place in each else NOTHING for each in heights),
        )
        for place in places
    )
    return chart(
        key,
        title,
        f"{title}. {'; '.join(_span(each, over[1], unit) for each in series)}.",
        Table((over[0], *(unit.title(each.name) for each in series)), rows),
        partial(_draw_lines, over=over, series=series, unit=unit, to=to),
    )


def _span(line: Line, over: Unit, unit: Unit) -> str:
    (first, low), (last, high) = line.points[0], line.points[-1]
    return (
        f"{line.name}: from {unit.exact(low)} at {over.exact(first)} "
        f"to {unit.exact(high)} at {over.exact(last)}"
    )


def _draw_lines(
    width: int, *, over: tuple[str, Unit], series: Sequence[Line], unit: Unit, to: int
) -> Drawing:
    heights = [height for each in series for _, height in each.points]
    around = frame(
        width,
        axis_of(0, to, over[1], width, over[0]),
        values_axis(heights, unit, width),
        [each.name for each in series],
    )
    return _drawn(width, around, [_level_outside(each, to) for each in series])


def _level_outside(each: Line, to: int) -> list[tuple[int, int]]:
    ends = {0: each.points[0][1], to: each.points[-1][1]}
    return sorted({**ends, **dict(each.points)}.items())


def _drawn(width: int, around: Frame, series: Sequence[Sequence[tuple[int, int]]]) -> Drawing:
    paths = [straight(points, around.x, around.y) for points in series]
    return Drawing(width, around.bottom, (*around.elements, *lines(paths)))


def lorenz_chart(
    key: str,
    title: str,
    of: str,
    curves: Sequence[tuple[str, Sequence[int]]],
    verb: str = "bear",
) -> Chart:
    """Return Lorenz curves beside the straight line on which all bear, or get, the same.

    Args:
        of: the members of the population, such as `households`.
        curves: for each series the part of the whole in ppm that the lowest of as many equal parts
            bear, as `settlement.fairness.inequality.lorenz_ppm` gives it.
        verb: what they do with their part: `bear` a cost, `get` a good.

    Raises:
        ValueError: the curves are no series of a chart, or of other numbers of parts, or one does
            not end at the whole.
    """
    check_series([name for name, _ in curves])
    parts = len(curves[0][1])
    wrong = [name for name, of_it in curves if len(of_it) != parts]
    wrong += [name for name, of_it in curves if not of_it or of_it[-1] != WHOLE_PPM]
    if wrong:
        raise ValueError(f"no Lorenz curve of {parts} parts up to the whole: {', '.join(wrong)}")
    rows = tuple(
        (
            PPM.exact(WHOLE_PPM * (part + 1) // parts),
            *(PPM.exact(curve[part]) for _, curve in curves),
        )
        for part in range(parts)
    )
    half = (parts - 1) // 2
    said = "; ".join(f"{name}: {PPM.exact(curve[half])} of the whole" for name, curve in curves)
    return chart(
        key,
        title,
        f"{title}. What the lowest {rows[half][0]} of {of} {verb} is, {said}.",
        Table((f"Lowest part of {of}", *(name for name, _ in curves)), rows),
        partial(_draw_lorenz, of=of, curves=curves, parts=parts, verb=verb),
    )


def _draw_lorenz(
    width: int, *, of: str, curves: Sequence[tuple[str, Sequence[int]]], parts: int, verb: str
) -> Drawing:
    shares = [share for _, curve in curves for share in curve]
    around = frame(
        width,
        axis_of(0, WHOLE_PPM, PPM, width, f"Part of {of}"),
        values_axis(shares, PPM, width, "Part of the whole"),
        [name for name, _ in curves],
    )
    x, y = around.x, around.y
    equal = line(x.at(0), y.at(0), x.at(WHOLE_PPM), y.at(WHOLE_PPM), Ink.WORDS, "1 3")
    series = [
        [(WHOLE_PPM * place // parts, share) for place, share in enumerate((0, *curve))]
        for _, curve in curves
    ]
    drawn = _drawn(width, around, series)
    said = words(x.at(0) + units(8), y.at(WHOLE_PPM) + units(20), f"Dotted: all {verb} the same")
    return Drawing(width, drawn.height, (equal, said, *drawn.elements))
