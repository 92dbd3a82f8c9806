import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.cuts import grid_cuts
from settlement.core.games import Game, ramp_deliverable_w
from settlement.core.network import Network, copperplate, network_of, smallest_cut
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers


@given(examples.games(most_units=6, intervals=1), st.data())
def test_the_flow_is_the_smallest_cut_and_the_maximum_flow(game, data):
    grid, unit_node, available, demand = game
    coalition = data.draw(st.sets(st.integers(0, len(unit_node) - 1)))
    found = Game(network_of(grid), unit_node, available[:, 0], demand[:, 0]).value_kw(coalition)
    arguments = (unit_node, available[:, 0], demand[:, 0], coalition)
    assert found == reference.served_by_cuts(grid_cuts(grid), *arguments)
    assert found == reference.served_by_flow(grid, *arguments)


@given(examples.games(most_units=7, intervals=1), st.data())
def test_sets_of_groups_are_worth_what_their_units_are(game, data):
    grid, unit_node, available, demand = game
    of = data.draw(st.lists(st.integers(0, 2), min_size=len(unit_node), max_size=len(unit_node)))
    groups = [[unit for unit in range(len(of)) if of[unit] == group] for group in range(3)]
    played = Game(network_of(grid), unit_node, available[:, 0], demand[:, 0])
    for chosen, value in enumerate(played.values_kw(groups)):
        members = [unit for unit in range(len(of)) if chosen >> of[unit] & 1]
        assert value == played.value_kw(members)


def test_a_multiplied_rating_is_rounded_down_once():
    grid = examples.tiny_market().grid
    doubled = network_of(grid, 2)
    assert (doubled.rating_kw.tolist(), doubled.reverse_rating_kw.tolist()) == ([8], [4])


def test_flexibility_is_what_can_be_added_in_time():
    deliverable = ramp_deliverable_w(as_numbers([100, 40, 9]), as_numbers([121, 900, 7]), 30)
    assert deliverable.tolist() == [60, 40, 3]
    game = Game.flexibility(deliverable, 70)
    assert [game.value_kw(members) for members in ([], [0], [0, 1], [0, 1, 2])] == [0, 60, 70, 70]
    by_day = ramp_deliverable_w(as_numbers([[90, 5], [9, 1]]), as_numbers([[60], [7]]), 20)
    assert by_day.tolist() == [[20, 5], [2, 1]]
    with pytest.raises(OverflowError, match="ramp within the time"):
        ramp_deliverable_w(as_numbers([1]), as_numbers([2**60]), 30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit_node": as_numbers([1])}, "a unit is at a node"),
        ({"available_kw": as_numbers([-1])}, "must not be negative"),
        ({"demand_kw": as_numbers([1, 1])}, "demand_kw: shape"),
    ],
)
def test_a_game_that_does_not_fit_is_refused(changes, message):
    game = {"unit_node": as_numbers([0]), "available_kw": as_numbers([1])}
    game |= {"demand_kw": as_numbers([1])}
    with pytest.raises(ValueError, match=message):
        Game(copperplate(), **(game | changes))


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        ([[0], [2], [1], [1]], ValueError, "ends at a node"),
        ([[0], [1], [-1], [1]], ValueError, "negative rating"),
        ([[0], [1], [2**61], [2**61]], OverflowError, "ratings of all lines"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(lines, error, message):
    with pytest.raises(error, match=message):
        Network(2, *map(as_numbers, lines))


def test_flow_that_went_one_way_can_be_led_another():
    """Supply at 1 first serves 2, the nearer; what joins at 0 can only serve 2, so 1 turns to 3."""
    network = Network(4, *map(as_numbers, ([0, 1, 1], [2, 2, 3], [5, 5, 5], [0, 0, 0])))
    assert smallest_cut(network, as_numbers([5, 5, 0, 0]), as_numbers([0, 0, 5, 5]))[0] == 10
    assert smallest_cut(network, np.array([9, 0, 0, 0]), as_numbers([0, 0, 5, 5]))[0] == 5
