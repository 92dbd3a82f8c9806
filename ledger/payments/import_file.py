"""Import a bank's statements, and match every payment in them, in the caller's transaction.

All is appended under the ledger's lock, or nothing. `Refused` holds every reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count

from sqlalchemy.orm import Session

from common.bank_accounts import account_names, account_words, is_iban
from common.refusals import Finding, refuse_any
from ledger import store as ledger_store
from ledger.payments import queries, store
from ledger.payments.bank_files import Note
from ledger.payments.camt import read_file
from ledger.payments.camt_statement import ReadStatement
from ledger.payments.journals import allocation_journal, holdings
from ledger.payments.matching import Matched, match
from ledger.payments.reversals import Earlier
from ledger.payments.sequence import Known, judge_statements
from ledger.payments.statements import (
    AllocationRow,
    FileRow,
    SealedStatement,
    StatementRow,
    TransactionRow,
    content_digest,
    seal_statement,
    stored_statement,
)
from ledger.posting import post_many, require_zone
from ledger.rules import LedgerRule

MOST_AHEAD = timedelta(days=1)
"""Where the bank is, the day may have begun that has not in UTC. A day typed wrongly is refused
while it can be: until it has come, the account could take no other statement."""


@dataclass(frozen=True)
class BankAccount:
    """The account that a market is paid through, and which participants registered which.

    Attributes:
        number: under which its statements are stored, as `common.bank_accounts` writes it.
        owners: account, by every name of it -> the participants that registered it.
        other_names: by which the bank's files may call it too.
    """

    market: str
    number: str
    currency: str
    owners: Mapping[str, frozenset[str]]
    other_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Attributes:
        statements: the new ones; where there is none, those that are there already.
        is_repeat: whether nothing in it was new.
        notes: what was left out of it, and what its reader should know.
    """

    statements: tuple[StatementRow, ...]
    is_repeat: bool
    notes: tuple[Note, ...] = ()


def import_file(
    session: Session,
    account: BankAccount,
    name: str,
    content: bytes,
    *,
    received_by: str,
    now: datetime,
    missing: str = "",
) -> Imported:
    """Import a bank's file, match every payment in it, and post what moved.

    The same file again, and the same statements in another, return the original.

    Args:
        missing: why the bank cannot give a statement that is missing before those of the file.

    Raises:
        Refused: the file or a statement in it breaks a rule; nothing is imported.
    """
    require_zone(now)
    ledger_store.lock(session)
    market, digest = account.market, content_digest(content)
    # After the lock: of two uploads of one file at once, the second finds what the first imported.
    of_file = store.statements_of_file(session, market, digest)
    # A market that changed its account may need what was left out of a file as another's.
    there = [row for row in of_file if row.account == account.number]
    if there:
        return Imported(tuple(there), is_repeat=True)
    refuse_any(_of_another_market(session, account))
    file = read_file(content, {account.number, *account.other_names}, account.currency)
    stored = store.statements_of_account(session, market, account.number)
    known = _known(session, account, stored, file.statements)
    judged = judge_statements(
        file.statements, known, account.number, account.currency, missing=missing
    )
    future = _of_the_future(file.statements, now)
    refuse_any([*file.findings, *judged.findings, *future])
    notes = (*file.notes, *judged.notes)
    if not judged.new:
        originals = [row for row in stored if row.name in judged.repeated]
        return Imported(tuple(originals), is_repeat=True, notes=notes)
    head = ledger_store.Head(*store.statement_head(session, market))
    sealed: list[SealedStatement] = []
    for statement in judged.new:
        imported = seal_statement(statement, market, head.number + 1, digest, head.digest)
        head = ledger_store.Head(imported.row.number, imported.digest)
        sealed.append(imported)
    row = FileRow(digest, market, name, now, received_by)
    store.insert_statements(session, row, content, sealed, is_new_file=not of_file)
    _allocate_first(session, account, sealed, received_by, now)
    return Imported(tuple(imported.row for imported in sealed), is_repeat=False, notes=notes)


