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


def sampled(market: Intervals, seed: int) -> Intervals:
    """Return single intervals of a market, without storage, which joins intervals to a day."""
    count = market.demand_wh.shape[1]
    chosen = np.sort(np.random.default_rng(seed).choice(count, SAMPLED, replace=False))
    stores = market.model.storage_wh > 0
    available_w = market.available_w[:, chosen].copy()
    available_w[stores] = 0
    model = dataclasses.replace(market.model, storage_wh=np.zeros_like(market.model.storage_wh))
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
    judged = judge(pypsa, day.model, day.available_w, day.demand_wh, storage=True)
    ours = day_optimum(day.model, day.available_w, day.demand_wh)
    assert ours.cost == pytest.approx(judged.objective, rel=COST_TOLERANCE)
    equal = np.isclose(
        ours.node_price_per_mwh, judged.price_per_mwh, rtol=1e-6, atol=PRICE_TOLERANCE_PER_MWH
    ).all(axis=0)
    print(f"{scenario} day: prices equal in {equal.sum()} of {len(equal)} intervals")


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
