"""Minimum output, ramp, the rolling horizon and losses in the dispatch, by hand and on any market.

Every one of these cases came out otherwise while the dispatch read neither minimum nor ramp, and
took each day alone.
"""

import contextlib
import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.energy_accounts import LOSSES, EnergyAreas, energy_of_areas
from settlement.dispatch.horizon import DayToDispatch, dispatch_days
from settlement.dispatch.least_cost import dispatch_day
from settlement.dispatch.losses import (
    closed_wh,
    demand_with_losses_wh,
    unserved_without_losses_wh,
    with_losses,
)
from settlement.dispatch.merit_order import check_merit_order
from settlement.dispatch.model import GAP_PPM, FleetState
from settlement.dispatch.out_of_merit import MeteredDay, Reason
from settlement.dispatch.prices import day_optimum
from settlement.dispatch.programme import programme_of
from settlement.dispatch.solving import DispatchError, solve
from tests.examples import tried
from tests.settlement.dispatch_cases import FAST_MW_PER_H, MW, MWH, integers, model


def dispatched_mwh(made, available_mw, demand_mwh, before=None):
    day = dispatch_day(made, integers(*available_mw) * MW, integers(*demand_mwh) * MWH, before)
    assert not day.excess_wh.any()
    return (day.generation_wh / MWH).tolist()


def state(power_mw, level_mwh=None):
    none = np.zeros(len(power_mw), dtype=np.int64)
    level_wh = none if level_mwh is None else integers(*level_mwh) * MWH
    return FleetState(integers(*power_mw) * MW, level_wh)


def test_a_unit_that_runs_gives_at_least_its_minimum():
    """20 are wanted beyond the wind, so the cheaper unit gives its 50 and the wind makes room."""
    made = model(units=[(0, 0, 0, 0), (0, 30, 0, 0, 50)])
    assert dispatched_mwh(made, [[80], [100]], [[100]]) == [[50], [50]]


def test_a_unit_stays_off_where_its_minimum_costs_more_than_a_dearer_unit():
    """Of 10 that are wanted, 50 at 30 would displace wind: 10 at 90 are cheaper."""
    made = model(units=[(0, 0, 0, 0), (0, 30, 0, 0, 50), (0, 90, 0, 0)])
    assert dispatched_mwh(made, [[80], [100], [100]], [[90]]) == [[80], [0], [10]]


def test_less_available_than_the_minimum_is_the_minimum():
    """A reading of 30 outranks a registered minimum of 50: all of it or nothing."""
    made = model(units=[(0, 12, 0, 0, 50), (0, 90, 0, 0)])
    assert dispatched_mwh(made, [[30], [100]], [[60]]) == [[30], [30]]
    assert dispatched_mwh(made, [[30], [100]], [[20]]) == [[0], [20]]


def test_power_rises_and_falls_by_no_more_than_the_ramp():
    made = model(units=[(0, 12, 0, 0, 0, 20), (0, 90, 0, 0)])
    found = dispatched_mwh(made, [[100] * 4, [100] * 4], [[30, 90, 90, 20]], state([30, 0]))
    # To be down at 20 in the last interval it may be at 40 in the one before.
    assert found == [[30, 50, 40, 20], [0, 40, 50, 0]]


def test_the_first_interval_is_reached_from_any_power_where_none_is_known():
    made = model(units=[(0, 12, 0, 0, 0, 20), (0, 90, 0, 0)])
    assert dispatched_mwh(made, [[100], [100]], [[90]]) == [[90], [0]]
    assert dispatched_mwh(made, [[100], [100]], [[90]], state([10, 0])) == [[30], [60]]


def test_the_ramp_is_by_the_hour_and_intervals_are_shorter():
    made = model(units=[(0, 12, 0, 0, 0, 20), (0, 90, 0, 0)], minutes=30)
    day = dispatch_day(made, integers([100], [100]) * MW, integers([40]) * MWH, state([10, 0]))
    assert day.generation_wh.tolist() == [[10 * MWH], [30 * MWH]]


def test_a_unit_starts_at_its_minimum_and_stops_from_it_however_slow_it_is():
    made = model(units=[(0, 12, 0, 0, 50, 10), (0, 90, 0, 0)])
    found = dispatched_mwh(made, [[100] * 4, [100] * 4], [[10, 80, 80, 10]], state([0, 0]))
    assert found == [[0, 50, 50, 0], [10, 30, 30, 10]]


