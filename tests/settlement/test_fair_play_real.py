"""Real days of the published case, short nearly always: all that the grid can serve is served."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from numba import config

from rulebook.documents import AllocationPolicy, GridModel, MarketRules, Registration
from settlement.core.engine import settle_day
from settlement.core.fair_play_market import history_of_day, shares_of_day
from settlement.core.fair_play_rules import metered_requests
from settlement.rules.compile import compile_market
from tests.rulebook.law import scenario
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.test_great_britain import day_of, market

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of cuts an interval: needs JIT"),
]
DAYS = [dt.date(2024, 1, 17), dt.date(2024, 3, 31)]


@pytest.fixture(scope="module")
def model():
    law = list(scenario("gb12-published").values())

    def of(kind):
        return [document for document in law if isinstance(document, kind)]

    (rules,), (grid,), (policy,) = of(MarketRules), of(GridModel), of(AllocationPolicy)
    return compile_market(rules, grid, policy, of(Registration))


def day_for(model, day):
    """The recorded day in the model's order, with the eve as its history."""
    names, recorded = market(1), day_of(day)
    points = [names.supply_points.index(point) for point in model.supply_points]
    units = [names.units.index(unit) for unit in model.units]
    return replace(
        recorded,
        generation_wh=recorded.generation_wh[units],
        available_w=recorded.available_w[units],
        demand_wh=recorded.demand_wh[points],
    )


@pytest.mark.parametrize("day", DAYS)
def test_what_is_served_is_what_the_physics_allows(model, day):
    readings = day_for(model, day)
    eve = history_of_day(model, model.fair_play, day_for(model, day - dt.timedelta(days=1)))
    requests = replace(metered_requests(readings.demand_wh), history=eve)
    result = settle_day(model, replace(readings, requests=requests))
    desired, entitled, maximum = (
        result.values(measure) for measure in ("desired_w", "entitlement_w", "fair_play_maximum_w")
    )
    assert np.array_equal(entitled.sum(axis=0), maximum[0])
    assert not result.values("fair_play_unused_w").any()
    short = np.flatnonzero(maximum[0] < desired.sum(axis=0))
    assert len(short) >= desired.shape[1] - 1
    for interval in short[::5].tolist():
        supply, export, taken = (np.zeros(len(model.grid.nodes), dtype=np.int64) for _ in range(3))
        np.add.at(supply, model.unit_node, readings.available_w[:, interval])
        np.add.at(
            export, model.supply_point_node, -2 * np.minimum(readings.demand_wh, 0)[:, interval]
        )
        np.add.at(taken, model.supply_point_node, desired[:, interval])
        supply += np.minimum(export, taken)
        assert maximum[0, interval] == reference.servable_by_flow(model.grid, supply, taken)
        # The essential get all that the grid could serve of them alone.
        essential = ~model.fair_play.is_flexible
        needed = np.zeros_like(supply)
        np.add.at(needed, model.supply_point_node[essential], desired[essential, interval])
        most = reference.servable_by_flow(model.grid, supply, needed)
        assert entitled[essential, interval].sum() == most
    charges = sum(t.values.sum(axis=0) for t in result.tables if t.measure.startswith("charge."))
    paid = sum(t.values.sum(axis=0) for t in result.tables if t.measure.startswith("payment."))
    assert np.array_equal(charges, paid + result.values("equalisation_micro")[0])
    assert -result.values("charge.compensation_micro").sum() == sum(
        90 * wh for wh in result.values("missed_wh").sum(axis=1).tolist()
    )


def test_who_had_half_on_the_eve_is_served_better_at_its_node(model):
    rules, readings = model.fair_play, day_for(model, DAYS[0])
    eve = history_of_day(model, rules, readings)

    def first_interval(history):
        requests = replace(metered_requests(readings.demand_wh), history=history)
        return shares_of_day(model, rules, replace(readings, requests=requests)).intervals[0]

    plain = first_interval(replace(eve, delivered_w=eve.desired_w))
    rank, favoured = np.argwhere((plain.entitlement_w > 0) & (plain.entitlement_w < wanted(model)))[
        0
    ]
    delivered = eve.desired_w.copy()
    delivered[favoured] //= 2
    made_up = first_interval(replace(eve, delivered_w=delivered))
    assert made_up.entitlement_w[rank, favoured] > plain.entitlement_w[rank, favoured]
    assert np.array_equal(made_up.node_served_w, plain.node_served_w)


def wanted(model):
    """What each supply point desires in the first interval of the first day, by priority."""
    taken = 2 * np.maximum(day_for(model, DAYS[0]).demand_wh[:, 0], 0)
    flexible = model.fair_play.is_flexible
    return np.stack([np.where(flexible, 0, taken), np.where(flexible, taken, 0)])
