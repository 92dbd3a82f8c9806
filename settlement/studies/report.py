"""The report of a study: the days under the shock beside the same days without it, by design.

Everything comes from the stored vectors of the two runs, in integers, so a replay finds the same
report. Each design serves in its own way, and bills what it serves alone: the market maker what
Fair Play and dispatch deliver, the others as `settlement.baselines` says. Pass-through charges are
left out: no design sets them. The report is a plain mapping, stored as JSON:

``operation``
    of the market maker, for `before` and `after`: desired, served, unserved (desired = served +
    unserved), the physical maximum v(all), which counts storage at its full power in every
    interval, *wasted* (what could have been served with storage at what it gave, less what was
    served), *curtailed* (available at an offer of nothing and not generated), generated, intervals
    in which somebody got less than asked, fuel as bid, the highest tightness of any part of the
    grid, and the lowest and the Jain index of delivered over desired by supply point.
``designs``
    for each of settled (the market maker), nodal, uniform and flat, before and after: ``service``
    (served, unserved, what the unserved would cost at the design's marginal prices and is not
    billed, the lowest and the Jain index of delivered over desired by supply point, carbon of what
    is generated and the units of which no intensity is stated), ``prices``
    (see `settlement.price_figures`; the flat price has one place and no bounds of its own),
    ``cost`` (charges, payments, movement = charges - payments, charges per MWh taken),
    ``households`` (Gini and Lorenz of charges per household, lowest and highest), and ``places``
    (by product, the spread over supply points of charges per MWh around the product's mean).
``parties``
    for each participant and product or technology: energy and money by design.

Rounding: every ratio is rounded down; what is not defined (nothing was taken) is null.
"""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from settlement.baselines.designs import Design
from settlement.baselines.serving import Served
from settlement.baselines.tariffs import (
    FUEL_MEASURE,
    Placed,
    PriceBounds,
    SolvedDay,
    flat_charges_micro,
    flat_fuel_micro,
    flat_payments_micro,
    flat_price_micro_per_mwh,
    marginal_money,
)
from settlement.baselines.totals import Totals, by_name
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.arrays import Integers
from settlement.core.rounding import WH_PER_MWH
from settlement.fairness import inequality
from settlement.fairness.price_figures import price_figures, side_by_side
from settlement.rules.register import Register
from settlement.runs.results import VectorKey
from settlement.studies import measures
from settlement.studies.stored_designs import stored_solution

FORMAT = "tallystick.study-report.2"
SIDES = ("before", "after")


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

    def micro(self, of_measures: Collection[str]) -> dict[str, int]:
        """Return the day's money by entity, of some measures together."""
        sums: dict[str, int] = defaultdict(int)
        for (measure, entity), values in self.values.items():
            if measure in of_measures:
                sums[entity] += int(values.sum())
        return sums

    @property
    def placed(self) -> Placed:
        """Where everybody is, and what units offer."""
        place = {node: number for number, node in enumerate(self.nodes)}
        units = [unit for _, unit in self.register.units.values()]
        points = [point for _, point in self.register.supply_points.values()]
        return Placed(
            np.array([place[unit.node] for unit in units], np.int64),
            np.array([place[point.node] for point in points], np.int64),
            np.array([unit.offer_micro_per_mwh for unit in units], np.int64),
        )

    @property
    def solved(self) -> SolvedDay:
        """What solvers left of the day.

        Raises:
            KeyError: an earlier release made the day, and stored nothing of other designs.
        """
        units, points = tuple(self.register.units), tuple(self.register.supply_points)
        return stored_solution(self.rows, units, points, self.nodes)


