"""Nodes under shortage: nothing wasted, always feasible, max-min fair to less than one unit."""

import dataclasses
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from settlement.core import max_min
from settlement.core.cuts import grid_cuts
from settlement.core.max_min import Frozen, node_shares, room_for
from tests.conftest import ROOT
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import matrix
from tests.settlement.core.reference import as_numbers


def room_of(grid, supply_w):
    return room_for(grid_cuts(grid).boundary_kw * 1000, supply_w)


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
                assert exact[node] == int(demand[node]) * Fraction(step.total, step.weight)
        ratios = [Fraction(step.total, step.weight) for step in shares.frozen]
        assert ratios == sorted(set(ratios))


@given(reference.shortages(), st.data())
def test_weights_are_respected(shortage, data):
    grid, supply, demand = shortage
    weight = data.draw(matrix(1, len(demand), range(1, 10**6 + 1)))[0]
    shares = node_shares(room_of(grid, supply), demand, weight)
    exact = reference.filled(grid, supply, demand, weight)
    for served, wanted in zip(shares.served.tolist(), exact, strict=True):
        assert abs(served - wanted) < 1
    assert shares.served.sum() == reference.servable_by_flow(grid, supply, demand)


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
        ({order[node] for node in step.nodes}, step.total, step.weight) for step in there.frozen
    ]
    assert renumbered == [(set(step.nodes), step.total, step.weight) for step in here.frozen]
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
    shares = node_shares(room, as_numbers([8, 4]))
    assert shares.served.tolist() == [5, 1]
    assert shares.frozen == (Frozen((1,), 1, 4), Frozen((0,), 5, 8))


def test_what_rounding_leaves_goes_to_the_largest_remainder_that_no_cut_holds_back():
    copperplate = np.full(8, 10)
    copperplate[0] = 0
    assert node_shares(copperplate, as_numbers([7, 7, 7])).served.tolist() == [4, 3, 3]
    assert node_shares(copperplate, as_numbers([8, 9, 7])).served.tolist() == [3, 4, 3]
    # Nodes 0 and 1 can have 6 together: they freeze at 3 each, and node 2 rises alone to 4.
    copperplate[3] = 6
    assert node_shares(copperplate, as_numbers([7, 7, 7])).served.tolist() == [3, 3, 4]
    # Nodes 0 and 1 have 5, and so have nodes 2 and 3, apart: all freeze at 2.5, and two units are
    # left. Node 0 gets one; node 1 ties and comes next, but its pair has all it can: node 2 does.
    supply = as_numbers([5, 0, 5, 0])
    lines = as_numbers(
        [100 * ((cut & 3) in (1, 2)) + 100 * ((cut >> 2) in (1, 2)) for cut in range(16)]
    )
    shares = node_shares(room_for(lines, supply), as_numbers([8, 8, 8, 8]))
    assert shares.served.tolist() == [3, 2, 3, 2]
    assert shares.frozen == (Frozen((0, 1, 2, 3), 10, 32),)


def test_a_node_without_demand_holds_no_one_back():
    room = as_numbers([0, 10, 10, 10])
    shares = node_shares(room, as_numbers([0, 12]), as_numbers([7, 2]))
    assert shares.served.tolist() == [0, 10]
    # It stands on the demand side of the cut, with no weight of its own.
    assert shares.frozen == (Frozen((0, 1), 10, 2),)


factor = st.one_of(st.integers(0, 2**62 - 1), st.integers(0, 9))


@given(factor, factor, factor, factor)
@example(2**62 - 1, 2**62 - 1, 2**62 - 1, 2**62 - 1)
@example(2**62 - 1, 2**62 - 1, 2**62 - 1, 2**62 - 2)
@example(2**61, 6, 3, 2**62 - 1)
def test_products_past_int64_compare_exactly(a, b, c, d):
    sign = (a * b > c * d) - (a * b < c * d)
    assert max_min._compare_products(*(np.int64(factor) for factor in (a, b, c, d))) == sign
    assert max_min._compare_products(*(np.int64(factor) for factor in (a, b, b, a))) == 0


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
        node_shares(as_numbers(room), np.array(demand), weight and as_numbers(weight))


PROGRAM = """
import numpy as np
from settlement.core.cuts import Cuts
from settlement.core.fair_play import Terms, fair_shares
boundary = sum(((np.arange(32) >> n & 1) != (np.arange(32) >> (n * 3 + 1) % 5 & 1)) * (7 + n)
               for n in range(5)).astype(np.int64)
terms = Terms(tuple("abcde"), np.arange(9) % 5, np.full(9, 990_000), np.arange(9) % 4 == 0, 1)
shares = fair_shares(Cuts(5, boundary), terms, np.arange(5) * 9_001, np.stack(
    [np.arange(9) * 3_007 % 10_000, np.arange(9) * 7_013 % 12_000]), np.arange(1, 10) * 10**5,
    (bytes(32), "here"))
print(shares.maximum_w, shares.entitlement_w.tolist(), shares.frozen)
"""


def test_compiled_and_plain_give_the_same():
    compiled, plain = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("0", "1")
    )
    assert compiled == plain
    assert "Frozen" in compiled
