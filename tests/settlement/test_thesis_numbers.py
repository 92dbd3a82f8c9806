"""The thesis's numbers with the product: a week's pay per unit, its benchmark and its fuel.

What the published scripts come to stands here as they print it (sweeneys/phd-work at 8c1593c, run
day by day with pandas 2 on the recorded data); `docs/thesis-script.md` has the same tables.
Days beside the script's are in `test_thesis_days.py`.
"""

import datetime as dt
from functools import cache

import numpy as np
import pytest

from rulebook.documents import AllocationPolicy
from rulebook.folders import read_files
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.core.rounding import annual_to_day
from settlement.datasets.market import market_shape
from settlement.datasets.recorded import recorded_profile
from settlement.dispatch.horizon import DayToDispatch, dispatch_days
from settlement.rules.compile import compile_market
from tests.conftest import ROOT
from tests.oracles.real_markets import DATA, Intervals, rules_of_scenario
from tests.settlement.thesis_days import SCENARIO, paid_by_product, units, utc_day, year

pytestmark = pytest.mark.real_data

VARIANTS = ROOT / "scenarios" / "gb12-variants"
FIRST_DAY, LAST_DAY = dt.date(2024, 1, 15), dt.date(2024, 1, 21)
MILLION = 1_000_000
AMM1_MILLIONS = {
    1: {"G17": 25.8003, "G3": 10.2410, "G15": 13.7601, "G16": 1.7200, "G18": 0.8600,
        "G5": 0.8600, "G8": 1.4940, "G9": 1.4940},
    2: {"G17": 24.9257, "G3": 11.9504, "G15": 13.2937, "G16": 1.6617, "G18": 0.8309,
        "G5": 0.8309, "G8": 1.3681, "G9": 1.3681},
}  # fmt: skip
"""By how often each line counts; the thesis's are those of twice."""


@cache
def week():
    """The recorded days, by the rules of the published ratings."""
    rules = rules_of_scenario(SCENARIO, FIRST_DAY)
    return rules, recorded_profile(market_shape(rules), DATA / "gb12", FIRST_DAY, LAST_DAY)


def law(variant: str, rating_multiplier: int) -> MarketModel:
    """The published market under a variant of the thesis."""
    rules, _ = week()
    ((_, policy),), _ = read_files([VARIANTS / f"{variant}.yaml"])
    assert isinstance(policy, AllocationPolicy)
    body = policy.model_dump(mode="json")
    body["shapley"]["clusters"]["rating_multiplier"] = rating_multiplier
    # The scripts count all that is wanted as served, also where lines do not let it through.
    body["fair_play"] = None
    return compile_market(
        rules.market_rules,
        rules.grid_model,
        AllocationPolicy.model_validate(body),
        rules.registrations,
    )


def generated_wh():
    """What least cost generates of the week, losses included."""
    rules, profile = week()
    shape = market_shape(rules)
    days = []
    for day in profile:
        demand_wh = np.zeros((shape.dispatch.node_count, len(day.starts)), dtype=np.int64)
        np.add.at(demand_wh, shape.supply_point_node, day.demand_wh)
        days.append(DayToDispatch(day.available_w, demand_wh))
    return [each.generation_wh for each in dispatch_days(shape.dispatch, days)]


@pytest.mark.parametrize("multiplier", AMM1_MILLIONS)
@pytest.mark.parametrize("variant", ["amm1-per-interval", "amm1-per-day"])
def test_pay_per_unit_of_a_week_by_amm1_is_that_of_the_thesis(variant, multiplier):
    """With each line counted twice, as the scripts do; to a hundred pounds."""
    _, profile = week()
    model = law(variant, multiplier)
    paid = np.zeros(len(model.units), dtype=np.int64)
    for day in profile:
        none_wh = np.zeros_like(day.available_w)
        readings = DayReadings(day.day, none_wh, day.available_w, day.demand_wh)
        paid += settle_day(model, readings).values("payment.location_micro").sum(axis=1)
    found = {
        unit: round(micro / MILLION**2, 4)
        for unit, micro in zip(model.units, paid.tolist(), strict=True)
        if micro
    }
    assert found == AMM1_MILLIONS[multiplier]


@pytest.mark.parametrize("variant", ["amm2-per-interval", "amm2-per-day"])
def test_all_that_amm2_pays_of_a_day_is_the_benchmark_to_the_micro(variant):
    _, profile = week()
    model = law(variant, rating_multiplier=2)
    for day, generation_wh in zip(profile, generated_wh(), strict=True):
        readings = DayReadings(day.day, generation_wh, day.available_w, day.demand_wh)
        result = settle_day(model, readings)
        paid = sum(
            int(result.values(f"payment.{part}_micro").sum())
            for part in ("fuel", "regulated", "location")
        )
        assert paid == annual_to_day(model.target.benchmark_annual_micro, day.day)


SCRIPT_FUEL_OF_WEEK = 325_510_003


def test_nuclear_is_below_its_minimum_in_633_intervals_and_off_costs_more_fuel():
    """The script switches it off there; in the week of the thesis it is below most of the time."""
    is_nuclear = np.array([unit.technology == "nuclear" for unit in units()])
    below = year().available_w < year().model.minimum_w[:, np.newaxis]
    assert (below[is_nuclear].all(axis=0) == below[is_nuclear].any(axis=0)).all()
    assert (int(below[is_nuclear][0].sum()), below.shape[1]) == (633, 17_568)
    ours = off = 0.0
    for number in range(7):
        day = utc_day(FIRST_DAY + dt.timedelta(days=number))
        least = day.model.minimum_w[:, np.newaxis]
        strict = Intervals(
            day.model, np.where(day.available_w < least, 0, day.available_w), day.demand_wh
        )
        ours += paid_by_product(day)[0]
        off += paid_by_product(strict)[0]
    print(f"fuel of the week: {ours:,.0f}, nuclear off below its minimum {off:,.0f}")
    assert off > 1.15 * ours
    assert off == pytest.approx(SCRIPT_FUEL_OF_WEEK, rel=0.002)


def test_households_bear_no_more_than_the_cost_where_others_feed_in():
    """The last half hour of 21 January: by the scripts their part is 103.42 % of every cost."""
    _, profile = week()
    model = law("amm1-per-interval", rating_multiplier=2)
    day = profile[-1]
    household = np.array([point[-2:] in ("P1", "P2", "P3", "P4") for point in model.supply_points])
    taken = day.demand_wh[:, -1]
    assert (taken[~household] < 0).any()
    by_script = taken[household].sum() / taken.sum()
    assert round(100 * by_script, 2) == 103.42
    generation_wh = generated_wh()[-1]
    result = settle_day(model, DayReadings(day.day, generation_wh, day.available_w, day.demand_wh))
    for part in ("fuel", "regulated", "location"):
        paid = int(result.values(f"payment.{part}_micro")[:, -1].sum())
        # Those on subscription are the households.
        borne = int(result.values(f"charge.{part}_micro")[:, -1].sum())
        assert 0 < borne <= paid
