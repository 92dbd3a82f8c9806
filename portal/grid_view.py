"""The grid of a market as a picture: its nodes and lines, or the holons that they lie in.

Laid out from the grid alone: where things stand on a map is beside the law, and in no digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.quantities import quantity
from portal.charts.chart import NOTHING, Chart, Table
from portal.charts.network import (
    MOST_PLACES,
    Link,
    Mark,
    Network,
    Place,
    network_chart,
)
from rulebook.documents import GridModel
from rulebook.documents.grid_model import Holon, Line

KEY = "grid"
MOST_ROWS = 400
"""Rows of the table beside a drawing; the document's own tables have all."""


@dataclass
class _Joint:
    """The lines between two places."""

    lines: list[Line] = field(default_factory=list)
    forward_w: int = 0
    backward_w: int = 0


def grid_chart(grid: GridModel, before: GridModel | None = None) -> Chart | None:
    """Return a grid as a picture, with what changed of an earlier one, if there is one.

    Nodes are drawn where there is room for all of them, else the holons of the innermost layer for
    which there is. None where no layer has so few.
    """
    grids = [grid] if before is None else [before, grid]
    drawn = next((layer for layer in reversed(grid.layers) if _has_room(layer, grids)), None)
    if drawn is None:
        return None
    inside = [_holons_of(each, drawn) for each in grids]
    around = _grouping(grid, drawn)
    places = _places(inside, grids, around)
    joints = [_joints(each, drawn) for each in grids]
    links = _links(joints)
    groups = {place.group: None for place in places}
    titles = {holon.holon: holon.title for each in grids for holon in each.holons}
    network = Network(
        tuple(places),
        tuple(links.values()),
        tuple((group, titles.get(group, "")) for group in groups),
    )
    is_whole = drawn == grid.layers[-1]
    table = _lines_table(grids) if is_whole else _joints_table(joints, links)
    return network_chart(KEY, _title(grid, drawn), network, _said(network, grid, drawn), table)


def _has_room(layer: str, grids: Sequence[GridModel]) -> bool:
    names = {holon.holon for each in grids for holon in each.holons if holon.layer == layer}
    return 0 < len(names) <= MOST_PLACES


def _title(grid: GridModel, drawn: str) -> str:
    if drawn == grid.layers[-1]:
        return "Nodes and lines of the grid"
    return f"Parts of the grid in the layer {drawn}, and the lines between them"


def _holons_of(grid: GridModel, layer: str) -> dict[str, Holon]:
    return {holon.holon: holon for holon in grid.holons if holon.layer == layer}


def _grouping(grid: GridModel, drawn: str) -> str | None:
    """Return the outermost layer of several parts that lies around what is drawn, if one does."""
    outside = grid.layers[: grid.layers.index(drawn)]
    return next((layer for layer in outside if len(_holons_of(grid, layer)) > 1), None)


def _ancestor(grid: GridModel, layer: str | None) -> dict[str, str]:
    """Return the part of a layer in which each holon lies; nothing for those outside it."""
    holons = {holon.holon: holon for holon in grid.holons}
    found: dict[str, str] = {}
    # Outermost first, so the parent of each has been found; names are unique in a grid.
    for holon in sorted(grid.holons, key=lambda each: grid.layers.index(each.layer)):
        if holon.layer == layer:
            found[holon.holon] = holon.holon
        elif holon.parent is not None and holon.parent in holons:
            found[holon.holon] = found.get(holon.parent, "")
    return found


def _places(
    inside: Sequence[Mapping[str, Holon]], grids: Sequence[GridModel], around: str | None
) -> list[Place]:
    found: dict[str, Place] = {}
    for grid, holons in zip(grids, inside, strict=True):
        group_of = _ancestor(grid, around)
        for name, holon in holons.items():
            group = group_of.get(name, "") if around else ""
            was = found.get(name)
            mark = Mark.SAME if len(grids) == 1 or was else Mark.NEW
            if was and (was.group, was.title) != (group, holon.title):
                mark = Mark.CHANGED
            found[name] = Place(name, holon.title, group, mark)
    return [
        place
        if place.name in inside[-1]
        else Place(place.name, place.title, place.group, Mark.LEFT_OUT)
        for place in found.values()
    ]


def _joints(grid: GridModel, drawn: str) -> dict[tuple[str, str], _Joint]:
    """Return the lines between parts of a layer, by the two that they join, in order of the law."""
    part_of = _ancestor(grid, drawn)
    found: dict[tuple[str, str], _Joint] = {}
    for line in grid.lines:
        one, other = part_of.get(line.from_node, ""), part_of.get(line.to_node, "")
        if not one or not other or one == other:
            continue
        pair = (one, other) if one < other else (other, one)
        joint = found.setdefault(pair, _Joint())
        joint.lines.append(line)
        forward, backward = line.rating_w, line.reverse_rating_w
        if pair[0] != one:
            forward, backward = backward, forward
        joint.forward_w += forward
        joint.backward_w += backward
    return found


