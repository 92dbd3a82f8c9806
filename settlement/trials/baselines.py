"""The days of a trial under other market designs: what the same energy would cost.

Baselines stand beside the law, on its readings or on what was made of them; each serves in its own
way and bills what it serves alone (see `settlement.baselines`). What is passed through is the same
under every design and counted in each, so that charges less payments compare. Of a trial as metered
prices and what is served come from a solver in floats: they inform, and no replay compares them.

Of each design: charges, payments and what equalisation keeps, `served_wh` (without net export),
`not_billed_micro` (what is asked for and not served would cost at its marginal prices), carbon of
what is generated, households and prices. Beside them `law` has what was asked for, served, and
emitted under the law, as metered or made. Pure.
"""

import dataclasses
import datetime as dt
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ledger.journal import is_money
from rulebook.documents import MarketRules
from rulebook.resolve import RuleSet
from settlement.baselines.carbon import Carbon
from settlement.baselines.designs import BASELINES, MARGINAL, Design
from settlement.baselines.tariffs import (
    FUEL_MEASURE,
    SolvedDay,
    flat_charges_micro,
    flat_fuel_micro,
    flat_price_micro_per_mwh,
    marginal_money,
    placed,
    price_bounds,
    solve_day,
)
from settlement.billing.lines import KIND_OF_MEASURE, LINE_KINDS, LineKind, Side
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings, MarketModel
from settlement.dispatch.market import dispatch_model
from settlement.dispatch.solving import DispatchError
from settlement.fairness.inequality import Group
from settlement.fairness.prices_of_days import PricedDay, figures_of_days
from settlement.rules.register import Register, register_of
from settlement.runs.computing import ComputedDay
from settlement.studies import measures
from settlement.studies.stored_designs import stored_solution
from settlement.trials.evenness import measures_ppm
from settlement.trials.figures import SideFigures
from settlement.trials.report import LAW

FUEL = KIND_OF_MEASURE[FUEL_MEASURE]


@dataclass(frozen=True, eq=False)
class BaselineDay:
    """A day of the law, and how baselines serve and price it.

    Attributes:
        generation_wh, served_wh: int64[U, T] and int64[G, T], under the law; net export negative.
    """

    generation_wh: Integers
    served_wh: Integers
    solved: SolvedDay


def solved_day(rules: RuleSet, model: MarketModel, readings: DayReadings) -> BaselineDay:
    """Return a metered day, served and priced by least-cost dispatch.

    Raises:
        DispatchError, ValueError: no optimum was found, or the fleet cannot be dispatched.
    """
    bounds = price_bounds(rules.market_rules)
    solved = solve_day(dispatch_model(rules), model.supply_point_node, readings, bounds)
    return BaselineDay(readings.generation_wh, readings.demand_wh, solved)


def made_day(computed: ComputedDay, model: MarketModel) -> BaselineDay:
    """Return a day that was made again, as baselines were served and priced with it."""
    values = {(vector.measure, vector.entity): vector.values for vector in computed.vectors}

    def rows(measure: str, entities: Sequence[str]) -> Integers:
        return np.array([values[measure, entity] for entity in entities], dtype=np.int64)

    units, points = tuple(model.units), tuple(model.supply_points)
    solved = stored_solution(rows, units, points, tuple(model.grid.nodes))
    return BaselineDay(rows(measures.GENERATION, units), rows(measures.DELIVERED, points), solved)


