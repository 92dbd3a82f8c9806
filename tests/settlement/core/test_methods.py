from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from settlement.core import methods
from settlement.core.games import Game
from settlement.core.methods import exact, levels
from settlement.core.network import Network, network_of
from tests.examples import tried
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers


@given(examples.games(most_units=7, intervals=1))
def test_exact_is_as_the_reference_on_any_game(game):
    grid, unit_node, available, demand = game
    played = Game(network_of(grid), unit_node, available[:, 0], demand[:, 0])
    ramp = Game.flexibility(available[:, 0], int(demand.sum()) // 2)
    for either in (played, ramp):
        expected = reference.shapley(either.unit_count, either.value_kw)
        assert list(exact(either).fractions_kw()) == expected
        assert exact(either).value_all_kw == either.value_kw(range(either.unit_count))


@given(examples.games(most_units=7, intervals=1))
@settings(max_examples=tried(50))
def test_flows_and_cuts_give_the_same_shares(game):
    """The same game, on a grid with nodes enough that cuts are not enumerated."""
    grid, unit_node, available, demand = game
    network = network_of(grid)
    lines = (network.line_from, network.line_to, network.rating_kw, network.reverse_rating_kw)
    wide = Network(network.node_count + 20, *lines)
    more_demand = np.concatenate([demand[:, 0], as_numbers([3] * 20)])
    many_nodes = Game(wide, unit_node, available[:, 0], more_demand)
    few_nodes = Game(network, unit_node, available[:, 0], demand[:, 0])
    assert exact(many_nodes) == exact(few_nodes)


@given(examples.holarchy_games(intervals=1))
def test_levels_state_the_gap(game):
    tree, grid, unit_node, available, demand = game
    played = Game(network_of(grid), unit_node, available[:, 0], demand[:, 0])
    found = levels(played, tree)
    in_network = played.value_kw(range(len(unit_node)))
    assert found.value_all_kw == in_network + found.gap_kw
    assert found.gap_kw >= 0


def test_shares_that_do_not_sum_are_a_bug():
    with pytest.raises(ArithmeticError, match="do not sum"):
        methods.Shares((1, 2), 2, 3)
    assert methods.Shares((1, 3), 2, 2).fractions_kw() == (Fraction(1, 2), Fraction(3, 2))


def test_exact_beyond_its_size_is_refused():
    game = Game.adequacy(as_numbers([1] * 25), 5)
    with pytest.raises(ValueError, match="1 to 24"):
        exact(game)
    none = as_numbers([])
    wide = Network(21, none, none, none, none)
    game = Game(wide, as_numbers([0] * 21), as_numbers([1] * 21), as_numbers([1] * 21))
    with pytest.raises(ValueError, match="21 units on 21 nodes"):
        exact(game)
