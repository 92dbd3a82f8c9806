"""What each market design comes to over a period, and the figures that all designs have. Pure.

The settled market stands in the same form as the others, so that one function makes the figures of
all: under Fair Play what matured is what promises are about, and what is desired is what is
accessed; another design has no windows, so both are what was asked for.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from settlement.baselines.carbon import Carbon
from settlement.baselines.day import PricedDay
from settlement.core.arrays import Integers
from settlement.core.rounding import WH_PER_MWH
from settlement.fairness.inequality import PPM, Group, gini_ppm, jain_ppm, lorenz_ppm, spread_ppm
from settlement.fairness.prices_of_days import figures_of_days, intervals_at_bounds
from settlement.fairness.sums import GroupKey, PointKey, Sums, whole_wh

Name = TypeVar("Name")

TIGHT_PARTS = 10
"""Of a period's intervals, one in so many is tight: those of the highest tightness."""


@dataclass
class Part:
    """What was delivered of something, in one unit, and promised of it, in millionths of that."""

    whole: int = 0
    delivered: int = 0
    promised: int = 0

    @property
    def ratio(self) -> Fraction | None:
        """What was delivered of the whole, exactly; None where the whole is nothing."""
        return Fraction(self.delivered, self.whole) if self.whole else None

    @property
    def ppm(self) -> int | None:
        """The ratio, rounded down.

        >>> Part(3, 2).ppm, Part().ppm
        (666666, None)
        """
        return self.delivered * PPM // self.whole if self.whole else None

    @property
    def margin_ppm(self) -> int | None:
        """What was delivered of the whole less what was promised of it, rounded down.

        >>> Part(3, 2, 2_500_000).margin_ppm, Part().margin_ppm
        (-166667, None)
        """
        return (self.delivered * PPM - self.promised) // self.whole if self.whole else None

    def add(self, whole: int, delivered: int, promise_ppm: int = 0) -> None:
        """Add a whole, what was delivered of it, and what is promised of it."""
        self.whole += whole
        self.delivered += delivered
        self.promised += promise_ppm * whole


@dataclass(eq=False)
class DesignSums:
    """What a design comes to.

    Attributes:
        groups: what was due, and delivered of it.
        points: what was desired, and delivered of it.
        refused_wh: for good; None where service is not known, and then groups and points are empty.
        charged_micro, taken_wh: by supply point.
        beyond_fuel_micro: by unit, what its payments exceed fuel as offered by.
        taken: of each day, shape (T,) by product; a day without is not known interval by interval.
        prices: of each day; empty where no interval has a price of its own.
    """

    groups: dict[GroupKey, Part] = field(default_factory=lambda: defaultdict(Part))
    points: dict[PointKey, Part] = field(default_factory=lambda: defaultdict(Part))
    refused_wh: int | None = None
    charged_micro: dict[PointKey, int] = field(default_factory=lambda: defaultdict(int))
    taken_wh: dict[PointKey, int] = field(default_factory=lambda: defaultdict(int))
    beyond_fuel_micro: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    taken: list[dict[str, Integers]] = field(default_factory=list)
    prices: list[PricedDay] = field(default_factory=list)
    carbon: Carbon = field(default_factory=Carbon)


def settled_design(sums: Sums) -> DesignSums:
    """Return what the settled market came to, from what was stored of it."""
    design = DesignSums(taken=sums.taken, prices=sums.prices, carbon=sums.carbon)
    for at, point in sums.points.items():
        design.charged_micro[at] = point.all_charged_micro
        design.taken_wh[at] = point.taken_wh
        if sums.knows_service:
            design.points[at] = Part(point.service.desired, point.service.delivered)
    for key, service in sums.groups.items():
        design.groups[key] = Part(service.matured, service.delivered, service.promised)
    for name, unit in sums.units.items():
        design.beyond_fuel_micro[name] = unit.beyond_fuel_micro
    if sums.knows_service:
        design.refused_wh = whole_wh(sum(each.missed for each in sums.groups.values()))
    return design


