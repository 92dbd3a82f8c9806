import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given

from settlement.core import engine
from settlement.core.energy_accounts import EnergyAreas
from settlement.core.engine import DayReadings, settle_day
from settlement.core.pass_through import QUANTITY_UNITS, Links, PassThrough, Prices
from settlement.core.periods import interval_count
from settlement.core.pots import Pot
from settlement.core.shapley import denominator
from tests.settlement.core import examples, policies
from tests.settlement.core.reference import as_numbers

MEASURES = [
    "tightness_ppm",
    "price_micro_per_mwh",
    "deliverable_w",
    "node_price_micro_per_mwh",
    "binding_layer",
    "shapley_adequacy",
    "shapley_location",
    "value_adequacy_kw",
    "value_location_kw",
    "demand_kw",
    "payment.fuel_micro",
    "payment.regulated_micro",
    "payment.adequacy_micro",
    "payment.location_micro",
    "charge.fuel_micro",
    "charge.regulated_micro",
    "charge.adequacy_micro",
    "charge.location_micro",
    "charge.dynamic_micro",
    "equalisation_micro",
]


def sums(result, prefix: str) -> np.ndarray:
    return sum(
        table.values.sum(axis=0) for table in result.tables if table.measure.startswith(prefix)
    )


@given(examples.markets())
def test_charges_are_payments_and_equalisation_in_every_interval(market):
    model, readings = market
    result = settle_day(model, readings)
    balance = sums(result, "payment.") + result.values("equalisation_micro")[0]
    assert np.array_equal(sums(result, "charge."), balance)
    for table in result.tables:
        assert table.values.dtype == np.int64
        assert table.values.shape == (len(table.entities), 4)
    subscribed = not model.charging.is_dynamic.any()
    if subscribed and (readings.demand_wh > 0).any(axis=0).all():
        assert not result.values("equalisation_micro").any()


@given(examples.markets())
def test_shares_sum_and_prices_are_bounded(market):
    model, readings = market
    result = settle_day(model, readings)
    common = denominator(len(model.units))
    for game in ("adequacy", "location"):
        value = result.values(f"value_{game}_kw")[0]
        assert np.array_equal(result.values(f"shapley_{game}").sum(axis=0), value * common)
        assert np.all(value <= result.values("demand_kw")[0])
    assert np.all(result.values("value_location_kw") <= result.values("value_adequacy_kw"))
    price = result.values("node_price_micro_per_mwh")
    assert np.all((price >= 0) & (price <= 6_000_000_000))


def test_tables_come_in_the_documented_order():
    model = examples.tiny_market()
    result = settle_day(model, examples.tiny_day())
    assert [table.measure for table in result.tables] == MEASURES
    entities = {table.measure: table.entities for table in result.tables}
    assert entities["tightness_ppm"] == (
        "system/all",
        "zone/zone 0",
        "zone/zone 1",
        "node/N0",
        "node/N1",
    )
    assert entities["node_price_micro_per_mwh"] == model.grid.nodes
    assert entities["payment.location_micro"] == model.units
    assert entities["charge.fuel_micro"] == ("home", "shop")
    assert entities["charge.dynamic_micro"] == ("plant",)
    with pytest.raises(KeyError):
        result.values("payment.reserve_micro")


def without_prices() -> PassThrough:
    """A charge of each kind that falls on every point of the tiny market, without a price.

    All of them are collected for another.
    """
    kinds, points = tuple(sorted(QUANTITY_UNITS)), 3
    charge, point = (each.ravel() for each in np.indices((len(kinds), points)))
    always = np.zeros_like(charge), np.full_like(charge, dt.date.max.toordinal())
    return PassThrough(
        time_zone="Europe/London",
        codes=kinds,
        kinds=kinds,
        is_hourly=np.zeros(len(kinds), dtype=bool),
        suppliers=("birk",),
        point_supplier=np.zeros(points, dtype=np.int64),
        prices=Prices(*np.zeros((6, 0), dtype=np.int64)),
        links=Links(charge, point, *always, np.ones_like(charge)),
        collectors=dict.fromkeys(range(len(kinds)), "elm"),
    )


