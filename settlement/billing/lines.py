"""The catalogue of line kinds: all that the product knows of each kind of line, a row a kind.

A line of a document is one money account of the participant, and its kind is the kind of that
account: side and component, such as `charge.fuel`. Posting, invoicing, the quality of lines, their
explanations, documents, studies and pages read the rows. The core names the measures that it
returns (`settlement.core.engine.MEASURES`), and a test holds the two to each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum

from ledger.causes import CHARGE_INTEREST, PAYMENT_INTEREST
from ledger.journal import CHARGED, ENERGY
from rulebook.documents.charge_list import LinkedKind
from settlement.core.booked import BOOKED as BOOKED_MEASURE
from settlement.core.booked import booking_and_point
from settlement.core.pass_through import FEE, PAID_ON, QUANTITY_UNITS, SUBSCRIPTION, TARIFF
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION, RESERVE, SUB_METERED

MONEY_SUFFIX = "_micro"
PAID_ON_WORDS = "collected by {collector}, paid on to {recipient}"


class Side(StrEnum):
    """Which way money flows: suppliers are charged, owners are paid."""

    PAYMENT = "payment"
    CHARGE = "charge"


class Subject(Enum):
    """What a line is about, and so who answers for it."""

    UNIT = "a unit of the participant"
    SUPPLY_POINT = "a supply point of the participant"
    BOOKING = "a booking of a supply point of the participant"
    PASS_THROUGH = "the code of a pass-through charge"
    LATE_DOCUMENT = "the number of a document that was paid late"


class PricedAt(Enum):
    """What one price an interval of a line has, where one makes its amount."""

    NODE = "the price of the supply point's node"
    OFFER = "the offer of the unit"


@dataclass(frozen=True)
class Quantity:
    """What lines of a kind count: the account beside that of the money, and its measure.

    Attributes:
        title: what pages call the account.
        unit: as documents print it.
        commodity, account: commodity and kind of the account whose movement a line states.
        measure: what holds it interval by interval, among the readings or the results.
        is_metered: whether meters read it, so that a part of it may be estimated.
    """

    title: str
    unit: str
    commodity: str
    account: str
    measure: str
    is_metered: bool


TAKEN = Quantity("Energy taken", "Wh", ENERGY, "demand", DEMAND, True)
GENERATED = Quantity("Energy generated", "Wh", ENERGY, "generation", GENERATION, True)
OVER_TAKE = Quantity(
    "Energy taken above entitlement", "Wh", ENERGY, "over_take", "over_take_wh", False
)
SHORTFALL = Quantity(
    "Energy promised and not delivered", "Wh", ENERGY, "shortfall", "shortfall_wh", False
)
BOOKED = Quantity("Energy booked", "Wh", ENERGY, "booked", BOOKED_MEASURE, False)
EXCESS = Quantity("Energy above what contracts cover", "Wh", ENERGY, "excess", "excess_wh", False)


@dataclass(frozen=True)
class LineKind:
    """A kind of line.

    Attributes:
        title: what documents and pages head its lines with.
        sentence: what a line says after the title of its unit or supply point; `{node}` is where
            the point is, `{collector}` and `{recipient}` who pays a charge on to whom. Empty where
            the line has words of its own: those of a charge list, or why interest is borne.
        rests_on: the readings of its subject that it is as good as; None where it rests on none.
            A tariff rests on those of all that it falls on, see `ENERGY_OF_LINKED`.
        quantity: what its lines count; None where they count nothing.
        priced_at: what price each interval has; None where no one price makes the amount.
        is_share: whether a line is a part of what all lines of its kind come to, interval by
            interval, so that a reader wants both.
    """

    side: Side
    component: str
    title: str
    sentence: str
    subject: Subject
    rests_on: str | None = None
    quantity: Quantity | None = None
    is_share: bool = False
    priced_at: PricedAt | None = None

    @property
    def code(self) -> str:
        """What the ledger and documents call it: the kind of its account."""
        return f"{self.side}.{self.component}"

    @property
    def sign(self) -> int:
        """-1 for payments: their results are positive, and their accounts negative."""
        return -1 if self.side is Side.PAYMENT else 1

    @property
    def measure(self) -> str | None:
        """The result that a line sums; None for interest, which rests on payments and no run."""
        return None if self.is_interest else f"{self.code}{MONEY_SUFFIX}"

    @property
    def is_pass_through(self) -> bool:
        """Whether others than the market set its prices."""
        return self.subject is Subject.PASS_THROUGH

    @property
    def charge_type(self) -> str:
        """The type of charge that a pass-through line is about."""
        return self.component.removesuffix(PAID_ON)

    @property
    def is_booking(self) -> bool:
        """Whether it holds what was booked to what came of it."""
        return self.subject is Subject.BOOKING

    def entity_of(self, subject: str) -> str:
        """Return the unit or supply point that a subject is of: its own, but for a booking."""
        return booking_and_point(subject)[1] if self.is_booking else subject

    @property
    def is_paid_on(self) -> bool:
        """Whether it is what a collector pays on of a charge that is another's."""
        return self.component.endswith(PAID_ON)

    @property
    def is_interest(self) -> bool:
        """Whether it is interest on what was paid late."""
        return self.subject is Subject.LATE_DOCUMENT


