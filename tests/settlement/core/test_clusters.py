from fractions import Fraction
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.games import Game
from settlement.core.network import Network, network_of
from tests.settlement.core import examples, reference
from tests.settlement.core.draws import Words, examples_of
from tests.settlement.core.reference import as_numbers

TRUNK = ("N1", "N16", "N17")


def read_clustered(words: Words, most_units: int):
    grid, unit_node, available, demand = examples.read_game(words, most_units, intervals=1)
    network = network_of(grid)
    game = Game(network, unit_node, available[:, 0], demand[:, 0])
    return network, game, examples.read_trunk(words, len(grid.nodes)), words.count(0, 3)


def clustered(most_units: int = 7):
    """A game with trunk nodes and a hop limit: (network, game, trunk, limit)."""
    return examples_of(read_clustered, most_units, words=80)


def by_the_book(network: Network, game: Game, trunk: list[int], limit: int) -> set[frozenset[int]]:
    """Merge the first pair that may, then begin again; over all shortest paths, one by one."""
    graph = nx.Graph()
    graph.add_nodes_from(range(network.node_count))
    both = np.zeros((network.node_count,) * 2, dtype=np.int64)
    for line in range(len(network.line_from)):
        start, end = int(network.line_from[line]), int(network.line_to[line])
        if start != end:
            graph.add_edge(start, end)
            both[start, end] += network.rating_kw[line]
            both[end, start] += network.reverse_rating_kw[line]
    hops = dict(nx.all_pairs_shortest_path_length(graph))

    def nearest(node: int) -> int | None:
        return min(
            (trunk_node for trunk_node in trunk if trunk_node in hops[node]),
            key=hops[node].get,
            default=None,
        )

    def wide(unit: int, other: int) -> bool:
        start, end = int(game.unit_node[unit]), int(game.unit_node[other])
        needed = max(game.available_kw[unit], game.available_kw[other])
        return any(
            min(min(both[a, b], both[b, a]) for a, b in pairwise(path)) >= needed
            for path in nx.all_shortest_paths(graph, start, end)
        )

    def merge(left: list[int], right: list[int]) -> bool:
        places = [{int(game.unit_node[unit]) for unit in side} for side in (left, right)]
        trunks = {nearest(node) for side in places for node in side}
        joined = all(b in hops[a] for a in places[0] for b in places[1])
        return (
            len(trunks) == 1
            and None not in trunks
            and joined
            and min(hops[a][b] for a in places[0] for b in places[1]) <= limit
            and any(wide(a, b) for a in left for b in right)
        )

    found: dict[int, list[int]] = {}
    for unit, node in enumerate(game.unit_node.tolist()):
        found.setdefault(node, []).append(unit)
    groups = list(found.values())
    while True:
        pair = next(
            (
                (first, second)
                for first in range(len(groups))
                for second in range(first + 1, len(groups))
                if merge(groups[first], groups[second])
            ),
            None,
        )
        if pair is None:
            return set(map(frozenset, groups))
        groups[pair[0]] += groups.pop(pair[1])


def number_of(network: Network, game: Game, trunk, limit):
    near = neighbourhood(network, trunk, limit)
    return clusters_of(near, game.unit_node, game.available_kw)


@given(clustered())
def test_clusters_are_as_the_reference(case):
    network, game, trunk, limit = case
    found = clusters(game, number_of(*case))
    assert set(map(frozenset, found.clusters)) == by_the_book(network, game, trunk, limit)


@given(clustered())
def test_shares_are_exact_between_clusters_and_by_availability_inside(case):
    game = case[1]
    found = clusters(game, number_of(*case))
    expected = reference.shapley(
        len(found.clusters),
        lambda chosen: game.value_kw(
            [unit for cluster in chosen for unit in found.clusters[cluster]]
        ),
    )
    shares = found.fractions_kw()
    for cluster, members in enumerate(found.clusters):
        share = Fraction(found.cluster_numerators[cluster], found.cluster_denominator)
        assert share == expected[cluster] == sum(shares[unit] for unit in members)
        supply = sum(game.available_kw[list(members)].tolist())
        for unit in members:
            assert shares[unit] * supply == share * int(game.available_kw[unit])
    for unit, kw in enumerate(game.available_kw):
        assert kw or not shares[unit]


