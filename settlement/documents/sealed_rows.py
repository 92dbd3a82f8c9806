"""From the sealed rows of a document to its document."""

from collections.abc import Mapping

from common.currencies import minor_digits_of
from ledger.billing import Billed, SealedInvoice
from ledger.chain import InvoiceLineRow, InvoiceRow
from ledger.invoice import UNTAXED, document_number
from ledger.parties import BUYER, SELLER, party_of
from settlement.documents.arithmetic import RoundedLine, price_of, rounded_lines
from settlement.documents.issued_document import (
    CREDIT_NOTES,
    IssuedDocument,
    IssuedLine,
    Reference,
    RunReference,
    TaxTotal,
    sign_of,
)

OUTSIDE_SCOPE = "O"
WITHOUT_REASON = ("S", "Z")
UNTAXED_REASON = "Outside the tax base: no tax is due on this charge"


def document_of_rows(
    sealed: SealedInvoice,
    billed: Billed,
    original: Reference | None,
    run: RunReference | None,
    laws: Mapping[bytes, str],
) -> IssuedDocument:
    """Return a stored document as it is stated.

    Args:
        sealed: its rows.
        billed: what the documents of its participant, series and month before it come to.
        original: the document that it corrects, if it is a note.
        run: the run that it rests on, if any.
        laws: instrument of each rule version that its lines cite, by digest.
    """
    row = sealed.row
    sign = sign_of(row.kind)
    amounts = [(line.amount_micro, line.tax_category is not None) for line in sealed.lines]
    rounded = rounded_lines(amounts, billed, row.minor_unit_micro)
    lines = tuple(
        _line(row, line, amounts, sign) for line, amounts in zip(sealed.lines, rounded, strict=True)
    )
    columns = row._asdict()
    return IssuedDocument(
        id=row.id,
        number=document_number(row.series, row.number),
        kind=row.kind,
        market=row.market,
        participant=row.participant,
        seller=party_of(SELLER, columns),
        buyer=party_of(BUYER, columns),
        billing_month=row.billing_month,
        issued_at=row.issued_at,
        due_on=row.due_on,
        payment_term_days=row.payment_term_days,
        currency=row.currency,
        minor_digits=minor_digits_of(row.minor_unit_micro),
        sign=sign,
        lines=lines,
        taxes=_taxes(row, lines, sign),
        exact_micro=sign * row.amount_micro,
        rounding_micro=sign * row.rounding_micro,
        net_minor=sign * row.net_minor,
        tax_minor=sign * row.tax_minor,
        due_minor=sign * row.due_minor,
        tax_note=row.tax_note,
        original=original,
        run=run,
        journal_number=row.journal_number,
        last_journal_number=row.last_journal_number,
        digest=sealed.digest,
        previous_digest=row.previous_digest,
        laws=laws,
    )


def _line(row: InvoiceRow, line: InvoiceLineRow, rounded: RoundedLine, sign: int) -> IssuedLine:
    turned = -1 if row.kind in CREDIT_NOTES else 1
    quantity = None if line.quantity is None else turned * line.quantity
    exact_micro = sign * line.amount_micro
    is_untaxed = line.tax_category is not None
    return IssuedLine(
        number=line.line,
        kind=line.kind,
        subject=line.subject,
        description=line.description,
        quantity=quantity,
        quantity_unit=line.quantity_unit,
        quality=line.quality,
        estimated_quantity=line.estimated_quantity,
        price=price_of(quantity, line.quantity_unit, exact_micro, row.minor_unit_micro),
        exact_micro=exact_micro,
        amount_minor=sign * rounded.amount_minor,
        carried_minor=sign * rounded.carried_minor,
        tax_category=_untaxed_category(row) if is_untaxed else row.tax_category,
        tax_rate_ppm=0 if is_untaxed else row.tax_rate_ppm,
        is_untaxed=is_untaxed,
        clauses=line.clauses,
        rule_digests=line.rule_digests,
    )


def _untaxed_category(row: InvoiceRow) -> str:
    """Return the category of untaxed lines: no other may stand beside O (EN 16931, BR-O-11)."""
    return OUTSIDE_SCOPE if row.tax_category == OUTSIDE_SCOPE else UNTAXED


def _taxes(row: InvoiceRow, lines: tuple[IssuedLine, ...], sign: int) -> tuple[TaxTotal, ...]:
    """Return the tax by category: that of the document, then that of untaxed lines."""
    found = []
    for category in dict.fromkeys((row.tax_category, *(line.tax_category for line in lines))):
        members = [line for line in lines if line.tax_category == category]
        is_main = category == row.tax_category
        if members:
            found.append(
                TaxTotal(
                    category=category,
                    rate_ppm=row.tax_rate_ppm if is_main else 0,
                    base_minor=sum(line.amount_minor for line in members),
                    tax_minor=sign * row.tax_minor if is_main else 0,
                    reason=_reason(row, category),
                )
            )
    return tuple(found)


def _reason(row: InvoiceRow, category: str) -> str:
    """Return why a category bears no tax; empty where EN 16931 allows no reason."""
    if category in WITHOUT_REASON:
        return ""
    return row.tax_note if category == row.tax_category else UNTAXED_REASON
