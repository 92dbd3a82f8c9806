"""The days of a trial under other market designs: what the same energy would cost.

Baselines stand beside the law, on its readings or on what was made of them (see
`settlement.baselines`). What is passed through is the same under every design and counted in each,
so that charges less payments compare. Prices of a trial as metered come from a solver in floats:
they inform, and no replay compares them. Pure.
"""

import dataclasses
import datetime as dt
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ledger.journal import is_money
from rulebook.documents import MarketRules
from rulebook.resolve import RuleSet
from settlement.baselines.tariffs import (
    day_at_price,
    flat_charges_micro,
    flat_price_micro_per_mwh,
    nodal_price_micro_per_mwh,
    price_bounds,
    uniform_price_micro_per_mwh,
)
from settlement.baselines.totals import Design
from settlement.billing.lines import LINE_KINDS, LineKind, Side
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings, MarketModel
from settlement.dispatch.market import dispatch_model
from settlement.dispatch.programme import DispatchError
from settlement.rules.register import Register, register_of
from settlement.runs.computing import ComputedDay
from settlement.studies import measures
from settlement.studies.fairness import Group
from settlement.trials.evenness import measures_ppm
from settlement.trials.figures import SideFigures
from settlement.trials.prices import PricedDay, figures_of_days

PRICED = (Design.NODAL, Design.UNIFORM)
BASELINES = (*PRICED, Design.FLAT)


@dataclass(frozen=True, eq=False)
class BaselineDay:
    """A day of the law as baselines price it: the energy, and the prices of nodes and of all."""

    readings: DayReadings
    nodal_micro_per_mwh: Integers
    uniform_micro_per_mwh: Integers


def solved_day(rules: RuleSet, model: MarketModel, readings: DayReadings) -> BaselineDay:
    """Return a metered day, priced by least-cost dispatch.

    Raises:
        DispatchError, ValueError: no optimum was found, or the fleet cannot be dispatched.
    """
    dispatch, bounds = dispatch_model(rules), price_bounds(rules.market_rules)
    return BaselineDay(
        readings,
        nodal_price_micro_per_mwh(dispatch, model.supply_point_node, readings, bounds),
        uniform_price_micro_per_mwh(dispatch, model.supply_point_node, readings, bounds),
    )


def made_day(computed: ComputedDay, model: MarketModel, readings: DayReadings) -> BaselineDay:
    """Return a day that was made again, at the prices that were made with it."""
    values = {(vector.measure, vector.entity): vector.values for vector in computed.vectors}

    def rows(measure: str, entities: tuple[str, ...]) -> Integers:
        return np.array([values[measure, entity] for entity in entities], dtype=np.int64)

    made = dataclasses.replace(
        readings,
        generation_wh=rows(measures.GENERATION, tuple(model.units)),
        demand_wh=rows(measures.DELIVERED, tuple(model.supply_points)),
    )
    return BaselineDay(
        made,
        rows(measures.NODAL_PRICE, tuple(model.grid.nodes)),
        rows(measures.UNIFORM_PRICE, measures.MARKET),
    )


