"""Real days of the 12-node case of Great Britain: clock changes, net export, shortage."""

import csv
import datetime as dt
from functools import cache

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numba import config

from settlement.core.charges import Charging
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.core.grid import Grid
from settlement.core.periods import interval_starts
from settlement.core.pots import Pot
from settlement.core.shapley import denominator
from tests.conftest import SHARED
from tests.settlement.core import examples
from tests.settlement.core.reference import as_numbers

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(config.DISABLE_JIT, reason="millions of coalitions: needs JIT"),
]
FOLDER = SHARED / "data" / "gb12"
PRODUCTS = ("NR", "P1", "P2", "P3", "P4")


def market(rating_multiplier: int) -> MarketModel:
    grid, units, unit_node = examples.great_britain(rating_multiplier)
    with (FOLDER / "units.csv").open() as file:
        by_name = {row["unit"]: row for row in csv.DictReader(file)}
    rows = [by_name[unit] for unit in units]
    nuclear = np.array([row["technology"] == "nuclear" for row in rows])
    with_demand = [node for node in grid.nodes if node not in ("N1", "N16", "N17", "N20")]
    points = [(node, product) for node in with_demand for product in PRODUCTS]
    return MarketModel(
        grid=grid,
        interval_minutes=30,
        curves=(examples.LADDER,) * 3,
        layers_in_use=(True, True, True),
        units=units,
        unit_node=unit_node,
        offer_micro_per_mwh=as_numbers(
            [int(row["offer_gbp_per_mwh"].partition(".")[0]) * 10**6 for row in rows]
        ),
        annual_cost_micro=as_numbers(
            [
                (int(row["annual_capital_gbp"]) + int(row["annual_fixed_opex_gbp"])) * 10**6
                for row in rows
            ]
        ),
        unit_is_regulated=nuclear,
        unit_is_eligible=~nuclear,
        supply_points=tuple(f"{node}-{product}" for node, product in points),
        supply_point_node=as_numbers([grid.nodes.index(node) for node, _ in points]),
        charging=Charging(
            as_numbers([1_000_000 * (product == "P4") for _, product in points]),
            as_numbers([1_000_000] * len(points)),
        ),
        pots=(Pot("adequacy", 500_000, "served"), Pot("location", 500_000, "tightness")),
    )


@cache
def day_of(day: dt.date) -> DayReadings:
    model = market(1)
    starts = interval_starts(day, "Europe/London", 30)
    demand = by_entity("demand.parquet", starts, ("node", "product"), "wh", model.supply_points)
    available = by_entity("availability.parquet", starts, ("unit",), "kw", model.units) * 1000
    return DayReadings(day, available // 4, available, demand)


def by_entity(name, starts, keys, value, entities) -> np.ndarray:
    table = pq.read_table(FOLDER / name)
    moment = table["interval_start"]
    chosen = table.filter(
        pc.and_(pc.greater_equal(moment, starts[0]), pc.less_equal(moment, starts[-1]))
    ).to_pydict()
    values = np.zeros((len(entities), len(starts)), dtype=np.int64)
    for number, start in enumerate(chosen["interval_start"]):
        entity = "-".join(chosen[key][number] for key in keys)
        values[entities.index(entity), starts.index(start)] = chosen[value][number]
    return values


@pytest.mark.parametrize("rating_multiplier", [1, 3])
@pytest.mark.parametrize(
    ("day", "count"), [("2024-03-31", 46), ("2024-10-27", 50), ("2024-01-17", 48)]
)
def test_a_real_day_balances(day, count, rating_multiplier):
    model, readings = market(rating_multiplier), day_of(dt.date.fromisoformat(day))
    result = settle_day(model, readings)
    assert result.values("demand_kw").shape == (1, count)
    assert result.values("demand_kw").min() > 10_000_000

    charges, payments = (
        sum(table.values.sum(axis=0) for table in result.tables if table.measure.startswith(kind))
        for kind in ("charge.", "payment.")
    )
    assert np.array_equal(charges, payments + result.values("equalisation_micro")[0])
    for game in ("adequacy", "location"):
        value = result.values(f"value_{game}_kw")[0]
        assert np.array_equal(result.values(f"shapley_{game}").sum(axis=0), value * denominator(21))
    if rating_multiplier == 1:
        assert np.any(result.values("value_location_kw") < result.values("demand_kw"))


def test_units_and_nodes_in_another_order_give_the_same_shares():
    grid, _, unit_node = examples.great_britain(3)
    model, readings = market(3), day_of(dt.date(2024, 1, 17))
    order, new_number = np.arange(21)[::-1], np.arange(12)[::-1]
    mirrored = Grid(
        grid.nodes[::-1],
        new_number[grid.line_from],
        new_number[grid.line_to],
        grid.rating_w,
        grid.reverse_rating_w,
        examples.layered(12, [0] * 12),
    )
    other = MarketModel(
        **{
            **{name: getattr(model, name) for name in model.__dataclass_fields__},
            "grid": mirrored,
            "unit_node": new_number[unit_node][order],
            "supply_point_node": new_number[model.supply_point_node],
        }
    )
    reordered = DayReadings(
        readings.day,
        readings.generation_wh[order],
        readings.available_w[order],
        readings.demand_wh,
    )
    expected = settle_day(model, readings).values("shapley_location")
    assert np.array_equal(settle_day(other, reordered).values("shapley_location")[order], expected)
