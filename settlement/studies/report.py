"""The report of a study: the days under the shock beside the same days without it, by design.

Everything comes from the stored vectors of the two runs, in integers, so a replay finds the same
report. What was generated and delivered is the same under every design; the designs differ in
prices and money. Pass-through charges are left out: no design sets them. The report is a plain
mapping, stored as JSON:

``operation``
    for `before` and `after`: desired, served, unserved (desired = served + unserved), the physical
    maximum v(all), which counts storage at its full power in every interval, *wasted* (what could
    have been served with storage at what it gave, less what was served), *curtailed* (available
    at an offer of nothing and not generated), generated, intervals in which somebody got less than
    asked, fuel as bid, the highest tightness of any part of the grid, and the lowest and the Jain
    index of delivered over desired by supply point.
``designs``
    for each of settled (the market maker), nodal, uniform and flat, before and after: ``prices``
    (see `settlement.price_figures`; the flat price has one place and no bounds of its own),
    ``cost`` (charges, payments, movement = charges - payments, charges per MWh taken),
    ``households`` (Gini and Lorenz of charges per household, lowest and highest), and ``places``
    (by product, the spread over supply points of charges per MWh around the product's mean).
``parties``
    for each participant and product or technology: energy, and money by design.

Rounding: every ratio is rounded down; what is not defined (nothing was taken) is null.
"""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from settlement.baselines.tariffs import (
    MarginalDay,
    PriceBounds,
    day_at_price,
    flat_charges_micro,
    flat_price_micro_per_mwh,
)
from settlement.baselines.totals import Design, Totals, by_name
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings
from settlement.core.rounding import WH_PER_MWH
from settlement.rules.register import Register
from settlement.runs.results import VectorKey
from settlement.studies import fairness, measures
from settlement.studies.price_figures import price_figures, side_by_side

FORMAT = "tallystick.study-report.1"
SIDES = ("before", "after")
FUEL_MEASURE = "payment.fuel_micro"


@dataclass(frozen=True, eq=False)
class StudyDay:
    """One stored day of a study run: who answers for what, the bounds, and every vector."""

    day: dt.date
    register: Register
    nodes: tuple[str, ...]
    bounds: PriceBounds
    values: Mapping[VectorKey, Integers]

    def rows(self, measure: str, entities: Iterable[str]) -> Integers:
        """Return one measure of some entities, shape (E, T)."""
        return np.array([self.values[measure, entity] for entity in entities], dtype=np.int64)

    def of(self, measure: str) -> Integers:
        """Return one measure of whatever has it, shape (E, T)."""
        return np.array([row for (name, _), row in self.values.items() if name == measure])

    def micro(self, side: Side) -> dict[str, int]:
        """Return the day's payments or charges by entity, all components together.

        Pass-through charges are the same under every design, and left out.
        """
        sums: dict[str, int] = defaultdict(int)
        measures_of_side = measures_of_designs(side)
        for (measure, entity), values in self.values.items():
            if measure in measures_of_side:
                sums[entity] += int(values.sum())
        return sums


