"""Dispatch cost and nodal prices against PyPSA, on real intervals of two grids.

Cost is compared interval by interval. Prices are compared in two ways:

- on every interval our prices are shown to be an optimal dual solution of PyPSA's problem: they
  are dual feasible, and the bound that they give equals PyPSA's cost (strong duality);
- where PyPSA's prices differ from ours, both being optimal, prices are degenerate; elsewhere they
  are equal. Nearly all must be equal.
"""

import dataclasses
import datetime as dt

import numpy as np
import pytest

pypsa = pytest.importorskip("pypsa", reason="oracle: PyPSA is not installed (make test-oracles)")

from settlement.dispatch.model import GAP_PPM, DispatchModel  # noqa: E402
from settlement.dispatch.prices import DayOptimum, day_optimum  # noqa: E402
from settlement.dispatch.transfers import transfers_of  # noqa: E402
from tests.oracles.pypsa_day import MILLION, judge  # noqa: E402
from tests.oracles.real_markets import (  # noqa: E402
    Intervals,
    great_britain,
    reliability_test_system,
)

pytestmark = [pytest.mark.oracle, pytest.mark.real_data]

SAMPLED = 50
COST_TOLERANCE = 1e-6
PRICE_TOLERANCE_PER_MWH = 1e-4
LEAST_EQUAL = 0.9


def without_limits(model: DispatchModel) -> DispatchModel:
    return dataclasses.replace(
        model,
        minimum_w=np.zeros_like(model.minimum_w),
        ramp_w_per_h=np.full_like(model.ramp_w_per_h, 10**15),
    )


def sampled(market: Intervals, seed: int) -> Intervals:
    """Return single intervals of a market, without storage, which joins intervals to a day."""
    count = market.demand_wh.shape[1]
    chosen = np.sort(np.random.default_rng(seed).choice(count, SAMPLED, replace=False))
    stores = market.model.storage_wh > 0
    available_w = market.available_w[:, chosen].copy()
    available_w[stores] = 0
    model = without_limits(market.model)
    model = dataclasses.replace(model, storage_wh=np.zeros_like(model.storage_wh))
    return Intervals(model, available_w, market.demand_wh[:, chosen])


MARKETS = {
    "gb12": lambda: great_britain("gb12", dt.date(2024, 1, 1), dt.date(2024, 12, 30)),
    "gb12-published": lambda: great_britain(
        "gb12-published", dt.date(2024, 1, 1), dt.date(2024, 12, 30)
    ),
    "rts_gmlc": lambda: reliability_test_system(1_000_000),
    "rts_gmlc, short": lambda: reliability_test_system(1_600_000),
}


@pytest.mark.parametrize("market", MARKETS)
def test_cost_and_nodal_prices_of_sampled_intervals_equal_those_of_pypsa(market):
    one = sampled(MARKETS[market](), seed=3)
    judged = judge(pypsa, one.model, one.available_w, one.demand_wh, storage=False)
    ours = day_optimum(one.model, one.available_w, one.demand_wh)
    assert ours.cost == pytest.approx(judged.objective, rel=COST_TOLERANCE)
    assert interval_cost(one, ours) == pytest.approx(judged.cost, rel=COST_TOLERANCE, abs=1e-6)
    assert dual_bound(one, ours) == pytest.approx(judged.cost, rel=COST_TOLERANCE, abs=1e-3)
    assert_dual_feasible(one, ours)
    equal = np.isclose(
        ours.node_price_per_mwh, judged.price_per_mwh, rtol=1e-6, atol=PRICE_TOLERANCE_PER_MWH
    ).all(axis=0)
    print(f"{market}: prices equal in {equal.sum()} of {SAMPLED} intervals")
    assert equal.mean() >= LEAST_EQUAL


@pytest.mark.parametrize("scenario", ["gb12", "gb12-published"])
def test_cost_of_a_day_with_storage_equals_that_of_pypsa(scenario):
    day = great_britain(scenario, dt.date(2024, 1, 15), dt.date(2024, 1, 15))
    day = dataclasses.replace(day, model=without_limits(day.model))
    judged = judge(pypsa, day.model, day.available_w, day.demand_wh, storage=True)
    ours = day_optimum(day.model, day.available_w, day.demand_wh)
    assert ours.cost == pytest.approx(judged.objective, rel=COST_TOLERANCE)
    equal = np.isclose(
        ours.node_price_per_mwh, judged.price_per_mwh, rtol=1e-6, atol=PRICE_TOLERANCE_PER_MWH
    ).all(axis=0)
    print(f"{scenario} day: prices equal in {equal.sum()} of {len(equal)} intervals")


