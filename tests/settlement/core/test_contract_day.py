"""A day of contracts: nothing wasted, nothing lost, nothing twice, nothing after its window."""

import dataclasses
import datetime as dt
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contract_day import least_taken_w, serve_day
from settlement.core.contracts import Contracts, ContractState, nothing_owed
from settlement.core.cuts import Cuts
from settlement.core.network_rooms import rooms_of
from settlement.core.order_of_service import DUE, LEFT_OVER, PROMISES, WAITING
from settlement.core.room import sums_at
from settlement.core.room_by_cuts import CutRooms, rooms_by_cuts
from settlement.core.tightness import PPM
from tests.conftest import ROOT
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.examples import remembered

LOTTERY = (bytes(32), dt.date(2024, 1, 17))
DAYS = reference.contract_days()


def served(grid, contracts, supply, desired, state=None, lottery=None, metered=None):
    known = np.zeros(len(desired), dtype=np.bool_) if metered is None else metered >= 0
    return serve_day(
        rooms_of(grid),
        contracts,
        state or nothing_owed(contracts),
        supply,
        desired,
        desired if metered is None else np.where(known, metered, 0),
        known if known.ndim == 1 else known.all(axis=1),
        lottery,
    )


def at_nodes(contracts, of_points):
    return sums_at(len(contracts.nodes), contracts.node[contracts.point_group], of_points)


def owed_before(day):
    return np.stack([state.owed.sum(axis=0) for state in day.before], axis=1)


@given(DAYS)
def test_in_every_interval_the_grid_serves_all_that_it_can_of_what_is_new_and_owed(example):
    grid, contracts, supply, desired = example
    day = served(*example)
    wanted = desired + owed_before(day)
    for interval in range(desired.shape[1]):
        most = reference.servable_by_flow(
            grid, supply[:, interval], at_nodes(contracts, wanted[:, interval])
        )
        given_w = day.delivered_w[:, interval]
        assert given_w.sum() == most == day.maximum_w[interval]
        there = at_nodes(contracts, given_w)
        assert reference.servable_by_flow(grid, supply[:, interval], there) == most
    assert np.array_equal(day.entitlement_w, day.delivered_w)
    assert not day.unused_w.any()


@given(DAYS)
def test_what_is_desired_is_delivered_once_or_missed_once(example):
    *_, desired = example
    day = served(*example)
    for values in (day.delivered_w, day.missed_w, day.owed_w, day.late_w):
        assert values.min(initial=0) >= 0
    assert np.array_equal(desired + owed_before(day), day.delivered_w + day.missed_w + day.owed_w)
    assert np.all(day.late_w <= np.minimum(day.delivered_w, owed_before(day)))
    assert np.all(day.delivered_w - day.late_w <= desired)


@given(DAYS)
def test_nothing_is_served_after_its_window(example):
    """By hand, item by item: what each interval's refusals still may be served."""
    _, contracts, _, desired = example
    day = served(*example)
    window = contracts.point_window
    for point, width in enumerate(window.tolist()):
        asked = desired[point].tolist()
        for interval in range(len(asked)):
            # All that was desired up to here and is due by now was delivered or missed by now.
            due = sum(asked[: max(interval + 1 - width, 0)])
            done = int((day.delivered_w + day.missed_w)[point, : interval + 1].sum())
            assert done >= due
            # And what is owed is of the last intervals alone.
            recent = sum(asked[max(interval + 1 - width, 0) : interval + 1])
            assert day.owed_w[point, interval] <= recent
        if not width:
            assert not day.owed_w[point].any()
            assert not day.late_w[point].any()


@given(DAYS)
def test_turns_come_in_their_order_and_none_waits_for_a_later_one(example):
    grid, contracts, supply, _ = example
    day = served(*example)
    order = {PROMISES: 0, DUE: 1, WAITING: 2, LEFT_OVER: 3}
    for interval, service in enumerate(day.services):
        if service is None:
            continue
        keys = [(order[turn.name], turn.due_after) for turn in service.turns]
        assert keys == sorted(set(keys))
        wanted = np.zeros(len(contracts.groups), dtype=np.int64)
        given_w = 0
        for turn in service.turns:
            wanted = wanted + turn.wanted
            given_w += int(turn.served.sum())
            demand = sums_at(len(contracts.nodes), contracts.node, wanted)
            assert given_w == reference.servable_by_flow(grid, supply[:, interval], demand)