def tight_intervals(tightness: Sequence[Integers]) -> Integers:
    """Return which intervals of a period are tight: the tenth of the highest tightness, ascending.

    At least one; of equal ones the earliest come first.
    """
    every = np.concatenate(list(tightness))
    count = max(1, len(every) // TIGHT_PARTS)
    chosen: Integers = np.sort(np.argsort(-every, kind="stable")[:count])
    return chosen


def energy_by_product(
    days: Sequence[Mapping[str, Integers]], chosen: Integers | None
) -> dict[str, int]:
    """Return the energy of each product in the chosen intervals of all days, or in every one.

    Empty where a day is not known interval by interval.
    """
    if not all(days):
        return {}
    products = sorted({product for day in days for product in day})
    found = {}
    for product in products:
        rows = [day.get(product, np.zeros_like(next(iter(day.values())))) for day in days]
        row = np.concatenate(rows)
        found[product] = sum((row if chosen is None else row[chosen]).tolist())
    return found


def access_of(design: DesignSums, sums: Sums) -> dict[str, Any]:
    """Return how evenly what is desired is delivered: F3."""
    nodes: dict[str, Part] = defaultdict(Part)
    households: list[Group] = []
    for at, part in sorted(design.points.items()):
        nodes[sums.points[at].node].add(part.whole, part.delivered)
    for name, part in parts_by_supply_point(design).items():
        count = sums.points[sums.latest[name]].household_count
        if count and part.ratio is not None:
            households.append((count, count * part.ratio))
    of_nodes = [part.ratio for part in nodes.values() if part.ratio is not None]
    groups: list[Group] = [(1, ratio) for ratio in of_nodes]
    return {
        "nodes": _evenness(of_nodes, groups),
        "households": _evenness(
            [Fraction(amount) / count for count, amount in households], households
        ),
    }


def parts_by_supply_point(design: DesignSums) -> dict[str, Part]:
    """Return what was delivered to each supply point, whoever supplied it."""
    parts: dict[str, Part] = defaultdict(Part)
    for (name, *_), part in sorted(design.points.items()):
        parts[name].add(part.whole, part.delivered)
    return parts


def _evenness(ratios: Sequence[Fraction], groups: Sequence[Group]) -> dict[str, Any]:
    return {
        "jain_ppm": jain_ppm(ratios),
        "gini_ppm": gini_ppm(groups),
        "lorenz_ppm": lorenz_ppm(groups),
        "lowest_ppm": int(min(ratios) * PPM // 1) if ratios else None,
    }


def costs_by_product(design: DesignSums, sums: Sums, tight: Integers) -> list[dict[str, Any]]:
    """Return what each product is charged, beside its energy, and how that varies by node: F4."""
    charged: dict[str, int] = defaultdict(int)
    taken: dict[str, int] = defaultdict(int)
    at_node: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for at, point in sorted(sums.points.items()):
        micro, wh = design.charged_micro.get(at, 0), design.taken_wh.get(at, 0)
        charged[point.product] += micro
        taken[point.product] += wh
        at_node[point.product, point.node][0] += micro
        at_node[point.product, point.node][1] += wh
    in_tight = energy_by_product(design.taken, tight)
    rows = []
    for product in sorted(charged):
        each = [
            micro * WH_PER_MWH // wh
            for (of_product, _), (micro, wh) in sorted(at_node.items())
            if of_product == product and wh
        ]
        mean = per(charged[product] * WH_PER_MWH, taken[product])
        rows.append(
            {
                "product": product,
                "charged_micro": charged[product],
                "taken_wh": taken[product],
                "cost_share_ppm": share_ppm(charged[product], charged.values()),
                "energy_share_ppm": share_ppm(taken[product], taken.values()),
                "tight_share_ppm": share_ppm(in_tight.get(product, 0), in_tight.values()),
                "cost_micro_per_mwh": mean,
                "lowest_cost_micro_per_mwh": min(each, default=None),
                "highest_cost_micro_per_mwh": max(each, default=None),
                "spread_ppm": spread_ppm(each, mean or 0),
            }
        )
    return rows


def design_figures(
    design: DesignSums, sums: Sums, shapley: Mapping[str, Fraction], tight: Integers
) -> dict[str, int | None]:
    """Return the figures that every design has; empty where one does not apply."""
    access, costs = access_of(design, sums), costs_by_product(design, sums, tight)
    kept, promises, margin = promises_of(design, sums)
    charged, taken = sum(design.charged_micro.values()), sum(design.taken_wh.values())
    spreads = [row["spread_ppm"] for row in costs if row["spread_ppm"] is not None]
    prices = figures_of_days(design.prices) if design.prices else None
    earned = {
        name: max(design.beyond_fuel_micro.get(name, 0), 0)
        for name, unit in sums.units.items()
        if unit.is_eligible
    }
    in_tight = energy_by_product(design.taken, tight)
    of_product = {row["product"]: row["charged_micro"] for row in costs}
    return {
        "contribution_distance_ppm": distance_ppm(shares_of(earned), shapley),
        "units_paid_back": units_paid_back(design, sums),
        "promises_kept_ppm": per(kept * PPM, promises),
        "lowest_margin_ppm": margin,
        "refused_wh": design.refused_wh,
        "jain_of_nodes_ppm": access["nodes"]["jain_ppm"],
        "gini_of_households_ppm": access["households"]["gini_ppm"],
        "lowest_access_ppm": min(
            (part.ppm for part in parts_by_supply_point(design).values() if part.ppm is not None),
            default=None,
        ),
        "cost_burden_distance_ppm": cost_burden_ppm(of_product, in_tight),
        "largest_spread_ppm": max(spreads, default=None),
        "cost_micro_per_mwh": per(charged * WH_PER_MWH, taken),
        "intervals_at_bounds": intervals_at_bounds(design.prices) if design.prices else None,
        "volatility_ppm": prices and prices.volatility_ppm,
        "carbon_g": design.carbon.grams,
    }


def promises_of(design: DesignSums, sums: Sums) -> tuple[int, int, int | None]:
    """Return how many promises of whole months were kept, of how many, and the lowest margin."""
    kept = count = 0
    margins = []
    for (month, *_), part in design.groups.items():
        if is_whole(month, sums.days_of_month[month]):
            count += 1
            kept += part.delivered * PPM >= part.promised
            if part.margin_ppm is not None:
                margins.append(part.margin_ppm)
    return kept, count, min(margins, default=None)


def is_whole(month: str, days: int) -> bool:
    """Return whether a month was met whole, so that its promises can be judged.

    >>> is_whole("2024-02", 29), is_whole("2024-02", 28)
    (True, False)
    """
    first = dt.date.fromisoformat(f"{month}-01")
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return days == (following - first).days


def units_paid_back(design: DesignSums, sums: Sums) -> int | None:
    """Return how many units earn their capital in the years they expect; None without capital."""
    with_capital = {name: unit for name, unit in sums.units.items() if unit.capital_micro}
    if not with_capital:
        return None
    return sum(
        design.beyond_fuel_micro.get(name, 0) - unit.fixed_micro >= unit.capital_micro
        for name, unit in with_capital.items()
    )


def cost_burden_ppm(charged: Mapping[str, int], taken: Mapping[str, int]) -> int | None:
    """Return how far charges lie from burden; whoever is credited on balance bears none of them.

    Credits would make parts of charges that are above the whole, so that they lie further from
    parts of energy than all of it.

    >>> cost_burden_ppm({"NR": 30, "P1": -20}, {"NR": 1, "P1": 1})
    500000
    >>> cost_burden_ppm({"NR": 1, "P1": 1}, {"NR": 1, "P1": 1})
    0
    """
    borne = {product: max(micro, 0) for product, micro in charged.items()}
    return distance_ppm(shares_of(borne), shares_of(taken))


def shares_of(amounts: Mapping[Name, int]) -> dict[Name, Fraction]:
    """Return each part of the whole, exactly; nothing where the whole is not above 0."""
    whole = sum(amounts.values())
    return {name: Fraction(each, whole) for name, each in amounts.items()} if whole > 0 else {}


def distance_ppm(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> int | None:
    """Return half the sum of the differences of two shares; None where either has none.

    Example: shares of 1/2 and 1/2 against 3/4 and 1/4 lie 1/4 apart, 250,000 ppm.
    """
    if not one or not other:
        return None
    names = one.keys() | other.keys()
    nothing = Fraction(0)
    whole = sum((abs(one.get(n, nothing) - other.get(n, nothing)) for n in names), nothing)
    return int(whole * PPM / 2 // 1)


def share_ppm(part: int, parts: Iterable[int]) -> int | None:
    """Return a part of the sum of parts, rounded down; None where the sum is not above 0."""
    whole = sum(parts)
    return part * PPM // whole if whole > 0 else None


def per(amount: int, quantity: int) -> int | None:
    """Return an amount for each of a quantity, rounded down; None where there is none of it."""
    return amount // quantity if quantity else None
