"""By cuts and by flows a network answers the same to the last unit; by flows it has any size."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from settlement.core.cuts import grid_cuts
from settlement.core.grid import Grid
from settlement.core.max_min import claim_shares
from settlement.core.network_rooms import MOST_NODES_BY_CUTS, rooms_of
from settlement.core.room import Frozen, sums_at
from settlement.core.room_by_cuts import CutRooms, rooms_by_cuts
from settlement.core.room_by_flow import FlowRooms, rooms_by_flow
from tests.conftest import ROOT
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

# Small and alike for ties, odd for remainders, and as large as a country.
KW = any_of((0, 0, 1, 1, 2), (5, 5, 10), range(30), range(10**8))
WATTS = any_of((0, 0, 1000, 1000, 2000), (0, 5_000, 10_000), range(30_008), range(10**11 + 1))
WEIGHTS = any_of((1, 1, 2), (10**6, 2 * 10**6), range(1, 10**6 + 1))


def read_claims(words: Words, most_nodes: int, most_lines: int, most_claims: int):
    nodes, claims = words.count(1, most_nodes), words.count(1, most_claims)
    lines = words.count(0, most_lines)
    grid = Grid(
        tuple(f"N{number}" for number in range(nodes)),
        *words.below(nodes, 2, lines),
        *(words.of(KW, 2, lines) * 1000),
        (),
    )
    return (
        grid,
        words.of(WATTS, nodes),
        words.below(nodes, claims),
        words.of(WATTS, claims),
        words.of(WEIGHTS, claims),
    )


FEW_NODES = examples_of(read_claims, 12, 20, 20, words=180)
MANY_NODES = examples_of(read_claims, 40, 80, 60, words=700)


def both(grid, supply):
    return rooms_by_cuts(grid_cuts(grid)).given(supply), rooms_by_flow(grid).given(supply)


@given(FEW_NODES)
def test_flows_and_cuts_freeze_the_same_sets_at_the_same_totals(example):
    grid, supply, *claims = example
    by_cuts, by_flow = (claim_shares(room, *claims) for room in both(grid, supply))
    assert by_flow.frozen == by_cuts.frozen
    assert np.array_equal(by_flow.served, by_cuts.served)


@given(FEW_NODES, FEW_NODES)
def test_flows_and_cuts_leave_the_same_to_who_comes_next(first, second):
    grid, supply, node, wanted, weight = first
    _, _, later, more, heavier = second
    nodes = len(grid.nodes)
    rooms = both(grid, supply)
    taken = sums_at(nodes, node, claim_shares(rooms[0], node, wanted, weight).served)
    left = [room.without(taken) for room in rooms]
    by_cuts, by_flow = (claim_shares(room, later % nodes, more, heavier) for room in left)
    assert by_flow.frozen == by_cuts.frozen
    assert np.array_equal(by_flow.served, by_cuts.served)
    demand = sums_at(nodes, later % nodes, more)
    assert left[0].most(demand) == left[1].most(demand)
    spare = [room.spare(taken) for room in rooms]
    for asked in (*range(nodes), *(later % nodes)):
        assert len({one.serve_one(int(asked)) for one in spare}) == 1


def room_of(grid, supply, members) -> int:
    inside = set(members)
    return sum(int(supply[node]) for node in inside) + sum(
        rating
        for start, end, rating in reference.lines_between(grid)
        if end in inside and start not in inside
    )


@given(MANY_NODES)
def test_on_many_nodes_each_frozen_set_has_all_that_can_be_brought_to_it(example):
    """Held by what proves a max-min share: tight sets, rising levels, nobody above its own."""
    grid, supply, node, wanted, weight = example
    nodes = len(grid.nodes)
    shares = claim_shares(rooms_by_flow(grid).given(supply), node, wanted, weight)
    served = sums_at(nodes, node, shares.served)
    wanted_w, weights = wanted.tolist(), weight.tolist()
    most = reference.servable_by_flow(grid, supply, sums_at(nodes, node, wanted))
    assert shares.served.sum() == most == reference.servable_by_flow(grid, supply, served)
    held, stopped, before = [], set(), Fraction(-1)
    for step in shares.frozen:
        held += step.nodes
        stopped |= set(step.claims)
        level = Fraction(step.total, step.pull)
        assert before < level
        assert served[held].sum() == room_of(grid, supply, held)
        for claim in np.flatnonzero(np.isin(node, step.nodes)).tolist():
            asked = level * weights[claim] * wanted_w[claim]
            if claim in step.claims:
                assert asked < wanted_w[claim]
                assert abs(int(shares.served[claim]) - asked) < 1
            else:
                assert asked >= wanted_w[claim]
        before = level
    assert len(held) == len(set(held))
    full = [claim for claim in range(len(node)) if claim not in stopped]
    assert np.array_equal(shares.served[full], wanted[full])


def test_the_example_of_max_min_by_flow():
    # Node 0 with supply 6, node 1 behind a line of 1.
    grid = Grid(("A", "B"), *as_numbers([[0], [1], [1000], [1000]]), ())
    room = rooms_by_flow(grid).given(as_numbers([6000, 0]))
    shares = claim_shares(room, as_numbers([0, 1]), as_numbers([8000, 4000]), as_numbers([1, 1]))
    assert shares.served.tolist() == [5000, 1000]
    assert shares.frozen == (Frozen((1,), (1,), 1000, 4000), Frozen((0,), (0,), 5000, 8000))


def test_what_is_served_may_come_another_way_when_more_is_wanted():
    # A has 4 and reaches B and C by 4 each; D has 4 and reaches B alone. B is served 4, then C
    # wants 4: A serves C, and D serves B.
    grid = Grid(tuple("ABCD"), *as_numbers([[0, 0, 3], [1, 2, 1], [4000] * 3, [0] * 3]), ())
    for rooms in (rooms_by_flow(grid), rooms_by_cuts(grid_cuts(grid))):
        room = rooms.given(as_numbers([4000, 0, 0, 4000]))
        left = room.without(as_numbers([0, 4000, 0, 0]))
        assert left.most(as_numbers([0, 0, 9000, 0])) == 4000
        spare = room.spare(as_numbers([0, 4000, 3998, 0]))
        assert [spare.serve_one(node) for node in (2, 1, 2, 3)] == [True, True, False, False]


@pytest.mark.parametrize(("nodes", "kind"), [(12, CutRooms), (13, FlowRooms)])
def test_cuts_where_nodes_are_few_and_flows_where_they_are_many(nodes, kind):
    assert MOST_NODES_BY_CUTS == 12
    ends = np.arange(nodes - 1)
    ratings = np.full(nodes - 1, 2_999)
    grid = Grid(tuple(map(str, range(nodes))), ends, ends + 1, ratings, ratings, ())
    rooms = rooms_of(grid)
    assert isinstance(rooms, kind)
    supply, demand = np.zeros((2, nodes), dtype=np.int64)
    supply[0], demand[-1] = 9_000, 9_000
    assert rooms.given(supply).most(demand) == 2_000, "ratings are whole kW"


PROGRAM = """
import numpy as np
from settlement.core.grid import Grid
from settlement.core.max_min import claim_shares
from settlement.core.room_by_flow import rooms_by_flow
line = np.arange(60)
grid = Grid(tuple(map(str, range(30))), line % 30, (line * 7 + 1) % 30, line % 7 * 1000,
    line % 5 * 1000, ())
claim = np.arange(50)
shares = claim_shares(rooms_by_flow(grid).given(np.arange(30) % 4 * 1_501), claim * 11 % 30,
    claim * 3_007 % 10_000, 1 + claim * 7_919 % 999_983)
print(shares.served.tolist(), shares.frozen)
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
    assert compiled.count("Frozen") > 2
