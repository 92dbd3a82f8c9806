"""Thousands of small grids, drawn by number, held to the slow reference by every exact method."""

import numpy as np
import pytest

from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.games import Game
from settlement.core.holarchy import HolarchyTree, holarchy_tree
from settlement.core.methods import exact, levels
from settlement.core.network import Network
from tests.settlement.core import reference
from tests.settlement.core.reference import as_numbers

GRIDS = 2000
PARTS = 4


def drawn(number: int) -> tuple[Game, HolarchyTree, list[int], int]:
    """A game of up to five units on up to four nodes, a holarchy, trunk nodes and a hop limit."""
    random = np.random.default_rng(number)
    nodes, units, lines = random.integers(1, 5), random.integers(1, 6), random.integers(0, 6)
    size = random.choice([1, 3, 30])  # small sizes for ties, large ones for none
    network = Network(
        int(nodes),
        random.integers(0, nodes, lines),
        random.integers(0, nodes, lines),
        random.integers(0, 3 * size, lines),
        random.integers(0, 3 * size, lines),
    )
    game = Game(
        network,
        random.integers(0, nodes, units),
        random.integers(0, 4 * size, units),
        random.integers(0, 4 * size, nodes),
    )
    parents = [-1] + [int(random.integers(0, holon)) for holon in range(1, random.integers(2, 6))]
    tree = holarchy_tree(network, parents, random.integers(0, len(parents), nodes).tolist())
    trunk = np.flatnonzero(random.integers(0, 2, nodes)).tolist()
    return game, tree, trunk, int(random.integers(0, 3))


@pytest.mark.parametrize("part", range(PARTS))
def test_exact_levels_and_clusters_are_as_the_reference(part):
    for number in range(part * GRIDS, (part + 1) * GRIDS):
        game, tree, trunk, hop_limit = drawn(number)
        value = cached(game)
        assert list(exact(game).fractions_kw()) == reference.shapley(game.unit_count, value), number

        unit_holon = tree.node_holon[game.unit_node]
        played = cached(
            Game(tree.network, unit_holon, game.available_kw, tree.demand_kw(game.demand_kw))
        )
        expected = reference.winter(tree.parent.tolist(), unit_holon.tolist(), played)
        assert list(levels(game, tree).fractions_kw()) == expected, number

        near = neighbourhood(game.network, trunk, hop_limit)
        found = clusters(game, clusters_of(near, game.unit_node, game.available_kw))
        between = reference.shapley(
            len(found.clusters),
            lambda chosen, found=found, value=value: value(
                tuple(sorted(unit for cluster in chosen for unit in found.clusters[cluster]))
            ),
        )
        shares = found.fractions_kw()
        for members, share in zip(found.clusters, between, strict=True):
            supply = sum(game.available_kw[as_numbers(members)].tolist())
            for unit in members:
                assert shares[unit] * supply == share * int(game.available_kw[unit]), number


def cached(game: Game):
    """The value of a coalition, as a smallest cut over all sides, one by one."""
    known: dict[tuple[int, ...], int] = {}

    def value(members: tuple[int, ...]) -> int:
        if members not in known:
            known[members] = smallest_cut(game, members)
        return known[members]

    return value


def smallest_cut(game: Game, members: tuple[int, ...]) -> int:
    network, cuts = game.network, []
    ends = list(zip(network.line_from.tolist(), network.line_to.tolist(), strict=True))
    ratings = list(zip(network.rating_kw.tolist(), network.reverse_rating_kw.tolist(), strict=True))
    at = [(int(game.unit_node[unit]), int(game.available_kw[unit])) for unit in members]
    demand = game.demand_kw.tolist()
    for side in range(1 << network.node_count):
        inside = [side >> node & 1 for node in range(network.node_count)]
        cut = sum(kw for node, kw in enumerate(demand) if inside[node])
        cut += sum(kw for node, kw in at if not inside[node])
        for (start, end), (rating, back) in zip(ends, ratings, strict=True):
            cut += rating * (inside[start] and not inside[end])
            cut += back * (inside[end] and not inside[start])
        cuts.append(cut)
    return min(cuts)
