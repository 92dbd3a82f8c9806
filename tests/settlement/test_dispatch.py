"""Least-cost dispatch against cases small enough to solve by hand, and against merit order."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.dispatch.least_cost import DayDispatch, DispatchModel, dispatch_day
from tests.examples import tried
from tests.settlement.dispatch_cases import MW, MWH, integers, model


def dispatched(made: DispatchModel, available_mw, demand_mwh) -> DayDispatch:
    return dispatch_day(made, integers(*available_mw) * MW, integers(*demand_mwh) * MWH)


def test_the_cheaper_unit_runs_first():
    made = model(units=[(0, 90, 0, 0), (0, 12, 0, 0)])
    day = dispatched(made, [[100], [60]], [[80]])
    assert (day.generation_wh == integers([20], [60]) * MWH).all()
    assert not day.unserved_wh.any()


def test_of_two_equal_offers_the_one_listed_first_runs_first():
    made = model(units=[(0, 12, 0, 0), (0, 12, 0, 0)])
    day = dispatched(made, [[100], [100]], [[120]])
    assert (day.generation_wh == integers([100], [20]) * MWH).all()


def test_a_congested_line_calls_the_dearer_unit_behind_it():
    made = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0)])
    day = dispatched(made, [[100], [100]], [[10], [50]])
    assert (day.generation_wh == integers([40], [20]) * MWH).all()


def test_the_reverse_rating_bounds_flow_the_other_way():
    made = model(2, [(1, 0, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0)])
    made = dataclasses.replace(made, reverse_rating_w=integers(10 * MW))
    day = dispatched(made, [[100], [100]], [[10], [50]])
    assert (day.generation_wh == integers([20], [40]) * MWH).all()


def test_flow_around_a_loop_splits_by_reactance():
    """Two thirds take the direct line of 40, so 60 may leave node 0 and not 80."""
    lines = [(0, 1, 40, 500_000), (0, 2, 40, 500_000), (2, 1, 40, 500_000)]
    made = model(3, lines, [(0, 12, 0, 0), (1, 90, 0, 0)])
    day = dispatched(made, [[200], [200]], [[0], [100], [0]])
    assert (day.generation_wh == integers([60], [40]) * MWH).all()


def test_without_reactance_the_loop_carries_all_its_lines_can():
    lines = [(0, 1, 40, 0), (0, 2, 40, 0), (2, 1, 40, 0)]
    made = model(3, lines, [(0, 12, 0, 0), (1, 90, 0, 0)])
    day = dispatched(made, [[200], [200]], [[0], [100], [0]])
    assert (day.generation_wh == integers([80], [20]) * MWH).all()


def test_parallel_lines_share_by_reactance():
    """The line of half the reactance takes twice the flow: 20 and 10."""
    lines = [(0, 1, 20, 100_000), (1, 0, 90, 200_000)]
    made = model(2, lines, [(0, 12, 0, 0), (1, 90, 0, 0)])
    day = dispatched(made, [[100], [100]], [[0], [50]])
    assert (day.generation_wh == integers([30], [20]) * MWH).all()


def test_storage_shifts_cheap_energy_to_the_dear_hours():
    """Half full at 20 of 40; fills by 20 for 25 taken in, gives 40, ends by refilling to 20."""
    made = model(units=[(0, 0, 0, 0), (0, 5, 40, 800_000), (0, 90, 0, 0)])
    wind = [100, 0, 100]
    day = dispatched(made, [wind, [50, 50, 50], [100, 100, 100]], [[50, 50, 50]])
    assert (day.generation_wh[1] == integers(-25, 40, -25) * MWH).all()
    assert (day.generation_wh[0] == integers(75, 0, 75) * MWH).all()
    assert (day.generation_wh[2] == integers(0, 10, 0) * MWH).all()


def test_storage_that_does_not_pay_stays_still():
    made = model(units=[(0, 80, 0, 0), (0, 70, 40, 900_000)])
    day = dispatched(made, [[100, 100], [20, 20]], [[50, 60]])
    assert not day.generation_wh[1].any()


def test_scarcity_leaves_demand_unserved_where_the_line_binds():
    made = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0)])
    day = dispatched(made, [[100]], [[10], [50]])
    assert (day.generation_wh == 40 * MWH).all()
    assert (day.unserved_wh == integers([0], [20]) * MWH).all()


def test_net_export_feeds_other_nodes_and_spills_what_cannot_leave():
    made = model(2, [(0, 1, 30, 0)], [(1, 12, 0, 0)])
    day = dispatched(made, [[100]], [[-40], [50]])
    assert (day.spilled_wh == integers([10], [0]) * MWH).all()
    assert (day.generation_wh == 20 * MWH).all()


def test_generation_never_exceeds_availability_rounded_down_to_whole_wh():
    made = model(units=[(0, 12, 0, 0)], minutes=30)
    day = dispatch_day(made, integers([1_000_001]), integers([900_000]))
    assert day.generation_wh.tolist() == [[500_000]]
    assert day.unserved_wh.tolist() == [[400_000]]
    assert abs(day.residual_wh).max() <= 1


def test_bad_input_is_refused():
    made = model(units=[(0, 12, 0, 0)])
    with pytest.raises(ValueError, match="needed"):
        dispatch_day(made, integers([1, 2]), integers([1]))
    with pytest.raises(ValueError, match="not negative"):
        dispatch_day(made, integers([-1]), integers([1]))
    with pytest.raises(ValueError, match="must exceed the highest offer"):
        dispatch_day(model(units=[(0, 6_000, 0, 0)]), integers([1]), integers([1]))


@settings(max_examples=tried(40), deadline=None)
@given(
    units=st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 500_000_000)), min_size=1, max_size=6
    ),
    demand_wh=st.lists(st.integers(0, 1_500_000_000), min_size=1, max_size=4),
)
def test_one_node_without_storage_is_merit_order(units, demand_wh):
    made = model(units=[(0, offer, 0, 0) for offer, _ in units], minutes=30)
    available_w = np.array([[power] * len(demand_wh) for _, power in units], dtype=np.int64)
    day = dispatch_day(made, available_w, integers(demand_wh))
    order = sorted(range(len(units)), key=lambda unit: (units[unit][0], unit))
    for interval, demand in enumerate(demand_wh):
        left = demand
        for unit in order:
            expected = min(left, units[unit][1] // 2)
            assert abs(day.generation_wh[unit, interval] - expected) <= 1 + len(units)
            left -= expected
    assert (day.generation_wh <= available_w // 2).all()
    assert abs(day.residual_wh).max() <= len(units) + 1


def test_a_day_does_not_depend_on_the_days_before_it():
    random = np.random.default_rng(7)
    lines = [(0, 1, 40, 300_000), (1, 2, 40, 500_000), (2, 0, 40, 700_000)]
    units = [(0, 0, 0, 0), (1, 12, 0, 0), (2, 90, 0, 0), (1, 5, 60, 900_000)]
    made = model(3, lines, units)
    days = [
        (random.integers(0, 90, (4, 24)) * MW, random.integers(0, 60, (3, 24)) * MWH)
        for _ in range(4)
    ]
    forward = [dispatch_day(made, *day).generation_wh.tobytes() for day in days]
    backward = [dispatch_day(made, *day).generation_wh.tobytes() for day in reversed(days)]
    assert forward == backward[::-1]