@given(DAYS)
def test_who_is_at_one_node_with_one_memory_is_served_the_same_part(example):
    _, contracts, _, _ = example
    day = served(*example)
    for interval, service in enumerate(day.services):
        if service is None:
            continue
        due = day.missed_w[:, interval] + service.due_w
        for points in contracts.points_of:
            wanted, given_w = due[points].sum(), service.due_w[points].sum()
            for point in points:
                assert abs(int(service.due_w[point]) * int(wanted) - int(due[point] * given_w)) <= (
                    int(wanted)
                )


@given(DAYS, st.integers(0, 5))
def test_a_day_in_two_parts_is_the_day(example, split):
    grid, contracts, supply, desired = example
    whole = served(*example)
    split = min(split, desired.shape[1])
    if not 0 < split < desired.shape[1]:
        return
    first = served(grid, contracts, supply[:, :split], desired[:, :split])
    second = served(grid, contracts, supply[:, split:], desired[:, split:], first.after)
    for name in ("entitlement_w", "delivered_w", "late_w", "missed_w", "owed_w"):
        joined = np.concatenate([getattr(first, name), getattr(second, name)], axis=1)
        assert np.array_equal(joined, getattr(whole, name))
    assert second.after.memory == whole.after.memory
    assert np.array_equal(second.after.owed, whole.after.owed)


@given(DAYS)
def test_memory_counts_what_matured_and_what_of_it_was_delivered(example):
    _, contracts, _, desired = example
    day = served(*example)
    memory = day.after.memory
    matured = contracts.by_group((desired - 0).sum(axis=1) - day.owed_w[:, -1])
    assert list(memory.matured) == matured.tolist()
    assert list(memory.delivered) == contracts.by_group(day.delivered_w.sum(axis=1)).tolist()
    assert all(0 <= part <= PPM for part in memory.fulfilment_ppm())


@given(reference.contract_days(whole=True))
def test_indivisible_requests_are_met_whole_or_not_at_all_and_drawn_the_same_again(example):
    _, contracts, _, _ = example
    day, again = (served(*example, lottery=LOTTERY) for _ in range(2))
    assert np.array_equal(day.delivered_w, again.delivered_w)
    whole = contracts.indivisible[contracts.point_group]
    for interval, service in enumerate(day.services):
        if service is None:
            continue
        wanted_due = service.due_w + day.missed_w[:, interval]
        assert np.all((service.due_w == 0) | (service.due_w == wanted_due) | ~whole)
        assert service.unused_w >= 0
        if not contracts.indivisible.any():
            assert not service.unused_w
    assert np.array_equal(
        example[3] + owed_before(day), day.delivered_w + day.missed_w + day.owed_w
    )


@given(DAYS, st.data())
def test_what_a_meter_counts_is_delivered_as_far_as_it_was_asked_for(example, data):
    *_, desired = example
    metered = np.array(
        [[data.draw(st.integers(0, 20_000)) for _ in row] for row in desired.tolist()],
        dtype=np.int64,
    )
    day = served(*example, metered=metered)
    before = owed_before(day)
    assert np.array_equal(day.delivered_w, np.minimum(metered, desired + before))
    assert np.array_equal(
        desired + before, day.delivered_w + day.declined_w + day.missed_w + day.owed_w
    )


# Two nodes on one line of 100 kW, one product, essential; supply is at neither.
PAIR = Contracts(
    nodes=("A", "B", "C"),
    groups=(("A", "P"), ("B", "P")),
    node=np.array([0, 1]),
    promise_ppm=np.array([990_000, 990_000]),
    tier_ppm=np.array([PPM, PPM]),
    window=np.array([0, 0]),
    indivisible=np.array([False, False]),
    point_group=np.array([0, 1]),
    least_fulfilment_ppm=10_000,
)


def copperplate(nodes: int) -> CutRooms:
    size = 1 << nodes
    ends = (np.arange(size) > 0) & (np.arange(size) < size - 1)
    return CutRooms(np.where(ends, 10**12, 0).astype(np.int64))


