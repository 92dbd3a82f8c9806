"""What a period comes to under every design: one sum for the command, for studies and trials.

Each design serves in its own way (`settlement.baselines.serving`) and bills what it serves alone
(`settlement.baselines.tariffs`). The flat tariff recovers what it pays over the whole period, so it
charges once all days are there. All is in integers: two that add the same days come to the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from settlement.baselines.carbon import Carbon
from settlement.baselines.day import DesignDay, PricedDay
from settlement.baselines.designs import MARGINAL, Design
from settlement.baselines.tariffs import (
    MarginalDay,
    flat_charges_micro,
    flat_fuel_micro,
    flat_payments_micro,
    flat_price_micro_per_mwh,
    marginal_money,
)
from settlement.billing.lines import Side
from settlement.core.arrays import Integers
from settlement.rules.register import Register

ONE_PLACE = ("market",)
"""Where a uniform price holds."""

Amounts = Mapping[Design, Mapping[str, int]]
"""Micro or Wh by design and unit, or by design and supply point."""


def _of_designs() -> dict[Design, int]:
    return dict.fromkeys(Design, 0)


@dataclass
class PartyTotal:
    """A participant's total for one product or technology.

    Attributes:
        side: payments for units, charges for supply points.
        participant: who is paid or charged.
        product: product of the supply points, or technology of the units.
        energy_wh: by design; generated, net of what storage took in, or delivered, net of export.
            Settled is what was metered.
        asked_wh: what supply points asked for, net of export; 0 for units.
        amount_micro: by design; + is paid to an owner, + is owed by a supplier.
    """

    side: Side
    participant: str
    product: str
    energy_wh: dict[Design, int] = field(default_factory=_of_designs)
    asked_wh: int = 0
    amount_micro: dict[Design, int] = field(default_factory=_of_designs)


class Totals:
    """Sums that grow day by day, until they are closed.

    Attributes:
        register: all units and supply points of the days.
        desired_wh: by supply point, what it asked for, without what it feeds in.
        taken_wh: by design and supply point, what it got, without what it feeds in.
        charged_micro: by design and supply point; of the flat tariff once closed.
        carbon: of what each design generates.
        not_billed_micro: what was asked for and is not served would cost at the marginal prices of
            a design; of the designs that have such prices alone.
        prices: of each day, of the designs with marginal prices.
        flat_price_micro_per_mwh: of the flat tariff, rounded down; once closed.
    """

    def __init__(self) -> None:
        self._parties: dict[tuple[Side, str, str], PartyTotal] = {}
        self._flat_days: list[tuple[Register, Integers]] = []
        self.register = Register({}, {})
        self.desired_wh: dict[str, int] = defaultdict(int)
        self.taken_wh: dict[Design, dict[str, int]] = {d: defaultdict(int) for d in Design}
        self.charged_micro: dict[Design, dict[str, int]] = {d: defaultdict(int) for d in Design}
        self.carbon = {design: Carbon() for design in Design}
        self.not_billed_micro = dict.fromkeys(MARGINAL, 0)
        self.prices: dict[Design, list[PricedDay]] = {design: [] for design in MARGINAL}
        self.flat_price_micro_per_mwh = 0

    def add(self, day: DesignDay) -> None:
        """Add a day: all but what the flat tariff charges.

        Raises:
            OverflowError: a day's sum of money of one entity could pass int64.
        """
        money = marginal_money(day.placed, day.solved)
        self.register = Register(
            self.register.units | day.register.units,
            self.register.supply_points | day.register.supply_points,
        )
        self._add_units(day, money)
        self._add_supply_points(day, money)
        self._flat_days.append((day.register, day.solved.designs.flat.delivered_wh))
        for design, each in money.items():
            self.not_billed_micro[design] += each.not_billed_micro
            nodes = ONE_PLACE if design is Design.UNIFORM else day.nodes
            floor, cap = day.bounds.floor_micro_per_mwh, day.bounds.cap_micro_per_mwh
            self.prices[design].append(PricedDay(nodes, each.price_micro_per_mwh, floor, cap))

    def close(self) -> None:
        """Add what the flat tariff charges for all days together: it recovers all that it pays."""
        paid_micro = self.of(Side.PAYMENT, Design.FLAT)
        delivered_wh = [delivered for _, delivered in self._flat_days]
        charges = flat_charges_micro(paid_micro, delivered_wh)
        for (register, _), micro in zip(self._flat_days, charges, strict=True):
            points = register.supply_points
            self._charge(register, {Design.FLAT: by_name(points, micro.sum(axis=1))})
        self.flat_price_micro_per_mwh = flat_price_micro_per_mwh(paid_micro, delivered_wh)

    def _add_units(self, day: DesignDay, money: Mapping[Design, MarginalDay]) -> None:
        units = day.register.units
        fuel = by_name(units, flat_fuel_micro(day.placed, day.solved).sum(axis=1))
        paid: Amounts = {
            Design.SETTLED: day.money.paid,
            Design.FLAT: flat_payments_micro(day.money.paid, day.money.fuel, fuel),
        } | {d: by_name(units, each.payments_micro.sum(axis=1)) for d, each in money.items()}
        generation_wh = {design: each.generation_wh for design, each in day.served.items()}
        energy_wh = {d: by_name(units, wh.sum(axis=1)) for d, wh in generation_wh.items()}
        for unit, (owner, registered) in units.items():
            party = self._party(Side.PAYMENT, owner, registered.technology)
            _add(party, unit, energy_wh, paid)
        for design, wh in generation_wh.items():
            self.carbon[design].add(units, wh)

    def _add_supply_points(self, day: DesignDay, money: Mapping[Design, MarginalDay]) -> None:
        points = day.register.supply_points
        asked = by_name(points, day.solved.asked_wh.sum(axis=1))
        delivered_wh = {design: each.delivered_wh for design, each in day.served.items()}
        energy_wh = {d: by_name(points, wh.sum(axis=1)) for d, wh in delivered_wh.items()}
        for point, (supplier, registered) in points.items():
            party = self._party(Side.CHARGE, supplier, registered.product)
            party.asked_wh += asked[point]
            _add(party, point, energy_wh, {})
        _take(self.desired_wh, points, day.solved.asked_wh)
        for design, wh in delivered_wh.items():
            _take(self.taken_wh[design], points, wh)
        self._charge(
            day.register,
            {Design.SETTLED: day.money.charged}
            | {d: by_name(points, each.charges_micro.sum(axis=1)) for d, each in money.items()},
        )

    def _charge(self, register: Register, amounts_micro: Amounts) -> None:
        for point, (supplier, registered) in register.supply_points.items():
            party = self._party(Side.CHARGE, supplier, registered.product)
            _add(party, point, {}, amounts_micro)
            for design, amounts in amounts_micro.items():
                self.charged_micro[design][point] += amounts.get(point, 0)

    @property
    def parties(self) -> list[PartyTotal]:
        """Every total: payments first, then by participant and product."""
        order = list(Side)
        return sorted(
            self._parties.values(),
            key=lambda party: (order.index(party.side), party.participant, party.product),
        )

    def of(self, side: Side, design: Design) -> int:
        """Return the sum of all payments or all charges under one design, in micro."""
        return sum(party.amount_micro[design] for party in self.parties if party.side == side)

    def energy_wh(self, side: Side, design: Design) -> int:
        """Return all that was generated, or delivered net of export, under one design."""
        return sum(party.energy_wh[design] for party in self.parties if party.side == side)

    @property
    def asked_wh(self) -> int:
        """All that supply points asked for, net of export."""
        return sum(party.asked_wh for party in self.parties)

    def households(self, design: Design) -> list[tuple[int, int]]:
        """Return how many households are behind each supply point, and what they are charged."""
        charged = self.charged_micro[design]
        return [
            (registered.household_count, charged[point])
            for point, (_, registered) in sorted(self.register.supply_points.items())
            if registered.household_count
        ]

    def _party(self, side: Side, participant: str, product: str) -> PartyTotal:
        key = (side, participant, product)
        return self._parties.setdefault(key, PartyTotal(side, participant, product))


def by_name(names: Iterable[str], totals: Iterable[int]) -> dict[str, int]:
    """Return totals by name, as whole Python numbers."""
    return {name: int(total) for name, total in zip(names, totals, strict=True)}


def _take(sums: dict[str, int], points: Iterable[str], energy_wh: Integers) -> None:
    """Add what supply points take, int64[G, T], whatever they feed in at other times."""
    for point, wh in by_name(points, np.maximum(energy_wh, 0).sum(axis=1)).items():
        sums[point] += wh


def _add(party: PartyTotal, entity: str, energy_wh: Amounts, amounts_micro: Amounts) -> None:
    for design, energy in energy_wh.items():
        party.energy_wh[design] += energy.get(entity, 0)
    for design, amounts in amounts_micro.items():
        party.amount_micro[design] += amounts.get(entity, 0)
