"""Slow, obvious Fair Play: every set of nodes by name, every ratio a fraction."""

from fractions import Fraction
from functools import partial
from itertools import chain, combinations

import networkx as nx

from settlement.core.contracts import Contracts
from tests.settlement.core import examples
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import most_flow


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


# From few values for ties, from odd ones for remainders, and as large as a country.
WATTS = any_of((0, 0, 0, 5_000, 10_000), range(30_008), range(10**11 + 1))
REQUESTED_W = any_of((0, 0, 5_000), range(20_008))
PROMISES = any_of((0, 900_000, 990_000, 999_000, 10**6), range(10**6 + 1))
TIERS = any_of((10**6, 2 * 10**6), range(1, 10**7 + 1))
WINDOWS = any_of((0, 0, 1, 2, 3))
CLAIM_WEIGHTS = any_of((1, 2, 10**6, 2 * 10**6), range(1, 10**6 + 1))


def read_shortage(words: Words):
    grid = examples.read_grid(words)
    return grid, *(words.of(WATTS, len(grid.nodes)) for _ in range(2))


def shortages():
    """A grid with supply and demand at its nodes in W: (grid, supply_w[N], demand_w[N])."""
    return examples_of(read_shortage, words=60)


def read_claims(words: Words):
    grid = examples.read_grid(words, most_nodes=3)
    nodes, claims = len(grid.nodes), words.count(1, 4)
    return (
        grid,
        words.of(WATTS, nodes),
        words.below(nodes, claims),
        words.of(WATTS, claims),
        words.of(CLAIM_WEIGHTS, claims),
    )


def claims():
    """Claims on a grid: (grid, supply_w[N], node[C], wanted_w[C], weight[C])."""
    return examples_of(read_claims, words=60)


def read_contracts(words: Words, intervals: int, *, whole: bool):
    """A grid, contracts of its groups, and supply and demand of some intervals."""
    grid = examples.read_grid(words, most_nodes=4)
    nodes, groups, points = len(grid.nodes), words.count(1, 4), words.count(1, 5)
    node = words.below(nodes, groups)
    contracts = Contracts(
        grid.nodes,
        tuple((f"N{place}", f"P{index}") for index, place in enumerate(node.tolist())),
        node,
        words.of(PROMISES, groups),
        words.of(TIERS, groups),
        words.of(WINDOWS, groups),
        words.flags(groups) & whole,
        words.below(groups, points),
        100_000,
    )
    return (
        grid,
        contracts,
        words.of(REQUESTED_W, nodes, intervals),
        words.of(REQUESTED_W, points, intervals),
    )


def contract_days(intervals: int = 5, *, whole: bool = False):
    """(grid, contracts, supply_w[N,T], desired_w[G,T]); `whole`: some are indivisible."""
    return examples_of(partial(read_contracts, whole=whole), intervals, words=120)
