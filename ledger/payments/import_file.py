"""Import a bank's statements, and match every payment in them, in the caller's transaction.

All is appended under the ledger's lock, or nothing. `Refused` holds every reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any
from ledger import store as ledger_store
from ledger.payments import queries, store
from ledger.payments.camt import read_statements
from ledger.payments.checks import check_statement
from ledger.payments.journals import allocation_journal, holdings, reason_of
from ledger.payments.matching import Matched, match
from ledger.payments.statements import (
    AllocationRow,
    FileRow,
    SealedStatement,
    Statement,
    StatementRow,
    TransactionRow,
    content_digest,
    seal_statement,
)
from ledger.posting import post_many, require_zone
from ledger.rules import LedgerRule

MATCHER = "the matching rules"
"""Who decides when no person does."""


@dataclass(frozen=True)
class BankAccount:
    """The account that a market is paid through, and which participants registered which."""

    market: str
    iban: str
    currency: str
    owners: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Imported:
    """The statements of a file; `is_repeat` when the file was imported before."""

    statements: tuple[StatementRow, ...]
    is_repeat: bool


def import_file(
    session: Session,
    account: BankAccount,
    name: str,
    content: bytes,
    *,
    received_by: str,
    now: datetime,
) -> Imported:
    """Import a bank's file, match every payment in it, and post what moved.

    The same file again returns the original.

    Raises:
        Refused: the file or a statement in it breaks a rule; nothing is imported.
    """
    require_zone(now)
    ledger_store.lock(session)
    market, digest = account.market, content_digest(content)
    # After the lock: of two uploads of one file at once, the second finds what the first imported.
    there = store.statements_of_file(session, market, digest)
    if there:
        return Imported(tuple(there), is_repeat=True)
    statements, findings = read_statements(content)
    findings += _breaches(session, account, statements)
    refuse_any(findings)
    head = ledger_store.Head(*store.statement_head(session, market))
    sealed: list[SealedStatement] = []
    for statement in statements:
        imported = seal_statement(statement, market, head.number + 1, digest, head.digest)
        head = ledger_store.Head(imported.row.number, imported.digest)
        sealed.append(imported)
    file = FileRow(digest, market, name, now, received_by)
    store.insert_statements(session, file, content, sealed)
    _allocate_first(session, account, sealed, now)
    return Imported(tuple(imported.row for imported in sealed), is_repeat=False)


def _breaches(
    session: Session, account: BankAccount, statements: Sequence[Statement]
) -> Iterator[Finding]:
    last = store.last_statement(session, account.market, account.iban)
    names = [stated.identification for stated in statements]
    known = store.known_identifications(session, account.market, account.iban, names)
    for statement in statements:
        if statement.identification in known:
            yield LedgerRule.STATEMENT_HAS_OTHER_CONTENT.finding(
                f"statement {statement.identification}",
                "it was imported before, from a file of other content",
            )
            continue
        known.add(statement.identification)
        yield from check_statement(statement, account.iban, account.currency, last)
        # Only what the next statement of the file is held to; number and chain play no part.
        row = seal_statement(statement, account.market, 1, b"", b"").row
        last = row


def _allocate_first(
    session: Session, account: BankAccount, sealed: Sequence[SealedStatement], now: datetime
) -> None:
    documents = [
        document
        for document in queries.documents(session, account.market)
        if document.currency == account.currency
    ]
    participant_of = {document.name: document.participant for document in documents}
    transactions = [row for statement in sealed for row in statement.transactions]
    digests = [digest for statement in sealed for digest in statement.transaction_digests]
    matched = match(transactions, documents, account.owners)
    rows = [
        _first_decision(row, found, now) for row, found in zip(transactions, matched, strict=True)
    ]
    drafts = [
        allocation_journal(
            transaction,
            digest,
            account.iban,
            account.currency,
            holdings(transaction, account.currency, dict(found.amounts), participant_of),
            None,
            row.decision,
            reason_of(row, transaction.name),
        )
        for transaction, digest, found, row in zip(
            transactions, digests, matched, rows, strict=True
        )
    ]
    posted = post_many(session, drafts, now)
    store.insert_allocations(
        session,
        [
            row._replace(journal_number=journal.number)
            for row, journal in zip(rows, posted, strict=True)
        ],
    )


def _first_decision(row: TransactionRow, matched: Matched, now: datetime) -> AllocationRow:
    return AllocationRow(
        market=row.market,
        statement_number=row.statement_number,
        line=row.line,
        decision=1,
        method=matched.method.value,
        reason=matched.reason,
        decided_by=MATCHER,
        decided_at=now,
        # Set once the journal is posted, which carries the reason of this row.
        journal_number=0,
        reverses=None,
    )
