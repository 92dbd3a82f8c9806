"""Checks of charge lists beside the registrations in force: owners, codes, points, and prices."""

from collections.abc import Callable, Iterator

from common.refusals import Finding, shown
from rulebook.checks.charges import span_of, unpriced_days
from rulebook.checks.in_force import InForce
from rulebook.days import shared_days


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


def charges_fall_on_registered_points(law: InForce) -> Iterator[Finding]:
    """A linked supply point is registered on every linked day."""
    points = {p.supply_point for r in law.registrations for p in r.supply_points}
    for charges in law.charge_lists:
        for number, link in enumerate(charges.links):
            days = shared_days(span_of(link), law.days)
            if days is not None and link.supply_point not in points:
                yield Finding(
                    "link-unknown-supply-point",
                    f"{law.place(charges)}: links[{number}].supply_point",
                    f"{shown(link.supply_point)}, not registered on {days[0]}",
                    "a linked supply point is registered on every linked day",
                    "correct the name, or link only the days on which it is registered",
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
    charges_fall_on_registered_points,
    linked_days_have_prices,
)
