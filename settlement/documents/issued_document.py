"""A document as it is stated: what every format shows, from the sealed rows alone.

Amounts have the sign of the document: an invoice states what the participant pays, a self-billed
document what it is paid, and a credit note, of either, what is taken back of that; quantities are
turned round with their amounts. So the amounts of a credit note are positive as a rule.
"""

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from common.quantities import MINUS
from ledger.invoice import DocumentKind, short_code
from ledger.parties import Party
from settlement.billing.awaited import awaited_parts
from settlement.billing.lines import line_kind
from settlement.core.booked import booking_and_point
from settlement.documents.arithmetic import Price, decimal_text

SELF_BILLED = "self-billed"
RESERVED_FOR_EXAMPLES = re.compile(
    r"(?i)[@.](?:example|invalid|localhost|test|example\.(?:com|net|org))$"
)
CREDIT_NOTES = (DocumentKind.CREDIT_NOTE.value, DocumentKind.SELF_BILLED_CREDIT_NOTE.value)


@dataclass(frozen=True)
class IssuedLine:
    """One line, in the sign of the document.

    Args:
        number: of the line, from 1.
        quantity: in `quantity_unit`; None where the line counts nothing.
        estimated_quantity: as it was sealed: the change of what is estimated, in a note.
        price: for which quantity × price rounds to the line's own amount; None without one.
        exact_micro: the amount before rounding.
        amount_minor: the amount that the document states.
        carried_minor: what of it is rounding of the lines and documents before it.
        tax_category, tax_rate_ppm: of EN 16931.
        tax_words: how it is taxed, where other lines of the document are taxed otherwise.
    """

    number: int
    kind: str
    subject: str
    description: str
    quantity: int | None
    quantity_unit: str | None
    quality: str
    estimated_quantity: int | None
    price: Price | None
    exact_micro: int
    amount_minor: int
    carried_minor: int
    tax_category: str
    tax_rate_ppm: int
    tax_words: str
    clauses: tuple[str, ...]
    rule_digests: tuple[bytes, ...]

    @property
    def booking(self) -> int | None:
        """The number of the booking that it holds to what came of it; None of another line."""
        return booking_and_point(self.subject)[0] if line_kind(self.kind).is_booking else None

    @property
    def replaced_estimate(self) -> int:
        """How much that was estimated before has been replaced, in `quantity_unit`."""
        return max(-(self.estimated_quantity or 0), 0)

    @property
    def awaited(self) -> str:
        """What of the line awaits a price, or has one only now; empty where no price is late."""
        return awaited_parts(self.description)

    @property
    def stated_price(self) -> Price | None:
        """The price that people read: none of a line without an amount, which may await one.

        Nor of a line of which a part awaits a price: over the whole quantity it would be an average
        of prices and nothing.
        """
        return self.price if self.exact_micro and not self.awaited else None

    @property
    def price_kind(self) -> str:
        """What its price is, where it is none that one energy has; empty where it is.

        A booking has that of its node on another line: here stands by how much its own differs.
        """
        price = self.stated_price
        average = "" if price is None or price.is_exact else "average"
        booking = "difference" if line_kind(self.kind).is_booking and price else ""
        return " ".join(filter(None, (average, booking)))

    @property
    def price_text(self) -> str:
        """The price with all its decimals, as pages write it; empty where the line has none."""
        price = self.stated_price
        if price is None:
            return ""
        return decimal_text(price.value, price.decimals, thousands=",").replace("-", MINUS)


@dataclass(frozen=True)
class TaxTotal:
    """The tax of one category and rate: its base, what it comes to, and why none is due."""

    category: str
    rate_ppm: int
    base_minor: int
    tax_minor: int
    reason: str


NOTHING_ON_BALANCE = "nothing-on-balance"


@dataclass(frozen=True)
class LineGroup:
    """The lines of one charge or payment, and their sums."""

    kind: str
    title: str
    lines: tuple[IssuedLine, ...]

    @property
    def short_title(self) -> str:
        """The title without what explains it."""
        return self.title.partition(":")[0]

    @property
    def amount_minor(self) -> int:
        """What the lines state together."""
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True)
class Reference:
    """The document that a note corrects: its number and the day of its issue (UTC)."""

    number: str
    issued_on: dt.date