class Figures:
    """What one run of a study comes to, day by day."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.totals = Totals()
        self.operation: dict[str, int] = defaultdict(int)
        self.prices: dict[Design, list[Integers]] = defaultdict(list)
        self.charges: dict[Design, dict[str, int]] = {d: defaultdict(int) for d in Design}
        self.desired_wh: dict[str, int] = defaultdict(int)
        self.taken_wh: dict[Design, dict[str, int]] = {d: defaultdict(int) for d in Design}
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
        """Add a day: its operation, and its money under every design but what flat charges."""
        register, solved = day.register, day.solved
        points, units = tuple(register.supply_points), tuple(register.units)
        self.register = Register(
            self.register.units | register.units,
            self.register.supply_points | register.supply_points,
        )
        served = {
            Design.SETTLED: Served(
                day.rows(measures.DELIVERED, points), day.rows(measures.GENERATION, units)
            ),
            **solved.designs.served,
        }
        self._add_operation(day, solved.asked_wh, served[Design.SETTLED])
        self._take(points, solved.asked_wh, served)
        self._add_money(day, solved, served)
        self._days.append((day, solved.designs.flat.delivered_wh))

    def close(self) -> None:
        """Add the flat tariff, which needs every day: it recovers all that it pays."""
        paid_micro = self.totals.of(Side.PAYMENT, Design.FLAT)
        delivered_wh = [delivered for _, delivered in self._days]
        charges = flat_charges_micro(paid_micro, delivered_wh)
        for (day, _), micro in zip(self._days, charges, strict=True):
            by_point = by_name(day.register.supply_points, micro.sum(axis=1))
            self.totals.add_charges(day.register, {Design.FLAT: by_point})
            self._charge({Design.FLAT: by_point})
        price = flat_price_micro_per_mwh(paid_micro, delivered_wh)
        self.prices[Design.FLAT] = [np.full((1, self.intervals), price, dtype=np.int64)]

    def _add_money(self, day: StudyDay, solved: SolvedDay, served: Mapping[Design, Served]) -> None:
        market, register = day.placed, day.register
        money = marginal_money(market, solved)
        units, points = tuple(register.units), tuple(register.supply_points)
        paid = day.micro(measures_of_designs(Side.PAYMENT))
        flat = flat_payments_micro(
            paid,
            day.micro({FUEL_MEASURE}),
            by_name(units, flat_fuel_micro(market, solved).sum(axis=1)),
        )
        charges = {Design.SETTLED: day.micro(measures_of_designs(Side.CHARGE))} | {
            design: by_name(points, each.charges_micro.sum(axis=1))
            for design, each in money.items()
        }
        self.totals.add_units(
            register,
            {design: each.generation_wh for design, each in served.items()},
            {Design.SETTLED: paid, Design.FLAT: flat}
            | {d: by_name(units, each.payments_micro.sum(axis=1)) for d, each in money.items()},
        )
        self.totals.add_supply_points(
            register,
            solved.asked_wh,
            {design: each.delivered_wh for design, each in served.items()},
            charges,
        )
        self._charge(charges)
        self.prices[Design.SETTLED].append(day.rows("node_price_micro_per_mwh", day.nodes))
        for design, each in money.items():
            self.prices[design].append(each.price_micro_per_mwh)
            self.totals.not_billed_micro[design] += each.not_billed_micro

    def _charge(self, amounts: Mapping[Design, Mapping[str, int]]) -> None:
        for design, by_point in amounts.items():
            for point, micro in by_point.items():
                self.charges[design][point] += micro

    def _take(
        self, points: Sequence[str], asked_wh: Integers, served: Mapping[Design, Served]
    ) -> None:
        """Add what supply points asked for and took, without what they feed in."""
        taken = {design: each.delivered_wh for design, each in served.items()}
        for sums, energy in (
            (self.desired_wh, asked_wh),
            *((self.taken_wh[design], wh) for design, wh in taken.items()),
        ):
            for point, wh in by_name(points, np.maximum(energy, 0).sum(axis=1)).items():
                sums[point] += wh

    def _add_operation(self, day: StudyDay, desired: Integers, served: Served) -> None:
        desired_wh, taken_wh = np.maximum(desired, 0), np.maximum(served.delivered_wh, 0)
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
            "generated_wh": np.maximum(served.generation_wh, 0).sum(),
            "short_intervals": (desired_wh > taken_wh).any(axis=0).sum(),
            "fuel_micro": sum(sum(row.tolist()) for row in day.of(FUEL_MEASURE)),
        }
        for name, value in added.items():
            self.operation[name] += int(value)
        self.operation["highest_tightness_ppm"] = max(
            self.operation["highest_tightness_ppm"], int(day.of("tightness_ppm").max())
        )


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


def _operation(figures: Figures) -> dict[str, int | None]:
    return {**dict(figures.operation), **_evenness(figures, Design.SETTLED)}


def _evenness(figures: Figures, design: Design) -> dict[str, int | None]:
    """Return how evenly supply points are served, each counting once."""
    taken_wh = figures.taken_wh[design]
    ratios = [
        taken_wh[point] * inequality.PPM // desired
        for point, desired in sorted(figures.desired_wh.items())
        if desired
    ]
    return {
        "lowest_delivery_ppm": min(ratios, default=None),
        "jain_ppm": inequality.jain_ppm(ratios),
    }


def _service(figures: Figures, design: Design) -> dict[str, Any]:
    served_wh = sum(figures.taken_wh[design].values())
    return {
        "served_wh": served_wh,
        "unserved_wh": sum(figures.desired_wh.values()) - served_wh,
        "not_billed_micro": figures.totals.not_billed_micro[design],
        **_evenness(figures, design),
        **figures.totals.carbon[design].as_json(),
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
        "service": _service(figures, design),
        "prices": dataclasses.asdict(prices),
        "cost": {
            "charges_micro": charges,
            "payments_micro": payments,
            "movement_micro": charges - payments,
            "charges_micro_per_mwh": _per(
                charges * WH_PER_MWH, sum(figures.taken_wh[design].values())
            ),
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
        "gini_ppm": inequality.gini_ppm(groups),
        "lorenz_ppm": inequality.lorenz_ppm(groups),
        "lowest_micro": min(per_household, default=None),
        "highest_micro": max(per_household, default=None),
    }


def _places(figures: Figures, design: Design) -> list[dict[str, Any]]:
    points: dict[str, list[str]] = defaultdict(list)
    taken_wh = figures.taken_wh[design]
    for point, (_, registered) in sorted(figures.register.supply_points.items()):
        if taken_wh[point]:
            points[registered.product].append(point)
    rows = []
    for product, names in sorted(points.items()):
        charged = {point: figures.charges[design][point] for point in names}
        unit = [charged[name] * WH_PER_MWH // taken_wh[name] for name in names]
        mean = _per(sum(charged.values()) * WH_PER_MWH, sum(taken_wh[p] for p in names))
        rows.append(
            {
                "product": product,
                "mean_micro_per_mwh": mean,
                "lowest_micro_per_mwh": min(unit),
                "highest_micro_per_mwh": max(unit),
                "spread_ppm": inequality.spread_ppm(unit, mean or 0),
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
                "energy_wh": {design.value: party.energy_wh[design] for design in Design},
                "micro": {design.value: party.amount_micro[design] for design in Design},
            }
    return list(rows.values())


def _per(amount: int, quantity: int) -> int | None:
    return amount // quantity if quantity else None
