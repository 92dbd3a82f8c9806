"""Slow, obvious versions of what the engine computes, one coalition and one holon at a time."""

from fractions import Fraction
from itertools import chain, combinations, pairwise, permutations, product
from math import factorial

import networkx as nx
import numpy as np
from networkx.algorithms.flow import dinitz

from settlement.core.cuts import Cuts, subset_sums
from settlement.core.games import BindingCut
from settlement.core.grid import Grid
from settlement.core.network import Network

FEW_NODES = 12
"""With more, other algorithms than Dinitz's are quicker."""


def most_flow(network: nx.DiGraph) -> int:
    """Most that flows from the source to the sink."""
    quickest = dinitz if len(network) <= FEW_NODES else None
    return nx.maximum_flow_value(network, "source", "sink", flow_func=quickest)


def served_by_flow(grid: Grid, unit_node, available_kw, demand_kw, coalition) -> int:
    """Value of a coalition as a maximum flow from a source, through the network, to a sink."""
    network = nx.DiGraph()
    network.add_nodes_from(["source", "sink"])

    def add(tail, head, kw):
        already = network.edges[tail, head]["capacity"] if network.has_edge(tail, head) else 0
        network.add_edge(tail, head, capacity=already + int(kw))

    for line in range(len(grid.line_from)):
        start, end = int(grid.line_from[line]), int(grid.line_to[line])
        if start != end:
            add(start, end, grid.rating_w[line] // 1000)
            add(end, start, grid.reverse_rating_w[line] // 1000)
    for node, kw in enumerate(demand_kw):
        add(node, "sink", kw)
    for unit in coalition:
        add("source", int(unit_node[unit]), available_kw[unit])
    return most_flow(network)


def smallest_cut(cuts: Cuts, unit_node, available_kw, demand_kw, coalition) -> BindingCut:
    """Value of a coalition over all enumerated cuts, and the first of those that are smallest."""
    members = as_numbers(sorted(set(coalition)))
    supply_kw = np.zeros(cuts.node_count, dtype=np.int64)
    np.add.at(supply_kw, unit_node[members], available_kw[members])
    cut_kw = cuts.boundary_kw + subset_sums(demand_kw - supply_kw) + supply_kw.sum()
    smallest = int(cut_kw.argmin())
    inside = tuple(node for node in range(cuts.node_count) if smallest >> node & 1)
    return BindingCut(int(cut_kw[smallest]), inside)


def served_by_cuts(cuts: Cuts, unit_node, available_kw, demand_kw, coalition) -> int:
    """Value of a coalition as the smallest of all enumerated cuts."""
    return smallest_cut(cuts, unit_node, available_kw, demand_kw, coalition).served_kw


def shapley(players: int, value) -> list[Fraction]:
    """Shapley values by the textbook sum, `value` being called with a tuple of players."""
    known = {
        coalition: value(coalition)
        for size in range(players + 1)
        for coalition in combinations(range(players), size)
    }
    # In how many of all orders exactly a coalition of this size comes before a player.
    orders = [factorial(size) * factorial(players - size - 1) for size in range(players)]
    result = []
    for player in range(players):
        total = 0
        for coalition, worth in known.items():
            if player not in coalition:
                joined = tuple(sorted((*coalition, player)))
                total += orders[len(coalition)] * (known[joined] - worth)
        result.append(Fraction(total, factorial(players)))
    return result


def price(knots: list[tuple[int, int]], tightness: Fraction) -> int:
    """Price on a curve, rounded down, by exact fractions."""
    if tightness <= knots[0][0]:
        return knots[0][1]
    for (left, low), (right, high) in pairwise(knots):
        if tightness <= right:
            return (low + (tightness - left) * (high - low) / (right - left)).__floor__()
    return knots[-1][1]


def deliverable_w(grid: Grid, layer: int, holon: int, available, demand, interval: int) -> int:
    """Supply inside a holon and what its boundary lets in, line by line."""
    place = grid.layers[layer].node_holon
    inside = [node for node in range(len(grid.nodes)) if place[node] == holon]
    outside = [node for node in range(len(grid.nodes)) if place[node] != holon]
    boundary = 0
    for line in range(len(grid.line_from)):
        start, end = grid.line_from[line], grid.line_to[line]
        if start in outside and end in inside:
            boundary += int(grid.rating_w[line])
        if start in inside and end in outside:
            boundary += int(grid.reverse_rating_w[line])
    spare = sum(int(available[node, interval]) - int(demand[node, interval]) for node in outside)
    own = sum(int(available[node, interval]) for node in inside)
    return own + min(boundary, max(0, spare))


def imports_by_flow_w(grid: Grid, layer: int, holon: int, available, demand, interval: int) -> int:
    """What supply outside brings into a holon: two maximum flows, one less the other."""
    place = grid.layers[layer].node_holon
    flows = [
        maximum_flow_w(
            grid,
            [int(w) * (at != holon) for w, at in zip(available[:, interval], place, strict=True)],
            [wanted if at == holon else int(w) for w, at in
             zip(demand[:, interval], place, strict=True)],
        )
        for wanted in (int(available.sum()), 0)
    ]  # fmt: skip
    return flows[0] - flows[1]


def maximum_flow_w(grid: Grid, supply_w, demand_w) -> int:
    """The most that supply by node can bring to demand by node, by another package."""
    network = nx.DiGraph()
    network.add_nodes_from(["source", "sink"])
    for line, (start, end) in enumerate(zip(grid.line_from, grid.line_to, strict=True)):
        for tail, head, w in (
            (start, end, grid.rating_w[line]),
            (end, start, grid.reverse_rating_w[line]),
        ):
            if tail != head:
                already = network.get_edge_data(tail, head, {"capacity": 0})["capacity"]
                network.add_edge(tail, head, capacity=already + int(w))
    for node, (supply, wanted) in enumerate(zip(supply_w, demand_w, strict=True)):
        network.add_edge("source", node, capacity=supply)
        network.add_edge(node, "sink", capacity=wanted)
    return most_flow(network)


def apportioned(amount: int, weights: list[int]) -> list[int]:
    """Largest remainder by exact fractions."""
    sign = -1 if amount < 0 else 1
    quotas = [Fraction(abs(amount) * weight, sum(weights)) for weight in weights]
    parts = [quota.__floor__() for quota in quotas]
    order = sorted(range(len(weights)), key=lambda place: (parts[place] - quotas[place], place))
    for place in order[: abs(amount) - sum(parts)]:
        parts[place] += 1
    return [sign * part for part in parts]


def as_grid(network: Network) -> Grid:
    """The grid of a network in kW, without layers."""
    return Grid(
        tuple(map(str, range(network.node_count))),
        network.line_from,
        network.line_to,
        network.rating_kw * 1000,
        network.reverse_rating_kw * 1000,
        (),
    )


def as_numbers(values) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def orders_keeping_holons_together(parents: list[int], unit_holon: list[int], holon: int = 0):
    """Every order of the units inside a holon in which each holon's units come in a row."""
    parts = [[(unit,)] for unit, place in enumerate(unit_holon) if place == holon]
    for inner, around in enumerate(parents):
        if around == holon:
            orders = list(orders_keeping_holons_together(parents, unit_holon, inner))
            if orders != [()]:
                parts.append(orders)
    for sequence in permutations(parts):
        for chosen in product(*sequence):
            yield tuple(chain.from_iterable(chosen))


def winter(parents: list[int], unit_holon: list[int], value) -> list[Fraction]:
    """Winter values: the mean of what units add over all orders that keep holons together."""
    totals, count = [0] * len(unit_holon), 0
    known: dict[frozenset[int], int] = {}
    for order in orders_keeping_holons_together(parents, unit_holon):
        count += 1
        before = 0
        for place, unit in enumerate(order):
            members = frozenset(order[: place + 1])
            if members not in known:
                known[members] = value(tuple(sorted(members)))
            totals[unit] += known[members] - before
            before = known[members]
    return [Fraction(total, count) for total in totals]


def adequacy_kw(available_kw, demand_kw, coalition) -> int:
    """Return a coalition's value without a network: the smaller of its supply and all demand."""
    return min(sum(int(available_kw[unit]) for unit in set(coalition)), int(demand_kw.sum()))
