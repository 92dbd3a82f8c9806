"""Speed of the engine: Shapley values of 21 units on 12 nodes, and a whole settlement day.

Every figure is a ratio against a yardstick taken in the same run: one plain numpy pass that adds
up and caps the supply of all 2**21 coalitions once, in memory. A ratio means the same on a slow
and on a fast machine. Run alone with ``python -m benchmarks.shapley``.
"""

import datetime as dt

import numpy as np

from benchmarks.figures import Figure, median_ns
from settlement.core.charges import Charging
from settlement.core.cuts import grid_cuts, subset_sums
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.core.grid import Grid, Layer
from settlement.core.pots import Pot
from settlement.core.shapley import shapley_adequacy, shapley_location
from settlement.core.tightness import Curve

UNITS_AT = (4, 0, 0, 3, 3, 2, 2, 1, 2, 3, 0, 1)
NODES = len(UNITS_AT)
POINTS_AT_A_NODE = 3
INTERVALS = 48


def example_market() -> tuple[MarketModel, DayReadings]:
    """Return a ring of 12 nodes with 21 units and 36 supply points, and a day of it."""
    node = np.arange(NODES)
    rating_w = 3_000_000_000 + node * 500_000_000
    layers = (
        Layer("system", ("all",), np.zeros(NODES, dtype=np.int64)),
        Layer("zone", ("a", "b", "c"), node // 4),
        Layer("node", tuple(f"N{number:02}" for number in node), node),
    )
    grid = Grid(layers[-1].holons, node, (node + 1) % NODES, rating_w, rating_w, layers)
    curve = Curve(
        np.array([0, 800_000, 1_000_000, 1_250_000]),
        np.array([0, 60_000_000, 300_000_000, 6_000_000_000]),
    )
    unit_node = np.repeat(node, UNITS_AT)
    unit = np.arange(len(unit_node))
    point = np.arange(NODES * POINTS_AT_A_NODE)
    model = MarketModel(
        grid=grid,
        interval_minutes=30,
        curves=(curve, curve, curve),
        layers_in_use=(True, True, True),
        units=tuple(f"G{number:02}" for number in unit),
        unit_node=unit_node,
        offer_micro_per_mwh=unit * 4_000_000,
        annual_cost_micro=(unit + 1) * 10**14,
        unit_is_regulated=unit % 5 == 0,
        unit_is_eligible=unit % 5 != 0,
        supply_points=tuple(f"P{number:02}" for number in point),
        supply_point_node=point % NODES,
        charging=Charging((point % 3 == 0) * 1_000_000, np.full(len(point), 1_000_000)),
        pots=(Pot("adequacy", 600_000, "flat"), Pot("location", 400_000, "tightness")),
    )
    # Wattages from a fixed pattern, without ties that would make the work easier than real.
    step = np.arange(INTERVALS)
    available_w = (unit[:, None] * 7_919 + step * 104_729) % 40_000 * 100_000 + 50_000_000
    demand_wh = (point[:, None] * 15_485 + step * 32_452) % 9_000 * 100_000
    return model, DayReadings(dt.date(2024, 1, 1), available_w // 4, available_w, demand_wh)


def figures() -> list[Figure]:
    """Measure; the median of several runs each, after one to compile and warm up."""
    model, readings = example_market()
    available_kw = readings.available_w // 1000
    demand_kw = np.zeros((NODES, INTERVALS), dtype=np.int64)
    np.add.at(demand_kw, model.supply_point_node, readings.demand_wh // 500)
    total_kw = demand_kw.sum(axis=0)
    cuts = grid_cuts(model.grid)
    yardstick = median_ns(lambda: np.minimum(subset_sums(available_kw[:, 0]), total_kw[0]).sum())

    location = median_ns(lambda: shapley_location(cuts, model.unit_node, available_kw, demand_kw))
    adequacy = median_ns(lambda: shapley_adequacy(available_kw, total_kw))
    day = median_ns(lambda: settle_day(model, readings))
    return [
        Figure("Shapley, location game, an interval", location // INTERVALS, yardstick),
        Figure("Shapley, adequacy game, an interval", adequacy // INTERVALS, yardstick),
        Figure("settlement day, all results", day, yardstick),
    ]


def main() -> None:
    """Print every figure, one a line."""
    for figure in figures():
        print(figure)


if __name__ == "__main__":
    main()
