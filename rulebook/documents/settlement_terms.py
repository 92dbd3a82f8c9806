"""Settlement terms: who bills, when money is due, and how a bill is disputed and closed."""

from typing import ClassVar, Literal

from common.bank_accounts import account_names
from rulebook.documents.base import (
    MILLION,
    Document,
    Identifier,
    Model,
    Text,
    WholeNumber,
    described,
    is_absent,
)
from rulebook.documents.registration import Address, Contact, Iban, NationalAccount

LONGEST_DAYS = 3_650


class Operator(Model):
    """Who issues the market's documents and holds its bank account."""

    legal_name: Text = described("Legal name", "Name that invoices carry")
    tax_identifier: Text = described("Tax identifier", "Tax number that invoices carry")
    address: Address = described("Address", "Registered address")
    contact: Contact = described("Contact", "Whom to write to about an invoice")
    iban: Iban | None = described(
        "Bank account",
        "IBAN of the account that invoices are paid to; empty where it has none",
        default=None,
    )
    national_account: NationalAccount | None = described(
        "National account",
        "The same account by sort code and number, or one without an IBAN",
        default=None,
        exclude_if=is_absent,
    )

    @property
    def account_names(self) -> tuple[str, ...]:
        """Return every name by which a bank's file may call the account, the stored one first."""
        national = self.national_account
        return account_names(self.iban, national.key if national else None)

    @property
    def printed_account(self) -> str | None:
        """Return the account as documents print it; None where none is known."""
        national = self.national_account
        return self.iban or (national.printed if national else None)


class LatePayment(Model):
    """What is owed on money that is paid late."""

    annual_rate_ppm: WholeNumber = described(
        "Rate", "Simple interest of a year on what is overdue", "ppm per year", ge=0, le=MILLION
    )
    days_in_year: WholeNumber = described(
        "Days in a year", "Days over which the rate of a year is spread", "days", ge=360, le=366
    )
    grace_days: WholeNumber = described(
        "Grace",
        "Days after the due day before interest begins; it then runs from the due day",
        "days",
        ge=0,
        le=366,
    )


class WarningLevel(Model):
    """A share of the cover at which somebody is warned."""

    level: Identifier = described("Level", "Short name of the level, such as amber")
    title: Text = described("Title", "What the level means for the participant")
    from_ppm: WholeNumber = described(
        "From",
        "Exposure over cover from which the level is reached",
        "ppm",
        ge=0,
        le=1_000 * MILLION,
    )


class CreditTerms(Model):
    """How the debt of a participant is held to the cover that it has lodged."""

    exposure: tuple[Literal["unpaid", "unbilled"], ...] = described(
        "Exposure",
        "What counts as exposure: documents that are not paid, and what is posted and not billed",
        min_length=1,
        max_length=2,
    )
    levels: tuple[WarningLevel, ...] = described(
        "Warning levels", "Levels in the order in which they are reached", max_length=10
    )


class DisputeTerms(Model):
    """Within how many days each step of a dispute is taken."""

    raise_within_days: WholeNumber = described(
        "Raise within",
        "Days from the issue of a document in which a line of it may be disputed",
        "days",
        ge=1,
        le=LONGEST_DAYS,
    )
    answer_within_days: WholeNumber = described(
        "Answer within",
        "Days from its opening in which the operator answers a dispute",
        "days",
        ge=1,
        le=LONGEST_DAYS,
    )
    escalate_within_days: WholeNumber = described(
        "Escalate within",
        "Days from the answer, or from the day it was due, in which a dispute may be escalated "
        "to the regulator; after that the answer stands",
        "days",
        ge=1,
        le=LONGEST_DAYS,
    )
    decide_within_days: WholeNumber = described(
        "Decide within",
        "Days from the escalation in which the regulator decides",
        "days",
        ge=1,
        le=LONGEST_DAYS,
    )


class SettlementTerms(Document):
    """Billing, payment, credit, disputes and sealing of a market."""

    anchor_prefix: ClassVar[str] = "ST"

    kind: Literal["settlement-terms"] = described("Kind", "These are settlement terms")
    operator: Operator = described("Operator", "Who issues documents and is paid")
    payment_term_days: WholeNumber = described(
        "Payment term",
        "Days from the day of issue (UTC) to the day on which payment is due",
        "days",
        ge=0,
        le=366,
    )
    late_payment: LatePayment = described("Late payment", "Interest on what is overdue")
    credit: CreditTerms = described("Credit", "Exposure, cover and warning levels")
    disputes: DisputeTerms = described("Disputes", "Deadlines of a dispute")
    sealed_after_days: WholeNumber = described(
        "Sealed after",
        "Days after a settlement day from which it may be sealed: nothing is posted to a sealed "
        "day, and no reading or rule is accepted for it",
        "days",
        ge=0,
        le=LONGEST_DAYS,
    )
    payee_change_delay_days: WholeNumber | None = described(
        "Delay of a change of payee",
        "Days from the proposal of a change of a participant's bank account, legal name or tax "
        "identifier to the first instant at which it may apply; empty where no such change may be "
        "made",
        "days",
        default=None,
        ge=1,
        le=366,
        exclude_if=is_absent,
    )
