"""A day as designs are held against each other: what was settled of it, and what solvers left."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from settlement.baselines.designs import Design
from settlement.baselines.serving import Served
from settlement.baselines.tariffs import FUEL_MEASURE, Placed, PriceBounds, SolvedDay
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.arrays import Integers
from settlement.rules.register import Register

PAID, CHARGED = (measures_of_designs(side) for side in (Side.PAYMENT, Side.CHARGE))


@dataclass(frozen=True, eq=False)
class PricedDay:
    """The prices of a day, and the bounds that its law sets.

    Attributes:
        nodes: the places, in the order of rows.
        prices_micro_per_mwh: shape (N, T).
    """

    nodes: tuple[str, ...]
    prices_micro_per_mwh: Integers
    floor_micro_per_mwh: int
    cap_micro_per_mwh: int


@dataclass(frozen=True, eq=False)
class SettledMoney:
    """What the settlement of a day moves that a design sets, in micro: all but what is passed on.

    Attributes:
        paid: by unit, + is paid to its owner.
        fuel: by unit, the part of it that is fuel.
        charged: by supply point, + is owed by its supplier.
    """

    paid: Mapping[str, int]
    fuel: Mapping[str, int]
    charged: Mapping[str, int]

    @classmethod
    def of(cls, results: Iterable[tuple[str, str, Integers]]) -> Self:
        """Return it of a day's results: measure, entity, and int64[T]."""
        paid, fuel, charged = (defaultdict[str, int](int) for _ in range(3))
        for measure, entity, values in results:
            if measure in PAID:
                paid[entity] += int(values.sum())
            if measure == FUEL_MEASURE:
                fuel[entity] += int(values.sum())
            if measure in CHARGED:
                charged[entity] += int(values.sum())
        return cls(paid, fuel, charged)


@dataclass(frozen=True, eq=False)
class DesignDay:
    """A day under every design: G supply points, U units, N nodes, T intervals.

    Attributes:
        register: who answers for units and supply points, in the order of rows.
        nodes: the places of nodal prices.
        placed: where everybody is, and what units offer.
        bounds: floor and cap of its law.
        settled: what was metered, or taken as it settles, or delivered and generated where the day
            was made.
        money: what was settled.
        solved: who is served under the other designs, and at what prices.
    """

    register: Register
    nodes: tuple[str, ...]
    placed: Placed
    bounds: PriceBounds
    settled: Served
    money: SettledMoney
    solved: SolvedDay

    @property
    def served(self) -> dict[Design, Served]:
        """Who is served, by design."""
        return {Design.SETTLED: self.settled, **self.solved.designs.served}