def _links(joints: Sequence[Mapping[tuple[str, str], _Joint]]) -> dict[tuple[str, str], Link]:
    found: dict[tuple[str, str], Link] = {}
    for pair in dict.fromkeys(pair for each in joints for pair in each):
        sides = [each.get(pair) for each in joints]
        old, new = sides[0], sides[-1]
        if len(sides) == 1 or (old and new and old.lines == new.lines):
            mark = Mark.SAME
        elif old is None:
            mark = Mark.NEW
        else:
            mark = Mark.LEFT_OUT if new is None else Mark.CHANGED
        shown = new or old
        found[pair] = Link(*pair, _label(shown) if shown else "", mark)
    return found


def _label(joint: _Joint) -> str:
    forward, backward = (quantity(each, "W") for each in (joint.forward_w, joint.backward_w))
    return forward if forward == backward else f"{forward} / {backward}"


def _lines_table(grids: Sequence[GridModel]) -> Table:
    """Return every line with both ratings; of two grids those that changed, before and after."""
    *earlier, last = ({line.line: line for line in grid.lines} for grid in grids)
    if not earlier:
        rows = [
            (name, f"{line.from_node} – {line.to_node}", *_ratings(line))
            for name, line in last.items()
        ]
        columns = ("Line", "Joins", "Forward", "Backward")
    else:
        (first,) = earlier
        names = [name for name in (first | last) if first.get(name) != last.get(name)]
        rows = [_changed_row(name, first.get(name), last.get(name)) for name in names]
        columns = ("Line", "Joins", "Before", "After")
    return _cut(columns, rows)


def _joints_table(
    joints: Sequence[Mapping[tuple[str, str], _Joint]], links: Mapping[tuple[str, str], Link]
) -> Table:
    if len(joints) == 1:
        sums = [
            (f"{one} – {other}", str(len(joint.lines)), *_sums(joint))
            for (one, other), joint in joints[0].items()
        ]
        return _cut(("Parts joined", "Lines", "Forward", "Backward"), sums)
    first, last = joints
    rows = [
        (f"{one} – {other}", _label_of(first.get((one, other))), _label_of(last.get((one, other))))
        for (one, other), link in links.items()
        if link.mark is not Mark.SAME
    ]
    return _cut(("Parts joined", "Before", "After"), rows)


def _cut(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    left = len(rows) - MOST_ROWS
    note = (
        f"The first {MOST_ROWS} of {len(rows):,} rows; the values below have all."
        if left > 0
        else ""
    )
    return Table(columns, tuple(rows[:MOST_ROWS]), note)


def _ratings(line: Line) -> tuple[str, str]:
    return quantity(line.rating_w, "W"), quantity(line.reverse_rating_w, "W")


def _sums(joint: _Joint) -> tuple[str, str]:
    return quantity(joint.forward_w, "W"), quantity(joint.backward_w, "W")


def _ends(line: Line) -> str:
    return f"{line.from_node} – {line.to_node}"


def _changed_row(name: str, old: Line | None, new: Line | None) -> tuple[str, str, str, str]:
    """Return a line before and after; what it joins stands once, unless it is laid elsewhere."""
    ends = dict.fromkeys(_ends(line) for line in (old, new) if line)
    before, after = (NOTHING if line is None else " / ".join(_ratings(line)) for line in (old, new))
    return name, " → ".join(ends), before, after


def _label_of(joint: _Joint | None) -> str:
    return NOTHING if joint is None else f"{_label(joint)}, {len(joint.lines)} lines"


def _said(network: Network, grid: GridModel, drawn: str) -> str:
    """Return what the drawing shows, in sentences made of its figures."""
    ends: dict[str, int] = {}
    for link in network.links:
        for end in (link.one, link.other):
            ends[end] = ends.get(end, 0) + 1
    what = "node" if drawn == grid.layers[-1] else f"part of the layer {drawn}"
    parts = [f"{_count(len(network.places), what)}, {_count(len(network.links), 'link')}"]
    if len(network.groups) > 1:
        sizes: dict[str, int] = {}
        for place in network.places:
            sizes[place.group] = sizes.get(place.group, 0) + 1
        parts.append(
            ", ".join(f"{title or name} has {sizes[name]}" for name, title in network.groups)
        )
    if ends:
        most = max(ends, key=lambda name: ends[name])
        parts.append(f"most links end at {most}: {ends[most]}")
    for mark in Mark:
        named = [each.name for each in network.places if each.mark is mark]
        named += [f"{each.one} – {each.other}" for each in network.links if each.mark is mark]
        if mark.sign and named:
            parts.append(f"{mark.word}: {', '.join(named)}")
    return "; ".join(parts) + "."


def _count(count: int, what: str) -> str:
    """Return a count of things, such as `12 nodes`."""
    first, _, others = what.partition(" ")
    return f"{count:,} {first}{'' if count == 1 else 's'} {others}".strip()
