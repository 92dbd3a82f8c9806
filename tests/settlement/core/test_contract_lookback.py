"""What may be owed is never less than what is: where it is nothing, nothing is owed for certain."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contract_day import serve_day
from settlement.core.contract_lookback import may_owe
from settlement.core.contracts import Contracts, ContractState, nothing_owed
from settlement.core.cuts import Cuts, grid_cuts
from settlement.core.room_by_cuts import rooms_by_cuts
from settlement.core.room_by_flow import rooms_by_flow
from settlement.core.tightness import PPM
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import matrix

OWED_W = ((0,), (0, 5_000), range(20_008))
MAKERS = {"cuts": lambda grid: rooms_by_cuts(grid_cuts(grid)), "flow": rooms_by_flow}


@given(reference.contract_days(), st.data())
def test_where_nothing_may_be_owed_nothing_is_whatever_was_owed_before(example, data):
    grid, contracts, supply, desired = example
    points = len(desired)
    owed = data.draw(matrix(3, points, *OWED_W))[: contracts.longest_window]
    rows = np.arange(len(owed))[:, np.newaxis]
    owed = np.where(rows < contracts.point_window, owed, 0)
    nobody = np.zeros(points, dtype=np.bool_)
    state = ContractState(owed, nothing_owed(contracts).memory)
    told = {name: may_owe(make(grid), contracts, supply, desired) for name, make in MAKERS.items()}
    day = serve_day(MAKERS["flow"](grid), contracts, state, supply, desired, desired, nobody)
    if day.after.owes:
        assert told == {"cuts": True, "flow": True}
    assert told["flow"] >= told["cuts"], "by nodes it may look farther back, and never less far"


@pytest.mark.parametrize("name", MAKERS)
def test_a_window_in_which_all_could_be_served_ends_the_search(name):
    grid, contracts, *_ = reference.read_contracts(reference.Words(bytes(240)), 5, whole=False)
    assert (len(grid.nodes), len(contracts.point_group)) == (1, 1)
    contracts = dataclasses.replace(contracts, window=np.array([2]))
    asked = np.array([[5, 5, 5, 0]]) * 1000
    # 5 kW are asked for in each of three half-hours: in the last 10 kW at most may wait.
    for last, owes in ((9, True), (10, False)):
        supply = np.array([[0, 0, 0, last]]) * 1000
        assert may_owe(MAKERS[name](grid), contracts, supply, asked) is owes


LOTTERY = (bytes(32), dt.date(2024, 1, 17))
INTERVALS, SAMPLES = 16, 300


def contracts_with(window, indivisible, random):
    return Contracts(
        nodes=("A", "B"),
        groups=(("A", "P"), ("B", "P"), ("B", "Q")),
        node=np.array([0, 1, 1]),
        promise_ppm=random.integers(0, PPM + 1, 3),
        tier_ppm=random.integers(1, 3, 3) * PPM,
        window=window,
        indivisible=indivisible,
        point_group=np.arange(3),
        least_fulfilment_ppm=10_000,
    )


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("by_meter", [False, True])
def test_nothing_is_owed_where_none_may_be(whole, by_meter):
    random = np.random.default_rng(5)
    none_may_be = owed = 0
    for _ in range(SAMPLES):
        indivisible = (random.random(3) < 0.5) & whole
        contracts = contracts_with(random.integers(0, 4, 3), indivisible, random)
        line_kw = int(random.integers(0, 6))
        rooms = rooms_by_cuts(Cuts(2, np.array([0, line_kw, line_kw, 0])))
        asked = random.random((3, INTERVALS)) < random.random()
        desired = random.integers(0, 5, (3, INTERVALS)) * 1_000 * asked
        supply = random.integers(0, 8, (2, INTERVALS)) * 1_000
        known = (random.random(3) < 0.5) & by_meter
        by_own = random.integers(0, 6, (3, INTERVALS)) * 1_000
        metered = np.where(known[:, np.newaxis], by_own, desired)
        day = serve_day(
            rooms, contracts, nothing_owed(contracts), supply, desired, metered, known, LOTTERY
        )
        owed += day.after.owes
        for start in (4, 8, 11):
            stretch = slice(start, None)
            if not may_owe(rooms, contracts, supply[:, stretch], desired[:, stretch]):
                none_may_be += 1
                assert not day.after.owes
    assert none_may_be > SAMPLES
    assert owed > SAMPLES // 10


def test_a_whole_request_waits_though_less_than_it_is_lacking():
    """20 kW fit neither in 10 nor in 15: what lacks, 10 and then 5, is not all that is owed."""
    contracts = Contracts(
        nodes=("A",),
        groups=(("A", "P"),),
        node=np.array([0]),
        promise_ppm=np.array([PPM]),
        tier_ppm=np.array([PPM]),
        window=np.array([4]),
        indivisible=np.array([True]),
        point_group=np.array([0]),
        least_fulfilment_ppm=10_000,
    )
    rooms, known = rooms_by_cuts(Cuts(1, np.array([0, 0]))), np.array([False])
    supply = np.array([[30, 30, 10, 15, 15, 15]]) * 1_000
    desired = np.array([[0, 0, 20, 0, 0, 0]]) * 1_000
    state = nothing_owed(contracts)
    day = serve_day(rooms, contracts, state, supply, desired, desired, known, LOTTERY)
    assert day.after.owed.sum() == 20_000
    assert may_owe(rooms, contracts, supply, desired)


@pytest.mark.parametrize("name", MAKERS)
def test_a_continent_may_be_owed_a_week_of_quarters_of_an_hour(name):
    """500 GW of a week, 336 TW x intervals, keep 450 GW busy for 746 of the 672 that come after."""
    grid, contracts, *_ = reference.read_contracts(reference.Words(bytes(240)), 5, whole=False)
    contracts = dataclasses.replace(contracts, window=np.array([672]))
    supply, asked = np.full((1, 672), 450 * 10**9), np.full((1, 672), 10**9)
    assert may_owe(MAKERS[name](grid), contracts, supply, asked)
