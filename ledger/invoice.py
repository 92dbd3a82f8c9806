"""Invoice drafts, the kind of document they become, and the one rounding of money.

Amounts of lines are exact, in millionths of the currency unit (micro); an invoice is payable in
minor units (pence). Positive: the participant pays the market; negative: the market pays.

Rounding happens once a document, half away from zero, on the running total of the participant's
documents for the month, so that rounding never adds up over credit and debit notes:

    net_minor = round(everything billed for the month so far, this document included)
                - what was billed so far

Half away from zero is what people expect of a bill, and it is symmetric: a credit of an amount
cancels the invoice of that amount exactly. Worked, with 10,000 micro to the penny:

    invoice      lines    1,234,500 micro = 123.45 p   -> 123 p   rounding -4,500 micro
    debit note   lines        1,000 micro =   0.10 p   ->   1 p   rounding +9,000 micro
                 (total   1,235,500 micro = 123.55 p   -> 124 p, of which 123 p is billed)
    credit note  lines   -1,235,500 micro              -> -124 p  rounding -4,500 micro
                 (total           0 micro              ->   0 p, and the roundings sum to zero)

Tax is due on the net amount less what its untaxed lines come to, rounded on their running total.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.parties import Party

TAX_CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")
"""The tax categories of EN 16931 (UNCL 5305) in use; only S (standard) carries a rate."""

UNTAXED = "E"
"""The category of a line that lies outside the tax base of its document: exempt. EN 16931 lets no
other category stand beside O, not subject to tax, so that cannot be it."""

QUALITIES = ("measured", "estimated", "none")
"""What the quantity behind a line is: measured throughout, estimated in part, or not metered."""

PPM = 1_000_000
NUMBER_DIGITS = 18
SHORT_CODE_DIGITS = 12
PAYMENT_TERM_LIMIT_DAYS = 366


class Family(StrEnum):
    """Who writes the bill: the market to a supplier, or the market in a generator's name."""

    INVOICE = "invoice"
    SELF_BILLED = "self-billed"


