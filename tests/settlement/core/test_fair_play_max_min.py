"""Nodes under shortage: nothing wasted, always feasible, max-min fair to less than one unit."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from settlement.core import room_by_cuts
from settlement.core.cuts import grid_cuts
from settlement.core.max_min import claim_shares
from settlement.core.room import Frozen, sums_at
from settlement.core.room_by_cuts import RoomByCuts, room_for, rooms_by_cuts
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import matrix
from tests.settlement.core.reference import as_numbers


def room_of(grid, supply_w):
    return rooms_by_cuts(grid_cuts(grid)).given(supply_w)


def node_shares(room, demand, weight=None):
    """One claim at each node, of equal weights unless others are given."""
    weight = np.ones(len(demand), dtype=np.int64) if weight is None else weight
    return claim_shares(room, np.arange(len(demand)), demand, weight)


def exact_claims(grid, supply, node, wanted, weight):
    """What each claim is served by progressive filling, each behind a line of its own."""
    nodes, claims = len(grid.nodes), len(node)
    names = tuple(f"n{index}" for index in range(nodes + claims))
    own = np.arange(nodes, nodes + claims)
    free = np.full(claims, 10**15)
    apart = dataclasses.replace(
        grid,
        nodes=names,
        line_from=np.concatenate([grid.line_from, node]),
        line_to=np.concatenate([grid.line_to, own]),
        rating_w=np.concatenate([grid.rating_w, free]),
        reverse_rating_w=np.concatenate([grid.reverse_rating_w, free]),
        layers=(),
    )
    none = np.zeros(nodes, dtype=np.int64)
    served = reference.filled(
        apart,
        np.concatenate([supply, np.zeros(claims, dtype=np.int64)]),
        np.concatenate([none, wanted]),
        np.concatenate([none, wanted * weight]),
    )
    return served[nodes:]


@given(reference.shortages())
def test_all_that_the_physics_allows_is_served_and_no_more(shortage):
    grid, supply, demand = shortage
    served = node_shares(room_of(grid, supply), demand).served
    assert np.all((served >= 0) & (served <= demand))
    assert served.sum() == reference.servable_by_flow(grid, supply, demand)
    assert reference.servable_by_flow(grid, supply, served) == served.sum()


@given(reference.shortages())
def test_shares_are_progressive_filling_to_less_than_one_unit(shortage):
    grid, supply, demand = shortage
    shares = node_shares(room_of(grid, supply), demand)
    exact = reference.filled(grid, supply, demand, demand)
    for served, wanted in zip(shares.served.tolist(), exact, strict=True):
        assert abs(served - wanted) < 1
    if shares.frozen:
        for step in shares.frozen:
            for node in step.nodes:
                assert exact[node] == int(demand[node]) * Fraction(step.total, step.pull)
        ratios = [Fraction(step.total, step.pull) for step in shares.frozen]
        assert ratios == sorted(set(ratios))


@given(reference.claims())
def test_claims_at_one_node_and_at_many_rise_by_weight_to_less_than_one_unit(claims):
    grid, supply, node, wanted, weight = claims
    shares = claim_shares(room_of(grid, supply), node, wanted, weight)
    exact = exact_claims(grid, supply, node, wanted, weight)
    for served, asked in zip(shares.served.tolist(), exact, strict=True):
        assert abs(served - asked) < 1
    assert np.all((shares.served >= 0) & (shares.served <= wanted))
    demand = sums_at(len(grid.nodes), node, wanted)
    served = sums_at(len(grid.nodes), node, shares.served)
    assert served.sum() == reference.servable_by_flow(grid, supply, demand)
    assert reference.servable_by_flow(grid, supply, served) == served.sum()
    levels = [Fraction(step.total, step.pull) for step in shares.frozen]
    assert levels == sorted(set(levels))
    for step, level in zip(shares.frozen, levels, strict=True):
        for claim in step.claims:
            assert (
                exact[claim] == level * int(wanted[claim]) * int(weight[claim]) < int(wanted[claim])
            )


@given(reference.shortages(), st.randoms(use_true_random=False))
def test_another_numbering_of_nodes_changes_rounding_only(shortage, random):
    grid, supply, demand = shortage
    order = list(range(len(demand)))
    random.shuffle(order)
    new_number = np.argsort(order)
    other = dataclasses.replace(
        grid,
        line_from=new_number[grid.line_from],
        line_to=new_number[grid.line_to],
        layers=(),
    )
    here = node_shares(room_of(grid, supply), demand)
    there = node_shares(room_of(other, supply[order]), demand[order])
    renumbered = [
        ({order[node] for node in step.nodes}, step.total, step.pull) for step in there.frozen
    ]
    assert renumbered == [(set(step.nodes), step.total, step.pull) for step in here.frozen]
    assert np.all(abs(here.served[order] - there.served) <= 1)
    assert here.served.sum() == there.served.sum()


@given(reference.shortages(), st.data())
def test_more_supply_never_serves_less(shortage, data):
    grid, supply, demand = shortage
    more = supply + data.draw(matrix(1, len(supply), range(10_002)))[0]
    before, after = (
        node_shares(room_of(grid, watts), demand).served.sum() for watts in (supply, more)
    )
    assert after >= before


@given(reference.shortages())
def test_without_shortage_all_is_served(shortage):
    grid, _, demand = shortage
    shares = node_shares(room_of(grid, demand), demand)
    assert np.array_equal(shares.served, demand)
    assert not shares.frozen


def test_the_example_of_the_docstring():
    # Node 0 with supply 6, node 1 behind a line of 1; cuts by bits: {}, {0}, {1}, {0, 1}.
    room = room_for(as_numbers([0, 1, 1, 0]), as_numbers([6, 0]))
    assert room.tolist() == [0, 7, 1, 6]
    shares = node_shares(RoomByCuts(room), as_numbers([8, 4]))
    assert shares.served.tolist() == [5, 1]
    assert shares.frozen == (Frozen((1,), (1,), 1, 4), Frozen((0,), (0,), 5, 8))


def test_what_rounding_leaves_goes_to_the_largest_remainder_that_no_cut_holds_back():
    copperplate = np.full(8, 10)
    copperplate[0] = 0
    assert node_shares(RoomByCuts(copperplate), as_numbers([7, 7, 7])).served.tolist() == [4, 3, 3]
    assert node_shares(RoomByCuts(copperplate), as_numbers([8, 9, 7])).served.tolist() == [3, 4, 3]
    # Nodes 0 and 1 can have 6 together: they freeze at 3 each, and node 2 rises alone to 4.
    copperplate[3] = 6
    assert node_shares(RoomByCuts(copperplate), as_numbers([7, 7, 7])).served.tolist() == [3, 3, 4]
    # Nodes 0 and 1 have 5, and so have nodes 2 and 3, apart: all freeze at 2.5, and two units are
    # left. Node 0 gets one; node 1 ties and comes next, but its pair has all it can: node 2 does.
    supply = as_numbers([5, 0, 5, 0])
    lines = as_numbers(
        [100 * ((cut & 3) in (1, 2)) + 100 * ((cut >> 2) in (1, 2)) for cut in range(16)]
    )
    shares = node_shares(RoomByCuts(room_for(lines, supply)), as_numbers([8, 8, 8, 8]))
    assert shares.served.tolist() == [3, 2, 3, 2]
    assert shares.frozen == (Frozen((0, 1, 2, 3), (0, 1, 2, 3), 10, 32),)


def test_a_node_without_demand_holds_no_one_back():
    room = as_numbers([0, 10, 10, 10])
    shares = node_shares(RoomByCuts(room), as_numbers([0, 12]), as_numbers([7, 2]))
    assert shares.served.tolist() == [0, 10]
    # It stands on the demand side of the cut, with no weight of its own.
    assert shares.frozen == (Frozen((0, 1), (1,), 10, 24),)


factor = st.one_of(st.integers(0, 2**62 - 1), st.integers(0, 9))


@given(factor, factor, factor, factor)
@example(2**62 - 1, 2**62 - 1, 2**62 - 1, 2**62 - 1)
@example(2**62 - 1, 2**62 - 1, 2**62 - 1, 2**62 - 2)
@example(2**61, 6, 3, 2**62 - 1)
def test_products_past_int64_compare_exactly(a, b, c, d):
    sign = (a * b > c * d) - (a * b < c * d)
    assert room_by_cuts._compare_products(*(np.int64(factor) for factor in (a, b, c, d))) == sign
    assert room_by_cuts._compare_products(*(np.int64(factor) for factor in (a, b, b, a))) == 0


@pytest.mark.parametrize(
    ("room", "demand", "weight", "error"),
    [
        ([0, -1], [3], None, ValueError),
        ([0, 1], [-3], None, ValueError),
        ([0, 1], [3], [0], ValueError),
        ([0, 1], [3], [-1], ValueError),
        ([0, 1], [3, 4], None, ValueError),
        ([0, 1], [1.5], None, TypeError),
        ([0, 1], [2**62], None, OverflowError),
        ([0, 1], [3], [2**62], OverflowError),
    ],
)
def test_refusals(room, demand, weight, error):
    with pytest.raises(error):
        node_shares(RoomByCuts(as_numbers(room)), np.array(demand), weight and as_numbers(weight))
