"""Marginal prices: by hand on small markets, and the identities that hold on any."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.dispatch.prices import bounded_micro, day_optimum, uniform_optimum
from tests.examples import tried
from tests.settlement.dispatch_cases import MW, MWH, integers, markets, model

CAP = 6_000_000_000


def optimum(made, available_mw, demand_mwh):
    return day_optimum(made, integers(*available_mw) * MW, integers(*demand_mwh) * MWH)


def test_a_congested_line_splits_the_price_by_what_it_is_worth():
    made = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0)])
    day = optimum(made, [[100], [100]], [[10], [50]])
    assert day.node_price_per_mwh == pytest.approx(np.array([[12], [90]]))
    assert day.line_price_per_mwh == pytest.approx(np.array([[78]]))
    assert day.flow_mw == pytest.approx(np.array([[30]]))


def test_a_line_that_binds_backward_has_a_negative_price():
    made = model(2, [(1, 0, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0)])
    day = optimum(made, [[100], [100]], [[10], [50]])
    assert day.line_price_per_mwh == pytest.approx(np.array([[-78]]))
    assert day.flow_mw == pytest.approx(np.array([[-30]]))


def test_the_price_does_not_depend_on_the_length_of_an_interval():
    hourly, half_hourly = (
        optimum(model(units=[(0, 12, 0, 0), (0, 90, 0, 0)], minutes=minutes), [[50], [50]], [[wh]])
        for minutes, wh in ((60, 70), (30, 35))
    )
    assert hourly.node_price_per_mwh == pytest.approx(np.array([[90]]))
    assert half_hourly.node_price_per_mwh == pytest.approx(np.array([[90]]))


@pytest.mark.parametrize(("efficiency", "dear_price"), [(1_000_000, 12), (800_000, 15)])
def test_storage_with_room_leaves_only_its_loss_between_two_prices(efficiency, dear_price):
    """20 MWh more in the second hour come from the first, at 12, over the efficiency."""
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0), (0, 0, 200, efficiency)])
    day = optimum(made, [[100, 100], [100, 100], [100, 100]], [[50, 120]])
    assert day.node_price_per_mwh == pytest.approx(np.array([[12, dear_price]]))
    assert day.generation_mw[2, 1] == pytest.approx(
        -day.generation_mw[2, 0] * efficiency / 1_000_000
    )
    # Without losses, whoever stores more at 12 gets it back at 12.
    if efficiency < 1_000_000:
        assert day.generation_mw[2, 1] == pytest.approx(20)
    assert day.storage_value_per_mwh[2] == pytest.approx([dear_price, dear_price])


def test_storage_that_is_full_leaves_prices_apart():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0), (0, 0, 20, 1_000_000)])
    day = optimum(made, [[100, 100], [100, 100], [100, 100]], [[50, 120]])
    assert day.node_price_per_mwh == pytest.approx(np.array([[12, 90]]))


def test_scarcity_hits_the_cap_where_demand_waits():
    made = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0)])
    day = optimum(made, [[100]], [[10], [50]])
    assert bounded_micro(day.node_price_per_mwh, 0, CAP).tolist() == [[12 * MW], [CAP]]


def test_no_supply_at_all_is_priced_at_the_cap():
    day = optimum(model(units=[(0, 12, 0, 0)]), [[0]], [[50]])
    assert bounded_micro(day.node_price_per_mwh, 0, CAP).tolist() == [[CAP]]


def test_net_export_that_cannot_leave_has_no_price_and_never_a_negative_one():
    made = model(2, [(0, 1, 30, 0)], [(1, 12, 0, 0)])
    day = optimum(made, [[100]], [[-40], [50]])
    assert bounded_micro(day.node_price_per_mwh, 0, CAP).tolist() == [[0], [12 * MW]]


def test_a_loop_can_price_a_node_above_every_offer_and_below_zero():
    """Only line 0-1 binds, by 2/3 from node 0 and by 1/3 from node 2, which costs 50.

    One MW more at node 1 takes 1 MW less at node 0 and 2 MW more at node 2: 100 - 12 = 88. Seen
    from node 1, node 2 halves the difference: 50 lies midway between 12 and 88.
    """
    lines = [(0, 1, 40, 500_000), (0, 2, 900, 500_000), (2, 1, 900, 500_000)]
    made = model(3, lines, [(0, 12, 0, 0), (2, 50, 0, 0)])
    day = optimum(made, [[200], [200]], [[0], [90], [0]])
    assert day.node_price_per_mwh == pytest.approx(np.array([[12], [88], [50]]))


def test_prices_are_rounded_to_the_nearest_micro_and_bounded():
    prices = np.array([89.9999999999, 0.0000004, -3.0, 6_012.5, 1e30])
    assert bounded_micro(prices, 0, CAP).tolist() == [90 * MW, 0, 0, CAP, CAP]
    assert bounded_micro(prices[2:3], -10 * MW, CAP).tolist() == [-3 * MW]


def test_degenerate_prices_are_the_same_every_time():
    """Demand ends where the cheap unit does: any price from 12 to 90 is optimal."""
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0)])
    days = [optimum(made, [[50], [50]], [[50]]) for _ in range(2)]
    assert 12 <= days[0].node_price_per_mwh[0, 0] <= 90
    assert days[0].node_price_per_mwh.tobytes() == days[1].node_price_per_mwh.tobytes()


@settings(max_examples=tried(60))
@given(markets())
def test_what_consumers_pay_beyond_what_producers_get_is_what_the_lines_are_worth(market):
    made, available_w, demand_wh = market
    day = day_optimum(made, available_w, demand_wh)
    generation = np.zeros_like(day.node_price_per_mwh)
    np.add.at(generation, made.unit_node, day.generation_mw)
    demand_mw = demand_wh / MWH * 60 / made.interval_minutes
    taken_mw = demand_mw - day.unserved_mw + day.spilled_mw - generation
    rent = (day.node_price_per_mwh * taken_mw).sum(axis=0)
    worth = day.line_price_per_mwh * day.flow_mw
    assert (worth >= -1e-6).all()
    assert rent == pytest.approx(worth.sum(axis=0), rel=1e-7, abs=1e-4)


@settings(max_examples=tried(60))
@given(markets())
def test_equal_days_have_equal_prices_to_the_last_bit(market):
    first, second = (day_optimum(*market) for _ in range(2))
    for field in dataclasses.fields(first):
        first_values, other = getattr(first, field.name), getattr(second, field.name)
        assert np.asarray(first_values).tobytes() == np.asarray(other).tobytes()


@settings(max_examples=tried(60))
@given(
    offers=st.lists(st.integers(0, 300), min_size=1, max_size=5),
    demand_mwh=st.lists(st.integers(0, 200), min_size=3, max_size=3),
    loop=st.booleans(),
)
def test_without_a_binding_line_every_node_has_the_uniform_price(offers, demand_mwh, loop):
    """Half a MWh more than whole MWh of supply add up to, so that the price is unique."""
    reactance = 500_000 if loop else 0
    lines = [(0, 1, 9_999, reactance), (1, 2, 9_999, reactance), (2, 0, 9_999, reactance)]
    made = model(3, lines, [(number % 3, offer, 0, 0) for number, offer in enumerate(offers)])
    available_w = np.full((len(offers), 1), 100 * MW)
    demand_wh = integers(*demand_mwh)[:, None] * MWH + integers(500_000, 0, 0)[:, None]
    nodal = day_optimum(made, available_w, demand_wh)
    uniform = uniform_optimum(made, available_w, demand_wh)
    assert uniform.node_price_per_mwh.shape == (1, 1)
    assert nodal.node_price_per_mwh == pytest.approx(np.full((3, 1), uniform.node_price_per_mwh))
    assert nodal.cost == pytest.approx(uniform.cost)


@settings(max_examples=tried(60))
@given(markets())
def test_a_network_never_makes_a_day_cheaper(market):
    nodal, uniform = day_optimum(*market), uniform_optimum(*market)
    assert nodal.cost >= uniform.cost - 1e-6 * max(1.0, abs(uniform.cost))
