"""Totals of a period by participant and product: what was settled, beside each baseline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from settlement.billing.lines import Side
from settlement.rules.register import Register


class Design(StrEnum):
    """What was settled, and the designs it is held against."""

    SETTLED = "settled"
    NODAL = "nodal"
    UNIFORM = "uniform"
    FLAT = "flat"


Amounts = Mapping[Design, Mapping[str, int]]
"""Micro by design and unit, or by design and supply point."""


@dataclass
class PartyTotal:
    """A participant's total for one product or technology.

    Attributes:
        side: payments for units, charges for supply points.
        participant: who is paid or charged.
        product: product of the supply points, or technology of the units.
        energy_wh: metered; net of what storage took in, net of export.
        amount_micro: by design; + is paid to an owner, + is owed by a supplier.
    """

    side: Side
    participant: str
    product: str
    energy_wh: int = 0
    amount_micro: dict[Design, int] = field(default_factory=lambda: dict.fromkeys(Design, 0))


class Totals:
    """Sums that grow day by day."""

    def __init__(self) -> None:
        self._parties: dict[tuple[Side, str, str], PartyTotal] = {}

    def add_units(
        self, register: Register, energy_wh: Mapping[str, int], amounts_micro: Amounts
    ) -> None:
        """Add what units generated and were paid; each mapping is by unit."""
        for unit, (owner, registered) in register.units.items():
            party = self._party(Side.PAYMENT, owner, registered.technology)
            _add(party, unit, energy_wh, amounts_micro)

    def add_supply_points(
        self, register: Register, energy_wh: Mapping[str, int], amounts_micro: Amounts
    ) -> None:
        """Add what supply points took and were charged; each mapping is by supply point."""
        for point, (supplier, registered) in register.supply_points.items():
            party = self._party(Side.CHARGE, supplier, registered.product)
            _add(party, point, energy_wh, amounts_micro)

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

    def _party(self, side: Side, participant: str, product: str) -> PartyTotal:
        key = (side, participant, product)
        return self._parties.setdefault(key, PartyTotal(side, participant, product))


def by_name(names: Iterable[str], totals: Iterable[int]) -> dict[str, int]:
    """Return totals by name, as whole Python numbers."""
    return {name: int(total) for name, total in zip(names, totals, strict=True)}


def _add(
    party: PartyTotal, entity: str, energy_wh: Mapping[str, int], amounts_micro: Amounts
) -> None:
    party.energy_wh += energy_wh.get(entity, 0)
    for design, amounts in amounts_micro.items():
        party.amount_micro[design] += amounts.get(entity, 0)