@dataclass(eq=False)
class BaselineFigures:
    """The sums of the baselines, which grow day by day; `why_not` says why there are none."""

    paid_micro: dict[Design, int] = field(default_factory=lambda: dict.fromkeys(PRICED, 0))
    charged_micro: dict[Design, dict[str, int]] = field(
        default_factory=lambda: {design: defaultdict(int) for design in BASELINES}
    )
    prices: dict[Design, list[PricedDay]] = field(default_factory=lambda: {d: [] for d in PRICED})
    demand: list[tuple[tuple[str, ...], Integers]] = field(default_factory=list)
    register: Register = field(default_factory=lambda: Register({}, {}))
    why_not: str = ""

    def add(self, rules: RuleSet, model: MarketModel, day: BaselineDay) -> None:
        """Add a day, by the law's rules of it."""
        prices = {Design.NODAL: day.nodal_micro_per_mwh, Design.UNIFORM: day.uniform_micro_per_mwh}
        units, points = dispatch_model(rules).unit_node, model.supply_point_node
        for design, price in prices.items():
            is_one = design is Design.UNIFORM
            outcome = day_at_price(
                price,
                np.zeros_like(units) if is_one else units,
                np.zeros_like(points) if is_one else points,
                day.readings,
            )
            self.paid_micro[design] += int(outcome.payments_micro.sum())
            charged = outcome.charges_micro.sum(axis=1).tolist()
            for name, micro in zip(model.supply_points, charged, strict=True):
                self.charged_micro[design][name] += micro
            places = measures.MARKET if is_one else tuple(model.grid.nodes)
            self.prices[design].append(_priced(places, price, rules.market_rules))
        self.demand.append((tuple(model.supply_points), day.readings.demand_wh))
        met = register_of(rules.registrations)
        self.register = Register(
            self.register.units | met.units, self.register.supply_points | met.supply_points
        )

    def report(self, law: SideFigures) -> dict[str, Any]:
        """Return what each design comes to, by name, or why there are none.

        Args:
            law: what the same days came to under the law.
        """
        if self.why_not:
            return {"why_not": self.why_not}
        passed, paid = _passed_through_micro(law), _designed_payments_micro(law)
        demand = [demand_wh for _, demand_wh in self.demand]
        flat = flat_charges_micro(paid, demand)
        for (names, _), charges in zip(self.demand, flat, strict=True):
            for name, micro in zip(names, charges.sum(axis=1).tolist(), strict=True):
                self.charged_micro[Design.FLAT][name] += micro
        flat_price = flat_price_micro_per_mwh(paid, demand)
        return {
            design.value: self._totals(design, passed, paid)
            | {
                "prices": _flat_prices(flat_price)
                if design is Design.FLAT
                else self._prices(design)
            }
            for design in BASELINES
        }

    def _totals(self, design: Design, passed: dict[Side, int], flat_paid: int) -> dict[str, Any]:
        charged = self.charged_micro[design]
        charges = sum(charged.values()) + passed[Side.CHARGE]
        payments = self.paid_micro.get(design, flat_paid) + passed[Side.PAYMENT]
        groups: list[Group] = [
            (point.household_count, charged[name])
            for name, (_, point) in sorted(self.register.supply_points.items())
            if point.household_count
        ]
        each = [amount // count for count, amount in groups]
        return {
            "charges_micro": charges,
            "payments_micro": payments,
            "equalisation_micro": charges - payments,
            "households": {
                **measures_ppm(groups),
                "lowest_micro": min(each, default=None),
                "highest_micro": max(each, default=None),
            },
        }

    def _prices(self, design: Design) -> dict[str, Any]:
        return dataclasses.asdict(figures_of_days(self.prices[design]))


class DayPricing:
    """Prices days on threads while others are settled; the figures grow in the order of the days.

    The solver works without Python's lock, and takes longer than to settle the day.
    """

    def __init__(self, figures: BaselineFigures, threads: int) -> None:
        self._figures, self._most_waiting = figures, 2 * threads
        self._pool = ThreadPoolExecutor(threads)
        self._waiting: deque[tuple[dt.date, RuleSet, MarketModel, Future[BaselineDay]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)  # after a failure, of days that nobody wants

    def add(
        self,
        rules: RuleSet,
        model: MarketModel,
        computed: ComputedDay,
        readings: DayReadings,
        *,
        is_made: bool,
    ) -> None:
        """Have a day priced, or read at the prices made with it, while there are figures."""
        if self._figures.why_not:
            return
        priced = (
            self._pool.submit(made_day, computed, model, readings)
            if is_made
            else self._pool.submit(solved_day, rules, model, readings)
        )
        self._waiting.append((computed.day, rules, model, priced))
        if len(self._waiting) > self._most_waiting:
            self._take()

    def finish(self) -> None:
        """Wait for the days that are left."""
        while self._waiting:
            self._take()

    def _take(self) -> None:
        """Add the next day to the figures, or keep why they cannot be had."""
        day, rules, model, priced = self._waiting.popleft()
        if self._figures.why_not:
            return
        try:
            self._figures.add(rules, model, priced.result())
        except (DispatchError, OverflowError, ValueError) as problem:
            self._figures.why_not = f"{day}: {problem}"


def _priced(places: tuple[str, ...], price: Integers, rules: MarketRules) -> PricedDay:
    bounds = price_bounds(rules)
    return PricedDay(places, price, bounds.floor_micro_per_mwh, bounds.cap_micro_per_mwh)


def _flat_prices(price_micro_per_mwh: int) -> dict[str, int]:
    """Return the figures of one price; no interval has one of its own that could be at a bound."""
    names = ("lowest_micro_per_mwh", "mean_micro_per_mwh", "highest_micro_per_mwh")
    return dict.fromkeys(names, price_micro_per_mwh) | {"volatility_ppm": 0}


def _passed_through_micro(law: SideFigures) -> dict[Side, int]:
    """Return what is charged and paid that no design sets."""
    sums = dict.fromkeys(Side, 0)
    for kind, amount in _money(law):
        if kind.is_pass_through:
            sums[kind.side] += kind.sign * amount
    return sums


def _designed_payments_micro(law: SideFigures) -> int:
    """Return what a design pays: all payments but what is passed through."""
    return -sum(
        amount
        for kind, amount in _money(law)
        if kind.side is Side.PAYMENT and not kind.is_pass_through
    )


def _money(law: SideFigures) -> Iterator[tuple[LineKind, int]]:
    """Yield what each account of a line moves; a quantity may have an account of the same kind."""
    for account, amount in law.amounts.items():
        if account.kind in LINE_KINDS and is_money(account.commodity):
            yield LINE_KINDS[account.kind], amount