def test_what_availability_takes_is_lost_at_once_and_the_minimum_returns_with_it():
    made = model(units=[(0, 12, 0, 0, 50, 10), (0, 90, 0, 0)])
    found = dispatched_mwh(made, [[100, 20, 100], [100] * 3], [[100] * 3], state([100, 0]))
    assert found == [[100, 20, 50], [0, 80, 50]]


def test_what_cannot_be_withheld_in_time_is_excess_and_says_so():
    """From 100 it can fall to 90, and nobody takes more than 20."""
    made = model(units=[(0, 12, 0, 0, 0, 10)])
    day = dispatch_day(made, integers([100]) * MW, integers([20]) * MWH, state([100]))
    assert (day.generation_wh.tolist(), day.excess_wh.tolist()) == ([[90 * MWH]], [[70 * MWH]])
    assert not day.residual_wh.any()


def test_a_price_is_that_of_who_is_on():
    """The unit at its minimum is not marginal: one more MWh is one more of the wind."""
    made = model(units=[(0, 0, 0, 0), (0, 30, 0, 0, 50)])
    day = day_optimum(made, integers([80], [100]) * MW, integers([100]) * MWH)
    assert day.node_price_per_mwh == pytest.approx(np.array([[0]]))
    assert day.minimum_value_per_mwh == pytest.approx(np.array([[0], [-30]]))


def test_a_ramp_that_binds_is_worth_what_it_keeps_away():
    made = model(units=[(0, 12, 0, 0, 0, 20), (0, 90, 0, 0)])
    day = day_optimum(made, integers([30, 100], [100, 100]) * MW, integers([30, 90]) * MWH)
    assert day.generation_mw[0] == pytest.approx([30, 50])
    assert day.node_price_per_mwh[0, 1] == pytest.approx(90)
    assert day.ramp_value_per_mwh[0, 1] == pytest.approx(78)


def metered(made, generation_mwh, available_mw, demand_mwh):
    generation_wh = integers(*generation_mwh) * MWH
    return check_merit_order(made, MeteredDay(
        units=tuple(f"U{number}" for number in range(len(generation_wh))),
        lines=(),
        generation_wh=generation_wh,
        available_w=integers(*available_mw) * MW,
        reserve_w=np.zeros_like(generation_wh),
        demand_wh=integers(*demand_mwh) * MWH,
    )).entries  # fmt: skip


def test_a_unit_at_its_minimum_above_the_price_is_explained_by_it():
    made = model(units=[(0, 0, 0, 0), (0, 30, 0, 0, 50)])
    (entry,) = metered(made, [[50], [50]], [[80], [100]], [[100]])
    assert (entry.unit, entry.reason, entry.energy_wh) == ("U1", Reason.MINIMUM, 30 * MWH)
    assert (entry.constraint, entry.instead_of) == ("U1", "")


def test_a_dearer_unit_in_place_of_less_than_a_minimum_is_explained_by_it():
    made = model(units=[(0, 0, 0, 0), (0, 30, 0, 0, 50), (0, 90, 0, 0)])
    (entry,) = metered(made, [[80], [0], [10]], [[80], [100], [100]], [[90]])
    assert (entry.unit, entry.reason, entry.constraint) == ("U2", Reason.MINIMUM, "U1")


def test_a_unit_that_stays_off_where_its_minimum_was_wanted_is_not_excused():
    made = model(units=[(0, 30, 0, 0, 50), (0, 90, 0, 0)])
    (entry,) = metered(made, [[0], [80]], [[100], [100]], [[80]])
    assert (entry.reason, entry.instead_of) == (Reason.UNEXPLAINED, "U0")


def test_a_ramp_explains_the_dearer_unit():
    made = model(units=[(0, 12, 0, 0, 0, 20), (0, 90, 0, 0)])
    (entry,) = metered(made, [[30, 50], [0, 40]], [[30, 100], [100, 100]], [[30, 90]])
    assert (entry.unit, entry.reason, entry.constraint) == ("U1", Reason.RAMP, "U0")


def days(available_mw, demand_mwh):
    return [
        DayToDispatch(integers(*available) * MW, integers(*demand) * MWH)
        for available, demand in zip(available_mw, demand_mwh, strict=True)
    ]


def test_storage_keeps_for_the_next_day_what_is_worth_more_there():
    """Wind is free today and gone tomorrow: 40 are full tonight, and half of them given tomorrow.

    Each day alone would end as it began, half full, and 20 MWh at 90 would run tomorrow.
    """
    made = model(units=[(0, 0, 0, 0), (0, 5, 40, 1_000_000), (0, 90, 0, 0)])
    first, second = dispatch_days(
        made, days([[[80], [50], [100]], [[0], [50], [100]]], [[[50]], [[50]]])
    )
    assert (first.generation_wh / MWH).tolist() == [[70], [-20], [0]]
    assert (second.generation_wh / MWH).tolist() == [[0], [20], [30]]
    assert first.after.level_wh.tolist() == [0, 40 * MWH, 0]
    assert second.after.level_wh.tolist() == [0, 20 * MWH, 0]