@dataclass(frozen=True)
class RunReference:
    """The run that a document rests on."""

    id: uuid.UUID
    kind: str
    result_digest: bytes


@dataclass(frozen=True)
class SealedCheckpoint:
    """The newest checkpoint of the log when a document was issued: its leaves and its root."""

    size: int
    root: bytes


@dataclass(frozen=True)
class IssuedDocument:
    """A whole document, ready to be shown.

    Args:
        sign: -1 where amounts are turned from the ledger's sign (+ the participant pays).
        original: what a note corrects; None for the first document of a month.
        minor_digits: decimals of the currency's minor unit, as they were at issue.
        tax_notes: what the law of the days that it bills says about tax.
        earlier: the newest checkpoint before it; None where the log had none. The one that covers
            it was signed later, and so cannot be named in what was sealed.
        laws: instrument of each rule version that lines cite, by its digest.
        portal_address: where its readers find the portal today, such as https://portal.example;
            empty where that is not known. It is the one thing here that was not sealed.
    """

    id: uuid.UUID
    number: str
    kind: str
    market: str
    participant: str
    seller: Party
    buyer: Party
    billing_month: dt.date
    issued_at: dt.datetime
    due_on: dt.date
    payment_term_days: int
    currency: str
    minor_digits: int
    sign: int
    lines: tuple[IssuedLine, ...]
    taxes: tuple[TaxTotal, ...]
    exact_micro: int
    rounding_micro: int
    net_minor: int
    tax_minor: int
    due_minor: int
    tax_notes: tuple[str, ...]
    original: Reference | None
    run: RunReference | None
    journal_number: int | None
    last_journal_number: int
    digest: bytes
    previous_digest: bytes
    earlier: SealedCheckpoint | None
    laws: Mapping[bytes, str]
    portal_address: str = ""

    @property
    def is_self_billed(self) -> bool:
        """Whether the buyer writes this in the seller's name."""
        return self.kind.startswith(SELF_BILLED)

    @property
    def is_credit(self) -> bool:
        """Whether this takes back what an earlier document stated."""
        return self.kind in CREDIT_NOTES

    @property
    def issued_on(self) -> dt.date:
        """The day of issue, from which the payment term runs (UTC)."""
        return self.issued_at.astimezone(dt.UTC).date()

    @property
    def month_end(self) -> dt.date:
        """The last day of the billing month."""
        following = (self.billing_month + dt.timedelta(days=32)).replace(day=1)
        return following - dt.timedelta(days=1)

    @property
    def code(self) -> str:
        """What the proof page finds it by."""
        return short_code(self.digest)

    @property
    def groups(self) -> tuple[LineGroup, ...]:
        """The lines by kind, in their order; a note leads with what changed most.

        Lines of a note whose quantities came out as before follow as a group of their own.
        """
        moved = [line for line in self.lines if not self.original or line.quantity != 0]
        found = [
            LineGroup(kind, line_kind(kind).title, tuple(members))
            for kind, members in groupby(moved, key=lambda line: line.kind)
        ]
        if self.original:
            found.sort(key=lambda group: -abs(group.amount_minor))
        others = tuple(line for line in self.lines if self.original and line.quantity == 0)
        if others:
            title = "Other amounts: quantities that are as they were"
            found.append(LineGroup(NOTHING_ON_BALANCE, title, others))
        return tuple(found)

    @property
    def is_demonstration(self) -> bool:
        """Whether a party is nobody: no mail reaches an address reserved for examples (RFC 2606).

        It is told from what was sealed, so that a file says the same for ever.
        """
        emails = (self.seller.contact_email, self.buyer.contact_email)
        return any(RESERVED_FOR_EXAMPLES.search(email) for email in emails)


def sign_of(kind: str) -> int:
    """Return what turns the ledger's sign into that of a kind of document.

    >>> [sign_of(kind) for kind in ("invoice", "credit note", "self-billed credit note")]
    [1, -1, 1]
    """
    sign = -1 if kind.startswith(SELF_BILLED) else 1
    return -sign if kind in CREDIT_NOTES else sign