@dataclass(eq=False)
class BaselineFigures:
    """The sums of the baselines, which grow day by day; `why_not` says why there are none.

    Attributes:
        paid_micro: at marginal prices; of the flat tariff, fuel alone.
        taken_wh: what supply points took; settled is under the law.
        flat_delivered: of each day, its supply points and what they get under the flat tariff.
    """

    paid_micro: dict[Design, int] = field(default_factory=lambda: dict.fromkeys(BASELINES, 0))
    charged_micro: dict[Design, dict[str, int]] = field(
        default_factory=lambda: {design: defaultdict(int) for design in BASELINES}
    )
    not_billed_micro: dict[Design, int] = field(default_factory=lambda: dict.fromkeys(MARGINAL, 0))
    asked_wh: int = 0
    taken_wh: dict[Design, int] = field(default_factory=lambda: dict.fromkeys(Design, 0))
    carbon: dict[Design, Carbon] = field(default_factory=lambda: {d: Carbon() for d in Design})
    prices: dict[Design, list[PricedDay]] = field(default_factory=lambda: {d: [] for d in MARGINAL})
    flat_delivered: list[tuple[tuple[str, ...], Integers]] = field(default_factory=list)
    register: Register = field(default_factory=lambda: Register({}, {}))
    why_not: str = ""

    def add(self, rules: RuleSet, model: MarketModel, day: BaselineDay) -> None:
        """Add a day, by the law's rules of it."""
        solved, market = day.solved, placed(model)
        for design, money in marginal_money(market, solved).items():
            self.paid_micro[design] += int(money.payments_micro.sum())
            charged = money.charges_micro.sum(axis=1).tolist()
            for name, micro in zip(model.supply_points, charged, strict=True):
                self.charged_micro[design][name] += micro
            self.not_billed_micro[design] += money.not_billed_micro
            is_one = design is Design.UNIFORM
            places = measures.MARKET if is_one else tuple(model.grid.nodes)
            self.prices[design].append(
                _priced(places, money.price_micro_per_mwh, rules.market_rules)
            )
        self.paid_micro[Design.FLAT] += int(flat_fuel_micro(market, solved).sum())
        met = register_of(rules.registrations)
        self.asked_wh += _taken_wh(solved.asked_wh)
        self._serve(met, Design.SETTLED, day.served_wh, day.generation_wh)
        for design, served in solved.designs.served.items():
            self._serve(met, design, served.delivered_wh, served.generation_wh)
        self.flat_delivered.append((tuple(model.supply_points), solved.designs.flat.delivered_wh))
        self.register = Register(
            self.register.units | met.units, self.register.supply_points | met.supply_points
        )

    def _serve(
        self, met: Register, design: Design, delivered_wh: Integers, generation_wh: Integers
    ) -> None:
        self.taken_wh[design] += _taken_wh(delivered_wh)
        self.carbon[design].add(met.units, generation_wh)

    def report(self, law: SideFigures) -> dict[str, Any]:
        """Return what each design comes to, by name, or why there are none.

        Args:
            law: what the same days came to under the law.
        """
        if self.why_not:
            return {"why_not": self.why_not}
        passed = _passed_through_micro(law)
        paid = dict(self.paid_micro)
        paid[Design.FLAT] += _payments_without_fuel_micro(law)
        delivered = [delivered_wh for _, delivered_wh in self.flat_delivered]
        flat = flat_charges_micro(paid[Design.FLAT], delivered)
        for (names, _), charges in zip(self.flat_delivered, flat, strict=True):
            for name, micro in zip(names, charges.sum(axis=1).tolist(), strict=True):
                self.charged_micro[Design.FLAT][name] += micro
        flat_price = flat_price_micro_per_mwh(paid[Design.FLAT], delivered)
        return {
            LAW: {"asked_wh": self.asked_wh, **self._service(Design.SETTLED)},
            **{
                design.value: self._totals(design, passed, paid[design])
                | {
                    "prices": _flat_prices(flat_price)
                    if design is Design.FLAT
                    else self._prices(design)
                }
                for design in BASELINES
            },
        }

    def _service(self, design: Design) -> dict[str, Any]:
        return {"served_wh": self.taken_wh[design], **self.carbon[design].as_json()}

    def _totals(self, design: Design, passed: dict[Side, int], paid: int) -> dict[str, Any]:
        charged = self.charged_micro[design]
        charges = sum(charged.values()) + passed[Side.CHARGE]
        payments = paid + passed[Side.PAYMENT]
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
            **self._service(design),
            "not_billed_micro": self.not_billed_micro.get(design),
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
            self._pool.submit(made_day, computed, model)
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


def _taken_wh(energy_wh: Integers) -> int:
    """Return what supply points take together, whatever others feed in."""
    return int(np.maximum(energy_wh, 0).sum())


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


def _payments_without_fuel_micro(law: SideFigures) -> int:
    """Return what any design pays: all payments but fuel, and what is passed through."""
    return -sum(
        amount
        for kind, amount in _money(law)
        if kind.side is Side.PAYMENT and not kind.is_pass_through and kind is not FUEL
    )


def _money(law: SideFigures) -> Iterator[tuple[LineKind, int]]:
    """Yield what each account of a line moves; a quantity may have an account of the same kind."""
    for account, amount in law.amounts.items():
        if account.kind in LINE_KINDS and is_money(account.commodity):
            yield LINE_KINDS[account.kind], amount
