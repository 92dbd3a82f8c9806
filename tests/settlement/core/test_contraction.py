"""Nodes between which no limit binds are one node, and every coalition is worth what it was."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contraction import contract
from settlement.core.cuts import enumerated_cuts
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers

# North - middle - south, 9 kW each way; supply in the north, demand in the south.
LINE_FROM, LINE_TO, RATING_KW = as_numbers([0, 1]), as_numbers([1, 2]), as_numbers([9, 9])
NORTH_AND_SOUTH = as_numbers([0, 2])


def of_three_nodes(supply_kw, demand_kw):
    cuts = enumerated_cuts(3, LINE_FROM, LINE_TO, RATING_KW, RATING_KW)
    available, demand = as_numbers(supply_kw)[:, np.newaxis], as_numbers(demand_kw)[:, np.newaxis]
    return contract(cuts, NORTH_AND_SOUTH, available, demand)


@given(examples.games(), st.integers(0, 30))
def test_every_coalition_is_worth_what_it_was(game, more_kw):
    grid, unit_node, available, demand = game
    # Ratings raised together, so that of the same games some contract wholly and some not at all.
    before = enumerated_cuts(
        len(grid.nodes),
        grid.line_from,
        grid.line_to,
        grid.rating_w // 1000 + more_kw,
        grid.reverse_rating_w // 1000 + more_kw,
    )
    after, node_of_unit, demand_of_part = contract(before, unit_node, available, demand)
    units = range(len(unit_node))
    coalitions = itertools.chain(
        *(itertools.combinations(units, size) for size in range(len(unit_node) + 1))
    )
    for members, interval in itertools.product(coalitions, range(available.shape[1])):
        supply = available[:, interval]
        assert reference.served_by_cuts(
            after, node_of_unit, supply, demand_of_part[:, interval], members
        ) == reference.served_by_cuts(before, unit_node, supply, demand[:, interval], members)


def test_lines_that_carry_what_hangs_on_them_leave_a_node():
    cuts, unit_node, demand = of_three_nodes([9, 4], [0, 0, 9])
    assert cuts.boundary_kw.tolist() == [0, 0]
    assert unit_node.tolist() == [0, 0]
    assert demand.tolist() == [[9]]


def test_a_line_that_supply_can_fill_parts_its_ends():
    cuts, unit_node, demand = of_three_nodes([10, 4], [0, 0, 10])
    # The middle, which has no demand, is one with the first that can be: the line to the south
    # could carry no more than comes to it.
    assert cuts.node_count == 2
    assert unit_node.tolist() == [0, 1]
    assert demand.tolist() == [[0], [10]]
    assert cuts.boundary_kw.tolist() == [0, 9, 9, 0]


def test_what_binds_in_one_interval_alone_parts_in_all():
    cuts = enumerated_cuts(3, LINE_FROM, LINE_TO, RATING_KW, RATING_KW)
    available, demand = as_numbers([[1, 10], [4, 4]]), as_numbers([[0, 0], [0, 0], [1, 10]])
    parted, _, _ = contract(cuts, NORTH_AND_SOUTH, available, demand)
    assert parted.node_count == 2