class Figures:
    """What one run of a study comes to, day by day."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.totals = Totals()
        self.operation: dict[str, int] = defaultdict(int)
        self.prices: dict[Design, list[Integers]] = defaultdict(list)
        self.charges: dict[Design, dict[str, int]] = {d: defaultdict(int) for d in Design}
        self.desired_wh: dict[str, int] = defaultdict(int)
        self.taken_wh: dict[str, int] = defaultdict(int)
        self.register = Register({}, {})
        self._days: list[tuple[StudyDay, Integers]] = []

    @property
    def intervals(self) -> int:
        """How many intervals the days have together."""
        return sum(demand.shape[1] for _, demand in self._days)

    @property
    def bounds(self) -> PriceBounds:
        """The widest bounds of any day."""
        return PriceBounds(
            min(day.bounds.floor_micro_per_mwh for day, _ in self._days),
            max(day.bounds.cap_micro_per_mwh for day, _ in self._days),
        )

    def add(self, day: StudyDay) -> None:
        """Add a day: its operation, and its money under every design but the flat one."""
        register = day.register
        points, units = tuple(register.supply_points), tuple(register.units)
        demand = day.rows(measures.DELIVERED, points)
        desired = day.rows(measures.DESIRED, points)
        generation = day.rows(measures.GENERATION, units)
        self.register = Register(
            self.register.units | register.units,
            self.register.supply_points | register.supply_points,
        )
        self._add_operation(day, desired, demand, generation)
        metered = DayReadings(day.day, generation, np.zeros_like(generation), demand)
        marginal = _marginal(day, metered)
        paid, charged = day.micro(Side.PAYMENT), day.micro(Side.CHARGE)
        self.prices[Design.SETTLED].append(day.rows("node_price_micro_per_mwh", day.nodes))
        for design, outcome in marginal.items():
            self.prices[design].append(outcome.price_micro_per_mwh)
        self.totals.add_units(
            register,
            by_name(units, generation.sum(axis=1)),
            {Design.SETTLED: paid, Design.FLAT: paid}
            | {d: by_name(units, m.payments_micro.sum(axis=1)) for d, m in marginal.items()},
        )
        self._charge(
            day,
            by_name(points, demand.sum(axis=1)),
            {Design.SETTLED: charged}
            | {d: by_name(points, m.charges_micro.sum(axis=1)) for d, m in marginal.items()},
        )
        self._days.append((day, demand))

    def close(self) -> None:
        """Add the flat tariff, which needs every day: it recovers all that was paid."""
        paid_micro = self.totals.of(Side.PAYMENT, Design.SETTLED)
        demand_wh = [demand for _, demand in self._days]
        charges = flat_charges_micro(paid_micro, demand_wh)
        for (day, _), micro in zip(self._days, charges, strict=True):
            points = day.register.supply_points
            self._charge(day, {}, {Design.FLAT: by_name(points, micro.sum(axis=1))})
        price = flat_price_micro_per_mwh(paid_micro, demand_wh)
        self.prices[Design.FLAT] = [np.full((1, self.intervals), price, dtype=np.int64)]

    def _charge(
        self,
        day: StudyDay,
        energy_wh: Mapping[str, int],
        amounts: Mapping[Design, Mapping[str, int]],
    ) -> None:
        self.totals.add_supply_points(day.register, energy_wh, amounts)
        for design, by_point in amounts.items():
            for point, micro in by_point.items():
                self.charges[design][point] += micro

    def _add_operation(
        self, day: StudyDay, desired: Integers, demand: Integers, generation: Integers
    ) -> None:
        desired_wh, taken_wh = np.maximum(desired, 0), np.maximum(demand, 0)
        maximum_wh, reachable_wh = (
            day.rows(measure, measures.MARKET)[0]
            for measure in (measures.MAXIMUM, measures.REACHABLE)
        )
        added = {
            "desired_wh": desired_wh.sum(),
            "served_wh": taken_wh.sum(),
            "unserved_wh": (desired_wh - taken_wh).sum(),
            "maximum_wh": maximum_wh.sum(),
            "wasted_wh": np.maximum(reachable_wh - taken_wh.sum(axis=0), 0).sum(),
            "curtailed_wh": day.rows(measures.CURTAILED, day.register.units).sum(),
            "generated_wh": np.maximum(generation, 0).sum(),
            "short_intervals": (desired_wh > taken_wh).any(axis=0).sum(),
            "fuel_micro": sum(sum(row.tolist()) for row in day.of(FUEL_MEASURE)),
        }
        for name, value in added.items():
            self.operation[name] += int(value)
        self.operation["highest_tightness_ppm"] = max(
            self.operation["highest_tightness_ppm"], int(day.of("tightness_ppm").max())
        )
        points = day.register.supply_points
        for sums, energy in ((self.desired_wh, desired_wh), (self.taken_wh, taken_wh)):
            for point, wh in by_name(points, energy.sum(axis=1)).items():
                sums[point] += wh


def compare_figures(currency: str, before: Figures, after: Figures) -> dict[str, Any]:
    """Return the report of two closed figures of the same days."""
    sides = dict(zip(SIDES, (before, after), strict=True))
    return {
        "format": FORMAT,
        "currency": currency,
        "intervals": after.intervals,
        "operation": {side: _operation(figures) for side, figures in sides.items()},
        "designs": {
            design.value: {side: _design(figures, design) for side, figures in sides.items()}
            for design in Design
        },
        "parties": _parties(before, after),
    }


def _marginal(day: StudyDay, metered: DayReadings) -> dict[Design, MarginalDay]:
    register = day.register
    place = {node: number for number, node in enumerate(day.nodes)}
    unit_node = np.array([place[unit.node] for _, unit in register.units.values()], np.int64)
    point_node = np.array(
        [place[point.node] for _, point in register.supply_points.values()], np.int64
    )
    nodal = day.rows(measures.NODAL_PRICE, day.nodes)
    uniform = day.rows(measures.UNIFORM_PRICE, measures.MARKET)
    return {
        Design.NODAL: day_at_price(nodal, unit_node, point_node, metered),
        Design.UNIFORM: day_at_price(
            uniform, np.zeros_like(unit_node), np.zeros_like(point_node), metered
        ),
    }


def _operation(figures: Figures) -> dict[str, int | None]:
    ratios = [
        figures.taken_wh[point] * fairness.PPM // desired
        for point, desired in sorted(figures.desired_wh.items())
        if desired
    ]
    return {
        **dict(figures.operation),
        "lowest_delivery_ppm": min(ratios, default=None),
        "jain_ppm": fairness.jain_ppm(ratios),
    }


def _design(figures: Figures, design: Design) -> dict[str, Any]:
    bounds = figures.bounds
    prices = price_figures(
        side_by_side(figures.prices[design]),
        bounds.floor_micro_per_mwh,
        bounds.cap_micro_per_mwh,
    )
    charges = figures.totals.of(Side.CHARGE, design)
    payments = figures.totals.of(Side.PAYMENT, design)
    return {
        "prices": dataclasses.asdict(prices),
        "cost": {
            "charges_micro": charges,
            "payments_micro": payments,
            "movement_micro": charges - payments,
            "charges_micro_per_mwh": _per(charges * WH_PER_MWH, sum(figures.taken_wh.values())),
        },
        "households": _households(figures, design),
        "places": _places(figures, design),
    }


def _households(figures: Figures, design: Design) -> dict[str, Any]:
    groups = [
        (registered.household_count, figures.charges[design][point])
        for point, (_, registered) in sorted(figures.register.supply_points.items())
        if registered.household_count
    ]
    per_household = [amount // count for count, amount in groups]
    return {
        "gini_ppm": fairness.gini_ppm(groups),
        "lorenz_ppm": fairness.lorenz_ppm(groups),
        "lowest_micro": min(per_household, default=None),
        "highest_micro": max(per_household, default=None),
    }


def _places(figures: Figures, design: Design) -> list[dict[str, Any]]:
    points: dict[str, list[str]] = defaultdict(list)
    for point, (_, registered) in sorted(figures.register.supply_points.items()):
        if figures.taken_wh[point]:
            points[registered.product].append(point)
    rows = []
    for product, names in sorted(points.items()):
        charged = {point: figures.charges[design][point] for point in names}
        unit = [charged[name] * WH_PER_MWH // figures.taken_wh[name] for name in names]
        mean = _per(sum(charged.values()) * WH_PER_MWH, sum(figures.taken_wh[p] for p in names))
        rows.append(
            {
                "product": product,
                "mean_micro_per_mwh": mean,
                "lowest_micro_per_mwh": min(unit),
                "highest_micro_per_mwh": max(unit),
                "spread_ppm": fairness.spread_ppm(unit, mean or 0),
            }
        )
    return rows


def _parties(before: Figures, after: Figures) -> list[dict[str, Any]]:
    """Return energy and money of every participant and product, before and after."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for side, figures in zip(SIDES, (before, after), strict=True):
        for party in figures.totals.parties:
            key = (party.side.value, party.participant, party.product)
            names = {"side": key[0], "participant": key[1], "product": key[2]}
            row = rows.setdefault(key, names)
            row[side] = {
                "energy_wh": party.energy_wh,
                "micro": {design.value: party.amount_micro[design] for design in Design},
            }
    return list(rows.values())


def _per(amount: int, quantity: int) -> int | None:
    return amount // quantity if quantity else None
