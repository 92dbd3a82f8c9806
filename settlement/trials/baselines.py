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
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ledger.journal import is_money
from rulebook.resolve import RuleSet
from settlement.baselines.day import DesignDay, SettledMoney
from settlement.baselines.designs import BASELINES, Design
from settlement.baselines.serving import Network, Served
from settlement.baselines.tariffs import SolvedDay, placed, price_bounds, solve_day
from settlement.baselines.totals import Totals
from settlement.billing.lines import LINE_KINDS, LineKind, Side
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings, MarketModel
from settlement.dispatch.market import dispatch_model
from settlement.dispatch.solving import DispatchError
from settlement.fairness.prices_of_days import figures_of_days
from settlement.rules.register import register_of
from settlement.runs.computing import ComputedDay
from settlement.studies import measures
from settlement.studies.stored_designs import stored_solution
from settlement.trials.evenness import measures_ppm
from settlement.trials.figures import SideFigures
from settlement.trials.report import LAW


def solved_day(
    rules: RuleSet, model: MarketModel, readings: DayReadings, money: SettledMoney
) -> DesignDay:
    """Return a metered day, served and priced by least-cost dispatch.

    Raises:
        DispatchError, ValueError: no optimum was found, or the fleet cannot be dispatched.
    """
    bounds = price_bounds(rules.market_rules)
    network = Network.of(dispatch_model(rules), model.energy_areas, model.supply_point_node)
    solved = solve_day(network, readings, bounds)
    metered = Served(readings.demand_wh, readings.generation_wh)
    return _design_day(rules, model, metered, money, solved)


def made_day(
    rules: RuleSet, model: MarketModel, computed: ComputedDay, money: SettledMoney
) -> DesignDay:
    """Return a day that was made again, as baselines were served and priced with it."""
    values = {(vector.measure, vector.entity): vector.values for vector in computed.vectors}

    def rows(measure: str, entities: Sequence[str]) -> Integers:
        return np.array([values[measure, entity] for entity in entities], dtype=np.int64)

    units, points = tuple(model.units), tuple(model.supply_points)
    solved = stored_solution(rows, units, points, tuple(model.grid.nodes))
    made = Served(rows(measures.DELIVERED, points), rows(measures.GENERATION, units))
    return _design_day(rules, model, made, money, solved)


def _design_day(
    rules: RuleSet, model: MarketModel, settled: Served, money: SettledMoney, solved: SolvedDay
) -> DesignDay:
    return DesignDay(
        register_of(rules.registrations),
        tuple(model.grid.nodes),
        placed(model),
        price_bounds(rules.market_rules),
        settled,
        money,
        solved,
    )


@dataclass(eq=False)
class BaselineFigures:
    """The sums of the baselines, which grow day by day; `why_not` says why there are none."""

    totals: Totals = field(default_factory=Totals)
    why_not: str = ""

    def report(self, law: SideFigures) -> dict[str, Any]:
        """Return what each design comes to, by name, or why there are none.

        Args:
            law: what the same days came to under the law.
        """
        if self.why_not:
            return {"why_not": self.why_not}
        self.totals.close()
        passed = _passed_through_micro(law)
        asked_wh = sum(self.totals.desired_wh.values())
        return {
            LAW: {"asked_wh": asked_wh, **self._service(Design.SETTLED)},
            **{design.value: self._design(design, passed) for design in BASELINES},
        }

    def _service(self, design: Design) -> dict[str, Any]:
        served_wh = sum(self.totals.taken_wh[design].values())
        return {"served_wh": served_wh, **self.totals.carbon[design].as_json()}

    def _design(self, design: Design, passed: dict[Side, int]) -> dict[str, Any]:
        charges, payments = (
            self.totals.of(side, design) + passed[side] for side in (Side.CHARGE, Side.PAYMENT)
        )
        groups = self.totals.households(design)
        each = [amount // count for count, amount in groups]
        return {
            "charges_micro": charges,
            "payments_micro": payments,
            "equalisation_micro": charges - payments,
            **self._service(design),
            "not_billed_micro": self.totals.not_billed_micro.get(design),
            "households": {
                **measures_ppm(groups),
                "lowest_micro": min(each, default=None),
                "highest_micro": max(each, default=None),
            },
            "prices": self._prices(design),
        }

    def _prices(self, design: Design) -> dict[str, Any]:
        if design is Design.FLAT:
            return _flat_prices(self.totals.flat_price_micro_per_mwh)
        return dataclasses.asdict(figures_of_days(self.totals.prices[design]))


class DayPricing:
    """Prices days on threads while others are settled; the figures grow in the order of the days.

    The solver works without Python's lock, and takes longer than to settle the day.
    """

    def __init__(self, figures: BaselineFigures, threads: int) -> None:
        self._figures, self._most_waiting = figures, 2 * threads
        self._pool = ThreadPoolExecutor(threads)
        self._waiting: deque[tuple[dt.date, Future[DesignDay]]] = deque()

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
        money = SettledMoney.of(
            (each.measure, each.entity, each.values) for each in computed.vectors
        )
        priced = (
            self._pool.submit(made_day, rules, model, computed, money)
            if is_made
            else self._pool.submit(solved_day, rules, model, readings, money)
        )
        self._waiting.append((computed.day, priced))
        if len(self._waiting) > self._most_waiting:
            self._take()

    def finish(self) -> None:
        """Wait for the days that are left."""
        while self._waiting:
            self._take()

    def _take(self) -> None:
        """Add the next day to the figures, or keep why they cannot be had."""
        day, priced = self._waiting.popleft()
        if self._figures.why_not:
            return
        try:
            self._figures.totals.add(priced.result())
        except (DispatchError, OverflowError, ValueError) as problem:
            self._figures.why_not = f"{day}: {problem}"


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


def _money(law: SideFigures) -> Iterator[tuple[LineKind, int]]:
    """Yield what each account of a line moves; a quantity may have an account of the same kind."""
    for account, amount in law.amounts.items():
        if account.kind in LINE_KINDS and is_money(account.commodity):
            yield LINE_KINDS[account.kind], amount
