"""Journals held to what their causes come to: the same drafts that posted them, made again.

Whoever knows what a cause means drafts its journal anew from stored rows, and every column and
every posting of the stored journal must be that of the draft. So money that nothing caused is found
however well its own digests were made.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

from common.damage import damage
from common.refusals import Finding
from ledger import tables
from ledger.causes import Cause, CauseSource, source_that_moves
from ledger.journal import JournalDraft

JOURNAL_CAUSE = "journal-cause"
JOURNALS_AT_A_TIME = 100
JOURNAL = "ledger.journal"

Moves = tuple[tuple[str, int], ...]
"""Account codes with what they moved, in the order of a journal's lines."""


class StoredJournal(NamedTuple):
    """What a journal states that follows from its cause."""

    number: int
    key: str
    market: str
    settlement_day: date | None
    run_id: UUID | None
    run_kind: str | None
    reason: str
    input_digest: bytes
    cause: Cause
    moves: Moves

    @property
    def place(self) -> str:
        """How findings name it."""
        return f"{JOURNAL} {self.number} ({self.key})"


def read_journals(session: Session, source: CauseSource) -> Iterator[StoredJournal]:
    """Yield every journal that a source caused, by number, with what it moved."""
    journal, posting = tables.Journal, tables.Posting
    columns = (
        journal.number, journal.key, journal.market, journal.settlement_day, journal.run_id,
        journal.run_kind, journal.reason, journal.input_digest, journal.cause_source,
        journal.cause_key, journal.cause_digest,
    )  # fmt: skip
    statement = (
        select(*columns, _by_line(posting.account), _by_line(posting.amount))
        .where(journal.cause_source == source)
        .order_by(journal.number)
    )
    rows = session.execute(statement, execution_options={"yield_per": JOURNALS_AT_A_TIME})
    for *head, accounts, amounts in rows:
        moves = tuple(zip(accounts or (), amounts or (), strict=True))
        yield StoredJournal._make((*head[:-3], Cause._make(head[-3:]), moves))


def _by_line(column: InstrumentedAttribute[Any]) -> ScalarSelect[Any]:
    """Select one column of a journal's postings as an array.

    A row a journal, and not one a posting, which would each bring all that the journal states.
    """
    posting = tables.Posting
    in_order = postgresql.aggregate_order_by(column, posting.line)
    of_journal = posting.journal_number == tables.Journal.number
    return select(func.array_agg(in_order)).where(of_journal).scalar_subquery()


def hold_to_causes(
    session: Session, source: CauseSource, drafts: Mapping[int, JournalDraft]
) -> Iterator[Finding]:
    """Hold the journals that a source caused to what its rows come to, and the other way round.

    Args:
        session: the caller's session.
        source: where the causes stand.
        drafts: the journal of each cause, by the number that the cause names.
    """
    left = dict(drafts)
    for stored in read_journals(session, source):
        draft = left.pop(stored.number, None)
        if draft is None:
            value = f"it names {source} {stored.cause.key}, which does not cause it"
            yield damage(JOURNAL_CAUSE, stored.place, value)
        else:
            yield from compare(stored, draft)
    for number, draft in left.items():
        value = f"{draft.cause.source} {draft.cause.key} causes it, and it is not there"
        yield damage(JOURNAL_CAUSE, f"{JOURNAL} {number} ({draft.key})", value)


def compare(stored: StoredJournal, draft: JournalDraft) -> Iterator[Finding]:
    """Yield what of a stored journal is not as its cause gives it."""
    for column in (
        "key", "market", "settlement_day", "run_id", "run_kind", "reason", "input_digest", "cause"
    ):  # fmt: skip
        found, expected = getattr(stored, column), getattr(draft, column)
        if found != expected:
            value = f"its {column} is {_words(found)}, and its cause gives {_words(expected)}"
            yield damage(JOURNAL_CAUSE, stored.place, value)
    expected_moves = tuple((each.account.code, each.amount) for each in draft.postings)
    if stored.moves != expected_moves:
        yield damage(JOURNAL_CAUSE, stored.place, _first_difference(stored.moves, expected_moves))


def _first_difference(found: Moves, expected: Moves) -> str:
    """Return in words the first account that moved otherwise than the cause gives."""
    was, should = dict(found), dict(expected)
    for code in sorted(was.keys() | should.keys()):
        if was.get(code, 0) != should.get(code, 0):
            return (
                f"it moves {code} by {was.get(code, 0)}, and its cause gives {should.get(code, 0)}"
            )
    return "its postings are not those of its cause, in their order"


def _words(value: object) -> str:
    if isinstance(value, Cause):
        return f"{value.source} {value.key} with digest {value.digest.hex()}"
    return value.hex() if isinstance(value, bytes) else repr(value)


@lru_cache(maxsize=100_000)
def moves_account(cause_source: str, account: str) -> bool:
    """Return whether a cause of a source may move an account, by the kind in the account's code.

    >>> moves_account("ledger.allocation", "gb12:GBP:lumen:paid:gb12-invoice-000001")
    True
    >>> moves_account("settlement.run", "gb12:GBP:lumen:paid:gb12-invoice-000001")
    False
    """
    parts = account.split(":", 4)
    return len(parts) == 5 and source_that_moves(parts[3]) == cause_source
