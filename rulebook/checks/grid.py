"""Checks of a grid model: names, lines, connection, and the holarchy."""

from collections.abc import Iterator

from common.refusals import Finding, shown
from rulebook.checks.parts import repeated
from rulebook.documents import GridModel
from rulebook.documents.grid_model import Holon


def names_stand_once(grid: GridModel, place: str) -> Iterator[Finding]:
    """Layers, nodes, lines and holons stand once each."""
    yield from repeated(grid.layers, f"{place}: layers[{{}}]", "layer-repeated")
    yield from repeated([n.node for n in grid.nodes], f"{place}: nodes[{{}}].node", "node-repeated")
    yield from repeated([n.line for n in grid.lines], f"{place}: lines[{{}}].line", "line-repeated")
    yield from repeated(
        [h.holon for h in grid.holons], f"{place}: holons[{{}}].holon", "holon-repeated"
    )


def lines_join_nodes(grid: GridModel, place: str) -> Iterator[Finding]:
    """Lines join two different nodes of the model."""
    nodes = {node.node for node in grid.nodes}
    for position, line in enumerate(grid.lines):
        at = f"{place}: lines[{position}]"
        for field, node in (("from_node", line.from_node), ("to_node", line.to_node)):
            if node not in nodes:
                yield Finding(
                    "line-unknown-node",
                    f"{at}.{field}",
                    shown(node),
                    f"line {line.line} joins nodes of this grid model",
                    "correct the name, or add the node",
                )
        if line.from_node == line.to_node:
            yield Finding(
                "line-joins-itself",
                f"{at}.to_node",
                shown(line.to_node),
                f"line {line.line} joins two different nodes",
                "name the node at its other end, or remove the line",
            )


def grid_is_connected(grid: GridModel, place: str) -> Iterator[Finding]:
    """Every node is reached from the first by lines that can carry power, in either direction."""
    beside: dict[str, set[str]] = {node.node: set() for node in grid.nodes}
    for line in grid.lines:
        carries = line.rating_w > 0 or line.reverse_rating_w > 0
        if carries and line.from_node in beside and line.to_node in beside:
            beside[line.from_node].add(line.to_node)
            beside[line.to_node].add(line.from_node)
    start = grid.nodes[0].node
    reached, frontier = {start}, [start]
    while frontier:
        new = beside[frontier.pop()] - reached
        reached |= new
        frontier.extend(new)
    cut_off = sorted(set(beside) - reached)
    if cut_off:
        yield Finding(
            "grid-not-connected",
            f"{place}: lines",
            f"{', '.join(cut_off)} cut off",
            f"lines with a rating above zero join every node to {start}",
            "add or rate a line, or make the parts markets of their own",
        )


def holons_are_placed(grid: GridModel, place: str) -> Iterator[Finding]:
    """Each holon is in a layer of the model, and its parent in the layer just outside."""
    layer_of = {holon.holon: holon.layer for holon in grid.holons}
    for position, holon in enumerate(grid.holons):
        at = f"{place}: holons[{position}]"
        if holon.layer not in grid.layers:
            yield Finding(
                "holon-unknown-layer",
                f"{at}.layer",
                shown(holon.layer),
                f"holon {holon.holon} lies in a layer of this model: {', '.join(grid.layers)}",
                "correct the layer, or add it to `layers`",
            )
            continue
        depth = grid.layers.index(holon.layer)
        outer = grid.layers[depth - 1] if depth else None
        if outer is None and holon.parent is not None:
            yield Finding(
                "holon-parent-not-allowed",
                f"{at}.parent",
                shown(holon.parent),
                f"holon {holon.holon} lies in the outermost layer and has no parent",
                "remove the parent",
            )
        elif outer is not None and (holon.parent is None or layer_of.get(holon.parent) != outer):
            yield Finding(
                "holon-parent-not-in-next-layer",
                f"{at}.parent",
                shown(holon.parent),
                f"the parent of {holon.holon} is a holon of layer {outer}",
                "name the holon that holds it",
            )


def leaves_are_nodes(grid: GridModel, place: str) -> Iterator[Finding]:
    """The holons of the innermost layer are the nodes, and every other holon holds something."""
    nodes = {node.node for node in grid.nodes}
    parents = {holon.parent for holon in grid.holons}
    innermost = grid.layers[-1]
    for position, holon in enumerate(grid.holons):
        if holon.layer == innermost and holon.holon not in nodes:
            yield Finding(
                "holon-not-a-node",
                f"{place}: holons[{position}].holon",
                shown(holon.holon),
                f"holons of the innermost layer, {innermost}, carry the names of nodes",
                "correct the name, or add the node",
            )
        if holon.layer != innermost and holon.holon not in parents:
            yield Finding(
                "holon-empty",
                f"{place}: holons[{position}].holon",
                shown(holon.holon),
                f"a holon of layer {holon.layer} holds at least one of the next",
                "remove it, or make it the parent of what it holds",
            )


def layers_cover_nodes(grid: GridModel, place: str) -> Iterator[Finding]:
    """Every layer holds every node: a node's ancestors reach out to the outermost layer."""
    holons = {holon.holon: holon for holon in grid.holons}
    for layer in grid.layers:
        missed = [n.node for n in grid.nodes if layer not in _layers_above(n.node, holons, grid)]
        if missed:
            yield Finding(
                "layer-misses-node",
                f"{place}: holons",
                f"layer {layer} misses {', '.join(missed)}",
                "every layer covers every node exactly once",
                "give each of these nodes a holon in every layer, each the parent of the next",
            )


def areas_have_factors(grid: GridModel, place: str) -> Iterator[Finding]:
    """The energy accounts name a layer of the model, and a loss factor for each of its holons."""
    accounts = grid.energy_accounts
    if accounts is None:
        return
    at = f"{place}: energy_accounts"
    if accounts.layer not in grid.layers:
        yield Finding(
            "energy-unknown-layer",
            f"{at}.layer",
            shown(accounts.layer),
            f"the areas are holons of a layer of this model: {', '.join(grid.layers)}",
            "name one of these layers",
        )
        return
    named = [factor.area for factor in accounts.losses]
    yield from repeated(named, f"{at}.losses[{{}}].area", "area-repeated")
    areas = [holon.holon for holon in grid.holons if holon.layer == accounts.layer]
    for position, area in enumerate(named):
        if area not in areas:
            yield Finding(
                "area-unknown",
                f"{at}.losses[{position}].area",
                shown(area),
                f"an area is a holon of layer {accounts.layer}: {', '.join(areas)}",
                "correct the name, or remove the factor",
            )
    missing = [area for area in areas if area not in named]
    if missing:
        yield Finding(
            "area-without-factor",
            f"{at}.losses",
            f"none for {', '.join(missing)}",
            f"every holon of layer {accounts.layer} has a loss factor",
            "state it; 0 where nothing is lost",
        )


def _layers_above(node: str, holons: dict[str, Holon], grid: GridModel) -> set[str]:
    """Return the layers in which `node` has an ancestor, itself included; safe in a circle."""
    leaf = holons.get(node)
    if leaf is None or leaf.layer != grid.layers[-1]:
        return set()
    layers: set[str] = set()
    current: Holon | None = leaf
    while current is not None and current.layer not in layers:
        layers.add(current.layer)
        current = holons.get(current.parent) if current.parent is not None else None
    return layers


GRID_CHECKS = (
    names_stand_once,
    lines_join_nodes,
    grid_is_connected,
    holons_are_placed,
    leaves_are_nodes,
    layers_cover_nodes,
    areas_have_factors,
)
