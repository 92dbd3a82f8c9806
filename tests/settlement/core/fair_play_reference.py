"""Slow, obvious Fair Play: every set of nodes by name, every ratio a fraction."""

from fractions import Fraction
from itertools import chain, combinations

import networkx as nx
import numpy as np

from settlement.core.fair_play import Terms
from tests.settlement.core import examples
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers, most_flow


def lines_between(grid):
    """(from, to, W) of each line in each direction, ratings rounded down to whole kW."""
    for line in range(len(grid.line_from)):
        start, end = int(grid.line_from[line]), int(grid.line_to[line])
        yield start, end, int(grid.rating_w[line]) // 1000 * 1000
        yield end, start, int(grid.reverse_rating_w[line]) // 1000 * 1000


def servable_by_flow(grid, supply_w, demand_w) -> int:
    """Most of a demand that flows through the network; all of it if it is jointly servable."""
    network = nx.DiGraph()
    network.add_nodes_from(["source", "sink"])
    for start, end, rating in lines_between(grid):
        already = network.edges[start, end]["capacity"] if network.has_edge(start, end) else 0
        if start != end:
            network.add_edge(start, end, capacity=already + rating)
    for node, (supply, demand) in enumerate(zip(supply_w, demand_w, strict=True)):
        network.add_edge("source", node, capacity=int(supply))
        network.add_edge(node, "sink", capacity=int(demand))
    return most_flow(network)


def sets_of(nodes):
    return chain.from_iterable(combinations(nodes, size) for size in range(1, len(nodes) + 1))


def filled(grid, supply_w, demand_w, weight) -> list[Fraction]:
    """Progressive filling, all constraints written out: raise all, freeze what binds, repeat."""
    nodes = [node for node in range(len(grid.nodes)) if demand_w[node] > 0]
    room = {
        members: sum(int(supply_w[node]) for node in members)
        + sum(
            rating
            for start, end, rating in lines_between(grid)
            if end in members and start not in members
        )
        for members in sets_of(range(len(grid.nodes)))
    }
    served = {node: Fraction(0) for node in range(len(grid.nodes))}
    rising = set(nodes)
    while rising:
        limits = [
            (
                (Fraction(most) - sum(served[node] for node in members if node not in rising))
                / sum(int(weight[node]) for node in members if node in rising),
                members,
            )
            for members, most in room.items()
            if rising & set(members)
        ]
        limits += [(Fraction(int(demand_w[node]), int(weight[node])), (node,)) for node in rising]
        ratio = min(limit for limit, _ in limits)
        for node in rising:
            served[node] = ratio * int(weight[node])
        rising -= {node for limit, members in limits if limit == ratio for node in members}
    return [served[node] for node in range(len(grid.nodes))]


def fill_by_weight(amount, desired, weights) -> list[Fraction]:
    """Water filling by raising the level from cap to cap."""
    shares = [Fraction(0)] * len(desired)
    rising = {index for index, wanted in enumerate(desired) if wanted}
    level, left = Fraction(0), Fraction(amount)
    while rising and left:
        pull = sum(weights[index] * desired[index] for index in rising)
        step = min(left / pull, *(Fraction(1, weights[index]) - level for index in rising))
        level, left = level + step, left - step * pull
        for index in rising:
            shares[index] = level * weights[index] * desired[index]
        rising -= {index for index in rising if level * weights[index] >= 1}
    return shares


# From few values for ties, from odd ones for remainders, and as large as a country.
WATTS = any_of((0, 0, 0, 5_000, 10_000), range(30_008), range(10**11 + 1))
REQUESTED_W = any_of((0, 0, 5_000), range(20_008))
WEIGHTS = any_of((10**6,), range(1, 10**9 + 1))


def read_shortage(words: Words):
    grid = examples.read_grid(words)
    return grid, *(words.of(WATTS, len(grid.nodes)) for _ in range(2))


def shortages():
    """A grid with supply and demand at its nodes in W: (grid, supply_w[N], demand_w[N])."""
    return examples_of(read_shortage, words=60)


def read_request(words: Words, most_points: int, whole: bool):
    grid = examples.read_grid(words)
    nodes, points = len(grid.nodes), words.count(1, most_points)
    terms = Terms(
        grid.nodes,
        words.below(nodes, points),
        as_numbers([990_000] * points),
        words.flags(points) & whole,
        1_000,
    )
    return (
        grid,
        terms,
        words.of(REQUESTED_W, nodes),
        words.of(REQUESTED_W, 2, points),
        words.of(WEIGHTS, points),
    )


def requests(most_points: int = 7, whole: bool = False):
    """(grid, terms, supply_w[N], desired_w[2,G], weights[G]); `whole`: some are indivisible."""
    return examples_of(read_request, most_points, whole, words=90)


def at_nodes(terms: Terms, values) -> np.ndarray:
    sums = np.zeros(len(terms.nodes), dtype=np.int64)
    np.add.at(sums, terms.node, values)
    return sums
