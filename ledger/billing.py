"""From an invoice draft to a sealed document, and to the journal of its rounding and tax."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from common.currencies import minor_unit_micro
from ledger.chain import (
    InvoiceLineRow,
    InvoiceRow,
    encode,
    invoice_digest,
    invoice_line_digest,
)
from ledger.invoice import (
    InvoiceDraft,
    Totals,
    document_kind,
    document_number,
    series_of,
    totals,
)
from ledger.journal import Account, JournalDraft, Posting
from ledger.parties import BUYER, SELLER, party_columns
from ledger.tree import leaf_hash

ROUNDING = "rounding"
TAX = "tax"
DOCUMENT_POSTING_TAG = "tallystick.document-posting.1"


@dataclass(frozen=True)
class Billed:
    """What earlier documents of a participant, family, month and currency come to.

    Args:
        amount_micro: sum of their lines, exact.
        net_minor: sum of their net amounts.
        original: the first of them; None when there is none yet.
        untaxed_micro: sum of their lines that no tax is due on, exact.
    """

    amount_micro: int = 0
    net_minor: int = 0
    original: UUID | None = None
    untaxed_micro: int = 0


NOTHING_BILLED = Billed()


@dataclass(frozen=True)
class Document:
    """A draft with its number and its money: all that is known before it is sealed."""

    draft: InvoiceDraft
    billed: Billed
    number: int
    totals: Totals

    @property
    def series(self) -> str:
        """The series that numbers it."""
        return series_of(self.draft.market, self.draft.family)

    @property
    def name(self) -> str:
        """The number as it is printed."""
        return document_number(self.series, self.number)


class SealedInvoice(NamedTuple):
    """A document ready to store: its row, its digest, its lines and theirs, in line order."""

    row: InvoiceRow
    digest: bytes
    lines: list[InvoiceLineRow]
    line_digests: list[bytes]


def document_of(draft: InvoiceDraft, billed: Billed, number: int) -> Document:
    """Return a draft as number `number` of its series, after what is billed already."""
    money = totals(
        draft.amount_micro,
        billed.amount_micro,
        billed.net_minor,
        minor_unit_micro(draft.currency),
        draft.tax_rate_ppm,
        draft.untaxed_micro,
        billed.untaxed_micro,
    )
    return Document(draft, billed, number, money)


def closing_journal(document: Document) -> JournalDraft | None:
    """Return the journal that brings the participant's accounts to what the document says.

    Rounding goes against the market's rounding account and tax against its tax account; None
    when neither moves. The journal names no settlement day, so it is never billed itself.
    """
    draft, money = document.draft, document.totals
    tax_micro = money.tax_minor * minor_unit_micro(draft.currency)
    moves = (
        (ROUNDING, draft.family.value, money.rounding_micro),
        (TAX, draft.tax_category, tax_micro),
    )
    postings = tuple(
        Posting(Account(draft.market, draft.currency, owner, kind, subject), amount)
        for kind, subject, amount_micro in moves
        for owner, amount in ((draft.participant, amount_micro), (None, -amount_micro))
        if amount
    )
    if not postings:
        return None
    moved = [(posting.account.code, posting.amount) for posting in postings]
    return JournalDraft(
        key=document.name,
        market=draft.market,
        settlement_day=None,
        run_id=None,
        run_kind=None,
        reason=f"Rounding and tax of {document.name}",
        input_digest=leaf_hash(encode(DOCUMENT_POSTING_TAG, (document.name, *moved))),
        postings=postings,
    )


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
            tax_category=line.tax_category,
        )
        for number, line in enumerate(draft.lines, start=1)
    ]


def seal_invoice(
    document: Document,
    identity: UUID,
    *,
    last_journal_number: int,
    journal_number: int | None,
    issued_at: datetime,
    previous_digest: bytes,
) -> SealedInvoice:
    """Return the document sealed and chained to the one before it in its series.

    Args:
        document: what to seal.
        identity: its id.
        last_journal_number: the last journal that it takes into account.
        journal_number: the journal of its rounding and tax, if any.
        issued_at: the moment of issue; payment is due `payment_term_days` after its day in UTC.
        previous_digest: the digest of the document before it in its series.
    """
    draft, money = document.draft, document.totals
    lines = line_rows(draft, identity)
    line_digests = [invoice_line_digest(line) for line in lines]
    is_first = document.billed.original is None
    kind = document_kind(draft.family, is_first=is_first, amount_micro=money.amount_micro)
    row = InvoiceRow(
        series=document.series,
        number=document.number,
        id=identity,
        kind=kind.value,
        market=draft.market,
        participant=draft.participant,
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
        tax_category=draft.tax_category,
        tax_rate_ppm=draft.tax_rate_ppm,
        tax_minor=money.tax_minor,
        due_minor=money.due_minor,
        line_count=len(lines),
        previous_digest=previous_digest,
        **party_columns(SELLER, draft.seller),
        **party_columns(BUYER, draft.buyer),
        tax_note=draft.tax_note,
        payment_term_days=draft.payment_term_days,
    )
    return SealedInvoice(row, invoice_digest(row, line_digests), lines, line_digests)
