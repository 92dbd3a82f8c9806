"""A charge list: tariffs, subscriptions and fees of one owner, and the meters that they fall on.

Who answers for a meter is charged them and their owner is paid, without gain or loss to the market.
Prices and links hold for days of their own, half open, inside the validity of the list. A link
names a supply point, a generating unit or a sub-meter, and no participant, so it goes on when
another participant answers for it.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal

from rulebook.documents.base import (
    Anchor,
    Day,
    Document,
    Flag,
    Identifier,
    Model,
    Slug,
    Text,
    WholeNumber,
    described,
    is_absent,
)
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH

HIGHEST_TARIFF_MICRO_PER_KWH = HIGHEST_PRICE_MICRO_PER_MWH // 1_000
HIGHEST_PIECE_PRICE_MICRO = 10**15
"""No subscription or fee costs more than a thousand million currency units."""


class DayRange(Model):
    """Days from the first to the one before the end; without an end they go on."""

    from_day: Day = described("From", "First day, by the local calendar")
    to_day: Day | None = described(
        "To", "First day no longer included; empty where there is no end", default=None
    )


class TariffPrice(DayRange):
    """What a kilowatt hour bears in some hours of some days."""

    from_hour: WholeNumber = described(
        "From hour", "First hour of the local clock", "hours", default=0, ge=0, le=23
    )
    to_hour: WholeNumber = described(
        "To hour", "First hour no longer included", "hours", default=24, ge=1, le=24
    )
    price_micro_per_kwh: WholeNumber = described(
        "Price",
        "Price of a kilowatt hour that is counted where the tariff falls",
        "micro per kWh",
        ge=-HIGHEST_TARIFF_MICRO_PER_KWH,
        le=HIGHEST_TARIFF_MICRO_PER_KWH,
    )


class SubscriptionPrice(DayRange):
    """What one of a subscription costs in a calendar month."""

    price_micro_per_month: WholeNumber = described(
        "Price",
        "Price of one for a calendar month; a day bears it divided by the days of its month",
        "micro per month",
        ge=-HIGHEST_PIECE_PRICE_MICRO,
        le=HIGHEST_PIECE_PRICE_MICRO,
    )


class FeePrice(DayRange):
    """What one of a fee costs."""

    price_micro_per_piece: WholeNumber = described(
        "Price",
        "Price of one",
        "micro per piece",
        ge=-HIGHEST_PIECE_PRICE_MICRO,
        le=HIGHEST_PIECE_PRICE_MICRO,
    )


class Charge(Model):
    """What all kinds of charge state; `type` is how links and results call the kind."""

    type: ClassVar[str]

    code: Identifier = described(
        "Code", "Short name of the charge, unique among those of its type in the list"
    )
    title: Text = described("Title", "Name of the charge, as an invoice prints it")
    clause: Anchor = described("Clause", "Clause of this list that the charge rests on")
    taxed: Flag = described(
        "Taxed", "Whether the tax of the market is due on it; what is not lies outside its base"
    )
    paid_on_to: Slug | None = described(
        "Paid on to",
        "Registered participant whose charge it is, where the owner of the list only collects it, "
        "as grid owners collect taxes; empty where the owner keeps it",
        default=None,
        exclude_if=is_absent,
    )


class Tariff(Charge):
    """A charge on energy."""

    type: ClassVar[str] = "tariff"

    resolution: Literal["hour", "day"] = described(
        "Resolution", "Time step over which energy is summed, priced and rounded"
    )
    prices: tuple[TariffPrice, ...] = described(
        "Prices", "Prices by day and hour; those of a daily tariff hold all day", max_length=100_000
    )


class Subscription(Charge):
    """A charge on each linked day."""

    type: ClassVar[str] = "subscription"

    prices: tuple[SubscriptionPrice, ...] = described(
        "Prices", "Monthly prices by day", max_length=10_000
    )


class Fee(Charge):
    """A charge on one day."""

    type: ClassVar[str] = "fee"

    prices: tuple[FeePrice, ...] = described("Prices", "Prices by day", max_length=10_000)


LinkedKind = Literal["supply_point", "unit", "sub_meter"]
"""What a charge may fall on, as the field of a link calls it."""

WORD_OF_LINKED: dict[LinkedKind, str] = {
    "supply_point": "supply point",
    "unit": "unit",
    "sub_meter": "sub-meter",
}


class ChargeLink(DayRange):
    """A charge falls on a supply point, a generating unit or a sub-meter, on some days."""

    charge: Identifier = described("Charge", "Code of a charge of this list")
    charge_type: Literal["tariff", "subscription", "fee"] | None = described(
        "Type",
        "Type of the charge, where the list has charges of several types with the code",
        default=None,
        exclude_if=is_absent,
    )
    supply_point: Identifier | None = described(
        "Supply point",
        "A registered supply point; empty where the charge falls on a unit or a sub-meter",
        default=None,
        exclude_if=is_absent,
    )
    unit: Identifier | None = described(
        "Unit",
        "A registered unit, on whose generation a tariff falls; empty where the charge falls on "
        "another meter",
        default=None,
        exclude_if=is_absent,
    )
    sub_meter: Identifier | None = described(
        "Sub-meter",
        "A registered sub-meter; empty where the charge falls on another meter",
        default=None,
        exclude_if=is_absent,
    )
    quantity: WholeNumber = described(
        "Quantity",
        "How many; 1 for a tariff, which is measured by energy",
        "pieces",
        default=1,
        ge=1,
        le=1_000_000_000,
    )

    @property
    def named(self) -> list[tuple[LinkedKind, str]]:
        """Return what the link names; publication refuses one that does not name one thing."""
        return [(kind, name) for kind in WORD_OF_LINKED if (name := getattr(self, kind))]

    @property
    def linked(self) -> tuple[LinkedKind, str]:
        """Return the kind and name of what the charge falls on, of a published link."""
        return self.named[0]


class ChargeList(Document):
    """The charges of one owner, their prices, and what they fall on."""

    anchor_prefix: ClassVar[str] = "CL"
    withheld_fields: ClassVar[frozenset[str]] = frozenset({"links"})

    kind: Literal["charge-list"] = described("Kind", "This is a charge list")
    owner: Slug = described("Owner", "Registered participant that sets the charges and is paid")
    tariffs: tuple[Tariff, ...] = described(
        "Tariffs",
        "Energy that a supply point takes, a unit generates or a sub-meter counts x price; net "
        "export and what storage takes in bear none",
        default=(),
        max_length=1_000,
    )
    subscriptions: tuple[Subscription, ...] = described(
        "Subscriptions",
        "Monthly price over the days of the month, x quantity, for each linked day",
        default=(),
        max_length=1_000,
    )
    fees: tuple[Fee, ...] = described(
        "Fees", "Price x quantity, on the linked day", default=(), max_length=1_000
    )
    links: tuple[ChargeLink, ...] = described(
        "Links", "Which charge falls on which meter, when", default=(), max_length=1_000_000
    )

    @property
    def instrument(self) -> str:
        """Return the instrument with its owner: `gb12/charge-list/northern-grid`."""
        return f"{self.market}/{self.kind}/{self.owner}"

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Return every charge: tariffs, subscriptions, fees."""
        return (*self.tariffs, *self.subscriptions, *self.fees)

    def linked_charges(self) -> dict[tuple[str, str | None], Charge]:
        """Return the charge that a link names by code and type; by code alone where it is one."""
        by_code: dict[str, list[Charge]] = {}
        for charge in self.charges:
            by_code.setdefault(charge.code, []).append(charge)
        found: dict[tuple[str, str | None], Charge] = {
            (charge.code, charge.type): charge for charge in self.charges
        }
        return found | {
            (code, None): of[0]
            for code, of in by_code.items()
            if len({charge.type for charge in of}) == 1
        }


ChargeKey = tuple[str, str]
"""Type and name of a charge."""


def charge_names(charge_lists: Iterable[ChargeList]) -> dict[tuple[str, str, str], str]:
    """Return what results, accounts and lines call a charge, by owner, type and code.

    It is the code, and with the owner before it where several owners have a charge of the type and
    code: `elder/40000`. A code holds no slash, so no code can be another's name.
    """
    lists = list(charge_lists)
    owners: dict[ChargeKey, set[str]] = {}
    for listed in lists:
        for charge in listed.charges:
            owners.setdefault((charge.type, charge.code), set()).add(listed.owner)
    return {
        (listed.owner, charge.type, charge.code): charge.code
        if len(owners[charge.type, charge.code]) == 1
        else f"{listed.owner}/{charge.code}"
        for listed in lists
        for charge in listed.charges
    }
