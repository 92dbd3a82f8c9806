"""The 73 buses and 158 generators of the Reliability Test System, with demand 1.6 times as high."""

import datetime as dt
from functools import cache

import numpy as np
import pyarrow.parquet as pq
import pytest
from numba import config

from settlement.core.charges import Charging
from settlement.core.deliverability import imports_w
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.core.games import Game
from settlement.core.grid import Grid, Layer
from settlement.core.holarchy import HolarchyTree, holarchy_tree
from settlement.core.levels import shapley_levels
from settlement.core.levels_plan import levels_plan
from settlement.core.methods import levels
from settlement.core.network import Network
from settlement.core.pots import Pot
from settlement.core.sampled import sampled
from settlement.core.shapley_rule import ShapleyRule
from tests.conftest import SHARED
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(config.DISABLE_JIT, reason="millions of choices: needs JIT"),
]
FOLDER = SHARED / "data" / "rts_gmlc"
HOURS = (12, 2500, 4890, 5012)


def rows(name: str) -> list[dict]:
    return pq.read_table(FOLDER / f"{name}.parquet").to_pylist()


@cache
def network() -> Network:
    buses = [bus["bus_id"] for bus in rows("buses")]
    branches = rows("branches")
    rating = as_numbers([int(branch["rating_mw"] * 1000) for branch in branches])
    ends = [[buses.index(branch[end]) for branch in branches] for end in ("from_bus", "to_bus")]
    return Network(len(buses), *map(as_numbers, ends), rating, rating)


@cache
def tree() -> HolarchyTree:
    """Areas, the zones of each, and the buses of each."""
    parents, holons = [-1], {}
    buses = rows("buses")
    for level in (("area",), ("area", "zone"), ("area", "zone", "bus_id")):
        for bus in buses:
            name = tuple(bus[column] for column in level)
            if name not in holons:
                holons[name] = len(parents)
                parents.append(holons.get(name[:-1], 0))
    return holarchy_tree(
        network(), parents, [holons[bus["area"], bus["zone"], bus["bus_id"]] for bus in buses]
    )


@cache
def game(hour: int) -> Game:
    buses = [bus["bus_id"] for bus in rows("buses")]
    demand = pq.read_table(FOLDER / "demand_bus_hourly_da.parquet").slice(hour, 1).to_pylist()[0]
    offered = pq.read_table(FOLDER / "availability_hourly_da.parquet").slice(hour, 1).to_pylist()[0]
    units = rows("generators")
    return Game(
        network(),
        as_numbers([buses.index(unit["bus_id"]) for unit in units]),
        as_numbers(
            [
                int(1000 * min(unit["pmax_mw"], offered.get(unit["gen_id"], unit["pmax_mw"])))
                for unit in units
            ]
        ),
        as_numbers([round(1600 * demand.get(str(bus), 0)) for bus in buses]),
    )


def market(rule: ShapleyRule) -> MarketModel:
    """The system as a market: a supply point a bus, a third of the units with regulated cost."""
    buses, units = rows("buses"), rows("generators")
    layers = [
        _layer("system", ["all" for _ in buses]),
        _layer("area", [bus["area"] for bus in buses]),
        _layer("zone", [(bus["area"], bus["zone"]) for bus in buses]),
        _layer("bus", [bus["bus_id"] for bus in buses]),
    ]
    lines = network()
    ratings = (lines.rating_kw * 1000, lines.reverse_rating_kw * 1000)
    number = np.arange(len(units))
    return MarketModel(
        grid=Grid(layers[-1].holons, lines.line_from, lines.line_to, *ratings, tuple(layers)),
        interval_minutes=60,
        curves=(examples.LADDER,) * 4,
        layers_in_use=(True,) * 4,
        units=tuple(unit["gen_id"] for unit in units),
        unit_node=game(HOURS[0]).unit_node,
        offer_micro_per_mwh=number * 1_000_000,
        annual_cost_micro=(number + 1) * 10**12,
        unit_is_regulated=number % 3 == 0,
        unit_is_eligible=number % 3 != 0,
        supply_points=tuple(f"point {node}" for node in layers[-1].holons),
        supply_point_node=np.arange(len(buses)),
        charging=Charging(np.arange(len(buses)) % 2 * 1_000_000, as_numbers([1] * len(buses))),
        pots=(Pot("adequacy", 500_000, "tightness"), Pot("location", 500_000, "served")),
        shapley=rule,
    )


def _layer(name: str, places: list) -> Layer:
    holons = sorted(set(places))
    return Layer(
        name, tuple(map(str, holons)), as_numbers([holons.index(place) for place in places])
    )


