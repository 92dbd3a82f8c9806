"""What holds of a settled day under any policy: every pot, target, mode, basis and return."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.charges import Charging
from settlement.core.engine import DayReadings, DayResult, MarketModel, settle_day
from settlement.core.grid import Grid, Layer
from settlement.core.pots import pot_targets_micro
from settlement.core.rounding import annual_to_day
from settlement.runs.computing import Period, compute_days
from tests.examples import tried
from tests.settlement.core import policies

FEWER = settings(max_examples=tried(50))


def sums(result: DayResult, prefix: str) -> np.ndarray:
    """Return what all tables of a prefix come to in each interval."""
    return sum(
        table.values.sum(axis=0) for table in result.tables if table.measure.startswith(prefix)
    )


def by_name(result: DayResult) -> dict[tuple[str, str], list[int]]:
    """Return every row of a result by measure and entity."""
    return {
        (table.measure, entity): row
        for table in result.tables
        for entity, row in zip(table.entities, table.values.tolist(), strict=True)
    }


@FEWER
@given(policies.any_policies() | policies.fair_policies())
def test_money_balances_and_pots_pay_their_target_or_nothing(market):
    model, readings = market
    result = settle_day(model, readings)
    balance = sums(result, "payment.") + result.values("equalisation_micro")[0]
    assert np.array_equal(sums(result, "charge."), balance)
    rows = by_name(result)
    paid = {
        component: sum(sum(row) for (measure, _), row in rows.items() if measure == component)
        for component in {measure for measure, _ in rows if measure.startswith("payment.")}
    }
    day_cost = [annual_to_day(annual, readings.day) for annual in model.annual_cost_micro.tolist()]
    regulated = model.unit_is_regulated.tolist()
    assert paid["payment.regulated_micro"] == sum(
        cost for cost, is_regulated in zip(day_cost, regulated, strict=True) if is_regulated
    )
    pot_names = [f"payment.{pot.game}_micro" for pot in model.pots if pot.weight_ppm]
    outside = sum(amount for name, amount in paid.items() if name not in pot_names)
    target = (
        max(0, annual_to_day(model.target.benchmark_annual_micro, readings.day) - outside)
        if model.target.rule == "equalisation"
        else sum(day_cost) - paid["payment.regulated_micro"]
    )
    held = pot_targets_micro(target, model.pots)
    assert sum(held) == target
    for pot, amount in zip(model.pots, held, strict=True):
        if pot.weight_ppm:
            assert paid[f"payment.{pot.game}_micro"] in (0, amount)


@FEWER
@given(policies.any_policies() | policies.fair_policies())
def test_only_who_has_a_title_is_paid_and_a_return_empties_the_account(market):
    model, readings = market
    result = settle_day(model, readings)
    eligible, regulated = model.unit_is_eligible, model.unit_is_regulated
    for pot in model.pots:
        if pot.weight_ppm:
            payments = result.values(f"payment.{pot.game}_micro")
            assert not payments[~eligible].any()
            assert np.all(payments >= 0)
    assert not result.values("payment.regulated_micro")[~regulated].any()
    assert np.all(result.values("payment.fuel_micro") >= 0)
    charging = model.charging
    gets = {
        "nobody": np.zeros(len(model.supply_points), dtype=np.bool_),
        "everyone": np.ones(len(model.supply_points), dtype=np.bool_),
        "subscription": charging.dynamic_ppm < 1_000_000,
        "dynamic": charging.dynamic_ppm > 0,
    }[charging.returned_to]
    taken_wh = readings.demand_wh if model.fair_play is None else result.values("taken_wh")
    if (np.maximum(taken_wh, 0).sum(axis=1) * gets).any():
        assert not result.values("equalisation_micro").any()


@FEWER
@given(policies.fair_policies())
def test_fair_play_entitles_to_all_that_there_is_and_moves_no_more_than_was_taken(market):
    model, readings = market
    result = settle_day(model, readings)
    assert np.all(result.values("over_take_wh") <= np.maximum(readings.demand_wh, 0))
    desired_w, missed_w = result.values("desired_w"), result.values("missed_w")
    assert np.all(missed_w.sum(axis=1) <= desired_w.sum(axis=1))
    assert np.all(result.values("shortfall_wh").sum(axis=1) <= missed_w.sum(axis=1))
    entitled_w = result.values("entitlement_w").sum(axis=0)
    assert np.array_equal(entitled_w, result.values("fair_play_maximum_w")[0])
    assert not result.values("fair_play_unused_w").any()
    if model.fair_play.moves_money and model.fair_play.paid_by == "over-take":
        paid = -result.values("charge.compensation_micro").sum()
        assert paid <= result.values("charge.over_take_micro").sum()


@FEWER
@given(policies.any_policies())
def test_who_takes_nothing_bears_no_cost(market):
    model, readings = market
    idle = model.supply_points[0]
    demand_wh = readings.demand_wh.copy()
    demand_wh[0] = 0
    rows = by_name(settle_day(model, replace(readings, demand_wh=demand_wh)))
    charges = [row for (measure, entity), row in rows.items() if entity == idle]
    assert not np.any(charges)


def renumbered(model: MarketModel, readings: DayReadings, draw) -> tuple[MarketModel, DayReadings]:
    """Return the same market with units, supply points, nodes and lines in another order."""

    def order(count: int) -> np.ndarray:
        return np.array(draw(st.permutations(range(count))), dtype=np.int64)

    units, points = order(len(model.units)), order(len(model.supply_points))
    nodes, lines = order(len(model.grid.nodes)), order(len(model.grid.line_from))
    new_node = np.argsort(nodes)
    old, charging = model.grid, model.charging
    grid = Grid(
        tuple(old.nodes[node] for node in nodes),
        new_node[old.line_from[lines]],
        new_node[old.line_to[lines]],
        old.rating_w[lines],
        old.reverse_rating_w[lines],
        tuple(Layer(layer.name, layer.holons, layer.node_holon[nodes]) for layer in old.layers),
    )
    flexibility = model.flexibility
    assert flexibility is not None
    return (
        replace(
            model,
            grid=grid,
            units=tuple(model.units[unit] for unit in units),
            unit_node=new_node[model.unit_node[units]],
            offer_micro_per_mwh=model.offer_micro_per_mwh[units],
            annual_cost_micro=model.annual_cost_micro[units],
            unit_is_regulated=model.unit_is_regulated[units],
            unit_is_eligible=model.unit_is_eligible[units],
            supply_points=tuple(model.supply_points[point] for point in points),
            supply_point_node=new_node[model.supply_point_node[points]],
            charging=Charging(
                charging.dynamic_ppm[points],
                charging.capacity_weight_ppm[points],
                charging.non_fuel_basis,
                charging.returned_to,
            ),
            flexibility=replace(
                flexibility, unit_ramp_w_per_h=flexibility.unit_ramp_w_per_h[units]
            ),
        ),
        replace(
            readings,
            generation_wh=readings.generation_wh[units],
            available_w=readings.available_w[units],
            demand_wh=readings.demand_wh[points],
            reserve_w=None if readings.reserve_w is None else readings.reserve_w[units],
        ),
    )


@FEWER
@given(policies.any_policies(["exact", "levels"]), st.data())
def test_a_market_numbered_otherwise_settles_the_same(market, data):
    """Equal remainders go to the first, so that a micro may go to another; nothing else moves.

    The other methods take units in order: clusters grow from the first, and orders are drawn.
    """
    model, readings = market
    here = by_name(settle_day(model, readings))
    there = by_name(settle_day(*renumbered(model, readings, data.draw)))
    assert here.keys() == there.keys()
    # A share rounded to a microwatt is known to one in a billion, and so is what a pot pays for it.
    allowed = {"payment": 1, "charge": 1}
    if not model.shapley.denominator_is_exact:
        allowed = {"payment": 10, "charge": 1, "shapley": 1}
    for key, row in here.items():
        moved = np.abs(np.array(row) - np.array(there[key]))
        assert moved.max() <= allowed.get(key[0].partition("_")[0].partition(".")[0], 0), key
    for prefix in ("payment.", "charge."):
        for measure in {measure for measure, _ in here if measure.startswith(prefix)}:
            totals = [
                np.sum([row for (name, _), row in rows.items() if name == measure], axis=0)
                for rows in (here, there)
            ]
            assert np.array_equal(*totals), measure


@pytest.mark.parametrize("threads", [2, 4])
def test_any_number_of_threads_gives_the_same_bytes_under_every_policy(threads):
    reading = policies.day_with_reserve()
    days = [reading.day.replace(day=number) for number in range(1, 9)]

    def digests(model: MarketModel, threads: int) -> list[bytes]:
        period = Period(days[0], days[-1], model)
        computed = compute_days([period], days, lambda day, _: replace(reading, day=day), threads)
        return [day.digest for day in computed]

    for model in policies.policies()[::7]:
        assert digests(model, threads) == digests(model, 1)
