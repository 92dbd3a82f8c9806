"""What supply outside a holon can bring into it, in W: by its boundary, or by maximum flow.

*Boundary*: the sum of the ratings of lines into the holon, or the surplus outside if that is less.
It asks neither whether the surplus can reach the boundary nor whether demand elsewhere can.

*Maximum flow*: the demand outside is served first, as far as the lines allow; what can still reach
the holon counts. With v the maximum flow from supply outside, over every line at its own rating::

    imports = v(demand outside, and any amount wanted in the holon) - v(demand outside)

The holon's own supply and demand take no part, and its lines carry what passes through. Each v is
a minimum cut (Ford and Fulkerson, 1956). With A the nodes on the side of supply::

    v(demand outside)   = min over all A             of [ surplus wanted of A + ratings out of A ]
    v(any in the holon) = min over A outside holon   of [ the same ]

    surplus wanted of A = demand of A - supply of A + all supply, each counted outside the holon

so the two differ by what the ratings make of it alone. Everything is a whole number of W, so
nothing is rounded. Cuts are enumerated where a grid has few nodes; where it has more, flow is sent
along shortest paths: the same number.

How the two measures relate, with C the ratings into the holon::

    imports by maximum flow <= min(C, supply outside - demand outside that is served)

which is the boundary's figure where all demand outside is served. Where some cannot be, supply that
is cut off from it may still reach the holon, and maximum flow then counts more.

Under either measure more demand outside lowers imports or leaves them, and more availability raises
them or leaves them: in a flow network demand at two nodes are substitutes, supply and demand are
complements (Gale and Politof, 1981). Higher ratings never lower a boundary's imports, but may lower
those by maximum flow: a new line can lead supply away to demand that is served first.
"""

from functools import lru_cache
from typing import Literal

import numpy as np

from settlement.core.arrays import Integers, kernel, largest_magnitude, require_int64
from settlement.core.cuts import cut_boundaries, subset_sums
from settlement.core.grid import Grid, Layer
from settlement.core.network import add_supply, arcs_of

Deliverability = Literal["boundary", "max-flow"]
MEASURES: tuple[Deliverability, ...] = ("boundary", "max-flow")

MOST_NODES_BY_CUTS = 14
"""Beyond this the 2**N cuts of a holon take longer than its flow does."""

LAYERS_KEPT = 32
"""Layers whose cuts are kept from one day to the next: those of the grids last in use."""


def imports_w(
    grid: Grid,
    layer: Layer,
    available_w: Integers,
    demand_w: Integers,
    deliverability: Deliverability = "boundary",
) -> Integers:
    """Return what supply outside each holon of a layer can bring into it, shape (H, T), in W.

    Args:
        available_w: shape (N, T), available supply at each node, not negative.
        demand_w: shape (N, T), demand at each node, not negative.
        deliverability: how it is measured.

    Example: 10 W of supply at A, 9 W of demand at B, lines A to B of 3 W and A to C of 5 W. By
    boundary C is brought min(5, 10 - 9) = 1 W. By maximum flow B is served the 3 W that its line
    carries, and C is brought min(5, 10 - 3) = 5 W.

    Raises:
        OverflowError: ratings, supply or demand so large that their sums may pass int64.
    """
    if deliverability == "boundary":
        surplus_w = available_w - demand_w
        outside_w = surplus_w.sum(axis=0) - layer.sums(surplus_w)
        imports: Integers = np.minimum(
            grid.boundary_w(layer)[:, np.newaxis], np.maximum(outside_w, 0)
        )
        return imports
    ratings = sum(grid.rating_w.tolist()) + sum(grid.reverse_rating_w.tolist())
    powers = largest_magnitude(available_w) + largest_magnitude(demand_w)
    require_int64(2 * ratings + len(grid.nodes) * powers, "maximum flow")
    if len(grid.nodes) <= MOST_NODES_BY_CUTS:
        return imports_by_cuts_w(grid, layer, available_w, demand_w)
    return imports_by_flow_w(grid, layer, available_w, demand_w)


def imports_by_cuts_w(
    grid: Grid, layer: Layer, available_w: Integers, demand_w: Integers
) -> Integers:
    """Return imports by maximum flow as differences of smallest cuts; as `imports_w`."""
    wanted_w = demand_w - available_w
    return np.stack(
        [
            _difference_of_cuts(wanted_w[outside], serving_w, bringing_w)
            for outside, serving_w, bringing_w in _boundaries_outside(grid, layer)
        ]
    )


