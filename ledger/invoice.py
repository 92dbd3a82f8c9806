"""Invoice drafts, the kind of document they become, and the one rounding of money.

Amounts of lines are exact, in millionths of the currency unit (micro); an invoice is payable in
minor units (pence). Positive: the participant pays the market; negative: the market pays.

Each line bears the tax of the days that it bills, and a document states a subtotal for each tax
that its lines bear: a base, and the tax on it. Rounding happens once for each tax, half away from
zero, on the running total of the participant's lines of the month that bear it, so that it never
adds up over credit and debit notes:

    base_minor = round(all lines of the month with this tax so far, this document included)
                 - the same of the documents before it
    tax_minor  = round(base of the month so far x rate) - the same of the documents before it

Net, tax and what is due are sums over the subtotals. Half away from zero is what people expect of a
bill. Worked, with 10,000 micro to the penny and tax at 20 %:

    invoice      lines    1,234,500 micro = 123.45 p   -> 123 p, tax 25 p   rounding -4,500 micro
    debit note   lines        1,000 micro =   0.10 p   ->   1 p, tax  0 p   rounding +9,000 micro
                 (so far  1,235,500 micro = 123.55 p   -> 124 p, of which 123 p is billed;
                  its tax 24.8 p -> 25 p, which is billed)
    credit note  lines   -1,235,500 micro              -> -124 p, tax -25 p  rounding -4,500 micro
                 (so far          0 micro              ->   0 p, and all tax is taken back)

Of each document by itself, tax would be 25, 0 and -25 p here; but of bases of 4 x 3 p and one of
-12 p it would be 4 x 1 and -2 p, and notes that take everything back would leave tax owed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from ledger.parties import Party

TAX_CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")
"""The tax categories of EN 16931 (UNCL 5305) in use; only S (standard) carries a rate."""

STANDARD = "S"
"""The category of what is taxed at a rate."""

OUTSIDE_SCOPE = "O"
"""Not subject to tax. EN 16931 lets no other category stand beside it in a document (BR-O-11)."""

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


class Tax(NamedTuple):
    """How a line is taxed: a category of EN 16931 and a rate in ppm, 0 for all but `STANDARD`."""

    category: str
    rate_ppm: int


@dataclass(frozen=True)
class InvoiceLine:
    """One line: what for, how much of it, how it is taxed, and the rules that made it.

    Args:
        kind: the charge or payment, such as `charge.fuel`.
        subject: what it is for, such as a supply point or a unit.
        description: one line of text for people.
        quantity: in `quantity_unit`; None together with it.
        amount_micro: + the participant pays, - the market pays.
        tax: of the days that the line bills.
        tax_note: what the law of those days says about tax, such as that of reverse charge.
        quality: one of `QUALITIES`.
        estimated_quantity: the part of `quantity` that is estimated, where that was metered; in a
            note the change of it, so below zero where estimates were replaced.
        clauses: anchors of the rules that govern the line, such as `MR-4.2`.
        rule_digests: 32-byte digests of the rule versions it obeyed.
    """

    kind: str
    subject: str
    description: str
    quantity: int | None
    quantity_unit: str | None
    amount_micro: int
    tax: Tax
    tax_note: str
    quality: str = "none"
    estimated_quantity: int | None = None
    clauses: tuple[str, ...] = ()
    rule_digests: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class InvoiceDraft:
    """What to bill one participant for one month: the difference from what is billed already.

    Args:
        billing_month: the month's first day; the month of the settlement days billed.
        family: invoice (suppliers) or self-billed (generators).
        seller, buyer: who sells and who buys; of a self-billed document the buyer is its issuer.
        run_id: the latest run that the lines rest on, if any.
        payment_term_days: days from the day of issue (UTC) to the day payment is due.
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
    lines: tuple[InvoiceLine, ...]

    @property
    def amounts_micro(self) -> dict[Tax, int]:
        """Sum of the lines by their tax, exact."""
        return sum_by_tax((line.tax, line.amount_micro) for line in self.lines)

    @property
    def is_outside_scope(self) -> bool:
        """Whether its lines are not subject to tax, so that they share no document with others."""
        return any(line.tax.category == OUTSIDE_SCOPE for line in self.lines)