def _shared_cost(
    component: str,
    title: str,
    name: str,
    rests_on: str | None = None,
    quantity: Quantity | None = None,
    *,
    priced_at: PricedAt | None = None,
    is_pot: bool = False,
    is_share: bool = True,
) -> Iterator[LineKind]:
    """Yield what units are paid, and the share of it that subscribers are charged."""
    yield LineKind(
        Side.PAYMENT, component, title, name, Subject.UNIT, rests_on, quantity, is_pot, priced_at
    )
    sentence = f"share of the {name}"
    yield LineKind(
        Side.CHARGE, component, title, sentence, Subject.SUPPLY_POINT, DEMAND, TAKEN, is_share
    )


def _of_point(
    component: str,
    title: str,
    sentence: str,
    quantity: Quantity = TAKEN,
    *,
    priced_at: PricedAt | None = None,
) -> LineKind:
    """Return what supply points alone are charged, or given."""
    return LineKind(
        Side.CHARGE,
        component,
        title,
        sentence,
        Subject.SUPPLY_POINT,
        DEMAND,
        quantity,
        priced_at=priced_at,
    )


def _pass_through(
    component: str, title: str, unit: str, rests_on: str | None
) -> Iterator[LineKind]:
    """Yield what suppliers are charged at the price of others, and these are paid, or pay on."""
    measure = f"quantity.{component}_{QUANTITY_UNITS[component]}"
    for side in (Side.CHARGE, Side.PAYMENT):
        counted = Quantity(
            f"{title}: what is charged",
            unit,
            CHARGED[unit],
            f"{side}.{component}",
            measure,
            rests_on is not None,
        )
        yield LineKind(side, component, title, "", Subject.PASS_THROUGH, rests_on, counted)
    for side in (Side.CHARGE, Side.PAYMENT):
        yield LineKind(
            side, f"{component}{PAID_ON}", f"{title} paid on", PAID_ON_WORDS, Subject.PASS_THROUGH
        )


def _interest(code: str) -> LineKind:
    side, _, component = code.partition(".")
    return LineKind(Side(side), component, "Interest", "", Subject.LATE_DOCUMENT)