@lru_cache(maxsize=LAYERS_KEPT)
def _boundaries_outside(
    grid: Grid, layer: Layer
) -> tuple[tuple[Integers, Integers, Integers], ...]:
    """Return for each holon its outside nodes (M,), and the ratings out of every set of them.

    The ratings, each of shape (2**M,), are first the least over the holon's nodes that may stand
    with the set, then those with none of them.
    """
    found = []
    boundary_w = cut_boundaries(
        len(grid.nodes), grid.line_from, grid.line_to, grid.rating_w, grid.reverse_rating_w
    )
    for holon in range(len(layer.holons)):
        outside = np.flatnonzero(layer.node_holon != holon)
        cuts = subset_sums(1 << outside)
        with_nodes = subset_sums(1 << np.flatnonzero(layer.node_holon == holon))
        serving_w = boundary_w[cuts].copy()
        for nodes in with_nodes:
            np.minimum(serving_w, boundary_w[cuts | nodes], out=serving_w)
        found.append((outside, serving_w, boundary_w[cuts]))
    return tuple(found)


@kernel
def _difference_of_cuts(wanted_w: Integers, serving_w: Integers, bringing_w: Integers) -> Integers:
    nodes, intervals = wanted_w.shape
    imports_w = np.empty(intervals, dtype=np.int64)
    cut_w = np.zeros(len(serving_w), dtype=np.int64)
    for interval in range(intervals):
        size = 1
        for node in range(nodes):
            for cut in range(size):
                cut_w[size + cut] = cut_w[cut] + wanted_w[node, interval]
            size *= 2
        served_w, brought_w = serving_w[0], bringing_w[0]
        for cut in range(size):
            served_w = min(served_w, cut_w[cut] + serving_w[cut])
            brought_w = min(brought_w, cut_w[cut] + bringing_w[cut])
        imports_w[interval] = brought_w - served_w
    return imports_w


def imports_by_flow_w(
    grid: Grid, layer: Layer, available_w: Integers, demand_w: Integers
) -> Integers:
    """Return imports by maximum flow, sent along shortest paths; as `imports_w`."""
    arcs = arcs_of(
        len(grid.nodes), grid.line_from, grid.line_to, grid.rating_w, grid.reverse_rating_w
    )
    return _flows_into(
        arcs.first,
        arcs.head,
        arcs.back,
        arcs.rating,
        layer.node_holon,
        len(layer.holons),
        available_w,
        demand_w,
    )


@kernel
def _flows_into(
    first: Integers,
    head: Integers,
    back: Integers,
    rating_w: Integers,
    node_holon: Integers,
    holons: int,
    available_w: Integers,
    demand_w: Integers,
) -> Integers:
    nodes, intervals = available_w.shape
    imports_w = np.zeros((holons, intervals), dtype=np.int64)
    shut = np.empty(nodes, dtype=np.bool_)
    way = np.empty((2, nodes), dtype=np.int64)
    left_w, wanted_w = np.empty(nodes, dtype=np.int64), np.empty(nodes, dtype=np.int64)
    for interval in range(intervals):
        for holon in range(holons):
            room_w = rating_w.copy()
            # In loops, as numba takes seconds to compile each expression of whole arrays.
            any_w = 0
            for node in range(nodes):
                inside = node_holon[node] == holon
                left_w[node] = 0 if inside else available_w[node, interval]
                wanted_w[node] = 0 if inside else demand_w[node, interval]
                any_w += left_w[node]
            shut[:] = False
            for node in range(nodes):
                left_w[node] -= add_supply(
                    first, head, back, room_w, wanted_w, shut, way, node, left_w[node]
                )
            # Supply that is left cannot reach demand that is left, nor will it: what flows into
            # the holon opens no way there. So the same flow goes on with the holon alone in want.
            for node in range(nodes):
                wanted_w[node] = any_w if node_holon[node] == holon else 0
            shut[:] = False
            for node in range(nodes):
                imports_w[holon, interval] += add_supply(
                    first, head, back, room_w, wanted_w, shut, way, node, left_w[node]
                )
    return imports_w
