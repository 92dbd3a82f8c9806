"""Real days of gb12's law on the published ratings, short nearly always: all that can be is served.

On those ratings no order of service can keep every promise; what is held here is that what the grid
can serve is served, in the order that the law states.
"""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from numba import config

from rulebook.documents import AllocationPolicy, GridModel, MarketRules, Registration
from settlement.core.contract_state import NOTHING_CARRIED, Carried, begin_day
from settlement.core.engine import settle_day
from settlement.core.fair_play_market import carried_after, shares_of_day
from settlement.core.fair_play_rules import Requests
from settlement.core.order_of_service import PROMISES
from settlement.core.room import sums_at
from settlement.rules.compile import compile_market
from tests.rulebook.law import scenario
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.test_great_britain import day_of, market

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of cuts an interval: needs JIT"),
]
DAYS = [dt.date(2024, 1, 17), dt.date(2024, 3, 31)]
"""One in the middle of a month, and the last of one, of 46 half-hours."""


@pytest.fixture(scope="module")
def model():
    law = list(scenario("gb12").values())

    def of(kind, documents=law):
        return [document for document in documents if isinstance(document, kind)]

    (rules,), (policy,) = of(MarketRules), of(AllocationPolicy)
    (grid,) = of(GridModel, scenario("gb12-published").values())
    return compile_market(rules, grid, policy, of(Registration))


def day_for(model, day, carried=None):
    """The recorded day in the model's order; with what it begins with, where that is told."""
    names, recorded = market(1), day_of(day)
    points = [names.supply_points.index(point) for point in model.supply_points]
    units = [names.units.index(unit) for unit in model.units]
    readings = replace(
        recorded,
        generation_wh=recorded.generation_wh[units],
        available_w=recorded.available_w[units],
        demand_wh=recorded.demand_wh[points],
    )
    state = begin_day(model.fair_play.contracts, model.supply_points, carried or Carried(), day)
    nothing_known = np.zeros(len(points), dtype=np.bool_)
    desired_wh = np.zeros_like(readings.demand_wh)
    return replace(readings, requests=Requests(desired_wh, nothing_known, state))


@pytest.fixture(scope="module", params=DAYS)
def settled(request, model):
    """A day that begins with what its eve leaves, as readings, shares and results."""
    eve = day_for(model, request.param - dt.timedelta(days=1), NOTHING_CARRIED)
    carried = carried_after(model, model.fair_play, eve, NOTHING_CARRIED)
    readings = day_for(model, request.param, carried)
    shares = shares_of_day(model, model.fair_play, readings)
    return readings, shares, settle_day(model, readings)


def supply_w(model, readings, interval):
    """Available supply, and net export as far as others at its node take it."""
    node, nodes = model.supply_point_node, len(model.grid.nodes)
    power_w = 2 * readings.demand_wh[:, interval]
    export = sums_at(nodes, node, np.maximum(-power_w, 0))
    taken = sums_at(nodes, node, np.maximum(power_w, 0))
    units = sums_at(nodes, model.unit_node, readings.available_w[:, interval])
    return units + np.minimum(export, taken)


def test_what_is_served_is_what_the_physics_allows(model, settled):
    readings, shares, result = settled
    desired, entitled, missed, owed = (
        result.values(measure) for measure in ("desired_w", "entitlement_w", "missed_w", "owed_w")
    )
    maximum = result.values("fair_play_maximum_w")[0]
    before = np.column_stack([readings.requests.state.contracts.owed.sum(axis=0), owed[:, :-1]])
    wanted = desired + before
    assert before[:, 0].any(), "something is owed over midnight"
    assert np.array_equal(entitled.sum(axis=0), maximum)
    assert not result.values("fair_play_unused_w").any()
    assert np.array_equal(wanted, entitled + missed + owed)
    short = np.flatnonzero(maximum < wanted.sum(axis=0))
    assert len(short) >= desired.shape[1] - 1
    nodes, node = len(model.grid.nodes), model.supply_point_node
    for interval in short[::5].tolist():
        supply = supply_w(model, readings, interval)
        most = reference.servable_by_flow(
            model.grid, supply, sums_at(nodes, node, wanted[:, interval])
        )
        assert maximum[interval] == most
        # What promises need gets all that the grid could serve of it alone.
        promises = [
            turn for turn in shares.served.services[interval].turns if turn.name == PROMISES
        ]
        for turn in promises:
            needed = sums_at(nodes, model.fair_play.contracts.node, turn.wanted)
            assert turn.served.sum() == reference.servable_by_flow(model.grid, supply, needed)
        assert promises


def test_money_balances_and_a_month_compensates_at_its_end(model, settled):
    readings, _, result = settled
    charges = sum(t.values.sum(axis=0) for t in result.tables if t.measure.startswith("charge."))
    paid = sum(t.values.sum(axis=0) for t in result.tables if t.measure.startswith("payment."))
    assert np.array_equal(charges, paid + result.values("equalisation_micro")[0])
    shortfall = result.values("shortfall_wh")
    compensation = -result.values("charge.compensation_micro")
    assert not shortfall[:, :-1].any()
    assert shortfall[:, -1].any() == (readings.day.day == 31)
    assert compensation.sum(axis=1).tolist() == [
        wh * price // 10**6
        for wh, price in zip(
            shortfall[:, -1].tolist(),
            model.fair_play.compensation_micro_per_mwh.tolist(),
            strict=True,
        )
    ]


def test_who_had_half_in_the_month_is_served_better_and_no_less_is_served(model):
    rules, day = model.fair_play, DAYS[0]
    groups = rules.contracts.groups
    matured = dict.fromkeys(groups, 10**12)

    promised = {
        group: promise * 10**12
        for group, promise in zip(groups, rules.contracts.promise_ppm.tolist(), strict=True)
    }

    def first_interval(delivered):
        carried = Carried(matured=matured, delivered=delivered, promised=promised)
        return shares_of_day(model, rules, day_for(model, day, carried)).served

    def by_group(served):
        return rules.contracts.by_group(served.entitlement_w[:, 0])

    plain = first_interval(matured)
    wanted = rules.contracts.by_group(plain.desired_w[:, 0])
    had = by_group(plain)
    favoured = np.flatnonzero((had > 0) & (had < wanted))
    assert len(favoured) >= 2
    for group in favoured.tolist():
        made_up = first_interval(matured | {groups[group]: 10**12 // 2})
        assert by_group(made_up)[group] > had[group], groups[group]
        assert made_up.maximum_w[0] == plain.maximum_w[0] == by_group(made_up).sum()
