"""A registration: one participant, and the units, supply points and sub-meters it answers for."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, Strict

from common.bank_accounts import account_key, account_names
from rulebook.documents.base import (
    CONTROLS,
    LARGEST_INTEGER,
    MILLION,
    SPACES,
    Document,
    Flag,
    Identifier,
    Model,
    SchemaPattern,
    Slug,
    Text,
    WholeNumber,
    described,
    is_absent,
)
from rulebook.documents.grid_model import HIGHEST_POWER_W
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH

HIGHEST_CARBON_G_PER_KWH = 10_000
"""Several times that of any fuel burnt for power: what is more was given in another unit."""

_ADDRESS_PART = rf"[^{CONTROLS}{SPACES}@]+"
EmailAddress = Annotated[
    str,
    Strict(),
    Field(max_length=254, pattern=r"^[^\s@\p{C}]+@[^\s@\p{C}]+\.[^\s@\p{C}]+$"),
    # Publication refuses every invisible and unassigned character too, a class that only Unicode's
    # own tables can state; the schema leaves them to it.
    SchemaPattern(rf"^{_ADDRESS_PART}@{_ADDRESS_PART}\.{_ADDRESS_PART}$"),
]


def _in_one_form(written: object) -> object:
    """Return a number of an account as it is stored and compared; another value as it is."""
    return account_key(written) if isinstance(written, str) else written


Iban = Annotated[
    str,
    Strict(),
    BeforeValidator(_in_one_form),
    Field(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"),
    SchemaPattern(r"^[A-Za-z]{2}[0-9]{2}([ -]?[A-Za-z0-9]){11,30}$"),
]
"""International bank account number (ISO 13616), stored without the spaces it is printed with."""

SortCode = Annotated[
    str,
    Strict(),
    BeforeValidator(_in_one_form),
    Field(pattern=r"^[0-9]{3,12}$"),
    SchemaPattern(r"^[0-9]([ -]?[0-9]){2,11}$"),
]
AccountNumber = Annotated[
    str,
    Strict(),
    BeforeValidator(_in_one_form),
    Field(pattern=r"^[A-Z0-9]{4,30}$"),
    SchemaPattern(r"^[A-Za-z0-9]([ -]?[A-Za-z0-9]){3,29}$"),
]

CountryCode = Annotated[str, Strict(), Field(pattern=r"^[A-Z]{2}$")]


class Address(Model):
    """Where the participant is reached by post."""

    lines: tuple[Text, ...] = described("Lines", "Street and town", min_length=1, max_length=6)
    postcode: Text = described("Postcode", "Postal code")
    country: CountryCode = described("Country", "ISO 3166 code of two letters")


class Contact(Model):
    """Whom to write to."""

    name: Text = described("Name", "Person or desk")
    email: EmailAddress = described("E-mail", "Address for notices and invoices")


class NationalAccount(Model):
    """A bank account as its own country names it."""

    sort_code: SortCode | None = described(
        "Sort code",
        "Number of the bank's branch; empty where statements name the account by its number alone",
        default=None,
    )
    account_number: AccountNumber = described("Account number", "Number of the account")

    @property
    def key(self) -> str:
        """Return it as statements are held to it."""
        return f"{self.sort_code or ''}{self.account_number}"

    @property
    def printed(self) -> str:
        """Return it as documents print it: sort code, then number."""
        return " ".join(filter(None, (self.sort_code, self.account_number)))


class CreditCover(Model):
    """What a participant has lodged against its debts to the market."""

    form: Literal["cash", "guarantee", "letter-of-credit"] = described(
        "Form", "Cash deposit, guarantee of a parent or a bank, or letter of credit"
    )
    reference: Text = described("Reference", "Number or name of the deposit or the instrument")
    amount_micro: WholeNumber = described(
        "Amount", "Most that it pays, in the market's currency", "micro", ge=0, le=LARGEST_INTEGER
    )


def _resolution() -> Any:
    return described(
        "Resolution",
        "What one reading of energy of its meter covers, where that is another time than the "
        "interval of the market: a longer one is spread evenly over its intervals, shorter ones "
        "are summed; empty where it is the interval",
        "minutes",
        default=None,
        ge=1,
        le=60,
        exclude_if=is_absent,
    )


class Unit(Model):
    """A generating or storage unit, its capability, its offer and its annual cost."""

    unit: Identifier = described("Unit", "Short name of the unit, unique in the market")
    title: Text = described("Title", "Name of the unit in full")
    technology: Slug = described("Technology", "Such as wind, nuclear, gas, battery")
    node: Identifier = described("Node", "Node where the unit connects")
    capacity_w: WholeNumber = described(
        "Capacity", "Most power the unit can deliver", "W", ge=1, le=HIGHEST_POWER_W
    )
    minimum_w: WholeNumber = described(
        "Minimum", "Least power at which the unit runs", "W", ge=0, le=HIGHEST_POWER_W
    )
    ramp_w_per_h: WholeNumber = described(
        "Ramp", "Fastest change of power", "W per hour", ge=0, le=100 * HIGHEST_POWER_W
    )
    can_reserve: Flag = described("Can reserve", "Whether the unit may hold reserve")
    offer_micro_per_mwh: WholeNumber = described(
        "Offer",
        "Price at which the unit offers energy, and is paid for it",
        "micro per MWh",
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )
    storage_wh: WholeNumber | None = described(
        "Storage",
        "Energy that the unit can hold; empty for a unit that stores none",
        "Wh",
        default=None,
        ge=1,
        le=LARGEST_INTEGER,
    )
    round_trip_efficiency_ppm: WholeNumber | None = described(
        "Round-trip efficiency",
        "Energy given back over energy taken in; empty for a unit that stores none",
        "ppm",
        default=None,
        ge=1,
        le=MILLION,
    )
    annual_capital_micro: WholeNumber = described(
        "Annual capital cost", "Capital cost of a year", "micro per year", ge=0, le=LARGEST_INTEGER
    )
    annual_fixed_micro: WholeNumber = described(
        "Annual fixed cost",
        "Fixed operating cost of a year",
        "micro per year",
        ge=0,
        le=LARGEST_INTEGER,
    )
    expected_payback_years: WholeNumber = described(
        "Expected payback",
        "Years in which the unit expects to earn its capital",
        "years",
        ge=1,
        le=200,
    )
    carbon_g_per_kwh: WholeNumber | None = described(
        "Carbon intensity",
        "Carbon dioxide equivalent of a kWh that the unit generates; empty where it is not stated. "
        "It is reported and moves no money",
        "g per kWh",
        default=None,
        ge=0,
        le=HIGHEST_CARBON_G_PER_KWH,
        exclude_if=is_absent,
    )
    resolution_minutes: WholeNumber | None = _resolution()


class SupplyPoint(Model):
    """The metered demand of one product at one node."""

    supply_point: Identifier = described("Supply point", "Short name, unique in the market")
    title: Text = described("Title", "Name of the supply point in full")
    node: Identifier = described("Node", "Node where the demand is met")
    product: Identifier = described("Product", "Product of the market rules")
    household_count: WholeNumber = described(
        "Households",
        "Households behind the meter; zero for non-residential demand",
        "households",
        ge=0,
        le=1_000_000_000,
    )
    resolution_minutes: WholeNumber | None = _resolution()


class SubMeter(Model):
    """A meter whose energy bears charges of others and is not settled: it is part of another's.

    Heating behind a home's meter, say, or what a producer takes for itself: the meter before it
    counts the same energy, so settling it too would count that twice.
    """

    sub_meter: Identifier = described("Sub-meter", "Short name, unique in the market")
    title: Text = described("Title", "Name of the sub-meter in full")
    resolution_minutes: WholeNumber | None = _resolution()


class Registration(Document):
    """One participant of a market, with its units, supply points and sub-meters."""

    anchor_prefix: ClassVar[str] = "RG"

    kind: Literal["registration"] = described("Kind", "This is a registration")
    participant: Slug = described("Participant", "Short name of the participant")
    legal_name: Text = described("Legal name", "Name that contracts and invoices carry")
    roles: tuple[Literal["generator", "supplier", "charge-owner"], ...] = described(
        "Roles", "What the participant does in the market", min_length=1, max_length=3
    )
    tax_identifier: Text = described("Tax identifier", "Tax number that invoices carry")
    address: Address = described("Address", "Registered address")
    contacts: tuple[Contact, ...] = described(
        "Contacts", "Whom to write to", min_length=1, max_length=20
    )
    units: tuple[Unit, ...] = described("Units", "Units of the participant", max_length=10_000)
    supply_points: tuple[SupplyPoint, ...] = described(
        "Supply points", "Supply points of the participant", max_length=100_000
    )
    sub_meters: tuple[SubMeter, ...] = described(
        "Sub-meters",
        "Meters of the participant that bear charges and are not settled for energy",
        default=(),
        max_length=100_000,
        exclude_if=is_absent,
    )
    iban: Iban | None = described(
        "Bank account",
        "IBAN of the account that the participant pays from and is paid to; empty where it is "
        "not known",
        default=None,
    )
    national_account: NationalAccount | None = described(
        "National account",
        "The same account by sort code and number, or that of a participant without an IBAN",
        default=None,
        exclude_if=is_absent,
    )
    credit_cover: tuple[CreditCover, ...] = described(
        "Credit cover", "What is lodged against debts to the market", default=(), max_length=20
    )

    @property
    def instrument(self) -> str:
        """Return the instrument with its participant: `gb12/registration/northwind`."""
        return f"{self.market}/{self.kind}/{self.participant}"

    @property
    def account_names(self) -> tuple[str, ...]:
        """Return every name by which a bank's file may call the participant's account."""
        national = self.national_account
        return account_names(self.iban, national.key if national else None)

    @property
    def printed_account(self) -> str | None:
        """Return the account as documents print it; None where none is known."""
        national = self.national_account
        return self.iban or (national.printed if national else None)
