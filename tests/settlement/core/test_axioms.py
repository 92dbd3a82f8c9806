"""What every method owes: efficiency, symmetry, null players, additivity, and any numbering.

A method is exact for its own game: `levels` for the holarchy-tree game in orders that keep holons
together, `clusters` between clusters. `sampled` estimates, so what its orders do not give exactly
is held within a few standard errors.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.games import Game
from settlement.core.holarchy import HolarchyTree, holarchy_tree
from settlement.core.methods import exact, levels
from settlement.core.network import Network, network_of
from settlement.core.sampled import sampled
from settlement.core.shapley_rule import METHODS
from settlement.core.shares import Shares
from tests.examples import tried
from tests.settlement.core import examples
from tests.settlement.core.draws import Words, examples_of
from tests.settlement.core.examples import read_trunk
from tests.settlement.core.reference import as_numbers

EXACTLY = tuple(method for method in METHODS if method != "sampled")
ORDERS = 512
ERRORS = 7


@dataclass(frozen=True, eq=False)
class Case:
    """A game, the holons of its nodes, and what clusters form by."""

    game: Game
    parents: list[int]
    node_holon: list[int]
    trunk: list[int]

    @property
    def tree(self) -> HolarchyTree:
        return holarchy_tree(self.game.network, self.parents, self.node_holon)

    def shared(self, method: str) -> Shares:
        if method == "exact":
            return exact(self.game)
        if method == "levels":
            return levels(self.game, self.tree)
        if method == "sampled":
            return sampled(self.game, seed=11, most_orders=ORDERS)
        near = neighbourhood(self.game.network, self.trunk, 2)
        number = clusters_of(near, self.game.unit_node, self.game.available_kw)
        return clusters(self.game, number)

    def shares(self, method: str) -> tuple[Fraction, ...]:
        return self.shared(method).fractions_kw()


def read_case(words: Words, most_units: int) -> Case:
    grid, unit_node, available, demand = examples.read_game(words, most_units, intervals=1)
    nodes = len(grid.nodes)
    game = Game(network_of(grid), unit_node, available[:, 0], demand[:, 0])
    return Case(game, *examples.read_tree(words, nodes), read_trunk(words, nodes))


def cases(most_units: int = 6):
    return examples_of(read_case, most_units, words=90)


def beside(case: Case, other: Case) -> Case:
    """Two cases side by side under one root, with no line between them."""
    nodes, first = case.game.network.node_count, len(case.parents)
    networks, games = (case.game.network, other.game.network), (case.game, other.game)
    lines = [
        np.concatenate([getattr(networks[0], name), getattr(networks[1], name) + shift])
        for name, shift in (
            ("line_from", nodes), ("line_to", nodes), ("rating_kw", 0), ("reverse_rating_kw", 0),
        )
    ]  # fmt: skip
    game = Game(
        Network(nodes + networks[1].node_count, *lines),
        np.concatenate([games[0].unit_node, games[1].unit_node + nodes]),
        np.concatenate([each.available_kw for each in games]),
        np.concatenate([each.demand_kw for each in games]),
    )
    inside = ((1, case), (1 + first, other))
    return Case(
        game,
        [-1, *(h for by, each in inside for h in (0, *(by + p for p in each.parents[1:])))],
        [by + holon for by, each in inside for holon in each.node_holon],
        [*case.trunk, *(nodes + node for node in other.trunk)],
    )


@pytest.mark.parametrize("method", METHODS)
@given(case=cases())
@settings(max_examples=tried(40))
def test_efficiency_all_that_is_worth_is_shared(method, case):
    network = case.tree.network if method == "levels" else case.game.network
    holon = case.tree.node_holon if method == "levels" else np.arange(network.node_count)
    supply_kw, demand_kw = (np.zeros(network.node_count, dtype=np.int64) for _ in range(2))
    np.add.at(supply_kw, holon[case.game.unit_node], case.game.available_kw)
    np.add.at(demand_kw, holon, case.game.demand_kw)
    played = Game(network, np.arange(network.node_count), supply_kw, demand_kw)
    shares = case.shares(method)
    assert sum(shares) == played.value_kw(range(network.node_count))
    assert all(share >= 0 for share in shares)


@pytest.mark.parametrize("method", METHODS)
@given(case=cases(), data=st.data())
@settings(max_examples=tried(40))
def test_symmetry_a_unit_like_another_gets_as_much(method, case, data):
    game = case.game
    like = data.draw(st.integers(0, game.unit_count - 1))
    twin = replace(
        game,
        unit_node=np.append(game.unit_node, game.unit_node[like]),
        available_kw=np.append(game.available_kw, game.available_kw[like]),
    )
    found = replace(case, game=twin).shared(method)
    original, other = found.fractions_kw()[like], found.fractions_kw()[-1]
    if method != "sampled":
        assert original == other
        return
    errors = found.standard_error_w[like] + found.standard_error_w[-1]
    assert abs(original - other) * 1000 <= ERRORS * errors


@pytest.mark.parametrize("method", METHODS)
@given(case=cases(most_units=5), kw=st.integers(0, 30))
@settings(max_examples=tried(40))
def test_a_null_player_gets_nothing_and_takes_nothing(method, case, kw):
    """A unit of any size where there is no demand and no line adds nothing to any coalition."""
    none = as_numbers([])
    alone = Game(Network(1, none, none, none, none), as_numbers([0]), as_numbers([kw]), [0])
    found = beside(case, Case(alone, [-1], [0], [0])).shares(method)
    assert found[-1] == 0
    assert sum(found) == sum(case.shares(method))
    if method != "sampled":
        assert found[:-1] == beside(case, Case(replace(alone, unit_node=none, available_kw=none),
                                               [-1], [0], [0])).shares(method)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@given(one=cases(most_units=4), other=cases(most_units=4))
@settings(max_examples=tried(40))
def test_additivity_shares_of_two_games_are_those_of_their_sum(method, one, other):
    """The same units play for the demand of one island, of the other, and of both."""
    both = beside(one, other)
    nodes = one.game.network.node_count
    parts = []
    for kept in (slice(None, nodes), slice(nodes, None)):
        demand_kw = np.zeros_like(both.game.demand_kw)
        demand_kw[kept] = both.game.demand_kw[kept]
        parts.append(replace(both, game=replace(both.game, demand_kw=demand_kw)).shares(method))
    together = both.shares(method)
    assert together == tuple(left + right for left, right in zip(*parts, strict=True))


@pytest.mark.parametrize("method", METHODS)
@given(case=cases(), random=st.randoms(use_true_random=False))
@settings(max_examples=tried(40))
def test_any_numbering_of_units_and_nodes_gives_the_same(method, case, random):
    game, network = case.game, case.game.network
    units, nodes = list(range(game.unit_count)), list(range(network.node_count))
    random.shuffle(units)
    random.shuffle(nodes)
    new_number = np.argsort(nodes)
    other = Case(
        Game(
            replace(
                network,
                line_from=new_number[network.line_from],
                line_to=new_number[network.line_to],
            ),
            new_number[game.unit_node][units],
            game.available_kw[units],
            game.demand_kw[nodes],
        ),
        case.parents,
        [case.node_holon[node] for node in nodes],
        [int(new_number[node]) for node in case.trunk],
    )
    found, again = case.shared(method), other.shared(method)
    expected = tuple(found.fractions_kw()[unit] for unit in units)
    if method != "sampled":
        assert again.fractions_kw() == expected
        return
    for place, (estimate, value) in enumerate(zip(again.fractions_kw(), expected, strict=True)):
        errors = again.standard_error_w[place] + found.standard_error_w[units[place]]
        assert abs(estimate - value) * 1000 <= ERRORS * errors
