"""Who answers for which unit, supply point, sub-meter and charge under one rule set."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rulebook.checks.charges import span_of
from rulebook.days import overlapping
from rulebook.documents.charge_list import (
    Charge,
    ChargeKey,
    ChargeLink,
    ChargeList,
    LinkedKind,
    charge_names,
)
from rulebook.documents.registration import Registration, SubMeter, SupplyPoint, Unit


@dataclass(frozen=True)
class Register:
    """Who answers for which unit, supply point, sub-meter and charge; keys sorted, as in arrays.

    Charges and links stand by type and name of the charge, as `charge_names` gives it.
    """

    units: dict[str, tuple[str, Unit]]
    supply_points: dict[str, tuple[str, SupplyPoint]]
    charges: dict[ChargeKey, tuple[str, Charge]] = field(default_factory=dict)
    links: dict[ChargeKey, tuple[ChargeLink, ...]] = field(default_factory=dict)
    sub_meters: dict[str, tuple[str, SubMeter]] = field(default_factory=dict)

    def unit_owner(self, unit: str) -> str:
        """Return the participant that owns a unit."""
        return self.units[unit][0]

    def supplier(self, supply_point: str) -> str:
        """Return the participant that supplies a supply point."""
        return self.supply_points[supply_point][0]

    def charge_owner(self, key: ChargeKey) -> str:
        """Return the owner of a charge's list, whom its suppliers pay."""
        return self.charges[key][0]

    def charge_recipient(self, key: ChargeKey) -> str | None:
        """Return whom the owner of its list pays a charge on to; None where it keeps it."""
        return self.charges[key][1].paid_on_to

    @property
    def _answers(self) -> dict[LinkedKind, Mapping[str, tuple[str, object]]]:
        return {
            "supply_point": self.supply_points,
            "unit": self.units,
            "sub_meter": self.sub_meters,
        }

    def linkable(self) -> dict[tuple[LinkedKind, str], str]:
        """Return who is charged for all that a link may name, in the order of the arrays."""
        return {
            (kind, name): participant
            for kind, answers in self._answers.items()
            for name, (participant, _) in answers.items()
        }

    def charged_by(self, link: ChargeLink) -> str | None:
        """Return who is charged what a link joins; None where it is registered on other days."""
        kind, name = link.linked
        found = self._answers[kind].get(name)
        return None if found is None else found[0]

    def links_on(self, key: ChargeKey, day: dt.date) -> list[ChargeLink]:
        """Return the links of a charge that hold on a day, of meters that are registered."""
        only = (day, day + dt.timedelta(days=1))
        return [
            link
            for link in self.links.get(key, ())
            if self.charged_by(link) is not None and overlapping(span_of(link), only)
        ]


def register_of(
    registrations: Sequence[Registration], charge_lists: Sequence[ChargeList] = ()
) -> Register:
    """Return who answers for what; publication checked that every id is unique."""
    units = [(unit.unit, (r.participant, unit)) for r in registrations for unit in r.units]
    points = [
        (point.supply_point, (r.participant, point))
        for r in registrations
        for point in r.supply_points
    ]
    sub_meters = [(m.sub_meter, (r.participant, m)) for r in registrations for m in r.sub_meters]
    names = charge_names(charge_lists)
    charges = [
        ((charge.type, names[listed.owner, charge.type, charge.code]), (listed.owner, charge))
        for listed in charge_lists
        for charge in listed.charges
    ]
    links: defaultdict[ChargeKey, list[ChargeLink]] = defaultdict(list)
    for listed in charge_lists:
        linked = listed.linked_charges()
        for link in listed.links:
            charge = linked[link.charge, link.charge_type]
            links[charge.type, names[listed.owner, charge.type, charge.code]].append(link)
    return Register(
        dict(sorted(units)),
        dict(sorted(points)),
        dict(sorted(charges)),
        {key: tuple(of_charge) for key, of_charge in links.items()},
        dict(sorted(sub_meters)),
    )