@pytest.mark.parametrize("scenario", ["gb12", "gb12-published"])
def test_cost_of_two_days_that_storage_joins_equals_that_of_pypsa(scenario):
    """One window of 96 intervals: what storage holds at midnight is free, and half at the end."""
    two = great_britain(scenario, dt.date(2024, 1, 1), dt.date(2024, 1, 2))
    two = dataclasses.replace(two, model=without_limits(two.model))
    judged = judge(pypsa, two.model, two.available_w, two.demand_wh, storage=True)
    ours = day_optimum(two.model, two.available_w, two.demand_wh)
    assert ours.cost == pytest.approx(judged.objective, rel=COST_TOLERANCE)
    alone = sum(
        day_optimum(two.model, two.available_w[:, of], two.demand_wh[:, of]).cost
        for of in (slice(48), slice(48, None))
    )
    assert ours.cost < alone


def ramped(day: Intervals, slower: int) -> Intervals:
    """Return a day whose ramps are slower, and whose availability falls no faster than they.

    PyPSA holds a unit to its ramp where its availability falls faster, and finds no solution.
    """
    model = dataclasses.replace(day.model, ramp_w_per_h=day.model.ramp_w_per_h // slower)
    ramp_w = model.ramp_w_per_h * model.interval_minutes // 60
    available_w = day.available_w.copy()
    for now in range(1, available_w.shape[1]):
        available_w[:, now] = np.maximum(available_w[:, now], available_w[:, now - 1] - ramp_w)
    return Intervals(model, available_w, day.demand_wh)


@pytest.mark.parametrize("slower", [8, 16])
def test_cost_of_a_day_with_ramps_equals_that_of_pypsa(slower):
    day = ramped(great_britain("gb12", dt.date(2024, 1, 3), dt.date(2024, 1, 3)), slower)
    model = dataclasses.replace(day.model, minimum_w=np.zeros_like(day.model.minimum_w))
    judged = judge(pypsa, model, day.available_w, day.demand_wh, storage=True)
    ours = day_optimum(model, day.available_w, day.demand_wh)
    free = day_optimum(without_limits(model), day.available_w, day.demand_wh)
    assert ours.cost == pytest.approx(judged.objective, rel=COST_TOLERANCE)
    print(f"ramps / {slower}: {ours.cost:.0f}, without {free.cost:.0f}")
    assert ours.cost > free.cost * (1 + COST_TOLERANCE)


@pytest.mark.parametrize("date", [dt.date(2024, 7, 7), dt.date(2024, 4, 6)])
def test_cost_of_a_day_with_minimums_and_ramps_is_that_of_pypsa_within_the_gap(date):
    day = ramped(great_britain("gb12", date, date), 1)
    judged = judge(pypsa, day.model, day.available_w, day.demand_wh, storage=True)
    ours = day_optimum(day.model, day.available_w, day.demand_wh)
    free = day_optimum(without_limits(day.model), day.available_w, day.demand_wh)
    print(f"{date}: {ours.cost:.0f}, PyPSA {judged.objective:.0f}, without {free.cost:.0f}")
    assert judged.objective * (1 - 1e-5) <= ours.cost <= judged.objective * (1 + GAP_PPM / 10**6)
    assert free.cost < judged.objective


def interval_cost(one: Intervals, ours: DayOptimum) -> np.ndarray:
    offers = one.model.offer_micro_per_mwh / MILLION
    penalty = one.model.unserved_micro_per_mwh / MILLION
    hourly = offers @ ours.generation_mw + penalty * ours.unserved_mw.sum(axis=0)
    return hourly * one.model.interval_minutes / 60


def dual_bound(one: Intervals, ours: DayOptimum) -> np.ndarray:
    """Return float[T]: the least cost that the prices prove, by weak duality, without storage."""
    hours = one.model.interval_minutes / 60
    price = ours.node_price_per_mwh
    demand_mw = one.demand_wh / MILLION / hours
    offers = one.model.offer_micro_per_mwh[:, None] / MILLION
    penalty = one.model.unserved_micro_per_mwh / MILLION
    margin = np.minimum(offers - price[one.model.unit_node], 0) * one.available_w / MILLION
    shed = np.minimum(penalty - price, 0) * np.maximum(demand_mw, 0)
    spilled = np.minimum(price, 0) * np.maximum(-demand_mw, 0)
    rent = np.abs(ours.line_price_per_mwh) * one.model.rating_w[:, None] / MILLION
    hourly = sum(part.sum(axis=0) for part in (price * demand_mw, margin, shed, spilled, -rent))
    return hourly * hours


def assert_dual_feasible(one: Intervals, ours: DayOptimum) -> None:
    """Prices of two nodes differ by what a transfer costs on the lines it uses."""
    network = transfers_of(one.model)
    worth = network.flow.T @ ours.line_price_per_mwh + ours.node_price_per_mwh
    assert network.joined.all()
    assert worth == pytest.approx(np.broadcast_to(worth[:1], worth.shape), rel=1e-6, abs=1e-6)
    direct = one.model.reactance_ppm == 0
    ends = (one.model.line_to[direct], one.model.line_from[direct])
    difference = ours.node_price_per_mwh[ends[0]] - ours.node_price_per_mwh[ends[1]]
    assert ours.line_price_per_mwh[direct] == pytest.approx(difference, rel=1e-6, abs=1e-6)
