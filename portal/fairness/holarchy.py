"""The map of the holarchy: parts of the grid, shaded by what they were short of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from portal.charts.chart import NOTHING, Chart, Table
from portal.charts.nesting import MOST_PARTS, Part, nesting_chart
from portal.charts.shades import shades_of
from portal.charts.units import Unit
from rulebook.documents import GridModel
from rulebook.documents.grid_model import Holon


@dataclass(frozen=True)
class Shortness:
    """What parts of the grid were short of.

    Attributes:
        amounts: by part, what it is shaded by.
        columns: titles of the figures beside.
        figures: by part, these figures, written.
        unit: of the amounts.
    """

    amounts: Mapping[str, int]
    columns: tuple[str, ...]
    figures: Mapping[str, tuple[str, ...]]
    unit: Unit


Inside = Mapping[str | None, Sequence[Holon]]


def short_map(key: str, title: str, grid: GridModel, short: Shortness) -> Chart | None:
    """Return the parts of a grid, layer in layer, shaded by what they were short of.

    From the outermost layer to the innermost for which there is room; None where there is none.
    """
    counts = {layer: sum(each.layer == layer for each in grid.holons) for layer in grid.layers}
    fitting = [layer for layer in grid.layers if counts[layer] <= MOST_PARTS]
    # Each layer has as many parts as the one around it, or more.
    layers = grid.layers[: len(fitting)]
    inside: dict[str | None, list[Holon]] = {}
    for holon in grid.holons:
        if holon.layer in layers:
            inside.setdefault(holon.parent, []).append(holon)
    outermost = inside.get(None, [])
    if not outermost:
        return None
    return nesting_chart(
        key,
        title,
        tuple(layers),
        tuple(_parts(outermost, inside, short)),
        _said(grid, layers[-1], short),
        Table(
            (*layers, *short.columns),
            tuple(_rows(outermost, inside, short, len(layers), ())),
            texts=frozenset(layers),
        ),
        shades_of(list(short.amounts.values()), short.unit),
    )


def _parts(holons: Sequence[Holon], inside: Inside, short: Shortness) -> Iterator[Part]:
    for holon in holons:
        inner = tuple(_parts(inside.get(holon.holon, ()), inside, short))
        name = holon.title if inner else holon.holon
        yield Part(name, inner, amount=short.amounts.get(holon.holon))


def _rows(
    holons: Sequence[Holon], inside: Inside, short: Shortness, layers: int, above: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each part that holds no other, with those around it."""
    for holon in holons:
        here = (*above, f"{holon.holon}, {holon.title}")
        inner = inside.get(holon.holon, ())
        if inner:
            yield from _rows(inner, inside, short, layers, here)
            continue
        nothing = (NOTHING,) * len(short.columns)
        yield (*here, *(NOTHING,) * (layers - len(here)), *short.figures.get(holon.holon, nothing))


def _said(grid: GridModel, innermost: str, short: Shortness) -> str:
    """Return which of the innermost parts were short, the most first."""
    parts = [each for each in grid.holons if each.layer == innermost]
    found = [each for each in parts if short.amounts.get(each.holon)]
    if not found:
        return "Nowhere was anything short."
    found.sort(key=lambda each: (-short.amounts[each.holon], each.holon))
    said = "; ".join(
        f"{each.title}, {short.unit.exact(short.amounts[each.holon])}" for each in found
    )
    return f"{len(found)} of {len(parts)} were short: {said}."