def _of_another_market(session: Session, account: BankAccount) -> Iterator[Finding]:
    """Find the other market that statements of this account are imported to."""
    names = {account.number, *account.other_names}
    for market, number in store.accounts_of_others(session, account.market):
        iban = number if is_iban(number) else None
        if names & set(account_names(iban, number)):
            value = f"{account_words(account.number)}, whose statements are imported to {market}"
            place = f"market {account.market}"
            yield LedgerRule.BANK_ACCOUNT_IS_OF_ANOTHER_MARKET.finding(place, value)


def _of_the_future(statements: Sequence[ReadStatement], now: datetime) -> Iterator[Finding]:
    """Find days for which the account would wait, as nothing is taken back.

    Of statements that do not follow, too: who is told that one is missing would go on without it.
    """
    latest = (now.astimezone(UTC) + MOST_AHEAD).date()
    for statement in statements:
        booked = [transaction.booked_on for transaction in statement.transactions or ()]
        days = [*booked, *([statement.closed_on] if statement.closed_on else [])]
        if days and (day := max(days)) > latest:
            value = f"{day}, imported on {now:%Y-%m-%d}"
            yield LedgerRule.STATEMENT_IS_OF_THE_FUTURE.finding(statement.place, value)


def _known(
    session: Session,
    account: BankAccount,
    stored: Sequence[StatementRow],
    read: Sequence[ReadStatement],
) -> list[Known]:
    """Return the statements of the account; payments only where one read may be compared."""
    opened = [statement.opened_on or date.min for statement in read]
    names = [statement.identification or "" for statement in read]
    transactions = store.transactions_of_account(
        session, account.market, account.number, min(opened, default=date.max), names
    )
    return [Known(row.name, stored_statement(row, transactions[row.number])) for row in stored]


def _allocate_first(
    session: Session,
    account: BankAccount,
    sealed: Sequence[SealedStatement],
    received_by: str,
    now: datetime,
) -> None:
    """Decide by the matching rules, in the name of whoever imports the file."""
    documents = [
        document
        for document in queries.documents(session, account.market)
        if document.currency == account.currency
    ]
    participant_of = {document.name: document.participant for document in documents}
    transactions = [row for statement in sealed for row in statement.transactions]
    digests = [digest for statement in sealed for digest in statement.transaction_digests]
    matched = match(transactions, documents, account.owners, _earlier(session, transactions))
    # A decision is the cause of its journal, so it comes first and names the number that the
    # journal will have, as the lock lets nobody else take it.
    numbers = count(ledger_store.journal_head(session).number + 1)
    rows = [
        _first_decision(row, found, number, received_by, now)
        for row, found, number in zip(transactions, matched, numbers, strict=False)
    ]
    drafts = [
        allocation_journal(
            transaction,
            digest,
            account.number,
            account.currency,
            row,
            holdings(transaction, account.currency, row.amounts, participant_of),
            None,
        )
        for transaction, digest, row in zip(transactions, digests, rows, strict=True)
    ]
    store.insert_allocations(session, rows)
    post_many(session, drafts, now)


def _earlier(session: Session, transactions: Sequence[TransactionRow]) -> list[Earlier]:
    """Return the payments of the market before these, where a reversal may take one back."""
    if not any(row.is_reversal for row in transactions):
        return []
    new = {(row.statement_number, row.line) for row in transactions}
    return [
        Earlier(
            payment.transaction.name,
            payment.transaction.counterparty_account,
            frozenset(payment.amounts),
            payment.rest_minor,
        )
        for payment in queries.decided_transactions(session, transactions[0].market)
        if (payment.transaction.statement_number, payment.transaction.line) not in new
    ]


def _first_decision(
    row: TransactionRow, matched: Matched, journal_number: int, received_by: str, now: datetime
) -> AllocationRow:
    return AllocationRow(
        market=row.market,
        statement_number=row.statement_number,
        line=row.line,
        decision=1,
        method=matched.method.value,
        reason=matched.reason,
        decided_by=received_by,
        decided_at=now,
        documents=tuple(document for document, _ in matched.amounts),
        amounts_minor=tuple(amount for _, amount in matched.amounts),
        journal_number=journal_number,
        reverses=None,
    )
