"""Days of Fair Play: rolling history, over-take and missed reliability, real shortages."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from settlement.core.cuts import copperplate_cuts
from settlement.core.fair_play import Terms, fair_shares
from settlement.core.fair_play_amounts import (
    energy_wh,
    fair_play_amounts,
    missed_w,
    over_take_w,
)
from settlement.core.fair_play_day import History, fair_day, no_history, used_export_w
from settlement.core.max_min import node_shares, room_for
from settlement.core.model import node_available_w, node_demand_w
from tests.settlement.core import examples
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import matrix
from tests.settlement.core.reference import as_numbers, served_by_cuts
from tests.settlement.core.test_great_britain import day_of, market

DAY = dt.date(2024, 1, 17)


def two_points(*, indivisible: bool = False) -> Terms:
    return Terms(
        ("all",),
        as_numbers([0, 0]),
        as_numbers([990_000, 990_000]),
        np.array([indivisible] * 2),
        1_000,
    )


def shortage(intervals: int):
    """Half of what two equal points desire: (supply_w[1,T], desired_w[2,2,T])."""
    desired = np.zeros((2, 2, intervals), dtype=np.int64)
    desired[1] = 1_000
    return np.full((1, intervals), 1_000), desired


METER_ALONE = np.zeros(2, dtype=bool)
NOTHING = np.zeros((2, 40), dtype=np.int64)


def test_who_was_served_badly_is_served_better_until_it_has_caught_up():
    supply, desired = shortage(4)
    history = History(as_numbers([1_000, 1_000]), as_numbers([1_000, 500]))
    shares = fair_day(
        copperplate_cuts(), two_points(), history, supply, desired, NOTHING[:, :4], METER_ALONE
    )
    # Weights 1 to 2 at first, 333 to 667. That leaves 1,333 of 2,000 delivered to the first and
    # 1,167 to the second: the first gets 1,167 / 2,500 of 1,000 W, and so on towards one half.
    assert shares.entitlement_w.tolist() == [[333, 467, 486, 492], [667, 533, 514, 508]]
    assert np.array_equal(shares.delivered_w, shares.entitlement_w)
    assert shares.maximum_w.tolist() == [1_000] * 4
    assert [before.delivered_w.tolist() for before in shares.before[:2]] == [
        [1_000, 500],
        [1_333, 1_167],
    ]
    assert shares.as_history.delivered_w.tolist() == shares.entitlement_w.sum(axis=1).tolist()
    none = fair_day(
        copperplate_cuts(),
        two_points(),
        no_history(2),
        supply,
        desired,
        NOTHING[:, :4],
        METER_ALONE,
    )
    assert np.all(none.entitlement_w == 500)


def test_metered_delivery_is_history_where_requests_are_known_beside_it():
    supply, desired = shortage(3)
    metered = as_numbers([[1_000, 1_000, 1_000], [500, 500, 500]])
    both = np.ones(2, dtype=bool)
    shares = fair_day(
        copperplate_cuts(), two_points(), no_history(2), supply, desired, metered, both
    )
    assert shares.entitlement_w.tolist() == [[500, 333, 333], [500, 667, 667]]
    assert np.array_equal(shares.delivered_w, metered)
    # Known of the second alone: what the first is entitled to counts as delivered to it.
    shares = fair_day(
        copperplate_cuts(),
        two_points(),
        no_history(2),
        supply,
        desired,
        metered,
        ~both | [False, True],
    )
    assert shares.delivered_w[0].tolist() == shares.entitlement_w[0].tolist()
    assert shares.delivered_w[1].tolist() == [500] * 3


def test_each_drawing_of_a_day_has_its_own_place():
    supply, desired = shortage(40)
    terms = two_points(indivisible=True)
    lottery = (bytes(32), DAY)
    both = np.ones(2, dtype=bool)
    shares = fair_day(
        copperplate_cuts(), terms, no_history(2), supply, desired, desired[1], both, lottery
    )
    assert np.all(shares.entitlement_w.sum(axis=0) == 1_000)
    assert 10 < (shares.entitlement_w[0] == 1_000).sum() < 30
    alone = fair_shares(
        copperplate_cuts(),
        terms,
        supply[:, 7],
        desired[:, :, 7],
        np.full(2, 990_000),
        (bytes(32), "2024-01-17 7"),
    )
    assert np.array_equal(alone.entitlement_w.sum(axis=0), shares.entitlement_w[:, 7])


@given(examples.markets())
def test_net_export_counted_as_supply_serves_what_netting_serves(case):
    model, readings = case
    terms = Terms(
        model.grid.nodes,
        model.supply_point_node,
        np.full(len(model.supply_points), 990_000),
        np.zeros(len(model.supply_points), dtype=bool),
        1_000,
    )
    demand_w = readings.demand_wh * 2
    supply_w = node_available_w(model, readings.available_w)
    taken = np.maximum(demand_w, 0)
    used = used_export_w(terms, demand_w, taken)
    shares = fair_day(
        model.cuts,
        terms,
        no_history(len(taken)),
        supply_w + used,
        np.stack([taken, np.zeros_like(taken)]),
        taken,
        np.zeros(len(taken), dtype=bool),
    )
    netted = node_demand_w(model, readings.demand_wh)
    for interval in range(demand_w.shape[1]):
        served = reference.servable_by_flow(model.grid, supply_w[:, interval], netted[:, interval])
        assert shares.maximum_w[interval] == served + used[:, interval].sum()
        assert shares.maximum_w[interval] == shares.entitlement_w[:, interval].sum()


powers = matrix(3, 4, (0,), range(5_001))


@given(powers, powers, powers, st.integers(1, 10**6))
def test_amounts_of_a_day(desired, entitlement, delivered, reliability):
    entitlement = np.minimum(entitlement, desired)
    ppm = as_numbers([reliability] * 3)
    amounts = fair_play_amounts(ppm, entitlement, desired, delivered, 30, 6 * 10**9, 10**8)
    for point in range(3):
        taken = sum(
            max(0, d - e) for d, e in zip(delivered[point], entitlement[point], strict=True)
        )
        assert amounts.over_take_wh[point].sum() == taken // 2
        assert amounts.over_take_micro[point].sum() == taken // 2 * 6_000
        counted = int(np.minimum(desired[point], delivered[point]).sum())
        missed = max(0, int(desired[point].sum()) * reliability // 10**6 - counted)
        found = missed_w(ppm, desired, delivered)[point]
        assert found.sum() == missed
        assert np.all(found <= np.maximum(desired[point] - delivered[point], 0))
        assert amounts.missed_wh[point].sum() == missed // 2
        assert amounts.compensation_micro[point].sum() == missed // 2 * 100


def test_the_examples_of_the_docstrings():
    assert energy_wh(as_numbers([1, 1, 1]), 30).tolist() == [0, 1, 0]
    assert over_take_w(as_numbers([5, 5]), as_numbers([7, 4])).tolist() == [2, 0]
    found = missed_w(as_numbers([990_000]), as_numbers([[1_000] * 2]), as_numbers([[900, 700]]))
    assert found.tolist() == [[95, 285]]


def test_a_contract_kept_is_not_compensated():
    kept = missed_w(as_numbers([990_000]), as_numbers([[1_000] * 2]), as_numbers([[1_500, 980]]))
    assert not kept.any()


@pytest.mark.real_data
@pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of cuts an interval: needs JIT")
@pytest.mark.parametrize("day", ["2024-01-17", "2024-03-31", "2024-07-04", "2024-10-27"])
def test_real_shortages_waste_nothing(day):
    model, readings = market(1), day_of(dt.date.fromisoformat(day))
    points = len(model.supply_points)
    essential = np.array([point.endswith(("-NR", "-P1")) for point in model.supply_points])
    demand_w = readings.demand_wh * 2
    taken = np.maximum(demand_w, 0)
    desired = np.stack(
        [np.where(essential[:, None], taken, 0), np.where(essential[:, None], 0, taken)]
    )
    terms = Terms(
        model.grid.nodes,
        model.supply_point_node,
        np.full(points, 990_000),
        np.zeros(points, dtype=bool),
        10_000,
    )
    supply = node_available_w(model, readings.available_w) + used_export_w(terms, demand_w, taken)
    shares = fair_day(
        model.cuts,
        terms,
        no_history(points),
        supply,
        desired,
        taken,
        np.zeros(points, dtype=bool),
    )
    assert not shares.unused_w.any()
    served = shares.entitlement_w.sum(axis=0)
    assert np.array_equal(served, shares.maximum_w)
    short = served < taken.sum(axis=0)
    assert short.sum() > 30
    for interval in np.flatnonzero(short).tolist():
        by_class = [
            reference.at_nodes(terms, wanted)
            for wanted in (desired[0, :, interval], taken[:, interval])
        ]
        most = [
            reference.servable_by_flow(model.grid, supply[:, interval], wanted)
            for wanted in by_class
        ]
        given = shares.intervals[interval].entitlement_w
        assert [given[0].sum(), given.sum()] == most
        at_nodes = reference.at_nodes(terms, given.sum(axis=0))
        assert (
            reference.servable_by_flow(model.grid, supply[:, interval], at_nodes) == at_nodes.sum()
        )


@pytest.mark.real_data
@pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of cuts an interval: needs JIT")
def test_in_whole_kilowatts_nodes_are_served_the_value_of_all_units():
    model, readings = market(1), day_of(DAY)
    demand_kw = node_demand_w(model, readings.demand_wh) // 1000
    available_kw = readings.available_w // 1000
    supply_kw = node_available_w(model, available_kw)
    for interval in range(demand_kw.shape[1]):
        room = room_for(model.cuts.boundary_kw, supply_kw[:, interval])
        served = node_shares(room, demand_kw[:, interval]).served
        value = served_by_cuts(
            model.cuts,
            model.unit_node,
            available_kw[:, interval],
            demand_kw[:, interval],
            range(len(model.units)),
        )
        assert served.sum() == value
