"""From an invoice draft to a sealed document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from common.currencies import minor_unit_micro
from ledger.chain import (
    InvoiceLineRow,
    InvoiceRow,
    invoice_digest,
    invoice_line_digest,
)
from ledger.closing import closing_moves
from ledger.invoice import (
    InvoiceDraft,
    Subtotal,
    Tax,
    Totals,
    document_kind,
    document_number,
    series_of,
    subtotals,
    totals,
)
from ledger.parties import BUYER, SELLER, party_columns


@dataclass(frozen=True)
class Billed:
    """What earlier documents of a participant, family, month and currency come to.

    Args:
        amounts_micro: sum of their lines by their tax, exact.
        original: the first of them; None when there is none yet.
    """

    amounts_micro: Mapping[Tax, int] = field(default_factory=dict)
    original: UUID | None = None


NOTHING_BILLED = Billed()


@dataclass(frozen=True)
class Document:
    """A draft with its number and its money: all that is known before it is sealed."""

    draft: InvoiceDraft
    billed: Billed
    number: int
    taxes: Mapping[Tax, Subtotal]
    totals: Totals

    @property
    def series(self) -> str:
        """The series that numbers it."""
        return series_of(self.draft.market, self.draft.family)

    @property
    def name(self) -> str:
        """The number as it is printed."""
        return document_number(self.series, self.number)

    @property
    def is_closed_by_journal(self) -> bool:
        """Whether rounding or tax move anything."""
        rounding_micro, unit = self.totals.rounding_micro, minor_unit_micro(self.draft.currency)
        return bool(closing_moves(self.draft.family, rounding_micro, self.taxes, unit))


class EarlierCheckpoint(NamedTuple):
    """The newest checkpoint of the log before a document: its size and root; none before any."""

    size: int | None = None
    root: bytes | None = None


class SealedInvoice(NamedTuple):
    """A document ready to store: its row, its digest, its lines and theirs, in line order."""

    row: InvoiceRow
    digest: bytes
    lines: list[InvoiceLineRow]
    line_digests: list[bytes]


def document_of(draft: InvoiceDraft, billed: Billed, number: int) -> Document:
    """Return a draft as number `number` of its series, after what is billed already."""
    amounts = (draft.amounts_micro, billed.amounts_micro, minor_unit_micro(draft.currency))
    return Document(draft, billed, number, subtotals(*amounts), totals(*amounts))


def line_rows(draft: InvoiceDraft, identity: UUID) -> list[InvoiceLineRow]:
    """Return the lines of a document as rows, numbered from 1 in the order of the draft."""
    return [
        InvoiceLineRow(
            invoice_id=identity,
            line=number,
            kind=line.kind,
            subject=line.subject,
            description=line.description,
            quantity=line.quantity,
            quantity_unit=line.quantity_unit,
            amount_micro=line.amount_micro,
            quality=line.quality,
            estimated_quantity=line.estimated_quantity,
            clauses=tuple(line.clauses),
            rule_digests=tuple(line.rule_digests),
            tax_category=line.tax.category,
            tax_rate_ppm=line.tax.rate_ppm,
            tax_note=line.tax_note,
        )
        for number, line in enumerate(draft.lines, start=1)
    ]


def seal_invoice(
    document: Document,
    identity: UUID,
    *,
    participant_number: int,
    last_journal_number: int,
    journal_number: int | None,
    issued_at: datetime,
    previous_digest: bytes,
    earlier: EarlierCheckpoint,
) -> SealedInvoice:
    """Return the document sealed and chained to the one before it in its series.

    Args:
        document: what to seal.
        identity: its id.
        participant_number: which document of its participant it is, counted from 1.
        last_journal_number: the last journal that it takes into account.
        journal_number: the journal of its rounding and tax, if any.
        issued_at: the moment of issue; payment is due `payment_term_days` after its day in UTC.
        previous_digest: the digest of the document before it in its series.
        earlier: the newest checkpoint of the log, which the document comes after.
    """
    draft, money = document.draft, document.totals
    lines = line_rows(draft, identity)
    line_digests = [invoice_line_digest(line) for line in lines]
    is_first = document.billed.original is None
    kind = document_kind(draft.family, is_first=is_first, money=money)
    row = InvoiceRow(
        series=document.series,
        number=document.number,
        id=identity,
        kind=kind.value,
        market=draft.market,
        participant=draft.participant,
        participant_number=participant_number,
        billing_month=draft.billing_month,
        original=document.billed.original,
        run_id=draft.run_id,
        last_journal_number=last_journal_number,
        journal_number=journal_number,
        issued_at=issued_at,
        due_on=issued_at.astimezone(UTC).date() + timedelta(days=draft.payment_term_days),
        currency=draft.currency,
        minor_unit_micro=minor_unit_micro(draft.currency),
        amount_micro=money.amount_micro,
        rounding_micro=money.rounding_micro,
        net_minor=money.net_minor,
        tax_minor=money.tax_minor,
        due_minor=money.due_minor,
        line_count=len(lines),
        previous_digest=previous_digest,
        **party_columns(SELLER, draft.seller),
        **party_columns(BUYER, draft.buyer),
        payment_term_days=draft.payment_term_days,
        checkpoint_size=earlier.size,
        checkpoint_root=earlier.root,
    )
    return SealedInvoice(row, invoice_digest(row, line_digests), lines, line_digests)
