"""Totals of a period by participant and product: what was settled, beside each baseline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from settlement.baselines.carbon import Carbon
from settlement.baselines.designs import MARGINAL, Design
from settlement.billing.lines import Side
from settlement.core.arrays import Integers
from settlement.rules.register import Register

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
    """Sums that grow day by day.

    Attributes:
        carbon: of what each design generates.
        not_billed_micro: what was asked for and is not served would cost at the marginal prices of
            a design; of the designs that have such prices alone.
    """

    def __init__(self) -> None:
        self._parties: dict[tuple[Side, str, str], PartyTotal] = {}
        self.carbon = {design: Carbon() for design in Design}
        self.not_billed_micro = dict.fromkeys(MARGINAL, 0)

    def add_units(
        self, register: Register, generation_wh: Mapping[Design, Integers], amounts_micro: Amounts
    ) -> None:
        """Add what units generated, int64[U, T] by design, and were paid."""
        energy_wh = {
            design: by_name(register.units, wh.sum(axis=1)) for design, wh in generation_wh.items()
        }
        for unit, (owner, registered) in register.units.items():
            party = self._party(Side.PAYMENT, owner, registered.technology)
            _add(party, unit, energy_wh, amounts_micro)
        for design, wh in generation_wh.items():
            self.carbon[design].add(register.units, wh)

    def add_supply_points(
        self,
        register: Register,
        asked_wh: Integers,
        delivered_wh: Mapping[Design, Integers],
        amounts_micro: Amounts,
    ) -> None:
        """Add what supply points asked for, int64[G, T], got by design, and were charged."""
        names = register.supply_points
        asked = by_name(names, asked_wh.sum(axis=1))
        energy_wh = {design: by_name(names, wh.sum(axis=1)) for design, wh in delivered_wh.items()}
        for point, (supplier, registered) in names.items():
            party = self._party(Side.CHARGE, supplier, registered.product)
            party.asked_wh += asked[point]
            _add(party, point, energy_wh, amounts_micro)

    def add_charges(self, register: Register, amounts_micro: Amounts) -> None:
        """Add what supply points are charged for energy that was added before."""
        for point, (supplier, registered) in register.supply_points.items():
            party = self._party(Side.CHARGE, supplier, registered.product)
            _add(party, point, {}, amounts_micro)

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

    def _party(self, side: Side, participant: str, product: str) -> PartyTotal:
        key = (side, participant, product)
        return self._parties.setdefault(key, PartyTotal(side, participant, product))


def by_name(names: Iterable[str], totals: Iterable[int]) -> dict[str, int]:
    """Return totals by name, as whole Python numbers."""
    return {name: int(total) for name, total in zip(names, totals, strict=True)}


def _add(party: PartyTotal, entity: str, energy_wh: Amounts, amounts_micro: Amounts) -> None:
    for design, energy in energy_wh.items():
        party.energy_wh[design] += energy.get(entity, 0)
    for design, amounts in amounts_micro.items():
        party.amount_micro[design] += amounts.get(entity, 0)