def test_every_measure_is_returned_under_some_rules():
    market, shortage = examples.tiny_market(), examples.tiny_shortage()
    areas = EnergyAreas(("zone/all",), as_numbers([0, 0]), as_numbers([0]), np.array([False]))
    extended = replace(market, pass_through=without_prices(), energy_areas=areas)
    made = [
        (extended, examples.tiny_day()),
        (examples.tiny_market_by_flow(), examples.tiny_day()),
        shortage,
        examples.tiny_covered(),
        examples.tiny_booked(),
        examples.tiny_declined(),
        *((model, policies.day_with_reserve(2)) for model in policies.policies()),
    ]
    returned = {
        table.measure for model, readings in made for table in settle_day(model, readings).tables
    }
    assert returned == set(engine.MEASURES)


def test_a_measure_that_is_not_named_is_refused(monkeypatch):
    monkeypatch.delitem(engine.MEASURES, "demand_kw")
    with pytest.raises(LookupError, match="demand_kw is not among the measures"):
        settle_day(examples.tiny_market(), examples.tiny_day())


@pytest.mark.parametrize(("day", "count"), [("2024-03-31", 46), ("2024-10-27", 50)])
def test_days_when_clocks_change(day, count):
    local = dt.date.fromisoformat(day)
    intervals = interval_count(local, "Europe/London", 30)
    assert intervals == count
    result = settle_day(examples.tiny_market(), examples.tiny_day(intervals, local))
    assert {table.values.shape[1] for table in result.tables} == {count}
    # A day bears its part of the year whatever its length: 900 GBP / 366 for the nuclear unit.
    assert int(result.values("payment.regulated_micro").sum()) in (2_459_016, 2_459_017)


def test_a_year_pays_the_annual_cost():
    model = examples.tiny_market()
    first = dt.date(2024, 1, 1)
    paid = {"regulated": 0, "adequacy": 0, "location": 0}
    for number in range(366):
        result = settle_day(model, examples.tiny_day(2, first + dt.timedelta(number)))
        for component in paid:
            paid[component] += int(result.values(f"payment.{component}_micro").sum())
    assert paid["regulated"] == 900_000_000
    assert paid["adequacy"] + paid["location"] == 1_100_000_000


def test_one_interval_by_hand():
    """Wind 3 kW in the north, gas 9 and nuclear 2 in the south; demand 5 kW north, 6 south."""
    model = replace(
        examples.tiny_market(), pots=(Pot("location", 1_000_000, "flat"), Pot("reserve", 0, "flat"))
    )
    readings = DayReadings(
        dt.date(2024, 1, 1),
        generation_wh=as_numbers([[3_000], [1_000], [1_500]]),
        available_w=as_numbers([[9_000], [2_000], [3_000]]),
        demand_wh=as_numbers([[2_500], [1_000], [2_000]]),
    )
    result = settle_day(model, readings)
    # South to north carries 2 kW: north has 3 + 2 for 5, south has all it needs.
    assert result.values("deliverable_w")[:, 0].tolist() == [14_000, 5_000, 11_000, 5_000, 11_000]
    assert result.values("tightness_ppm")[1, 0] == 1_000_000
    assert result.values("node_price_micro_per_mwh")[:, 0].tolist() == [300_000_000, 58_928_550]
    assert result.values("binding_layer")[:, 0].tolist() == [1, 0]
    assert result.values("value_location_kw")[0, 0] == 11
    # Over lcm(1, 2, 3) = 6: gas 7 kW, nuclear 1, wind 3, by all six orders.
    assert result.values("shapley_location")[:, 0].tolist() == [42, 6, 18]
    # Fuel: 3 kWh at 90 GBP and 1 kWh at 12 GBP per MWh.
    assert result.values("payment.fuel_micro")[:, 0].tolist() == [270_000, 12_000, 0]
    # (400 + 700) GBP / 366 days, shared 42 : 18 by the two eligible units.
    assert result.values("payment.location_micro")[:, 0].tolist() == [2_103_825, 0, 901_639]
    assert result.values("charge.fuel_micro")[:, 0].tolist() == [128_182, 102_545]
    assert result.values("charge.dynamic_micro")[0, 0] == 58_928