def test_power_at_midnight_limits_the_first_interval_of_the_next_day():
    made = model(units=[(0, 12, 0, 0, 0, 20), (0, 90, 0, 0)])
    _, second = dispatch_days(made, days([[[30], [100]], [[100], [100]]], [[[30]], [[90]]]))
    assert (second.generation_wh / MWH).tolist() == [[50], [40]]


def test_storage_that_cannot_end_half_full_ends_as_near_as_it_can():
    made = model(units=[(0, 5, 40, 1_000_000), (0, 90, 0, 0)])
    day = dispatch_day(
        made, integers([5], [100]) * MW, integers([30]) * MWH, state([0, 0], [10, 0])
    )
    assert day.after.level_wh.tolist() == [15 * MWH, 0]
    assert (day.generation_wh / MWH).tolist() == [[-5], [35]]


@st.composite
def limited_markets(draw):
    """Draw a fleet with minimums and ramps, and availability and demand of two short days."""
    unit = st.tuples(
        st.integers(0, 1),
        st.integers(0, 300),
        st.sampled_from([0, 0, 0, 40]),
        st.sampled_from([800_000, 950_000]),
        st.sampled_from([0, 0, 20, 60]),
        st.sampled_from([5, 30, FAST_MW_PER_H]),
    )
    units = draw(st.lists(unit, min_size=1, max_size=5))
    made = model(2, [(0, 1, 40, 0)], units, 30)
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = (2, len(units), 4)
    available_w = random.integers(0, 120, shape) * MW
    return made, [
        DayToDispatch(available, demand)
        for available, demand in zip(
            available_w, random.integers(-5 * MWH, 50 * MWH, (2, 2, 4)), strict=True
        )
    ]


@settings(max_examples=tried(60), deadline=None)
@given(limited_markets())
def test_on_any_market_limits_hold_and_energy_adds_up(drawn):
    """By whole W and Wh; a reference that knows nothing of programmes walks each unit."""
    made, two = drawn
    found = list(dispatch_days(made, two))
    power_w = np.concatenate([day.generation_wh for day in found], axis=1) * 2
    available_w = np.concatenate([day.available_w for day in two], axis=1)
    assert all(np.abs(day.residual_wh).max() <= len(power_w) + 8 for day in found)
    for unit in np.flatnonzero(made.storage_wh == 0):
        walk(made, unit, power_w[unit].tolist(), available_w[unit].tolist())
    for unit in np.flatnonzero(made.storage_wh):
        for day in found:
            assert 0 <= day.after.level_wh[unit] <= made.storage_wh[unit]


def walk(made, unit, power_w, available_w):
    ramp = int(made.ramp_w_per_h[unit]) // 2
    least = [min(int(made.minimum_w[unit]), most) for most in available_w]
    near = 4  # W: what rounding to whole Wh moves two powers by
    for now in range(len(power_w)):
        assert power_w[now] <= near or power_w[now] >= least[now] - near
        if not now:
            continue
        lost = available_w[now - 1] - available_w[now]
        on_before, on = power_w[now - 1] > near, power_w[now] > near
        most_rise = max(ramp, least[now] - least[now - 1] if on_before else least[now])
        most_fall = max(ramp, lost, 0 if on else least[now - 1])
        # Off and on at nothing look alike: both have the wider of the limits.
        most_rise = most_rise if on_before else max(most_rise, ramp)
        assert power_w[now] - power_w[now - 1] <= most_rise + near
        assert power_w[now - 1] - power_w[now] <= most_fall + near


@st.composite
def small_fleets(draw):
    """Draw a fleet of which at most two have a minimum, and three hours of one node."""
    unit = st.tuples(
        st.just(0),
        st.integers(1, 100),
        st.just(0),
        st.just(0),
        st.integers(10, 60),
        st.sampled_from([10, 30, FAST_MW_PER_H]),
    )
    units = [*draw(st.lists(unit, min_size=1, max_size=2)), (0, 200, 0, 0), (0, 0, 0, 0)]
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    available_w = random.integers(0, 100, (len(units), 3)) * MW
    before = FleetState(
        np.minimum(random.integers(0, 60, len(units)) * MW, available_w[:, 0]),
        np.zeros(len(units), dtype=np.int64),
    )
    demand_wh = random.integers(0, 150, (1, 3)) * MWH
    return model(units=units), available_w, demand_wh, draw(st.sampled_from([None, before]))


