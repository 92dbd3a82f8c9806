"""The holarchy of a grid as a picture: which part lies in which, layer by layer."""

from collections.abc import Iterator, Mapping, Sequence

from portal.charts.chart import Chart, Table
from portal.charts.nesting import MOST_PARTS, Part, nesting_chart
from portal.charts.network import Mark
from rulebook.documents import GridModel
from rulebook.documents.grid_model import Holon

KEY = "holarchy"


def holarchy_chart(grid: GridModel, before: GridModel | None = None) -> Chart | None:
    """Return the parts of a grid in its layers, with what changed of an earlier one.

    From the outermost layer to the innermost for which there is room. None where there is none.
    """
    holons = _marked(grid, before)
    layers = [layer for layer in grid.layers if _count(layer, holons) <= MOST_PARTS]
    # Each layer has as many parts as the one around it, or more.
    layers = list(grid.layers[: len(layers)])
    if not layers:
        return None
    inside = _by_parent(holons, grid.layers)
    innermost = layers[-1]
    parts = tuple(_parts(inside.get(None, ()), inside, innermost))
    rows = tuple(_rows(inside.get(None, ()), inside, innermost, ()))
    columns = (*layers, "What changed")
    even = tuple(_even(row, len(layers)) for row in rows)
    if before is None:
        columns, even = columns[:-1], tuple(row[:-1] for row in even)
    table = Table(columns, even, texts=frozenset(columns))
    return nesting_chart(KEY, "Parts of the grid", layers, parts, _said(layers, holons), table)


Marked = tuple[Holon, Mark]


def _marked(grid: GridModel, before: GridModel | None) -> list[Marked]:
    """Return every holon of either grid, those that were left out last, and what became of each."""
    if before is None:
        return [(holon, Mark.SAME) for holon in grid.holons]
    old = {holon.holon: holon for holon in before.holons}
    found = []
    for holon in grid.holons:
        was = old.pop(holon.holon, None)
        mark = Mark.NEW if was is None else Mark.SAME if was == holon else Mark.CHANGED
        found.append((holon, mark))
    names = {holon.holon for holon in grid.holons} | old.keys()
    # What lay in a part that is of the earlier grid alone stands in it; none stands in nothing.
    return found + [
        (holon, Mark.LEFT_OUT) for holon in old.values() if holon.parent in {None, *names}
    ]


def _count(layer: str, holons: Sequence[Marked]) -> int:
    return sum(holon.layer == layer for holon, _ in holons)


def _by_parent(
    holons: Sequence[Marked], layers: Sequence[str]
) -> Mapping[str | None, Sequence[Marked]]:
    """Return the holons by what they lie in, in layers further out than their own.

    A part of an earlier grid may be of a layer that is no more, or that lies elsewhere now.
    """
    place = {layer: number for number, layer in enumerate(layers)}
    place_of = {holon.holon: place.get(holon.layer, len(layers)) for holon, _ in holons}
    found: dict[str | None, list[Marked]] = {}
    for holon, mark in holons:
        around = -1 if holon.parent is None else place_of.get(holon.parent, len(layers))
        if around < place.get(holon.layer, -1):
            found.setdefault(holon.parent, []).append((holon, mark))
    return found


def _parts(
    holons: Sequence[Marked], inside: Mapping[str | None, Sequence[Marked]], innermost: str
) -> Iterator[Part]:
    for holon, mark in holons:
        is_last = holon.layer == innermost
        inner = () if is_last else tuple(_parts(inside.get(holon.holon, ()), inside, innermost))
        yield Part(holon.holon if is_last else holon.title, inner, mark)


def _rows(
    holons: Sequence[Marked],
    inside: Mapping[str | None, Sequence[Marked]],
    innermost: str,
    above: tuple[str, ...],
) -> Iterator[tuple[str, ...]]:
    """Yield the parts around each that holds no other, it itself, and what became of it."""
    for holon, mark in holons:
        inner = () if holon.layer == innermost else inside.get(holon.holon, ())
        here = (*above, f"{holon.holon}, {holon.title}")
        if inner:
            yield from _rows(inner, inside, innermost, here)
        else:
            yield (*here, mark.word or "–")


def _even(row: tuple[str, ...], columns: int) -> tuple[str, ...]:
    """Return a row with a dash for each layer in which nothing lies in its part."""
    *parts, mark = row
    return (*parts, *("–" for _ in range(columns - len(parts))), mark)


def _said(layers: Sequence[str], holons: Sequence[Marked]) -> str:
    parts = [", ".join(f"{layer}: {_count(layer, holons):,}" for layer in layers)]
    for mark in Mark:
        named = [holon.holon for holon, its_mark in holons if its_mark is mark]
        if mark.sign and named:
            parts.append(f"{mark.word}: {', '.join(named)}")
    return "; ".join(parts) + "."
