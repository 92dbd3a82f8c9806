"""The intervals of settled days: what the figures of a report are sums, counts or means of. Pure.

Every column that is a sum adds up to its figure exactly. Power is summed as W x minutes and carbon
in milligrams, so what is stated of an interval is what the running sum of the report, rounded down,
grows by in it; the intervals of all days then come to the figure, which is rounded down once.

Example: 500 mg in each of three intervals: the running sum is 0.5, 1 and 1.5 g, so 0, 1 and 0 g are
stated, which come to the 1 g of the figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from settlement.baselines.carbon import MILLIGRAMS_PER_GRAM
from settlement.core.arrays import Integers
from settlement.core.energy_accounts import DEMAND, IMBALANCE, LOSSES
from settlement.fairness.facts import CHARGES, PAYMENTS, FairDay

MINUTES_PER_HOUR = 60
MOST_DAYS_WITH_INTERVALS = 62
"""A report of more days states days; the reports of its months state their intervals."""

EXTREMES = ("lowest_price", "highest_price")
"""Of prices the node at which, and the layer by which, they are so high."""
NOBODYS = (
    "lowest_price_micro_per_mwh", "mean_price_micro_per_mwh", "highest_price_micro_per_mwh",
    *(f"{name}_{what}" for name in EXTREMES for what in ("node", "layer")),
    "tightness_ppm", "at_bounds", "wasted_wh",
)  # fmt: skip
"""What everybody may know of an interval: no energy or money of any participant is in it."""
COLUMN_OF = {
    "refused_wh": "missed_wh",
    "deferred_wh": "deferred_wh",
    "waste_wh": "wasted_wh",
    "intervals_at_bounds": "at_bounds",
    "carbon_g": "carbon_g",
    "ungenerated_wh": "ungenerated_wh",
    "over_take_micro": "over_take_micro",
    "compensation_micro": "compensation_micro",
    "excess_micro": "excess_micro",
    "equalisation_micro": "equalisation_micro",
}
"""By figure that is a sum over intervals, the column that it is the sum of."""


SERVICE = {
    "desired_wh": "desired_w",
    "delivered_wh": "delivered_w",
    "missed_wh": "missed_w",
    "deferred_wh": "late_w",
    "owed_wh": "owed_w",
}
OF_AREAS = {"demand_wh": DEMAND, "lost_wh": LOSSES, "ungenerated_wh": IMBALANCE}
SIGN = {"ungenerated_wh": -1, "compensation_micro": -1}
"""A credit is stated as what is given, and an imbalance as what nobody generated."""
STOCKS = frozenset({"owed_wh"})
"""What is there where an interval ends, and adds up to nothing."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a day in parts of its unit: an interval is a value of `parts` over `divisor`."""

    parts: Integers
    divisor: int = 1


Columns = Mapping[str, Column | list[str]]


def columns_of(day: FairDay) -> dict[str, Column | list[str]]:
    """Return the intervals of a day by column; what is not known of it has no column."""
    return dict([*_prices(day), *_service(day), *_money(day), *_energy(day)])


def stated_intervals(days: Sequence[Columns]) -> list[dict[str, list[Any]]]:
    """Return the columns of consecutive days as a report states them, in whole units."""
    before: dict[str, int] = {}
    return [
        {
            name: column if isinstance(column, list) else _whole(name, column, before)
            for name, column in day.items()
        }
        for day in days
    ]


def _whole(name: str, column: Column, before: dict[str, int]) -> list[int]:
    # In Python's integers: milligrams of a period may together pass int64.
    parts: list[int] = column.parts.tolist()
    if column.divisor == 1 or name in STOCKS:
        return [part // column.divisor for part in parts]
    sums = list(accumulate(parts, initial=before.get(name, 0)))
    before[name] = sums[-1]
    return [end // column.divisor - start // column.divisor for start, end in pairwise(sums)]


def _prices(day: FairDay) -> Iterator[tuple[str, Column | list[str]]]:
    nodes, layers = day.law.nodes, tuple(day.law.places)
    prices = day.rows("node_price_micro_per_mwh", nodes)
    binding = day.rows("binding_layer", nodes)
    for name, at in zip(EXTREMES, (prices.argmin(axis=0), prices.argmax(axis=0)), strict=True):
        moments = np.arange(day.intervals)
        extreme: Integers = prices[at, moments]
        yield f"{name}_micro_per_mwh", Column(extreme)
        yield f"{name}_node", [nodes[node] for node in at]
        yield f"{name}_layer", [layers[layer] for layer in binding[at, moments]]
    # One interval after the other: prices at the cap of a country may together pass int64.
    means = [sum(column) // len(nodes) for column in prices.T.tolist()]
    yield "mean_price_micro_per_mwh", Column(np.array(means, dtype=np.int64))
    yield "tightness_ppm", Column(day.tightness_ppm())
    bounds = day.law.bounds
    at_bounds = (prices <= bounds.floor_micro_per_mwh) | (prices >= bounds.cap_micro_per_mwh)
    anywhere: Integers = np.array(at_bounds.any(axis=0), dtype=np.int64)
    yield "at_bounds", Column(anywhere)


def _service(day: FairDay) -> Iterator[tuple[str, Column]]:
    points, minutes = day.law.register.supply_points, day.law.interval_minutes
    if ("taken_wh", next(iter(points), "")) in day.values:
        yield "taken_wh", Column(np.maximum(day.rows("taken_wh", points), 0).sum(axis=0))
    if not day.knows_service:
        return
    for name, measure in SERVICE.items():
        power = day.rows(measure, points).sum(axis=0)
        yield name, Column(power * minutes, MINUTES_PER_HOUR)
    served = day.rows("entitlement_w", points).sum(axis=0)
    unused = day.rows("fair_play_unused_w", ("market",))[0]
    wasted = day.rows("fair_play_maximum_w", ("market",))[0] - unused - served
    yield "wasted_wh", Column(wasted * minutes, MINUTES_PER_HOUR)


def _money(day: FairDay) -> Iterator[tuple[str, Column]]:
    points, units = day.law.register.supply_points, day.law.register.units
    charged = {measure: day.rows(measure, points).sum(axis=0) for measure in CHARGES}
    yield "charged_micro", Column(np.sum(list(charged.values()), axis=0))
    paid = [day.rows(measure, units).sum(axis=0) for measure in PAYMENTS]
    yield "paid_micro", Column(np.sum(paid, axis=0))
    for kind in ("over_take", "compensation", "excess"):
        name = f"{kind}_micro"
        yield name, Column(SIGN.get(name, 1) * charged[f"charge.{name}"])
    yield "equalisation_micro", Column(day.rows("equalisation_micro", ("market",))[0])


def _energy(day: FairDay) -> Iterator[tuple[str, Column]]:
    for name, measure in OF_AREAS.items():
        rows = list(day.of(measure).values())
        if rows:
            yield name, Column(SIGN.get(name, 1) * np.sum(rows, axis=0))
    if not day.generated_wh:
        return
    yield "generated_wh", Column(np.sum(list(day.generated_wh.values()), axis=0))
    carbon = np.zeros(day.intervals, dtype=np.int64)
    is_stated = False
    for name, (_, unit) in day.law.register.units.items():
        if unit.carbon_g_per_kwh is None:
            continue
        is_stated = True
        generated_wh = day.generated_wh[name]
        # Of storage what it gave beyond what it took in the day counts; of others, all.
        if generated_wh.sum() > 0:
            carbon += generated_wh * unit.carbon_g_per_kwh
    if is_stated:
        yield "carbon_g", Column(carbon, MILLIGRAMS_PER_GRAM)
