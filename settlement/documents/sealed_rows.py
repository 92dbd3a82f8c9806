"""From the sealed rows of a document to its document."""

from collections.abc import Iterable, Mapping, Sequence

from common.currencies import minor_digits_of
from ledger.billing import Billed, SealedInvoice
from ledger.chain import InvoiceLineRow, InvoiceRow
from ledger.invoice import Subtotal, Tax, document_number, subtotals, sum_by_tax
from ledger.parties import BUYER, SELLER, party_of
from settlement.billing.day_law import UNTAXED_NOTE, notes_in
from settlement.documents.arithmetic import RoundedLine, price_of, rate_text, rounded_lines
from settlement.documents.issued_document import (
    CREDIT_NOTES,
    IssuedDocument,
    IssuedLine,
    Reference,
    RunReference,
    SealedCheckpoint,
    TaxTotal,
    sign_of,
)

WITHOUT_REASON = ("S", "Z")
"""The categories that EN 16931 lets give no reason for an exemption."""


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
    amounts = [(_tax_of(line), line.amount_micro) for line in sealed.lines]
    rounded = rounded_lines(amounts, billed.amounts_micro, row.minor_unit_micro)
    stated = subtotals(sum_by_tax(amounts), billed.amounts_micro, row.minor_unit_micro)
    lines = tuple(
        _line(row, line, amounts, sign, _tax_words(line) if len(stated) > 1 else "")
        for line, amounts in zip(sealed.lines, rounded, strict=True)
    )
    columns = row._asdict()
    earlier = None
    if row.checkpoint_size is not None and row.checkpoint_root is not None:
        earlier = SealedCheckpoint(row.checkpoint_size, row.checkpoint_root)
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
        taxes=_taxes(sealed.lines, stated, sign),
        exact_micro=sign * row.amount_micro,
        rounding_micro=sign * row.rounding_micro,
        net_minor=sign * row.net_minor,
        tax_minor=sign * row.tax_minor,
        due_minor=sign * row.due_minor,
        tax_notes=_tax_notes(sealed.lines),
        original=original,
        run=run,
        journal_number=row.journal_number,
        last_journal_number=row.last_journal_number,
        digest=sealed.digest,
        previous_digest=row.previous_digest,
        earlier=earlier,
        laws=laws,
    )


def _line(
    row: InvoiceRow, line: InvoiceLineRow, rounded: RoundedLine, sign: int, tax_words: str
) -> IssuedLine:
    turned = -1 if row.kind in CREDIT_NOTES else 1
    quantity = None if line.quantity is None else turned * line.quantity
    exact_micro = sign * line.amount_micro
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
        tax_category=line.tax_category,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_words=tax_words,
        clauses=line.clauses,
        rule_digests=line.rule_digests,
    )


def _tax_of(line: InvoiceLineRow) -> Tax:
    return Tax(line.tax_category, line.tax_rate_ppm)


def _tax_words(line: InvoiceLineRow) -> str:
    """Return how a line is taxed, for a document whose lines are taxed in several ways."""
    match line.tax_category:
        case "S" | "Z":
            return f"tax at {rate_text(line.tax_rate_ppm)} %"
        case "AE":
            return "reverse charge"
        case _:
            return "no tax is due on it"


def _taxes(
    lines: Sequence[InvoiceLineRow], stated: Mapping[Tax, Subtotal], sign: int
) -> tuple[TaxTotal, ...]:
    """Return the subtotals of the taxes that lines bear, each in the sign of the document."""
    return tuple(
        TaxTotal(
            category=tax.category,
            rate_ppm=tax.rate_ppm,
            base_minor=sign * subtotal.base_minor,
            tax_minor=sign * subtotal.tax_minor,
            reason=_reason(tax, lines),
        )
        for tax, subtotal in stated.items()
    )


def _reason(tax: Tax, lines: Sequence[InvoiceLineRow]) -> str:
    """Return why a tax is none; empty where EN 16931 allows no reason."""
    if tax.category in WITHOUT_REASON:
        return ""
    return " ".join(_notes(line for line in lines if _tax_of(line) == tax))


def _tax_notes(lines: Sequence[InvoiceLineRow]) -> tuple[str, ...]:
    """Return what a document says about tax above its lines.

    What lies outside the tax base is said where the tax is summed, unless nothing else is billed.
    """
    found = _notes(lines)
    return tuple(note for note in found if note != UNTAXED_NOTE) or found


def _notes(lines: Iterable[InvoiceLineRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for line in lines for note in notes_in(line.tax_note)))