CATALOGUE = (
    *_shared_cost(
        "fuel", "Fuel", "fuel cost, as bid", GENERATION, GENERATED, priced_at=PricedAt.OFFER
    ),
    *_shared_cost("regulated", "Regulated recovery", "regulated recovery of annual cost"),
    *_shared_cost("availability", "Reserve held", "price of reserve held", RESERVE, is_share=False),
    *_shared_cost("adequacy", "Adequacy pot", "adequacy pot", AVAILABLE, is_pot=True),
    *_shared_cost("location", "Location pot", "location pot", AVAILABLE, is_pot=True),
    *_shared_cost("flexibility", "Flexibility pot", "flexibility pot", AVAILABLE, is_pot=True),
    *_shared_cost("reserve", "Reserve pot", "reserve pot", RESERVE, is_pot=True),
    _of_point(
        "dynamic",
        "Dynamic price",
        "energy at the price of node {node}",
        priced_at=PricedAt.NODE,
    ),
    _of_point(
        "excess",
        "Energy above the contract",
        "energy above what its contract covers in a month",
        EXCESS,
    ),
    LineKind(
        Side.CHARGE,
        "booking",
        "Booking",
        "energy booked, its price in place of that of node {node}",
        Subject.BOOKING,
        DEMAND,
        BOOKED,
    ),
    _of_point(
        "over_take",
        "Taken above entitlement",
        "energy taken above its entitlement, at the price cap",
        OVER_TAKE,
    ),
    _of_point(
        "compensation",
        "Compensation",
        "compensation for energy promised and not delivered",
        SHORTFALL,
    ),
    _of_point(
        "equalisation",
        "Returned from the equalisation account",
        "part of what the equalisation account returns",
    ),
    *_pass_through(TARIFF, "Tariffs", "Wh", DEMAND),
    *_pass_through(SUBSCRIPTION, "Subscriptions", "days", None),
    *_pass_through(FEE, "Fees", "pieces", None),
    _interest(CHARGE_INTEREST),
    _interest(PAYMENT_INTEREST),
)
ENERGY_OF_LINKED: dict[LinkedKind, str] = {
    "supply_point": DEMAND,
    "unit": GENERATION,
    "sub_meter": SUB_METERED,
}
"""The readings that a tariff counts, by what it falls on."""

BOOKING = next(kind.code for kind in CATALOGUE if kind.is_booking)
RETURNED = "charge.equalisation"
"""The kind of line that changes with what others pay."""
LINE_KINDS = {kind.code: kind for kind in CATALOGUE}
KIND_OF_MEASURE = {kind.measure: kind for kind in CATALOGUE if kind.measure is not None}
"""The kind of line whose money a result holds."""

KINDS_OF_QUANTITY = {
    measure: tuple(
        (kind, kind.quantity)
        for kind in CATALOGUE
        if kind.quantity is not None and kind.quantity.measure == measure
    )
    for measure in (f"quantity.{name}_{unit}" for name, unit in QUANTITY_UNITS.items())
}
"""The kinds of line, of both sides, whose pass-through quantity a result holds."""

TITLE_OF_QUANTITY = {
    (kind.quantity.commodity, kind.quantity.account): kind.quantity.title
    for kind in CATALOGUE
    if kind.quantity is not None
}
STATED_ENERGY = tuple(
    dict.fromkeys(
        kind.quantity
        for kind in CATALOGUE
        if kind.quantity is not None
        and kind.quantity.commodity == ENERGY
        and not kind.quantity.is_metered
    )
)
"""Energy among the results that lines count, such as over-take: each has an account of its own."""


def line_kind(code: str) -> LineKind:
    """Return a row of the catalogue.

    >>> line_kind("charge.over_take").title, line_kind("payment.regulated").rests_on
    ('Taken above entitlement', None)

    Raises:
        LookupError: there is no such kind. No document holds one, as none is billed.
    """
    if code not in LINE_KINDS:
        raise LookupError(f"no row of the catalogue of line kinds is {code}")
    return LINE_KINDS[code]


def is_line(account_kind: str) -> bool:
    """Return whether an account of a kind is what lines of documents state.

    >>> is_line("charge.fuel"), is_line("interest")
    (True, False)
    """
    return account_kind.partition(".")[0] in set(Side)


def account_title(commodity: str, account_kind: str) -> str:
    """Return what pages call an account of a participant.

    >>> account_title("GBP", "charge.over_take"), account_title("WH", "over_take")
    ('Charged: Taken above entitlement', 'Energy taken above entitlement')
    """
    if (commodity, account_kind) in TITLE_OF_QUANTITY:
        return TITLE_OF_QUANTITY[commodity, account_kind]
    if not is_line(account_kind):
        return account_kind.replace("_", " ").capitalize()
    kind = line_kind(account_kind)
    return f"{'Charged' if kind.side is Side.CHARGE else 'Paid'}: {kind.title}"


def name_of_cost(component: str) -> str:
    """Return what a cost that units are paid and subscribers share is called in a sentence."""
    return line_kind(f"{Side.PAYMENT}.{component}").sentence


def measures_of_designs(side: Side) -> frozenset[str]:
    """Return the money of one side that a market design sets: all but what is passed through."""
    return frozenset(
        measure
        for measure, kind in KIND_OF_MEASURE.items()
        if kind.side is side and not kind.is_pass_through
    )
