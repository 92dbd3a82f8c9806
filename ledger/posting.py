"""Posting journals: checked, numbered and chained under one advisory lock, all or nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any
from ledger import store
from ledger.chain import SealedJournal, seal_journal
from ledger.journal import JournalDraft, check_batch
from ledger.rules import LedgerRule


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
        Refused: a draft breaks a rule; nothing is posted.
    """
    require_zone(now)
    # What the batch shows by itself is checked before the lock, so that nobody waits for a bad one.
    refuse_any(check_batch(drafts))
    store.lock(session)
    # After the lock: a journal that another transaction posted meanwhile is seen here.
    known = store.posted_keys(session, [draft.key for draft in drafts])
    refuse_any(
        LedgerRule.KEY_HAS_OTHER_INPUT.finding(
            f"journal {draft.key!r}",
            f"input {draft.input_digest.hex()}, posted with {known[draft.key].input_digest.hex()}",
        )
        for draft in drafts
        if draft.key in known and known[draft.key].input_digest != draft.input_digest
    )
    new = [draft for draft in drafts if draft.key not in known]
    # Of new journals only: a repeat of what was posted before the seal still gets the original.
    refuse_any(_of_sealed_days(session, new))
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


def _of_sealed_days(session: Session, drafts: Sequence[JournalDraft]) -> Iterator[Finding]:
    wanted = {(draft.market, draft.settlement_day) for draft in drafts if draft.settlement_day}
    sealed = store.sealed_at(session, wanted) if wanted else {}
    for draft in drafts:
        if draft.settlement_day and (draft.market, draft.settlement_day) in sealed:
            at = sealed[draft.market, draft.settlement_day]
            value = f"{draft.settlement_day} was sealed at {at.isoformat()}"
            yield LedgerRule.DAY_IS_SEALED.finding(f"journal {draft.key!r}", value)


def _seal(session: Session, drafts: Sequence[JournalDraft], now: datetime) -> list[SealedJournal]:
    number, digest = store.journal_head(session)
    sealed = []
    for draft, identity in zip(drafts, store.new_ids(session, len(drafts)), strict=True):
        number += 1
        journal = seal_journal(draft, number, identity, now, digest)
        digest = journal.digest
        sealed.append(journal)
    return sealed


def require_zone(now: datetime) -> None:
    """Raise ValueError for a moment without a zone: whose nine o'clock would it be?"""
    if now.tzinfo is None:
        raise ValueError(f"the moment {now} has no zone")
