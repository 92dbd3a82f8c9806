"""The 73 buses and 158 generators of the Reliability Test System, with demand 1.6 times as high."""

from functools import cache

import numpy as np
import pyarrow.parquet as pq
import pytest
from numba import config

from settlement.core.games import Game
from settlement.core.holarchy import HolarchyTree, holarchy_tree
from settlement.core.levels import shapley_levels
from settlement.core.levels_plan import levels_plan
from settlement.core.methods import levels
from settlement.core.network import Network
from settlement.core.sampled import sampled
from tests.conftest import SHARED
from tests.settlement.core import reference
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
            name = tuple(bus[one] for one in level)
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
