"""Baselines: money by hand on small markets, exact sums, and prices within the bounds."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from settlement.baselines.carbon import Carbon
from settlement.baselines.designs import Design
from settlement.baselines.serving import Network
from settlement.baselines.tariffs import (
    Placed,
    PriceBounds,
    flat_charges_micro,
    flat_payments_micro,
    flat_price_micro_per_mwh,
    marginal_money,
    solve_day,
)
from settlement.core.energy_accounts import EnergyAreas
from settlement.core.model import DayReadings
from tests.examples import tried
from tests.settlement.dispatch_cases import MW, MWH, integers, markets, model

DAY = dt.date(2024, 1, 1)
BOUNDS = PriceBounds(0, 6_000_000_000)
CONGESTED = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0)])
READINGS = DayReadings(
    DAY,
    generation_wh=integers([40], [20]) * MWH,
    available_w=integers([100], [100]) * MW,
    demand_wh=integers([10], [50]) * MWH,
)
BOTH_NODES = integers(0, 1)


def money(made, points, readings, bounds=BOUNDS, areas=None):
    """Return the money of a day at nodal and at uniform prices."""
    placed = Placed(made.unit_node, points, made.offer_micro_per_mwh)
    found = marginal_money(placed, solve_day(Network.of(made, areas, points), readings, bounds))
    return found[Design.NODAL], found[Design.UNIFORM]


def one_area(made, loss_ppm):
    """Return the areas of a grid that loses one factor of all demand."""
    nowhere = np.zeros(made.node_count, dtype=np.int64)
    return EnergyAreas(("system/all",), nowhere, integers(loss_ppm), np.array([False]))


def test_losses_come_out_of_the_surplus_of_nodal_prices_and_all_bear_them_at_a_uniform_one():
    """A tenth of 10 and 50 is lost: N takes 11, S 55, of which 30 come over the line."""
    nodal, uniform = money(
        CONGESTED, BOTH_NODES, READINGS, areas=one_area(CONGESTED, loss_ppm=100_000)
    )
    assert nodal.payments_micro.tolist() == [[41 * 12 * MW], [25 * 90 * MW]]
    assert nodal.charges_micro.tolist() == [[10 * 12 * MW], [50 * 90 * MW]]
    # 30 MW x (90 - 12) of the line, less 1 MWh lost at 12 and 5 at 90.
    surplus_micro = nodal.charges_micro.sum() - nodal.payments_micro.sum()
    assert surplus_micro == (30 * 78 - 12 - 5 * 90) * MW
    # 66 are sold at 12, and 25 of them come from the second at 90: 2,742, borne by 10 and 50.
    assert uniform.payments_micro.tolist() == [[41 * 12 * MW], [25 * 90 * MW]]
    assert uniform.charges_micro.tolist() == [[457 * MW], [2_285 * MW]]


def test_nodal_pricing_pays_and_charges_the_price_of_each_node():
    day, _ = money(CONGESTED, BOTH_NODES, READINGS)
    assert day.price_micro_per_mwh.tolist() == [[12 * MW], [90 * MW]]
    assert day.payments_micro.tolist() == [[40 * 12 * MW], [20 * 90 * MW]]
    assert day.charges_micro.tolist() == [[10 * 12 * MW], [50 * 90 * MW]]
    # The surplus is what the line is worth: 30 MW x (90 - 12).
    assert day.charges_micro.sum() - day.payments_micro.sum() == 30 * 78 * MW
    assert day.not_billed_micro == 0


def test_uniform_pricing_has_one_price_and_all_bear_what_the_line_costs():
    _, day = money(CONGESTED, BOTH_NODES, READINGS)
    assert day.price_micro_per_mwh.tolist() == [[12 * MW]]
    # 60 of the first are sold, and it is turned down to 40; the second gives the other 20.
    assert day.payments_micro.tolist() == [[60 * 12 * MW - 20 * 12 * MW], [20 * 90 * MW]]
    # 20 x (90 - 12) = 1,560 by energy: a sixth, and five sixths.
    assert day.charges_micro.tolist() == [[(120 + 260) * MW], [(600 + 1_300) * MW]]
    assert day.charges_micro.sum() == day.payments_micro.sum()


def test_scarcity_is_charged_at_the_cap_of_the_rules_for_what_is_served():
    made = model(units=[(0, 12, 0, 0)])
    readings = DayReadings(
        DAY, integers([40]) * MWH, integers([40]) * MW, integers([50], [-5]) * MWH
    )
    for bounds, price in ((BOUNDS, 6_000 * MW), (PriceBounds(0, 500 * MW), 500 * MW)):
        for day in money(made, integers(0, 0), readings, bounds):
            assert day.price_micro_per_mwh.tolist() == [[price]]
            assert day.served.delivered_wh.tolist() == [[45 * MWH], [-5 * MWH]]
            assert day.charges_micro.tolist() == [[45 * price], [-5 * price]]
            assert day.payments_micro.tolist() == [[40 * price]]
            assert day.not_billed_micro == 5 * price


def test_what_nobody_can_take_in_is_not_paid_for():
    made = model(2, [(0, 1, 3, 0)], [(0, 12, 0, 0)])
    readings = DayReadings(
        DAY, integers([0]) * MWH, integers([9]) * MW, integers([2], [-6], [-3]) * MWH
    )
    day, _ = money(made, integers(0, 1, 1), readings)
    assert day.served.delivered_wh.tolist() == [[2 * MWH], [-1_333_333], [-666_667]]
    assert day.served.generation_wh.tolist() == [[0]]


def test_a_national_day_at_the_cap_fits():
    made = model(units=[(0, 12, 0, 0)] * 25)
    hours = np.ones((25, 24), dtype=np.int64)
    readings = DayReadings(DAY, hours * 9_000 * MWH, hours * 9_000 * MW, hours * 20_000 * MWH)
    for day in money(made, np.zeros(25, dtype=np.int64), readings):
        assert sum(day.charges_micro.ravel().tolist()) == 25 * 24 * 9_000 * 6_000 * MW
        assert day.not_billed_micro == 25 * 24 * 11_000 * 6_000 * MW


def test_storage_pays_for_what_it_takes_in():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0), (0, 0, 20, 1_000_000)])
    readings = DayReadings(
        DAY,
        generation_wh=np.zeros((3, 2), dtype=np.int64),
        available_w=integers([100, 100], [100, 100], [100, 100]) * MW,
        demand_wh=integers([50, 120]) * MWH,
    )
    day, _ = money(made, integers(0), readings)
    assert day.served.generation_wh[2].tolist() == [-10 * MWH, 10 * MWH]
    assert day.price_micro_per_mwh.tolist() == [[12 * MW, 90 * MW]]
    assert day.payments_micro[2].tolist() == [-120 * MW, 900 * MW]


def test_reserve_held_is_not_there_to_set_the_price():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0)])
    for reserve_mw, price in ((0, 12), (30, 90)):
        readings = DayReadings(
            DAY,
            integers([80], [0]) * MWH,
            integers([100], [100]) * MW,
            integers([80]) * MWH,
            integers([reserve_mw], [0]) * MW,
        )
        _, day = money(made, integers(0), readings)
        assert day.price_micro_per_mwh.tolist() == [[price * MW]]
        assert day.payments_micro[0].tolist() == [(80 - max(0, reserve_mw - 20)) * price * MW]


def test_the_flat_tariff_pays_the_fuel_of_what_it_generates():
    settled, fuel = {"gas": 120, "wind": 30}, {"gas": 100}
    assert flat_payments_micro(settled, fuel, {"gas": 60, "wind": 0}) == {"gas": 80, "wind": 30}


def test_the_flat_tariff_recovers_payments_to_the_micro():
    charges = flat_charges_micro(100, [integers([1, 1], [1, -9])])
    assert charges[0].tolist() == [[34, 33], [33, 0]]
    assert flat_price_micro_per_mwh(100, [integers([1, 1], [1, -9])]) == 33_333_333


def test_a_period_in_which_nobody_takes_energy_has_no_flat_charges():
    assert flat_charges_micro(100, [integers([0, -1])])[0].tolist() == [[0, 0]]
    assert flat_price_micro_per_mwh(100, [integers([0, -1])]) == 0


DAYS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.int64, shape, elements=st.integers(-(10**9), 10**12))
    ),
    min_size=1,
    max_size=4,
)


@given(payments=st.integers(-(10**15), 10**15), days=DAYS)
def test_flat_charges_sum_to_the_payments_and_follow_energy(payments, days):
    charges = flat_charges_micro(payments, days)
    taken = np.concatenate([np.maximum(day, 0).ravel() for day in days])
    parts = np.concatenate([day.ravel() for day in charges])
    assert [day.shape for day in charges] == [day.shape for day in days]
    if taken.any():
        assert parts.sum() == payments
        total = sum(taken.tolist())
        for part, wh in zip(parts.tolist(), taken.tolist(), strict=True):
            assert abs(part * total - payments * wh) < total


@settings(max_examples=tried(60))
@given(
    market=markets(),
    floor=st.integers(-50, 0),
    cap=st.integers(0, 400),
    loss_ppm=st.sampled_from([None, 0, 77_777]),
)
def test_no_baseline_price_leaves_the_bounds_and_money_adds_up(market, floor, cap, loss_ppm):
    made, available_w, demand_wh = market
    bounds = PriceBounds(floor * MW, cap * MW)
    readings = DayReadings(DAY, available_w // 4, available_w, demand_wh)
    points = np.arange(made.node_count)
    areas = None if loss_ppm is None else one_area(made, loss_ppm)
    nodal, uniform = money(made, points, readings, bounds, areas)
    for day in (nodal, uniform):
        assert day.price_micro_per_mwh.dtype == np.int64
        assert floor * MW <= day.price_micro_per_mwh.min()
        assert day.price_micro_per_mwh.max() <= cap * MW
        assert day.payments_micro.shape == available_w.shape
        assert day.charges_micro.shape == demand_wh.shape
    # With what is not billed, a bill is what all that was asked for would cost.
    price = nodal.price_micro_per_mwh.astype(object)
    whole = (demand_wh.astype(object) * price).sum() / MWH
    assert abs(nodal.charges_micro.sum() + nodal.not_billed_micro - whole) <= 4 * made.node_count
    served = nodal.served.delivered_wh
    assert not nodal.charges_micro[(served == 0).all(axis=1)].any()
    taken = (np.maximum(uniform.served.delivered_wh, 0)).any(axis=0)
    difference = uniform.charges_micro.sum(axis=0) - uniform.payments_micro.sum(axis=0)
    assert not difference[taken].any()


def test_equal_days_give_equal_money():
    first, second = (money(CONGESTED, BOTH_NODES, READINGS)[0] for _ in range(2))
    assert first.charges_micro.tobytes() == second.charges_micro.tobytes()


def test_carbon_is_grams_of_what_is_generated_and_names_what_is_not_stated():
    units = {
        name: ("owner", SimpleNamespace(carbon_g_per_kwh=grams))
        for name, grams in (("gas", 490), ("mystery", None), ("idle", None), ("store", 0))
    }
    carbon = Carbon()
    assert (carbon.grams, carbon.as_json()["carbon_not_stated"]) == (None, [])
    for _ in range(2):
        carbon.add(units, integers([750, 1], [5, 0], [0, 0], [-9, 8]))
    # 2 x 751 Wh x 490 g a kWh = 735,980 mg.
    assert carbon.as_json() == {"carbon_g": 735, "carbon_not_stated": ["mystery"]}


@pytest.mark.parametrize("wrong", [integers([1, 2]), integers([1], [2], [3])])
def test_readings_that_do_not_fit_are_refused(wrong):
    readings = DayReadings(DAY, READINGS.generation_wh, wrong, READINGS.demand_wh)
    with pytest.raises(ValueError, match="needed"):
        solve_day(Network.of(CONGESTED, None, BOTH_NODES), readings, BOUNDS)
