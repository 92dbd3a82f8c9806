"""Fair Play in a settled day: nothing wasted, money that balances, amounts worked out by hand."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from settlement.core.engine import DayReadings, settle_day
from settlement.core.fair_play_day import History, no_history
from settlement.core.fair_play_market import history_of_day, shares_of_day
from settlement.core.fair_play_rules import Requests
from tests.settlement.core import examples
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

CAP = examples.CAP_MICRO_PER_MWH
OF_POINTS = ["desired_w", "entitlement_w", "delivered_w", "over_take_wh", "missed_wh"]
OF_MARKET = ["fair_play_maximum_w", "fair_play_unused_w"]
CHARGES = ["charge.over_take_micro", "charge.compensation_micro"]
PAID_BY = ("equalisation", "over-take")


def requests_for(model, intervals: int, **changes) -> Requests:
    points = len(model.supply_points)
    return Requests(
        **{
            "desired_wh": np.zeros((points, intervals), dtype=np.int64),
            "is_known": np.zeros(points, dtype=bool),
            "history": no_history(points),
            **changes,
        }
    )


PAST_W = any_of(range(10**9 + 1))
DESIRED_WH = any_of(range(9_001))


def read_short_market(words: Words):
    model, readings = examples.read_market(words)
    points = len(model.supply_points)
    rules = examples.fair_play(
        model,
        is_flexible=words.flags(points),
        paid_by=words.one_of(PAID_BY),
        moves_money=True,
    )
    requests = Requests(
        words.of(DESIRED_WH, *readings.demand_wh.shape),
        words.flags(points),
        History(words.of(PAST_W, points), words.of(PAST_W, points)),
    )
    return replace(model, fair_play=rules), replace(readings, requests=requests)


def short_markets():
    """A market with Fair Play and a day of it; of some points requests are known."""
    return examples_of(read_short_market, words=240)


def served_by_the_physics(model, readings, desired_w) -> list[int]:
    """Most that flows to what is desired in each interval, net export beside units as supply."""
    available = np.zeros((len(model.grid.nodes), desired_w.shape[1]), dtype=np.int64)
    export, taken = available.copy(), available.copy()
    np.add.at(available, model.unit_node, readings.available_w)
    np.add.at(export, model.supply_point_node, np.maximum(-2 * readings.demand_wh, 0))
    np.add.at(taken, model.supply_point_node, desired_w)
    supply = available + np.minimum(export, taken)
    return [
        reference.servable_by_flow(model.grid, supply[:, interval], taken[:, interval])
        for interval in range(desired_w.shape[1])
    ]


@given(short_markets())
def test_a_settled_day_wastes_nothing_and_entitles_nobody_beyond_desire(case):
    model, readings = case
    result = settle_day(model, readings)
    desired, entitled = result.values("desired_w"), result.values("entitlement_w")
    most = served_by_the_physics(model, readings, desired)
    assert entitled.sum(axis=0).tolist() == most
    assert result.values("fair_play_maximum_w")[0].tolist() == most
    assert not result.values("fair_play_unused_w").any()
    assert np.all((entitled >= 0) & (entitled <= desired))
    known = readings.requests.is_known
    assert np.array_equal(desired[known], 2 * readings.requests.desired_wh[known])
    taken = 2 * np.maximum(readings.demand_wh, 0)
    assert np.array_equal(desired[~known], taken[~known])
    assert np.array_equal(result.values("delivered_w")[known], taken[known])
    assert np.array_equal(result.values("delivered_w")[~known], entitled[~known])
    assert not result.values("over_take_wh")[~known].any()


@given(short_markets())
def test_money_balances_with_over_take_and_compensation(case):
    model, readings = case
    result = settle_day(model, readings)
    charges, payments = (
        sum(table.values.sum(axis=0) for table in result.tables if table.measure.startswith(kind))
        for kind in ("charge.", "payment.")
    )
    assert np.array_equal(charges, payments + result.values("equalisation_micro")[0])
    over_take, compensation = (result.values(measure) for measure in CHARGES)
    assert np.all(over_take >= 0)
    assert np.all(compensation <= 0)
    assert over_take.sum() == sum(
        wh * CAP // 10**6 for wh in result.values("over_take_wh").sum(axis=1).tolist()
    )
    in_full = sum(wh * 90 for wh in result.values("missed_wh").sum(axis=1).tolist())
    if model.fair_play.paid_by == "over-take":
        in_full = min(in_full, int(over_take.sum()))
    assert -compensation.sum() == in_full


@given(short_markets())
def test_fair_play_without_money_states_and_moves_nothing(case):
    model, readings = case
    stated = settle_day(
        replace(model, fair_play=replace(model.fair_play, moves_money=False)), readings
    )
    without = settle_day(replace(model, fair_play=None), readings)
    measures = [table.measure for table in without.tables]
    assert [t.measure for t in stated.tables if t.measure not in OF_POINTS + OF_MARKET] == measures
    for measure in measures:
        assert np.array_equal(stated.values(measure), without.values(measure))


def tiny(**changes):
    model = examples.tiny_market()
    return replace(model, fair_play=examples.fair_play(model, **changes))


def test_measures_stand_where_they_are_documented():
    model = tiny()
    plain = [t.measure for t in settle_day(examples.tiny_market(), examples.tiny_day()).tables]
    tables = settle_day(model, examples.tiny_day()).tables
    after_games = plain.index("demand_kw") + 1
    after_dynamic = plain.index("charge.dynamic_micro") + 1
    assert [table.measure for table in tables] == [
        *plain[:after_games],
        *OF_POINTS,
        *OF_MARKET,
        *plain[after_games:after_dynamic],
        *CHARGES,
        *plain[after_dynamic:],
    ]
    entities = {table.measure: table.entities for table in tables}
    assert all(entities[measure] == model.supply_points for measure in OF_POINTS + CHARGES)
    assert all(entities[measure] == ("market",) for measure in OF_MARKET)


def by_hand():
    """Wind 3 kW north; 2 kW come from the south. Home north desires 8 kW and takes 6."""
    return DayReadings(
        dt.date(2024, 1, 1),
        generation_wh=as_numbers([[0], [0], [0]]),
        available_w=as_numbers([[9_000], [0], [3_000]]),
        demand_wh=as_numbers([[3_000], [1_000], [2_000]]),
        requests=requests_for(
            tiny(),
            1,
            desired_wh=as_numbers([[4_000], [0], [0]]),
            is_known=np.array([True, False, False]),
        ),
    )


def test_over_take_and_missed_reliability_by_hand():
    result = settle_day(tiny(), by_hand())
    # North gets 3 + 2 of 8 kW; the south has 9 kW for 6 and sends 2 of the rest.
    assert result.values("fair_play_maximum_w").tolist() == [[11_000]]
    assert result.values("entitlement_w").ravel().tolist() == [5_000, 2_000, 4_000]
    assert result.values("delivered_w").ravel().tolist() == [6_000, 2_000, 4_000]
    # 1 kW above 5 for half an hour is 500 Wh, at 6,000 pounds per MWh.
    assert result.values("over_take_wh").ravel().tolist() == [500, 0, 0]
    assert result.values("charge.over_take_micro").ravel().tolist() == [3_000_000, 0, 0]
    # 99 % of 8 kW are promised and 6 were delivered: 1.92 kW, or 960 Wh, at 90 pounds per MWh.
    assert result.values("missed_wh").ravel().tolist() == [960, 0, 0]
    assert result.values("charge.compensation_micro").ravel().tolist() == [-86_400, 0, 0]


def test_compensation_out_of_over_take_alone_is_cut_in_proportion():
    dear = np.full(3, 10 * CAP)
    result = settle_day(tiny(paid_by="over-take", compensation_micro_per_mwh=dear), by_hand())
    assert result.values("charge.compensation_micro").ravel().tolist() == [-3_000_000, 0, 0]
    nobody_over = replace(by_hand(), requests=None)
    none = settle_day(tiny(paid_by="over-take"), nobody_over)
    assert none.values("missed_wh").any()
    assert not none.values("charge.compensation_micro").any()


def test_what_is_not_delivered_returns_to_nobody_but_by_rule():
    model = tiny()
    fair = settle_day(model, by_hand())
    plain = settle_day(replace(model, fair_play=None), by_hand())
    moved = fair.values("equalisation_micro") - plain.values("equalisation_micro")
    assert moved.tolist() == [[3_000_000 - 86_400]]


def test_a_bad_day_before_weighs_and_an_early_interval_too():
    model = tiny(is_flexible=np.zeros(3, dtype=bool))
    node = as_numbers([1, 1, 1])
    terms = replace(model.fair_play.terms, node=node)
    model = replace(model, supply_point_node=node, fair_play=replace(model.fair_play, terms=terms))
    readings = DayReadings(
        dt.date(2024, 1, 1),
        generation_wh=np.zeros((3, 2), dtype=np.int64),
        available_w=as_numbers([[6_000, 6_000], [0, 0], [0, 0]]),
        demand_wh=np.full((3, 2), 2_000),
        requests=requests_for(
            model, 2, history=History(as_numbers([12_000, 0, 0]), as_numbers([4_000, 0, 0]))
        ),
    )
    shares = shares_of_day(model, model.fair_play, readings)
    # Fulfilment of a third weighs three times: 3.6 of 6 kW, and 1.2 to each other point.
    assert shares.entitlement_w[:, 0].tolist() == [3_600, 1_200, 1_200]
    # Then home has 7.6 of 16 and the others 1.2 of 4: weights 1 / 0.475 and 1 / 0.3.
    assert shares.entitlement_w[:, 1].tolist() == [1_440, 2_280, 2_280]


def test_an_earlier_day_counts_without_a_history_and_without_a_lottery_of_its_own():
    model = tiny()
    past = History(as_numbers([10**9] * 3), as_numbers([1] * 3))
    requests = requests_for(model, 48, history=past, seed=bytes(32))
    day = examples.tiny_day()
    readings = replace(day, available_w=day.available_w // 8, requests=requests)
    whole = replace(model.fair_play.terms, indivisible=np.ones(3, dtype=bool))
    rules = replace(model.fair_play, terms=whole)
    counted = history_of_day(model, rules, readings)
    alone = shares_of_day(model, model.fair_play, replace(readings, requests=None))
    assert np.array_equal(counted.desired_w, alone.desired_w.sum(axis=1))
    assert np.array_equal(counted.delivered_w, alone.entitlement_w.sum(axis=1))
    assert (counted.delivered_w < counted.desired_w).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"desired_wh": -np.ones((3, 48), dtype=np.int64)}, "desired_wh: negative"),
        ({"desired_wh": np.ones((2, 48), dtype=np.int64)}, "desired_wh: shape"),
        ({"is_known": np.ones(2, dtype=bool)}, "is_known: shape"),
        ({"history": History(-np.ones(3, dtype=int), np.ones(3, dtype=int))}, "history of desired"),
    ],
)
def test_requests_that_do_not_fit_are_refused(changes, message):
    requests = requests_for(tiny(), 48, **changes)
    with pytest.raises(ValueError, match=message):
        settle_day(tiny(), replace(examples.tiny_day(), requests=requests))


def test_requests_beyond_exact_arithmetic_are_refused():
    requests = requests_for(tiny(), 48, desired_wh=np.full((3, 48), 2**60))
    with pytest.raises(OverflowError, match="desired_wh: may reach"):
        settle_day(tiny(), replace(examples.tiny_day(), requests=requests))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"is_flexible": np.zeros(2, dtype=bool)}, "is_flexible: shape"),
        ({"history_days": -1}, "must not be negative"),
        ({"over_take_micro_per_mwh": -1}, "must not be negative"),
        ({"compensation_micro_per_mwh": as_numbers([0, 0, -1])}, "must not be negative"),
        ({"compensation_micro_per_mwh": as_numbers([0, 0])}, "compensation_micro_per_mwh: shape"),
        ({"paid_by": "nobody"}, "paid_by is one of"),
    ],
)
def test_rules_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


def test_a_market_has_the_supply_points_of_its_rules():
    model = examples.tiny_market()
    other = replace(
        model,
        supply_points=("home",),
        supply_point_node=as_numbers([0]),
        charging=replace(
            model.charging, dynamic_ppm=as_numbers([0]), capacity_weight_ppm=as_numbers([1])
        ),
    )
    with pytest.raises(ValueError, match="fair_play: 3 points, 1 needed"):
        replace(other, fair_play=examples.fair_play(model))