def test_layers_in_use_alone_make_prices_uniform_zonal_or_nodal():
    model, readings = examples.tiny_market(), examples.tiny_day()
    offsets = {"system": 0, "zone": 1, "node": 3}
    for layer, offset in offsets.items():
        result = settle_day(examples.with_layers(model, layer), readings)
        node_price = result.values("node_price_micro_per_mwh")
        layer_price = result.values("price_micro_per_mwh")
        for node in range(2):
            holon = offset + (0 if layer == "system" else node)
            assert np.array_equal(node_price[node], layer_price[holon])


def test_demand_that_no_one_has_and_supply_that_no_one_gives():
    readings = examples.tiny_day(3)
    for supply, demand in product((0, 1), repeat=2):
        result = settle_day(
            examples.tiny_market(),
            replace(
                readings,
                generation_wh=readings.generation_wh * supply,
                available_w=readings.available_w * supply,
                demand_wh=readings.demand_wh * demand,
            ),
        )
        paid = int(result.values("payment.location_micro").sum())
        assert bool(paid) == bool(supply and demand)


def test_the_same_bytes_in_any_number_of_threads():
    model = examples.tiny_market()
    days = [examples.tiny_day(48, dt.date(2024, 1, day)) for day in range(1, 9)]
    expected = [examples.digest(settle_day(model, day)) for day in days]
    assert len(set(expected)) == len(days)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda day: examples.digest(settle_day(model, day)), days)
        assert list(found) == expected


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"available_w": -np.ones((3, 48), dtype=np.int64)}, ValueError, "of gas, interval 0"),
        ({"demand_wh": np.ones((3, 48))}, TypeError, "demand_wh: float64"),
        ({"demand_wh": np.ones((2, 48), dtype=np.int64)}, ValueError, "demand_wh: shape"),
        ({"generation_wh": np.ones((3, 49), dtype=np.int64)}, ValueError, "generation_wh: shape"),
        ({"demand_wh": np.ones((3, 0), dtype=np.int64)}, ValueError, "no interval"),
        ({"demand_wh": np.full((3, 48), 2**60)}, OverflowError, "demand_wh: may reach"),
        ({"generation_wh": np.full((3, 48), -(2**63))}, OverflowError, "generation_wh: may reach"),
    ],
)
def test_readings_that_do_not_fit_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        settle_day(examples.tiny_market(), replace(examples.tiny_day(), **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interval_minutes": 45}, "must divide 60"),
        ({"layers_in_use": (True,)}, "one entry for each layer"),
        ({"sell_curves": (examples.LADDER,)}, "sell_curves need one entry"),
        ({"deliverability": "copperplate"}, "deliverability 'copperplate'"),
        ({"unit_node": as_numbers([0, 1, 2])}, "a unit is at a node"),
        ({"supply_point_node": as_numbers([0, 1, -1])}, "a supply point is at a node"),
        ({"annual_cost_micro": as_numbers([0, 1, -1])}, "annual_cost_micro"),
        ({"offer_micro_per_mwh": as_numbers([0, 1])}, "offer_micro_per_mwh: shape"),
        ({"unit_is_eligible": np.array([True])}, "unit_is_eligible: shape"),
        ({"pots": (Pot("location", 999_999, "flat"),)}, "pots"),
        ({"pots": (Pot("location", 500_000, "flat"),) * 2}, "pots"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(examples.tiny_market(), **changes)
