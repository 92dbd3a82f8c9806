"""Issuing documents: numbered and chained in their series, all or nothing."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count

from sqlalchemy.orm import Session

from common.quantities import with_unit
from common.refusals import Finding, refuse_any
from ledger import invoice_queries, store
from ledger.billing import (
    NOTHING_BILLED,
    Document,
    EarlierCheckpoint,
    SealedInvoice,
    document_of,
    seal_invoice,
)
from ledger.closing import closing_journal
from ledger.invoice import Family, InvoiceDraft, series_of
from ledger.invoice_checks import check_invoices, place_of
from ledger.journal import Account, is_money
from ledger.log.store import last_checkpoint
from ledger.posting import post_many, require_zone
from ledger.rules import LedgerRule
from ledger.store import Head


@dataclass(frozen=True)
class NothingToInvoice:
    """A draft that needed no document: no line of its participant for the month has an amount."""

    participant: str
    billing_month: date
    family: Family

    def __str__(self) -> str:
        return (
            f"{self.participant}: nothing to bill for {self.billing_month:%Y-%m} "
            f"({self.family}): no line has an amount"
        )


@dataclass(frozen=True)
class Issued:
    """What `issue` did with each draft: the documents, in the drafts' order, and the rest."""

    invoices: tuple[SealedInvoice, ...]
    nothing: tuple[NothingToInvoice, ...]


def issue(session: Session, drafts: Sequence[InvoiceDraft], now: datetime) -> Issued:
    """Issue a document for every participant whose month moved money, all or nothing.

    A line is named after the account it bills (kind and subject). The lines of a participant's
    drafts for a month must come to what each of its money accounts moved since its last document
    of that month; a participant who both supplies and generates gets both documents in one call.
    Rounding and tax are posted with the documents. A participant whose drafts of a month have no
    amount gets no document; where one has, a draft that only states quantities becomes a document
    too, as the other would cover its journals unsaid.

    Raises:
        Refused: a draft breaks a rule or differs from the ledger; nothing is issued.
    """
    require_zone(now)
    refuse_any(check_invoices(drafts))
    store.lock(session)
    # Under the lock, so that no journal comes between what is compared here and what is issued.
    refuse_any(_differences(session, drafts))
    # What the lines take into account ends here; the journals of rounding and tax come after it.
    last_journal_number = store.journal_head(session).number
    to_bill, without = _part_drafts(drafts)
    heads = {
        series: store.invoice_head(session, series)
        for series in {series_of(draft.market, draft.family) for draft in to_bill}
    }
    documents = _number_documents(session, to_bill, heads)
    # A document is the cause of its journal, so it comes first and names the number that the
    # journal will have, as the lock lets nobody else take it.
    journal_numbers = count(last_journal_number + 1)
    last = last_checkpoint(session)
    earlier = EarlierCheckpoint(last.size, last.root) if last else EarlierCheckpoint()
    identities = store.new_ids(session, len(documents))
    counted = Counter(store.participant_counts(session, {owner_of(draft) for draft in to_bill}))
    invoices, closing = [], []
    for document, identity in zip(documents, identities, strict=True):
        owner = owner_of(document.draft)
        counted[owner] += 1
        invoice = seal_invoice(
            document,
            identity,
            participant_number=counted[owner],
            last_journal_number=last_journal_number,
            journal_number=next(journal_numbers) if document.is_closed_by_journal else None,
            issued_at=now,
            previous_digest=heads[document.series].digest,
            earlier=earlier,
        )
        heads[document.series] = Head(document.number, invoice.digest)
        store.insert_invoice(session, invoice)
        invoices.append(invoice)
        if document.is_closed_by_journal:
            closing.append(closing_journal(invoice.row, invoice.digest, document.taxes))
    post_many(session, closing, now)
    nothing = tuple(
        NothingToInvoice(draft.participant, draft.billing_month, draft.family) for draft in without
    )
    return Issued(tuple(invoices), nothing)


def owner_of(draft: InvoiceDraft) -> tuple[str, str]:
    """Return the market and participant whose documents are counted together."""
    return draft.market, draft.participant


def _part_drafts(
    drafts: Sequence[InvoiceDraft],
) -> tuple[list[InvoiceDraft], list[InvoiceDraft]]:
    """Return the drafts that become documents, and those that need none."""
    with_amount = {
        (draft.market, draft.participant, draft.billing_month)
        for draft in drafts
        if any(line.amount_micro for line in draft.lines)
    }
    to_bill: list[InvoiceDraft] = []
    without: list[InvoiceDraft] = []
    for draft in drafts:
        is_moved = (draft.market, draft.participant, draft.billing_month) in with_amount
        states = any(line.amount_micro or line.quantity for line in draft.lines)
        (to_bill if is_moved and states else without).append(draft)
    return to_bill, without


def _differences(session: Session, drafts: Sequence[InvoiceDraft]) -> Iterator[Finding]:
    """Yield a refusal for each account whose lines differ from what it moved."""
    months: defaultdict[tuple[str, date], list[InvoiceDraft]] = defaultdict(list)
    for draft in drafts:
        months[draft.market, draft.billing_month].append(draft)
    for (market, billing_month), of_month in months.items():
        drafted = _sum_drafted(of_month)
        moved = _sum_unbilled(
            session, market, billing_month, {draft.participant for draft in of_month}
        )
        for account in sorted(drafted.keys() | moved.keys(), key=lambda each: each.code):
            lines_micro, moved_micro = drafted.get(account, 0), moved.get(account, 0)
            if lines_micro != moved_micro:
                yield LedgerRule.LINES_DIFFER_FROM_LEDGER.finding(
                    place_of(market, str(account.participant), billing_month),
                    f"lines of account {account.code} sum to "
                    f"{with_unit(lines_micro, 'micro', account.commodity)}, it moved "
                    f"{with_unit(moved_micro, 'micro', account.commodity)}",
                )


def _sum_drafted(drafts: Sequence[InvoiceDraft]) -> dict[Account, int]:
    """Return account -> sum of the lines that bill it, in micro."""
    sums: defaultdict[Account, int] = defaultdict(int)
    for draft in drafts:
        for line in draft.lines:
            account = Account(
                draft.market, draft.currency, draft.participant, line.kind, line.subject
            )
            sums[account] += line.amount_micro
    return sums


def _sum_unbilled(
    session: Session, market: str, billing_month: date, participants: Collection[str]
) -> dict[Account, int]:
    """Return money account -> movement that no document covers, in micro."""
    unbilled = invoice_queries.unbilled(session, market, billing_month)
    return {
        account: amount
        for participant in participants
        for account, amount in unbilled.get(participant, {}).items()
        if is_money(account.commodity)
    }


def _number_documents(
    session: Session, drafts: Sequence[InvoiceDraft], heads: Mapping[str, Head]
) -> list[Document]:
    months = {(draft.market, draft.billing_month) for draft in drafts}
    billed = {month: invoice_queries.billed(session, *month) for month in months}
    numbers = {series: head.number for series, head in heads.items()}
    documents = []
    for draft in drafts:
        series = series_of(draft.market, draft.family)
        numbers[series] += 1
        earlier = billed[draft.market, draft.billing_month].get(
            (draft.participant, series, draft.currency, draft.is_outside_scope), NOTHING_BILLED
        )
        documents.append(document_of(draft, earlier, numbers[series]))
    return documents
