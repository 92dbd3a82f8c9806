"""Fair Play in a settled day: nothing wasted, money that balances, amounts worked out by hand."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from settlement.core.charges import NODE_PRICE, Blocks
from settlement.core.contract_state import NOTHING_CARRIED, Carried, begin_day, end_day, ends_term
from settlement.core.engine import DayReadings, settle_day
from settlement.core.fair_play_market import carried_after, fair_play_outcome
from settlement.core.model import checked_readings
from settlement.runs.contract_days import carried_as_dict, carried_from_dict
from tests.settlement.core import examples
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

CAP = examples.CAP_MICRO_PER_MWH
OF_POINTS = [
    "desired_w", "entitlement_w", "delivered_w", "late_w", "missed_w", "declined_w", "owed_w",
    "taken_wh", "over_take_wh", "shortfall_wh",
]  # fmt: skip
OF_MARKET = ["fair_play_maximum_w", "fair_play_unused_w"]
CHARGES = ["charge.over_take_micro", "charge.compensation_micro"]
PAID_BY = ("equalisation", "over-take")
WINDOWS = any_of((0, 0, 1, 2, 4))


PAST_W = any_of(range(10**9 + 1))
PROMISED_PPM = any_of((0, 10**6), range(10**6 + 1))
PRICES = any_of((0, 90_000_000), range(10**9))
OWED_W = any_of((0, 0, 500, 4_000), range(20_008))
DESIRED_WH = any_of(range(9_001))


def read_short_market(words: Words):
    model, readings = examples.read_market(words)
    points, intervals = readings.demand_wh.shape
    rules = examples.fair_play(
        model,
        contracts=examples.contracts(model, window=words.of(WINDOWS, points)),
        paid_by=words.one_of(PAID_BY),
        moves_money=True,
    )
    model = replace(model, fair_play=rules)
    groups = rules.contracts.groups
    matured = words.of(PAST_W, points)
    missed = np.minimum(words.of(PAST_W, points), matured).tolist()
    matured = matured.tolist()
    # Another promise may have held on the days before.
    promised = words.of(PROMISED_PPM, points).tolist()
    carried = Carried(
        owed_w={
            point: tuple(rows)
            for point, rows in zip(
                model.supply_points, words.of(OWED_W, points, 3).tolist(), strict=True
            )
        },
        matured=dict(zip(groups, matured, strict=True)),
        delivered={
            group: due - lost for group, due, lost in zip(groups, matured, missed, strict=True)
        },
        promised={
            group: part * due for group, part, due in zip(groups, promised, matured, strict=True)
        },
        missed_w={
            (*groups[group], point): lost
            for group, point, lost in zip(
                rules.contracts.point_group, model.supply_points, missed, strict=True
            )
        },
        # Another price may have held on the days before.
        missed_worth={
            (*groups[group], point): lost * price
            for group, point, lost, price in zip(
                rules.contracts.point_group,
                model.supply_points,
                missed,
                words.of(PRICES, points).tolist(),
                strict=True,
            )
        },
    )
    # Half of the days end their term.
    day = words.one_of((readings.day, dt.date(2024, 1, 31)))
    requests = examples.requests(
        model,
        intervals,
        day=day,
        carried=carried,
        desired_wh=words.of(DESIRED_WH, points, intervals),
        is_known=words.flags(points),
    )
    return model, replace(readings, day=day, requests=requests)


def short_markets():
    """A market with Fair Play and a day of it; of some points requests are known."""
    return examples_of(read_short_market, words=300)


def served_by_the_physics(model, readings, wanted_w) -> list[int]:
    """Most that flows to what is desired in each interval, net export beside units as supply."""
    available = np.zeros((len(model.grid.nodes), wanted_w.shape[1]), dtype=np.int64)
    export = available.copy()
    np.add.at(available, model.unit_node, readings.available_w)
    np.add.at(export, model.supply_point_node, np.maximum(-2 * readings.demand_wh, 0))
    wanted = np.zeros_like(export)
    np.add.at(wanted, model.supply_point_node, wanted_w)
    supply = available + np.minimum(export, wanted)
    return [
        reference.servable_by_flow(model.grid, supply[:, interval], wanted[:, interval])
        for interval in range(wanted_w.shape[1])
    ]


def wanted_of(model, readings, result):
    """What is new in each interval, and what had been owed where it began."""
    owed = result.values("owed_w")
    before = readings.requests.state.contracts.owed.sum(axis=0)
    return result.values("desired_w") + np.column_stack([before, owed[:, :-1]])


@given(short_markets())
def test_a_settled_day_wastes_nothing_and_entitles_nobody_beyond_what_is_wanted(case):
    model, readings = case
    result = settle_day(model, readings)
    desired, entitled = result.values("desired_w"), result.values("entitlement_w")
    wanted = wanted_of(model, readings, result)
    most = served_by_the_physics(model, readings, wanted)
    assert entitled.sum(axis=0).tolist() == most
    assert result.values("fair_play_maximum_w")[0].tolist() == most
    assert not result.values("fair_play_unused_w").any()
    assert np.all((entitled >= 0) & (entitled <= wanted))
    known = readings.requests.is_known
    assert np.array_equal(desired[known], 2 * readings.requests.desired_wh[known])
    metered = 2 * np.maximum(readings.demand_wh, 0)
    assert np.array_equal(desired[~known], metered[~known])
    delivered = result.values("delivered_w")
    assert np.array_equal(delivered[known], np.minimum(metered, wanted)[known])
    assert np.array_equal(delivered[~known], entitled[~known])
    assert not result.values("over_take_wh")[~known].any()
    taken = result.values("taken_wh")
    assert np.array_equal(taken[known], readings.demand_wh[known])
    # What is served, to within the Wh that a day's rounding carries.
    served = delivered + np.minimum(2 * readings.demand_wh, 0)
    assert np.all(abs(2 * np.cumsum(taken, axis=1) - np.cumsum(served, axis=1))[~known] < 2)


@given(short_markets())
def test_every_wh_that_is_asked_for_counts_once(case):
    model, readings = case
    outcome = fair_play_outcome(model, checked_readings(model, readings))
    unknown = ~readings.requests.is_known
    asked = outcome.readings.scarcity_wh[unknown].sum(axis=1)
    net = readings.demand_wh[unknown].sum(axis=1)
    before = readings.requests.state.contracts.owed.sum(axis=0)[unknown]
    after = outcome.of_points["owed_w"][unknown, -1]
    # Half a Wh for each of two running sums, and one for what is owed on both sides.
    assert np.all(abs(2 * asked - (2 * net + before - after)) <= 4)


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
    shortfall = result.values("shortfall_wh")
    assert not shortfall[:, :-1].any()
    assert ends_term(readings.day) or not shortfall.any()
    before, missed = readings.requests.state, result.values("missed_w").sum(axis=1).tolist()
    price = [
        Fraction(worth + 90_000_000 * more, lost + more) if lost + more else 0
        for worth, lost, more in zip(
            before.missed_worth, before.missed_w.tolist(), missed, strict=True
        )
    ]
    in_full = sum(
        int(wh * each / 10**6)
        for wh, each in zip(shortfall.sum(axis=1).tolist(), price, strict=True)
    )
    if model.fair_play.paid_by == "over-take":
        in_full = min(in_full, int(over_take.sum()))
    assert -compensation.sum() == in_full


@given(short_markets())
def test_fair_play_without_money_charges_neither_over_take_nor_compensation(case):
    model, readings = case
    stated = settle_day(
        replace(model, fair_play=replace(model.fair_play, moves_money=False)), readings
    )
    moving = settle_day(model, readings)
    measures = [table.measure for table in moving.tables if table.measure not in CHARGES]
    assert [table.measure for table in stated.tables] == measures
    for measure in measures:
        if "equalisation" not in measure:  # what over-take brings in moves the account
            assert np.array_equal(stated.values(measure), moving.values(measure))


@given(short_markets())
def test_a_day_carries_on_what_it_leaves(case):
    model, readings = case
    carried = carried_after(model, model.fair_play, readings, NOTHING_CARRIED)
    outcome = fair_play_outcome(model, readings)
    owed = {
        point: int(owed)
        for point, owed in zip(model.supply_points, outcome.of_points["owed_w"][:, -1], strict=True)
        if owed
    }
    assert {point: sum(rows) for point, rows in carried.owed_w.items()} == owed
    contracts, next_day = model.fair_play.contracts, dt.date(2024, 1, 16)
    again = begin_day(contracts, model.supply_points, carried, next_day)
    assert end_day(contracts, model.supply_points, again, NOTHING_CARRIED, next_day) == carried
    assert carried_from_dict(carried_as_dict(carried)) == carried
    # A new month forgets all but what is owed.
    first = begin_day(model.fair_play.contracts, model.supply_points, carried, dt.date(2024, 2, 1))
    assert np.array_equal(first.contracts.owed, again.contracts.owed)
    assert set(first.contracts.memory.matured) == {0}
    assert not first.missed_w.any()
    assert not first.taken_wh.any()


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


def by_hand(day=dt.date(2024, 1, 31)):
    """Wind 3 kW north; 2 kW come from the south. Home north desires 8 kW and takes 6."""
    return DayReadings(
        day,
        generation_wh=as_numbers([[0], [0], [0]]),
        available_w=as_numbers([[9_000], [0], [3_000]]),
        demand_wh=as_numbers([[3_000], [1_000], [2_000]]),
        requests=examples.requests(
            tiny(),
            1,
            day=day,
            desired_wh=as_numbers([[4_000], [0], [0]]),
            is_known=np.array([True, False, False]),
        ),
    )


def test_over_take_and_a_broken_promise_by_hand():
    result = settle_day(tiny(), by_hand())
    # North gets 3 + 2 of 8 kW; the south has 9 kW for 6 and sends 2 of the rest.
    assert result.values("fair_play_maximum_w").tolist() == [[11_000]]
    assert result.values("entitlement_w").ravel().tolist() == [5_000, 2_000, 4_000]
    assert result.values("delivered_w").ravel().tolist() == [6_000, 2_000, 4_000]
    # 1 kW above 5 for half an hour is 500 Wh, at 6,000 pounds per MWh.
    assert result.values("over_take_wh").ravel().tolist() == [500, 0, 0]
    assert result.values("charge.over_take_micro").ravel().tolist() == [3_000_000, 0, 0]
    # 99 % of 8 kW are promised and 6 were delivered: 1.92 kW, or 960 Wh, at 90 pounds per MWh.
    assert result.values("missed_w").ravel().tolist() == [2_000, 0, 0]
    assert result.values("shortfall_wh").ravel().tolist() == [960, 0, 0]
    assert result.values("charge.compensation_micro").ravel().tolist() == [-86_400, 0, 0]
    # Within the month nothing is lacking yet: it may be made good.
    within = settle_day(tiny(), by_hand(dt.date(2024, 1, 30)))
    assert not within.values("shortfall_wh").any()
    assert within.values("missed_w").ravel().tolist() == [2_000, 0, 0]


def test_compensation_out_of_over_take_alone_is_cut_in_proportion():
    dear = np.full(3, 10 * CAP)
    rules = {"paid_by": "over-take", "compensation_micro_per_mwh": dear}
    result = settle_day(tiny(**rules), by_hand())
    assert result.values("charge.compensation_micro").ravel().tolist() == [-3_000_000, 0, 0]
    # What was charged before in the month counts, too.
    day = by_hand()
    state = replace(day.requests.state, over_take_micro=1_000_000)
    more = settle_day(tiny(**rules), replace(day, requests=replace(day.requests, state=state)))
    assert more.values("charge.compensation_micro").ravel().tolist() == [-4_000_000, 0, 0]
    nobody_over = replace(by_hand(), requests=None)
    none = settle_day(tiny(paid_by="over-take"), nobody_over)
    assert none.values("shortfall_wh").any()
    assert not none.values("charge.compensation_micro").any()


@pytest.mark.parametrize(("moves_money", "charged"), [(True, 3_000_000), (False, 0)])
def test_over_take_that_nobody_is_charged_pays_for_no_compensation_later(moves_money, charged):
    model, day = tiny(moves_money=moves_money), dt.date(2024, 1, 30)
    carried = carried_after(model, model.fair_play, by_hand(day), NOTHING_CARRIED)
    assert carried.over_take_micro == charged


def test_what_is_not_delivered_returns_to_nobody_but_by_rule():
    model = tiny()
    fair = settle_day(model, by_hand())
    plain = settle_day(replace(model, fair_play=None), by_hand())
    moved = fair.values("equalisation_micro") - plain.values("equalisation_micro")
    assert moved.tolist() == [[3_000_000 - 86_400]]


def test_power_above_the_contract_is_no_request_and_is_taken_above_entitlement():
    # Home may draw 4 kW and takes 6; there is supply enough for all.
    model = tiny(limit_w=as_numbers([4_000, 10**6, 10**6]))
    readings = replace(by_hand(), available_w=as_numbers([[90_000], [0], [90_000]]), requests=None)
    result = settle_day(model, readings)
    assert result.values("desired_w").ravel().tolist() == [4_000, 2_000, 4_000]
    assert result.values("entitlement_w").ravel().tolist() == [4_000, 2_000, 4_000]
    assert result.values("over_take_wh").ravel().tolist() == [1_000, 0, 0]
    assert result.values("taken_wh").ravel().tolist() == [3_000, 1_000, 2_000]


def who_states(taken_wh, least_taken_ppm):
    """The plant states 1 GWh where it is offered 20 kW of 2 GW, on the last day of a month."""
    model = examples.tiny_market()
    points = len(model.supply_points)
    terms = examples.contracts(
        model, window=np.zeros(points, dtype=np.int64), least_taken_ppm=least_taken_ppm
    )
    model = replace(model, fair_play=examples.fair_play(model, contracts=terms))
    day = dt.date(2024, 1, 31)
    stated = examples.requests(
        model,
        1,
        day=day,
        desired_wh=as_numbers([[0], [10**9], [0]]),
        is_known=np.array([False, True, False]),
    )
    readings = DayReadings(
        day,
        generation_wh=as_numbers([[0], [0], [0]]),
        available_w=as_numbers([[20_000], [0], [20_000]]),
        demand_wh=as_numbers([[0], [taken_wh], [0]]),
        requests=stated,
    )
    return settle_day(model, readings)


@pytest.mark.parametrize(
    ("taken_wh", "least_taken_ppm", "compensated"),
    [(0, 0, True), (0, 1, False), (0, 950_000, False)],
)
def test_who_states_a_wish_and_takes_nothing_of_an_offer_is_not_compensated(
    taken_wh, least_taken_ppm, compensated
):
    result = who_states(taken_wh, least_taken_ppm)
    offered = int(result.values("entitlement_w")[1, 0])
    assert 20_000 <= offered < 10**6
    # 99 % of what is missed of 1 GWh, at 90 pounds per MWh: nearly 89,100 pounds.
    missed_w = 2 * 10**9 - offered if compensated else 0
    assert result.values("missed_w").ravel().tolist() == [0, missed_w, 0]
    assert result.values("declined_w").ravel().tolist() == [0, 2 * 10**9 - missed_w, 0]
    paid = -int(result.values("charge.compensation_micro").sum())
    assert (89_095 * 10**6 < paid < 89_100 * 10**6) if compensated else not paid
    assert not result.values("shortfall_wh").any() or compensated


@pytest.mark.parametrize(("part_ppm", "compensated"), [(960_000, True), (940_000, False)])
def test_who_takes_nearly_all_that_is_offered_is_compensated_for_the_rest(part_ppm, compensated):
    offered_w = int(who_states(0, 950_000).values("entitlement_w")[1, 0])
    result = who_states(offered_w * part_ppm // 10**6 // 2, 950_000)
    assert bool(result.values("missed_w").any()) == compensated
    assert bool(result.values("charge.compensation_micro").any()) == compensated


def test_energy_above_the_block_of_a_month_is_charged_apart():
    model = tiny()
    blocks = Blocks(
        np.array([True, False, True]), as_numbers([4_000, 0, 1_000]), as_numbers([NODE_PRICE, 0, 7])
    )
    model = replace(model, charging=replace(model.charging, blocks=blocks))
    readings = replace(by_hand(), available_w=as_numbers([[90_000], [0], [90_000]]))
    requests = examples.requests(model, 1, carried=Carried(taken_wh={"home": 2_000, "shop": 900}))
    result = settle_day(model, replace(readings, requests=requests))
    # Home has 2,000 Wh left of its block and takes 3,000; the shop 100 and takes 2,000.
    assert result.values("excess_wh").tolist() == [[1_000], [1_900]]
    price = int(result.values("node_price_micro_per_mwh")[0, 0])
    assert result.values("charge.excess_micro").ravel().tolist() == [
        1_000 * price // 10**6,
        1_900 * 7 // 10**6,
    ]
    charges, payments = (
        sum(table.values.sum(axis=0) for table in result.tables if table.measure.startswith(kind))
        for kind in ("charge.", "payment.")
    )
    assert np.array_equal(charges, payments + result.values("equalisation_micro")[0])


BAD_STATE = replace(
    examples.requests(examples.tiny_market(), 48).state, missed_w=as_numbers([0, 0, -1])
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"desired_wh": -np.ones((3, 48), dtype=np.int64)}, "desired_wh: negative"),
        ({"desired_wh": np.ones((2, 48), dtype=np.int64)}, "desired_wh: shape"),
        ({"is_known": np.ones(2, dtype=bool)}, "is_known: shape"),
        ({"state": BAD_STATE}, "missed before: negative"),
    ],
)
def test_requests_that_do_not_fit_are_refused(changes, message):
    requests = examples.requests(tiny(), 48, **changes)
    with pytest.raises(ValueError, match=message):
        settle_day(tiny(), replace(examples.tiny_day(), requests=requests))


def test_requests_beyond_exact_arithmetic_are_refused():
    requests = examples.requests(tiny(), 48, desired_wh=np.full((3, 48), 2**60))
    with pytest.raises(OverflowError, match="desired_wh: may reach"):
        settle_day(tiny(), replace(examples.tiny_day(), requests=requests))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limit_w": as_numbers([0, 0])}, "limit_w: shape"),
        ({"limit_w": as_numbers([0, 0, -1])}, "must not be negative"),
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