@cache
def day() -> DayReadings:
    """A day of the four hours."""
    available_w = np.stack([game(hour).available_kw for hour in HOURS], axis=1) * 1000
    demand_wh = np.stack([game(hour).demand_kw for hour in HOURS], axis=1) * 1000
    return DayReadings(dt.date(2020, 7, 1), available_w // 2, available_w, demand_wh)


@pytest.mark.parametrize(
    "rule", [ShapleyRule("levels"), ShapleyRule("sampled", seed=1, most_orders=64)]
)
def test_a_grid_with_too_many_nodes_for_its_cuts_is_settled(rule):
    model = market(rule)
    result = settle_day(model, day())
    assert "cuts" not in vars(model)
    charges, payments = (
        sum(table.values.sum(axis=0) for table in result.tables if table.measure.startswith(kind))
        for kind in ("charge.", "payment.")
    )
    assert np.array_equal(charges, payments + result.values("equalisation_micro")[0])
    for name in ("adequacy", "location"):
        value = result.values(f"value_{name}_kw")[0]
        assert np.array_equal(result.values(f"shapley_{name}").sum(axis=0), value * 10**9)
        assert result.values(f"payment.{name}_micro").sum() > 0
    for place, hour in enumerate(HOURS):
        played, location = game(hour), int(result.values("value_location_kw")[0, place])
        served = played.value_kw(range(played.unit_count))
        if rule.method == "sampled":
            assert location == served
            continue
        # The layers are the holarchy of `tree`, with one holon more around it all.
        found = levels(played, tree())
        assert location == found.value_all_kw
        assert result.values("gap_location_kw")[0, place] == found.gap_kw == location - served
        shares = result.values("shapley_location")[:, place].tolist()
        for share, exactly in zip(shares, found.fractions_kw(), strict=True):
            assert abs(share - exactly * 10**9) < 1
    assert (result.values("value_location_kw") < result.values("demand_kw")).any()


@pytest.mark.parametrize("hour", HOURS)
def test_served_is_the_maximum_flow_of_random_coalitions(hour):
    played = game(hour)
    random = np.random.default_rng(hour)
    grid = reference.as_grid(played.network)
    arguments = (grid, played.unit_node, played.available_kw, played.demand_kw)
    for share in (0.1, 0.4, 0.7, 0.9, 1.0):
        coalition = np.flatnonzero(random.random(played.unit_count) < share).tolist()
        assert played.value_kw(coalition) == reference.served_by_flow(*arguments, coalition)


@pytest.mark.parametrize("hour", HOURS)
def test_levels_share_the_value_of_the_tree_by_zones_and_buses(hour):
    played = game(hour)
    found = levels(played, tree())
    assert found.gap_kw >= 0
    assert max(found.numerators) > 0
    assert found.value_all_kw <= played.demand_kw.sum()


def test_sampled_orders_share_the_value_of_the_network():
    played = game(HOURS[0])
    found = sampled(played, seed=1, most_orders=200)
    assert found.value_all_kw == played.value_kw(range(played.unit_count))
    assert 0 < max(found.standard_error_w) < 1000 * played.available_kw.max()


def test_several_hours_at_once_are_those_hours():
    plan = levels_plan(tree(), game(HOURS[0]).unit_node)
    together, value_all = shapley_levels(
        plan,
        np.stack([game(hour).available_kw for hour in HOURS], axis=1),
        np.stack([game(hour).demand_kw for hour in HOURS], axis=1),
    )
    for place, hour in enumerate(HOURS):
        found = levels(game(hour), tree())
        assert found.numerators == tuple(together[:, place].tolist())
        assert found.value_all_kw == value_all[place]


@cache
def areas() -> Grid:
    """The grid in W under its three areas and its buses."""
    buses = rows("buses")
    names = tuple(str(bus["bus_id"]) for bus in buses)
    numbers = sorted({bus["area"] for bus in buses})
    return Grid(
        names,
        network().line_from,
        network().line_to,
        network().rating_kw * 1000,
        network().reverse_rating_kw * 1000,
        (
            Layer(
                "area",
                tuple(map(str, numbers)),
                as_numbers([numbers.index(bus["area"]) for bus in buses]),
            ),
            Layer("bus", names, np.arange(len(names))),
        ),
    )


@pytest.mark.parametrize("hour", HOURS[2:])
def test_imports_by_flow_are_those_of_another_package(hour):
    played, grid = game(hour), areas()
    available = np.zeros((len(grid.nodes), 1), dtype=np.int64)
    np.add.at(available[:, 0], played.unit_node, played.available_kw * 1000)
    demand = played.demand_kw[:, np.newaxis] * 1000
    for number, layer in enumerate(grid.layers):
        found = imports_w(grid, layer, available, demand, "max-flow")
        assert np.all(found <= grid.boundary_w(layer)[:, np.newaxis])
        for holon in range(0, len(layer.holons), 1 if number == 0 else 9):
            assert found[holon, 0] == reference.imports_by_flow_w(
                grid, number, holon, available, demand, 0
            )
