"""Checks of charge lists beside the registrations in force: owners, codes, points, and prices."""

from collections.abc import Callable, Iterator

from common.refusals import Finding, shown
from rulebook.checks.charges import placed_charges, span_of, unpriced_days
from rulebook.checks.in_force import InForce
from rulebook.days import shared_days
from rulebook.documents.charge_list import WORD_OF_LINKED, LinkedKind


def charge_owners_are_registered(law: InForce) -> Iterator[Finding]:
    """Who owns charges is registered as their owner."""
    roles = {registration.participant: registration.roles for registration in law.registrations}
    for charges in law.charge_lists:
        if "charge-owner" not in roles.get(charges.owner, ()):
            yield Finding(
                "charge-owner-not-registered",
                f"{law.place(charges)}: owner",
                shown(charges.owner),
                "a registered participant with the role charge-owner",
                "register the owner, or add the role to its registration",
            )


def charges_are_paid_on_to_registered_owners(law: InForce) -> Iterator[Finding]:
    """Who collects a charge for another pays it on to a registered owner of charges."""
    roles = {registration.participant: registration.roles for registration in law.registrations}
    for charges in law.charge_lists:
        for path, charge in placed_charges(charges):
            to = charge.paid_on_to
            if to is None or (to != charges.owner and "charge-owner" in roles.get(to, ())):
                continue
            yield Finding(
                "charge-paid-on-to-nobody",
                f"{law.place(charges)}: {path}.paid_on_to",
                shown(to),
                "another registered participant with the role charge-owner"
                + (", and this is the owner of the list" if to == charges.owner else ""),
                "register the participant, or leave it out where the owner keeps the charge",
            )


def charges_fall_on_registered_meters(law: InForce) -> Iterator[Finding]:
    """A linked supply point, unit or sub-meter is registered on every linked day."""
    kind_of: dict[str, LinkedKind] = {}
    for registration in law.registrations:
        kind_of |= {point.supply_point: "supply_point" for point in registration.supply_points}
        kind_of |= {unit.unit: "unit" for unit in registration.units}
        kind_of |= {meter.sub_meter: "sub_meter" for meter in registration.sub_meters}
    for charges in law.charge_lists:
        for number, link in enumerate(charges.links):
            days = shared_days(span_of(link), law.days)
            for kind, name in link.named:
                known = kind_of.get(name)
                if days is None or known == kind:
                    continue
                word = WORD_OF_LINKED[kind]
                remedy = "correct the name, or link only the days on which it is registered"
                if known is not None:
                    remedy = f"it is a {WORD_OF_LINKED[known]}: write `{known}: {name}`"
                yield Finding(
                    f"link-unknown-{kind.replace('_', '-')}",
                    f"{law.place(charges)}: links[{number}].{kind}",
                    f"{shown(name)}, not registered on {days[0]}"
                    + (f" as a {word}" if known is not None else ""),
                    f"a linked {word} is registered on every linked day",
                    remedy,
                )


def linked_days_have_prices(law: InForce) -> Iterator[Finding]:
    """No linked day lacks a price that days before and after it have."""
    for charges in law.charge_lists:
        for number, day in unpriced_days(charges, law.days):
            code = charges.links[number].charge
            yield Finding(
                "charge-without-price",
                f"{law.place(charges)}: links[{number}]",
                f"no price on {day}",
                f"{code} has a price on every linked day between its first price and its last",
                "add the price, or shorten the link",
            )


CHARGE_CHECKS_IN_LAW: tuple[Callable[[InForce], Iterator[Finding]], ...] = (
    charge_owners_are_registered,
    charges_are_paid_on_to_registered_owners,
    charges_fall_on_registered_meters,
    linked_days_have_prices,
)