def pair_day(contracts, memory, supply_kw, desired_kw, owed=None):
    owed = np.zeros((contracts.longest_window, 2), dtype=np.int64) if owed is None else owed
    desired = np.array(desired_kw, dtype=np.int64) * 1000
    supply = np.zeros((3, desired.shape[1]), dtype=np.int64)
    supply[2] = np.array(supply_kw) * 1000
    return serve_day(
        copperplate(3),
        contracts,
        ContractState(owed, memory),
        supply,
        desired,
        desired,
        np.zeros(2, dtype=np.bool_),
    )


def test_the_node_that_was_served_a_tenth_is_favoured_across_nodes():
    # 1,000 matured at each, at A 100 of them were delivered, at B all. 100 kW for 200 kW: both
    # must be served all (A lacks 890, and B's slack of 10 covers 9 of its 100).
    memory = remembered(PAIR, (1_000_000, 1_000_000), (100_000, 1_000_000))
    day = pair_day(PAIR, memory, [100], [[100], [100]])
    # Of the promises turn A wants 100 and B 1,990 x 0.99 - 1,000 = 89 kW; by weight 10 : 1 A would
    # have 100 x 1,000 / 1,089 = 91.827 kW.
    (turn,) = [turn for turn in day.services[0].turns if turn.name == PROMISES]
    assert turn.wanted.tolist() == [100_000, 89_000]
    assert turn.weight.tolist() == [10 * PPM, PPM]
    assert day.delivered_w.tolist() == [[91_827], [8_173]]
    # Inside one node the same two groups share the same way.
    inside = dataclasses.replace(PAIR, node=np.array([0, 0]))
    assert np.array_equal(
        pair_day(inside, memory, [100], [[100], [100]]).delivered_w, day.delivered_w
    )


def test_a_promise_goes_before_what_has_slack_whatever_the_weights():
    # B promises nothing and has the heavier tier; A has no slack.
    uneven = dataclasses.replace(
        PAIR, promise_ppm=np.array([PPM, 0]), tier_ppm=np.array([PPM, 2 * PPM])
    )
    memory = remembered(uneven, (1_000, 1_000), (1_000, 1_000))
    day = pair_day(uneven, memory, [100], [[80], [80]])
    assert day.delivered_w.tolist() == [[80_000], [20_000]]


def test_what_waits_is_served_by_its_deadline_and_missed_at_the_close():
    # A is flexible for two intervals and was refused 60 and 40 kW; B is essential.
    waits = dataclasses.replace(PAIR, window=np.array([2, 0]), promise_ppm=np.array([0, 0]))
    memory = nothing_owed(PAIR).memory
    owed = np.array([[60_000, 0], [40_000, 0]])
    day = pair_day(waits, memory, [100, 0, 10], [[10, 0, 0], [50, 0, 0]], owed)
    # Interval 0: 60 and 50 are due, and share 100 by what is due: 54,545 and 45,455 W. What A lacks
    # is missed. 40 kW are due after one interval more and 10 after two: nothing is left for them.
    assert day.delivered_w[:, 0].tolist() == [54_545, 45_455]
    assert day.missed_w[:, 0].tolist() == [5_455, 4_545]
    assert day.owed_w[:, 0].tolist() == [50_000, 0]
    # Interval 1: nothing is there, and the 40 kW close. Interval 2: 10 kW are served at last.
    assert day.missed_w[0].tolist() == [5_455, 40_000, 0]
    assert day.late_w[0].tolist() == [54_545, 0, 10_000]
    assert day.owed_w[0].tolist() == [50_000, 10_000, 0]


@pytest.mark.parametrize("window", [0, 2])
def test_what_another_law_refused_is_late_though_something_new_is_due_with_it(window):
    contracts = dataclasses.replace(PAIR, window=np.array([window, window]))
    owed = np.zeros((4, 2), dtype=np.int64)
    owed[window, 0] = 3_000
    state = ContractState(owed, nothing_owed(contracts).memory)
    supply, desired = np.array([[4_000], [0], [0]]), np.array([[5_000], [0]])
    known = np.array([False, False])
    rooms = rooms_by_cuts(Cuts(3, np.zeros(8, dtype=np.int64)))
    day = serve_day(rooms, contracts, state, supply, desired, desired, known)
    assert (day.entitlement_w[0, 0], day.late_w[0, 0]) == (4_000, 3_000)


