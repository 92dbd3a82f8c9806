"""Thousands of small grids, drawn by number, held to the slow reference by every exact method."""

import numpy as np
import pytest

from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.games import Game
from settlement.core.holarchy import HolarchyTree, holarchy_tree
from settlement.core.methods import exact, levels
from settlement.core.network import Network
from tests.examples import tried
from tests.settlement.core import reference
from tests.settlement.core.reference import as_numbers

pytestmark = pytest.mark.property

GRIDS = tried(2000)
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
    sides = [
        [bool(side >> node & 1) for node in range(game.network.node_count)]
        for side in range(1 << game.network.node_count)
    ]
    cut_kw = [demand_and_lines_kw(game, inside) for inside in sides]
    outside_kw = [
        [
            0 if inside[node] else kw
            for node, kw in zip(game.unit_node.tolist(), game.available_kw.tolist(), strict=True)
        ]
        for inside in sides
    ]
    known: dict[tuple[int, ...], int] = {}

    def value(members: tuple[int, ...]) -> int:
        if members not in known:
            known[members] = min(
                kw + sum(units[unit] for unit in members)
                for kw, units in zip(cut_kw, outside_kw, strict=True)
            )
        return known[members]

    return value


def demand_and_lines_kw(game: Game, inside: list[bool]) -> int:
    """What a side cuts whoever plays: the demand inside, and the lines that cross it."""
    network = game.network
    cut = sum(kw for kw, is_cut in zip(game.demand_kw.tolist(), inside, strict=True) if is_cut)
    ends = zip(network.line_from.tolist(), network.line_to.tolist(), strict=True)
    ratings = zip(network.rating_kw.tolist(), network.reverse_rating_kw.tolist(), strict=True)
    for (start, end), (rating, back) in zip(ends, ratings, strict=True):
        cut += rating * (inside[start] and not inside[end])
        cut += back * (inside[end] and not inside[start])
    return cut