class DocumentKind(StrEnum):
    """What a document is called."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit note"
    DEBIT_NOTE = "debit note"
    SELF_BILLED_INVOICE = "self-billed invoice"
    SELF_BILLED_CREDIT_NOTE = "self-billed credit note"
    SELF_BILLED_DEBIT_NOTE = "self-billed debit note"


_KINDS = {
    Family.INVOICE: (
        DocumentKind.INVOICE,
        DocumentKind.CREDIT_NOTE,
        DocumentKind.DEBIT_NOTE,
    ),
    Family.SELF_BILLED: (
        DocumentKind.SELF_BILLED_INVOICE,
        DocumentKind.SELF_BILLED_CREDIT_NOTE,
        DocumentKind.SELF_BILLED_DEBIT_NOTE,
    ),
}
"""First document, credit note and debit note of a family."""


@dataclass(frozen=True)
class InvoiceLine:
    """One line: what for, how much of it, and the rules that made it.

    Args:
        kind: the charge or payment, such as `charge.fuel`.
        subject: what it is for, such as a supply point or a unit.
        description: one line of text for people.
        quantity: in `quantity_unit`; None together with it.
        amount_micro: + the participant pays, - the market pays.
        quality: one of `QUALITIES`.
        estimated_quantity: the part of `quantity` that is estimated, where that was metered; in a
            note the change of it, so below zero where estimates were replaced.
        clauses: anchors of the rules that govern the line, such as `MR-4.2`.
        rule_digests: 32-byte digests of the rule versions it obeyed.
        tax_category: `UNTAXED` where no tax is due on the line; None for that of the document.
    """

    kind: str
    subject: str
    description: str
    quantity: int | None
    quantity_unit: str | None
    amount_micro: int
    quality: str = "none"
    estimated_quantity: int | None = None
    clauses: tuple[str, ...] = ()
    rule_digests: tuple[bytes, ...] = ()
    tax_category: str | None = None


@dataclass(frozen=True)
class InvoiceDraft:
    """What to bill one participant for one month: the difference from what is billed already.

    Args:
        billing_month: the month's first day; the month of the settlement days billed.
        family: invoice (suppliers) or self-billed (generators).
        seller, buyer: who sells and who buys; of a self-billed document the buyer is its issuer.
        run_id: the latest run that the lines rest on, if any.
        payment_term_days: days from the day of issue (UTC) to the day payment is due.
        tax_category: EN 16931 category; `tax_rate_ppm` is 0 for all but S.
        tax_note: what the document says about tax, such as that of reverse charge.
    """

    market: str
    participant: str
    billing_month: date
    family: Family
    seller: Party
    buyer: Party
    currency: str
    run_id: UUID | None
    payment_term_days: int
    tax_category: str
    tax_rate_ppm: int
    tax_note: str
    lines: tuple[InvoiceLine, ...]

    @property
    def amount_micro(self) -> int:
        """Sum of the lines, exact."""
        return sum(line.amount_micro for line in self.lines)

    @property
    def untaxed_micro(self) -> int:
        """Sum of the lines that no tax is due on, exact."""
        return sum(line.amount_micro for line in self.lines if line.tax_category is not None)


@dataclass(frozen=True)
class Totals:
    """The money of a document; `net_minor` micro = `amount_micro` + `rounding_micro`."""

    amount_micro: int
    rounding_micro: int
    net_minor: int
    tax_minor: int
    due_minor: int


def round_half_away(value: int, divisor: int) -> int:
    """Return `value / divisor` rounded to the nearest integer, halves away from zero.

    >>> [round_half_away(value, 10_000) for value in (4_999, 5_000, -5_000, -4_999, 15_000)]
    [0, 1, -1, 0, 2]
    """
    # Away from zero on both sides, so that the tax of a note that takes everything back is the tax
    # of its invoice; halves rounded upward would leave a penny between the two.
    rounded = (2 * abs(value) + divisor) // (2 * divisor)
    return rounded if value >= 0 else -rounded


def totals(
    amount_micro: int,
    billed_micro: int,
    billed_minor: int,
    minor_unit_micro: int,
    tax_rate_ppm: int,
    untaxed_micro: int = 0,
    billed_untaxed_micro: int = 0,
) -> Totals:
    """Return the money of a document that follows `billed_micro` (exact) and `billed_minor` (net).

    `untaxed_micro` of its amount and `billed_untaxed_micro` of what is billed are of untaxed lines.

    >>> totals(1_000, 1_234_500, 123, 10_000, 0)
    Totals(amount_micro=1000, rounding_micro=9000, net_minor=1, tax_minor=0, due_minor=1)
    >>> totals(5_000_000, 0, 0, 10_000, 200_000, untaxed_micro=1_000_000).tax_minor
    80
    """
    # The month is rounded as a whole, and what was billed of it is taken off: the notes of a month
    # can never drift from its exact sum by more than half a minor unit, however many there are.
    net_minor = round_half_away(billed_micro + amount_micro, minor_unit_micro) - billed_minor
    untaxed_minor = round_half_away(
        billed_untaxed_micro + untaxed_micro, minor_unit_micro
    ) - round_half_away(billed_untaxed_micro, minor_unit_micro)
    # Of the printed net, not of micro: whoever holds the document can compute its tax.
    tax_minor = round_half_away((net_minor - untaxed_minor) * tax_rate_ppm, PPM)
    return Totals(
        amount_micro=amount_micro,
        rounding_micro=net_minor * minor_unit_micro - amount_micro,
        net_minor=net_minor,
        tax_minor=tax_minor,
        due_minor=net_minor + tax_minor,
    )


def document_kind(family: Family, *, is_first: bool, amount_micro: int) -> DocumentKind:
    """Return what to call a document: the first of its month is the invoice, others are notes.

    A credit note lowers what the invoice states and a debit note raises it; a self-billed
    invoice states what the market pays (-), so its credit notes are positive.

    >>> str(document_kind(Family.SELF_BILLED, is_first=False, amount_micro=5))
    'self-billed credit note'
    """
    first, credit_note, debit_note = _KINDS[family]
    if is_first:
        return first
    stated_micro = amount_micro if family is Family.INVOICE else -amount_micro
    return credit_note if stated_micro < 0 else debit_note


def series_of(market: str, family: Family) -> str:
    """Return the series that numbers a market's documents of a family."""
    return f"{market}-{family}"


def document_number(series: str, number: int) -> str:
    """Return the number printed on a document.

    >>> document_number("gb12-invoice", 42)
    'gb12-invoice-000042'
    """
    return f"{series}-{number:06d}"


def parsed_number(number: str) -> tuple[str, int] | None:
    """Return series and number, or None when `number` is not written as documents print it.

    >>> parsed_number("gb12-invoice-000042"), parsed_number("gb12-invoice-42")
    (('gb12-invoice', 42), None)
    """
    series, dash, digits = number.rpartition("-")
    if not dash or not digits.isascii() or not digits.isdigit() or len(digits) > NUMBER_DIGITS:
        return None
    key = (series, int(digits))
    return key if document_number(*key) == number else None


def short_code(digest: bytes) -> str:
    """Return what a document's proof is looked up by: 12 hex digits of its digest, 4 and 4 and 4.

    >>> short_code(bytes.fromhex("9f86d081884c7d65" + "00" * 24))
    '9f86-d081-884c'
    """
    digits = digest.hex()[:SHORT_CODE_DIGITS]
    return "-".join(digits[start : start + 4] for start in range(0, SHORT_CODE_DIGITS, 4))
