from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.cuts import copperplate_cuts, grid_cuts
from settlement.core.games import Game
from settlement.core.network import network_of
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers


def coalitions(units: int):
    return chain.from_iterable(combinations(range(units), size) for size in range(units + 1))


@given(examples.games(most_units=4, intervals=1))
def test_the_smallest_cut_is_the_maximum_flow(game):
    grid, unit_node, available, demand = game
    cuts = grid_cuts(grid)
    for coalition in coalitions(len(unit_node)):
        arguments = (unit_node, available[:, 0], demand[:, 0], coalition)
        assert reference.served_by_cuts(cuts, *arguments) == reference.served_by_flow(
            grid, *arguments
        )


@given(examples.games(most_units=4, intervals=1))
def test_adequacy_is_the_game_of_one_node(game):
    _, unit_node, available, demand = game
    total = demand.sum(axis=0)
    for coalition in coalitions(len(unit_node)):
        supply = sum(int(available[unit, 0]) for unit in coalition)
        assert min(supply, total[0]) == reference.served_by_cuts(
            copperplate_cuts(), unit_node * 0, available[:, 0], total, coalition
        )


@given(examples.games(intervals=1), st.data())
def test_the_binding_cut_explains_the_value(game, data):
    grid, unit_node, available, demand = game
    coalition = data.draw(st.sets(st.integers(0, len(unit_node) - 1)))
    cuts = grid_cuts(grid)
    arguments = unit_node, available[:, 0], demand[:, 0]
    found = Game(network_of(grid), *arguments).binding_cut(coalition)
    assert found == reference.smallest_cut(cuts, *arguments, coalition)
    side = set(found.supply_side)
    outside = sum(int(available[unit, 0]) for unit in coalition if unit_node[unit] not in side)
    boundary = cuts.boundary_kw[sum(1 << node for node in side)]
    assert found.served_kw == sum(int(demand[node, 0]) for node in side) + boundary + outside


def test_a_line_may_carry_less_one_way():
    grid = examples.tiny_market().grid  # north to south 4 kW, south to north 2 kW
    cuts = grid_cuts(grid)
    north, south = as_numbers([0]), as_numbers([1])
    assert reference.served_by_cuts(cuts, north, as_numbers([9]), as_numbers([0, 9]), [0]) == 4
    assert reference.served_by_cuts(cuts, south, as_numbers([9]), as_numbers([9, 0]), [0]) == 2
    sending = Game(network_of(grid), south, as_numbers([9]), as_numbers([9, 0]))
    assert sending.binding_cut([0]).supply_side == (1,)


@pytest.mark.golden
@pytest.mark.real_data
@pytest.mark.parametrize("number", range(24))
def test_published_coalition_values(number):
    grid, units, unit_node = examples.great_britain(2)
    case = examples.known_cases()[number]
    available = as_numbers([case["availability_kw"][unit] for unit in units])
    demand = as_numbers([case["demand_kw"].get(node, 0) for node in grid.nodes])
    cuts = grid_cuts(grid)
    for known in case["coalition_values_kw"]:
        members = [
            units.index(unit) for cluster in known["clusters"] for unit in case["clusters"][cluster]
        ]
        found = reference.served_by_cuts(cuts, unit_node, available, demand, members)
        assert abs(found - known["served_kw"]) <= 1