def sum_by_tax(amounts: Iterable[tuple[Tax, int]]) -> dict[Tax, int]:
    """Return the sum of amounts by their tax, in the order in which taxes first come."""
    sums: defaultdict[Tax, int] = defaultdict(int)
    for tax, amount_micro in amounts:
        sums[tax] += amount_micro
    return dict(sums)


class Subtotal(NamedTuple):
    """What a document states of one tax: the base, and the tax on it."""

    base_minor: int
    tax_minor: int


class Totals(NamedTuple):
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
    # Away from zero on both sides: what one party pays is what the other is paid, to the penny.
    rounded = (2 * abs(value) + divisor) // (2 * divisor)
    return rounded if value >= 0 else -rounded


def subtotals(
    amounts_micro: Mapping[Tax, int], billed_micro: Mapping[Tax, int], minor_unit_micro: int
) -> dict[Tax, Subtotal]:
    """Return what a document states of each tax that its lines bear.

    Args:
        amounts_micro: the sum of its lines by their tax, exact.
        billed_micro: the same of all lines of the documents before it.
        minor_unit_micro: micro in a minor unit.

    >>> vat = Tax("S", 200_000)
    >>> subtotals({vat: 1_000}, {vat: 1_234_500}, 10_000)
    {Tax(category='S', rate_ppm=200000): Subtotal(base_minor=1, tax_minor=0)}
    """
    found = {}
    for tax, amount_micro in amounts_micro.items():
        before = _stated(tax, billed_micro.get(tax, 0), minor_unit_micro)
        after = _stated(tax, billed_micro.get(tax, 0) + amount_micro, minor_unit_micro)
        found[tax] = Subtotal(
            after.base_minor - before.base_minor, after.tax_minor - before.tax_minor
        )
    return found


def _stated(tax: Tax, amount_micro: int, minor_unit_micro: int) -> Subtotal:
    """Return what all documents of a month state of a tax whose lines come to an amount."""
    # Of the month as a whole, and of the base as it is printed: so notes that take everything back
    # leave nothing, neither of the net nor of its tax, however many documents it took.
    base_minor = round_half_away(amount_micro, minor_unit_micro)
    return Subtotal(base_minor, round_half_away(base_minor * tax.rate_ppm, PPM))


def totals(
    amounts_micro: Mapping[Tax, int], billed_micro: Mapping[Tax, int], minor_unit_micro: int
) -> Totals:
    """Return the money of a document; arguments as those of `subtotals`.

    >>> vat = Tax("S", 200_000)
    >>> totals({vat: 1_000}, {vat: 1_234_500}, 10_000)
    Totals(amount_micro=1000, rounding_micro=9000, net_minor=1, tax_minor=0, due_minor=1)
    """
    stated = subtotals(amounts_micro, billed_micro, minor_unit_micro).values()
    amount_micro = sum(amounts_micro.values())
    net_minor = sum(each.base_minor for each in stated)
    tax_minor = sum(each.tax_minor for each in stated)
    return Totals(
        amount_micro=amount_micro,
        rounding_micro=net_minor * minor_unit_micro - amount_micro,
        net_minor=net_minor,
        tax_minor=tax_minor,
        due_minor=net_minor + tax_minor,
    )


def document_kind(family: Family, *, is_first: bool, money: Totals) -> DocumentKind:
    """Return what to call a document: the first of its month is the invoice, others are notes.

    A credit note lowers what the invoice states and a debit note raises it; a self-billed
    invoice states what the market pays (-), so its credit notes are positive. What is due decides,
    as a note may change the tax alone; where nothing is due, the exact amount does.

    >>> money = Totals(amount_micro=5, rounding_micro=-5, net_minor=0, tax_minor=0, due_minor=0)
    >>> str(document_kind(Family.SELF_BILLED, is_first=False, money=money))
    'self-billed credit note'
    """
    first, credit_note, debit_note = _KINDS[family]
    if is_first:
        return first
    changed = money.due_minor or money.amount_micro
    stated = changed if family is Family.INVOICE else -changed
    return credit_note if stated < 0 else debit_note


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