@given(clustered(), st.randoms(use_true_random=False))
def test_numbering_units_otherwise_changes_nothing(case, random):
    network, game, trunk, limit = case
    order = list(range(game.unit_count))
    random.shuffle(order)
    other = Game(network, game.unit_node[order], game.available_kw[order], game.demand_kw)
    found = clusters(game, number_of(*case)).fractions_kw()
    assert clusters(other, number_of(network, other, trunk, limit)).fractions_kw() == tuple(
        found[unit] for unit in order
    )


@given(clustered(most_units=4), clustered(most_units=4))
def test_islands_add(left, other):
    nodes = left[0].node_count
    parts = [
        np.concatenate([getattr(left[0], name), getattr(other[0], name) + shift])
        for name, shift in (
            ("line_from", nodes),
            ("line_to", nodes),
            ("rating_kw", 0),
            ("reverse_rating_kw", 0),
        )
    ]
    network = Network(nodes + other[0].node_count, *parts)
    game = Game(
        network,
        np.concatenate([left[1].unit_node, other[1].unit_node + nodes]),
        np.concatenate([left[1].available_kw, other[1].available_kw]),
        np.concatenate([left[1].demand_kw, other[1].demand_kw]),
    )
    trunk = [*left[2], *(node + nodes for node in other[2])]
    limit = 2
    alone = [
        clusters(part[1], number_of(part[0], part[1], part[2], limit)).fractions_kw()
        for part in (left, other)
    ]
    found = clusters(game, number_of(network, game, trunk, limit)).fractions_kw()
    assert found == alone[0] + alone[1]


def test_clusters_need_a_trunk_a_short_way_and_a_wide_one():
    """A chain 0 - 1 - 2 - 3 of 5 kW lines, one unit a node."""
    network = Network(4, *map(as_numbers, ([0, 1, 2], [1, 2, 3], [5, 5, 5], [5, 5, 5])))
    game = Game(network, np.arange(4), as_numbers([5, 6, 5, 1]), as_numbers([9, 9, 9, 9]))

    def found(trunk: list[int], limit: int) -> list[int]:
        return number_of(network, game, trunk, limit).tolist()

    assert found([0], 1) == [0, 1, 2, 2]  # the unit of 6 kW fits no line
    assert found([0], 2) == [0, 1, 0, 0]
    assert found([], 3) == [0, 1, 2, 3]
    assert found([0, 3], 3) == [0, 1, 2, 2]  # two halves, each with its trunk node


def test_too_many_clusters_are_refused():
    none = as_numbers([])
    network = Network(21, none, none, none, none)
    game = Game(network, np.arange(21), as_numbers([1] * 21), as_numbers([1] * 21))
    with pytest.raises(ValueError, match="21 clusters"):
        clusters(game, number_of(network, game, [0], 2))


@pytest.mark.golden
@pytest.mark.real_data
@pytest.mark.parametrize("number", range(24))
def test_published_clusters_coalition_values_and_shares(number):
    grid, units, unit_node = examples.great_britain(1)
    case = examples.known_cases()[number]
    available = as_numbers([case["availability_kw"][unit] for unit in units])
    demand = as_numbers([case["demand_kw"].get(node, 0) for node in grid.nodes])
    near = neighbourhood(network_of(grid), [grid.nodes.index(node) for node in TRUNK], 2)
    game = Game(network_of(grid, 2), unit_node, available, demand)
    found = clusters(game, clusters_of(near, unit_node, available))

    names = [frozenset(units[unit] for unit in cluster) for cluster in found.clusters]
    known = [names.index(frozenset(cluster)) for cluster in case["clusters"]]
    assert len(known) == len(names)
    for coalition in case["coalition_values_kw"]:
        chosen = sum(1 << known[cluster] for cluster in coalition["clusters"])
        assert abs(found.coalition_values_kw[chosen] - coalition["served_kw"]) <= 1
    for cluster, share_kw in zip(known, case["cluster_shapley_kw"], strict=True):
        share = Fraction(found.cluster_numerators[cluster], found.cluster_denominator)
        assert abs(float(share) - share_kw) <= 0.001 + 1e-9 * abs(share_kw)