def test_who_asks_and_does_not_take_is_owed_nothing():
    """10 kW are asked for, known beside the meter, and offered; 3 are taken: 7 are declined."""
    known = np.array([True, False])
    desired = np.array([[10_000], [0]])
    day = serve_day(
        copperplate(3),
        PAIR,
        nothing_owed(PAIR),
        np.array([[0], [0], [20_000]]),
        desired,
        np.array([[3_000], [0]]),
        known,
    )
    told = (day.delivered_w, day.declined_w, day.missed_w)
    assert [values[0, 0] for values in told] == [3_000, 7_000, 0]
    kept = remembered(PAIR, (3_000, 0), (3_000, 0))
    assert day.after.memory == kept, "no promise is broken by it"
    # Where 4 of the 10 are refused, these are missed, and 3 of the 6 offered declined.
    short = serve_day(
        copperplate(3),
        PAIR,
        nothing_owed(PAIR),
        np.array([[0], [0], [6_000]]),
        desired,
        np.array([[3_000], [0]]),
        known,
    )
    told = (short.delivered_w, short.declined_w, short.missed_w)
    assert [values[0, 0] for values in told] == [3_000, 3_000, 4_000]


@pytest.mark.parametrize(("taken_w", "counts"), [(0, False), (5_699, False), (5_700, True)])
def test_what_is_refused_of_a_request_that_does_not_count_is_neither_missed_nor_owed(
    taken_w, counts
):
    """10 kW are asked for, after 2 that are owed, and 6 offered: 95 % of them are 5.7 kW."""
    doubting = dataclasses.replace(PAIR, least_taken_ppm=950_000)
    waits = dataclasses.replace(doubting, window=np.array([2, 0]))
    known, supply = np.array([True, False]), np.array([[0], [0], [6_000]])
    desired, metered = np.array([[10_000], [0]]), np.array([[taken_w], [0]])
    owed = {doubting: np.array([[2_000, 0]]), waits: np.array([[0, 0], [2_000, 0]])}
    for contracts, before in owed.items():
        state = ContractState(before, nothing_owed(contracts).memory)
        day = serve_day(copperplate(3), contracts, state, supply, desired, metered, known)
        assert day.entitlement_w[0, 0] == 6_000
        assert day.counts.tolist() == [[counts], [True]]
        refused = 6_000 if counts else 0
        missed, kept = (refused, 0) if contracts is doubting else (0, refused)
        assert (day.missed_w[0, 0], day.owed_w[0, 0]) == (missed, kept)
        assert day.declined_w[0, 0] == 12_000 - taken_w - refused
        assert day.after.memory == remembered(PAIR, (taken_w + missed, 0), (taken_w, 0))


def test_a_request_of_which_nothing_is_offered_counts():
    doubting = dataclasses.replace(PAIR, least_taken_ppm=PPM)
    nothing, desired = np.zeros((3, 1), dtype=np.int64), np.array([[10_000], [0]])
    known = np.array([True, False])
    day = serve_day(
        copperplate(3), doubting, nothing_owed(doubting), nothing, desired, 0 * desired, known
    )
    assert day.missed_w.tolist() == [[10_000], [0]]


