"""What other packages ask of the ledger: post journals, read balances, issue invoices.

Every function works in the caller's transaction and appends under one advisory lock, so numbers
are gapless and nothing is half-posted: if the caller's transaction does not commit, nothing was.
A refusal is `LedgerRefused`, which carries every reason; roll the transaction back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ledger import store
from ledger.billing import (
    NOTHING_BILLED,
    Document,
    SealedInvoice,
    closing_journal,
    document_of,
    seal_invoice,
)
from ledger.chain import SealedJournal, seal_journal
from ledger.invoice import Family, InvoiceDraft, check_invoices, place_of, series_of
from ledger.journal import ENERGY, Account, JournalDraft, check_batch
from ledger.refusals import LedgerRefused, Refusal, RefusalCode
from ledger.store import Head


@dataclass(frozen=True)
class Posted:
    """A journal in the ledger; `is_repeat` when this key was posted before with this input."""

    number: int
    id: UUID
    key: str
    digest: bytes
    is_repeat: bool


def post(session: Session, draft: JournalDraft, now: datetime) -> Posted:
    """Post one journal; see `post_many`."""
    return post_many(session, [draft], now)[0]


def post_many(session: Session, drafts: Sequence[JournalDraft], now: datetime) -> list[Posted]:
    """Post journals in their order, all or nothing, and return them in that order.

    A key that is posted already with the same input digest returns the original.

    Args:
        session: the caller's session; the journals are there once it commits.
        drafts: what to post.
        now: the moment of posting, with its zone.

    Raises:
        LedgerRefused: a draft breaks a rule; nothing is posted.
    """
    require_zone(now)
    refuse_any(check_batch(drafts))
    store.lock(session)
    known = store.posted_keys(session, [draft.key for draft in drafts])
    refuse_any(
        Refusal(
            RefusalCode.KEY_HAS_OTHER_INPUT,
            f"journal {draft.key!r}",
            f"input {draft.input_digest.hex()}, posted with {known[draft.key].input_digest.hex()}",
        )
        for draft in drafts
        if draft.key in known and known[draft.key].input_digest != draft.input_digest
    )
    new = [draft for draft in drafts if draft.key not in known]
    sealed = _seal(session, new, now)
    store.insert_accounts(session, {each.account for draft in new for each in draft.postings})
    store.insert_journals(session, sealed)
    posted = {
        key: Posted(original.number, original.id, key, original.digest, is_repeat=True)
        for key, original in known.items()
    } | {
        each.row.key: Posted(
            each.row.number, each.row.id, each.row.key, each.digest, is_repeat=False
        )
        for each in sealed
    }
    return [posted[draft.key] for draft in drafts]


def balances(
    session: Session, market: str, first_day: date, last_day: date
) -> dict[tuple[date, str], int]:
    """Return what is posted for each settlement day, first and last day included.

    Returns:
        (settlement day, account code) -> sum of the postings of that day's journals, in the
        account's commodity. An account that no journal of the day moved is absent.
    """
    return store.sums_by_day(session, market, first_day, last_day)


def head(session: Session) -> Head:
    """Return number and digest of the last journal: what to keep elsewhere and verify against."""
    return store.journal_head(session)


def unbilled(session: Session, market: str, billing_month: date) -> dict[str, dict[Account, int]]:
    """Return what the accounts of each participant moved and no document covers yet.

    Counts the journals of the month's settlement days since the participant's last document of
    that month, in every commodity; invoice drafts are made of this.

    Returns:
        participant -> account -> movement, never zero; a participant without any is absent.
    """
    return store.unbilled(session, market, billing_month)


@dataclass(frozen=True)
class NothingToInvoice:
    """A draft that needed no document: none of its lines has an amount."""

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
    """Issue a document for every draft that moves money, all or nothing.

    The lines of a participant's drafts for a month must sum to what its accounts moved since its
    last document of that month, in each currency; a participant who both supplies and generates
    gets both documents in one call. Rounding and tax are posted with the documents. A draft
    without an amount gets no document.

    Raises:
        LedgerRefused: a draft breaks a rule or differs from the ledger; nothing is issued.
    """
    require_zone(now)
    refuse_any(check_invoices(drafts))
    store.lock(session)
    refuse_any(_differences(session, drafts))
    last_journal_number = store.journal_head(session).number
    with_amount = [draft for draft in drafts if _has_amount(draft)]
    heads = {
        series: store.invoice_head(session, series)
        for series in {series_of(draft.market, draft.family) for draft in with_amount}
    }
    documents = _number_documents(session, with_amount, heads)
    closing = [journal for journal in map(closing_journal, documents) if journal]
    journal_numbers = {each.key: each.number for each in post_many(session, closing, now)}
    identities = store.new_ids(session, len(documents))
    invoices = []
    for document, identity in zip(documents, identities, strict=True):
        invoice = seal_invoice(
            document,
            identity,
            last_journal_number=last_journal_number,
            journal_number=journal_numbers.get(document.name),
            issued_at=now,
            previous_digest=heads[document.series].digest,
        )
        heads[document.series] = Head(document.number, invoice.digest)
        store.insert_invoice(session, invoice)
        invoices.append(invoice)
    nothing = tuple(
        NothingToInvoice(draft.participant, draft.billing_month, draft.family)
        for draft in drafts
        if not _has_amount(draft)
    )
    return Issued(tuple(invoices), nothing)


def _has_amount(draft: InvoiceDraft) -> bool:
    return any(line.amount_micro for line in draft.lines)


def _differences(session: Session, drafts: Sequence[InvoiceDraft]) -> Iterator[Refusal]:
    """Yield a refusal for each participant and currency whose lines differ from its accounts."""
    drafted: defaultdict[tuple[str, date], defaultdict[tuple[str, str], int]]
    drafted = defaultdict(lambda: defaultdict(int))
    for draft in drafts:
        month = drafted[draft.market, draft.billing_month]
        month[draft.participant, draft.currency] += draft.amount_micro
    for (market, billing_month), lines_micro in drafted.items():
        moved_micro: defaultdict[tuple[str, str], int] = defaultdict(int)
        participants = {participant for participant, _ in lines_micro}
        for participant, accounts in store.unbilled(session, market, billing_month).items():
            for account, amount in accounts.items():
                if participant in participants and account.commodity != ENERGY:
                    moved_micro[participant, account.commodity] += amount
        for key in sorted(lines_micro.keys() | moved_micro.keys()):
            if lines_micro[key] != moved_micro[key]:
                participant, currency = key
                yield Refusal(
                    RefusalCode.LINES_DIFFER_FROM_LEDGER,
                    place_of(market, participant, billing_month),
                    f"lines sum to {lines_micro[key]} micro {currency}, "
                    f"accounts moved {moved_micro[key]}",
                )


def _number_documents(
    session: Session, drafts: Sequence[InvoiceDraft], heads: Mapping[str, Head]
) -> list[Document]:
    months = {(draft.market, draft.billing_month) for draft in drafts}
    billed = {month: store.billed(session, *month) for month in months}
    numbers = {series: head.number for series, head in heads.items()}
    documents = []
    for draft in drafts:
        series = series_of(draft.market, draft.family)
        numbers[series] += 1
        earlier = billed[draft.market, draft.billing_month].get(
            (draft.participant, series, draft.currency), NOTHING_BILLED
        )
        documents.append(document_of(draft, earlier, numbers[series]))
    return documents


def _seal(session: Session, drafts: Sequence[JournalDraft], now: datetime) -> list[SealedJournal]:
    number, digest = store.journal_head(session)
    sealed = []
    for draft, identity in zip(drafts, store.new_ids(session, len(drafts)), strict=True):
        number += 1
        journal = seal_journal(draft, number, identity, now, digest)
        digest = journal.digest
        sealed.append(journal)
    return sealed


def refuse_any(refusals: Iterable[Refusal]) -> None:
    """Raise LedgerRefused when there is any refusal."""
    found = list(refusals)
    if found:
        raise LedgerRefused(found)


def require_zone(now: datetime) -> None:
    """Raise ValueError for a moment without a zone: whose nine o'clock would it be?"""
    if now.tzinfo is None:
        raise ValueError(f"the moment {now} has no zone")