@settings(max_examples=tried(40), deadline=None)
@given(small_fleets())
def test_who_is_on_costs_at_most_the_gap_more_than_the_best_of_all_choices(drawn):
    """Every choice of who is on in every interval is tried; some cannot be operated at all."""
    programme = programme_of(*drawn)
    chosen = solve(programme)
    shape = (programme.intervals, len(programme.block.committed))
    costs = []
    for bits in itertools.product((False, True), repeat=shape[0] * shape[1]):
        with contextlib.suppress(DispatchError):
            costs.append(solve(programme, np.array(bits, dtype=bool).reshape(shape)).cost)
    gap = GAP_PPM / 10**6 * programme.energy_cost(chosen.columns)
    assert chosen.cost <= min(costs) + 1.1 * gap + 1e-6 * max(1.0, min(costs))
    assert chosen.cost >= min(costs) - 1e-6 * max(1.0, min(costs))


@settings(max_examples=tried(20), deadline=None)
@given(limited_markets())
def test_equal_days_give_equal_bytes_and_a_day_sees_one_day_ahead(drawn):
    made, (first, second) = drawn
    twice = [
        [day.generation_wh.tobytes() for day in dispatch_days(made, [first, second])]
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    further = next(dispatch_days(made, [first, second, first]))
    assert further.generation_wh.tobytes() == twice[0][0]


AREAS = EnergyAreas(
    ("zone/a", "zone/b"), np.array([0, 0, 1]), np.array([20_000, 30_000]), np.array([False, True])
)


def test_losses_of_demand_are_demand_where_it_is_and_export_bears_none():
    lost = demand_with_losses_wh(AREAS, integers([1_000], [500], [700]))
    assert lost.tolist() == [[1_020], [510], [700]]
    lost = demand_with_losses_wh(AREAS, integers([1_000], [-500], [700]))
    assert lost.tolist() == [[1_010], [-500], [700]]


def test_losses_are_unserved_with_the_demand_that_they_are_of():
    demand_wh, unserved_wh = integers([1_000], [500], [700]), integers([51], [0], [9])
    with_losses_wh = demand_with_losses_wh(AREAS, demand_wh)
    found = unserved_without_losses_wh(demand_wh, with_losses_wh, unserved_wh)
    assert found.tolist() == [[50], [0], [9]]


def test_losses_of_generation_are_taken_from_what_a_unit_feeds_in():
    """97 of 100 arrive, at 12 / 0.97 each."""
    made = with_losses(model(3, [(2, 0, 500, 0)], [(2, 12, 0, 0)]), AREAS)
    day = dispatch_day(made, integers([200]) * MW, integers([97], [0], [0]) * MWH)
    assert day.generation_wh.tolist() == [[100 * MWH]]
    price = day_optimum(made, integers([200]) * MW, integers([97], [0], [0]) * MWH)
    assert price.node_price_per_mwh[2] == pytest.approx([12 / 0.97])


def test_rounding_is_taken_from_the_dearest_that_runs_and_no_more_than_rounding():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0), (0, 95, 0, 0)])
    given_wh = integers([50, 50], [1, 30], [0, 0])
    closed = closed_wh(made, given_wh, integers([60, 60], [60, 60], [60, 60]), integers(3, 100))
    assert closed.tolist() == [[48, 50], [0, 30], [0, 0]]
    closed = closed_wh(made, given_wh, integers([60, 60], [2, 30], [60, 60]), integers(-3, -2))
    assert closed.tolist() == [[52, 52], [2, 30], [0, 0]]


def test_generation_is_what_is_taken_and_lost_by_the_energy_accounts():
    areas = dataclasses.replace(AREAS, of_generation=np.array([False, False]))
    made = with_losses(model(3, [(2, 0, 500, 0), (0, 1, 500, 0)], [(2, 12, 0, 0)]), areas)
    demand_wh = integers([12_345, 777], [501, 3], [999, 1])
    day = dispatch_day(made, np.full((1, 2), MW), demand_with_losses_wh(areas, demand_wh))
    accounts = energy_of_areas(areas, integers(2), np.arange(3), day.generation_wh, demand_wh)
    assert (day.generation_wh.sum(0) == demand_wh.sum(0) + accounts[LOSSES].sum(0)).all()