@given(st.integers(0, 10**6), st.integers(0, 2**52), st.integers(0, 10**6), st.integers(-1, 1))
def test_a_request_counts_where_the_exact_part_of_the_offer_is_taken(least, offered, part, near):
    taken = max(offered * part // 10**6, offered * least // 10**6 + near, 0)
    needed = int(least_taken_w(np.array([offered]), least)[0])
    assert (taken >= needed) == (taken * 10**6 >= least * offered)


@given(DAYS, st.integers(0, PPM), st.data())
def test_a_doubted_request_is_delivered_declined_missed_or_owed_once(example, least, data):
    grid, contracts, supply, desired = example
    contracts = dataclasses.replace(contracts, least_taken_ppm=least)
    metered = np.array(
        [
            [data.draw(st.integers(0, 20_000)) for _ in row]
            if data.draw(st.booleans())
            else [-1 for _ in row]  # its meter alone is known
            for row in desired.tolist()
        ],
        dtype=np.int64,
    )
    day = served(grid, contracts, supply, desired, metered=metered)
    known = (metered >= 0).all(axis=1)
    wanted = desired + owed_before(day)
    for values in (day.declined_w, day.missed_w, day.owed_w):
        assert values.min(initial=0) >= 0
    assert np.array_equal(wanted, day.delivered_w + day.declined_w + day.missed_w + day.owed_w)
    offered = day.entitlement_w.astype(object)
    doubted = known[:, np.newaxis] & (metered.astype(object) * PPM < least * offered)
    assert np.array_equal(day.counts, ~doubted)
    assert not (day.missed_w + day.owed_w)[doubted].any()
    assert not day.declined_w[~known].any()


def test_what_whole_requests_leave_goes_to_who_takes_any_amount():
    """A takes any amount of 8 kW, B's 8 kW are whole: of 10 kW each group has 5, and B takes none.

    Nothing of its 5 is wasted: A has 8.
    """
    whole = dataclasses.replace(
        PAIR, promise_ppm=np.array([0, 0]), indivisible=np.array([False, True])
    )
    day = serve_day(
        copperplate(3),
        whole,
        nothing_owed(whole),
        np.array([[0], [0], [10_000]]),
        np.array([[8_000], [8_000]]),
        np.array([[8_000], [8_000]]),
        np.zeros(2, dtype=np.bool_),
        LOTTERY,
    )
    assert day.delivered_w.tolist() == [[8_000], [0]]
    assert day.unused_w.tolist() == [2_000]
    assert [turn.name for turn in day.services[0].turns] == [DUE, LEFT_OVER]


def test_net_export_serves_what_is_owed_at_its_own_node_too():
    waits = dataclasses.replace(PAIR, window=np.array([2, 0]), promise_ppm=np.array([0, 0]))
    state = ContractState(np.array([[0, 0], [5_000, 0]]), nothing_owed(waits).memory)
    nothing = np.zeros((2, 1), dtype=np.int64)
    day = serve_day(
        copperplate(3),
        waits,
        state,
        np.zeros((3, 1), dtype=np.int64),
        nothing,
        nothing,
        np.zeros(2, dtype=np.bool_),
        export_w=np.array([[4_000], [9_000], [0]]),
    )
    # Of the 4 kW at A all serve what A is owed; the 9 kW at B are not sent on.
    assert day.supply_w[:, 0].tolist() == [4_000, 0, 0]
    assert day.late_w.tolist() == [[4_000], [0]]
    assert day.owed_w.tolist() == [[1_000], [0]]


def test_refusals():
    memory = nothing_owed(PAIR).memory
    with pytest.raises(ValueError, match="must not be negative"):
        pair_day(PAIR, memory, [100], [[-1], [0]])
    whole = dataclasses.replace(PAIR, indivisible=np.array([True, False]))
    with pytest.raises(ValueError, match="a place is needed"):
        pair_day(whole, memory, [100], [[80], [80]])
    with pytest.raises(OverflowError, match="supply and demand of an interval"):
        pair_day(PAIR, memory, [100], [[2**52], [0]])


PROGRAM = """
import datetime as dt
import numpy as np
from settlement.core.contract_day import serve_day
from settlement.core.contracts import Contracts, nothing_owed
from settlement.core.room_by_cuts import CutRooms
boundary = sum(((np.arange(32) >> n & 1) != (np.arange(32) >> (n * 3 + 1) % 5 & 1)) * (7 + n)
               for n in range(5)).astype(np.int64) * 1000
contracts = Contracts(tuple("abcde"), tuple((c, "P") for c in "abcdefghi"), np.arange(9) % 5,
    np.full(9, 990_000), np.arange(1, 10) * 10**6, np.arange(9) % 3, np.arange(9) % 4 == 0,
    np.arange(9), 1)
day = serve_day(CutRooms(boundary), contracts, nothing_owed(contracts),
    np.arange(5)[:, None] * 9_001 + np.arange(8), (np.arange(9)[:, None] * 3_007 + np.arange(8) * 7)
    % 10_000, np.zeros((9, 8), dtype=np.int64), np.zeros(9, dtype=bool),
    (bytes(32), dt.date(2024, 1, 17)))
print(day.delivered_w.tolist(), day.owed_w.tolist(), day.after.memory, day.unused_w.tolist())
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
    assert "Memory" in compiled
