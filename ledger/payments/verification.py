"""Verification of bank statements and of what was decided about them, from their rows alone.

Every file, statement, transaction and decision is hashed again; statements are followed from the
first to the last, and read again from their files; every decision is drafted into its journal
again, and every journal of decisions held to its draft.
"""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import BigInteger, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger import tables as ledger_tables
from ledger.cause_verification import hold_to_causes
from ledger.causes import PAID, CauseSource
from ledger.invoice import document_number
from ledger.journal import Account, JournalDraft
from ledger.payments import tables
from ledger.payments.file_verification import verify_against_files
from ledger.payments.journals import allocation_journal, holdings, journal_key
from ledger.payments.statements import (
    AllocationRow,
    FileRow,
    StatementRow,
    TransactionRow,
    allocation_digest,
    content_digest,
    file_digest,
    statement_digest,
    statement_name,
    transaction_digest,
    transaction_name,
)
from ledger.payments.store import columns
from ledger.store import EMPTY, Head, lock_shared
from ledger.verification import CHAIN, DIGEST, FOREIGN, MISSING, changed

FILE, STATEMENT = "ledger.bank_file", "ledger.bank_statement"
TRANSACTION, ALLOCATION = "ledger.bank_transaction", "ledger.allocation"
PAID_BEYOND = "payment-law"

Findings = Iterator[Finding]
Key = tuple[str, int]
File = tuple[str, bytes]
Line = tuple[str, int, int]
"""Market, number of the statement, and line in it."""
Transactions = dict[Line, tuple[TransactionRow, bytes]]


def verify_payments(session: Session) -> Findings:
    """Yield everything that is wrong with bank statements and decisions."""
    lock_shared(session)
    files: set[File] = set()
    yield from _verify_files(session, files)
    by_statement: defaultdict[Key, list[tuple[TransactionRow, bytes]]] = defaultdict(list)
    yield from _verify_transactions(session, by_statement)
    statements: list[StatementRow] = []
    yield from _verify_statements(session, files, by_statement, statements)
    stored = [
        (row, [each for each, _ in by_statement.get((row.market, row.number), [])])
        for row in statements
    ]
    yield from verify_against_files(session, stored)
    transactions: Transactions = {
        (row.market, row.statement_number, row.line): (row, digest)
        for rows in by_statement.values()
        for row, digest in rows
    }
    yield from _verify_allocations(session, transactions)


def _verify_files(session: Session, files: set[File]) -> Findings:
    table = tables.BankFile
    statement = select(*columns(table, FileRow), table.content, table.digest)
    # One at a time: all files together need not fit into the memory.
    for *row, content, digest in session.execute(statement.execution_options(yield_per=1)):
        file = FileRow(*row)
        key = file.content_digest.hex()
        if (file.market, file.content_digest) in files:
            yield damage(FOREIGN, f"{FILE} {key}", "the row stands twice")
        files.add((file.market, file.content_digest))
        if content_digest(content) != file.content_digest:
            yield damage(DIGEST, f"{FILE} {key}", "its content does not give its content_digest")
        if file_digest(file) != digest:
            yield changed(FILE, key)


def _verify_transactions(
    session: Session, by_statement: defaultdict[Key, list[tuple[TransactionRow, bytes]]]
) -> Findings:
    table = tables.BankTransaction
    seen: set[str] = set()
    for *columns_of, digest in session.execute(
        select(*columns(table, TransactionRow), table.digest).order_by(
            table.market, table.statement_number, table.line
        )
    ):
        row = TransactionRow(*columns_of)
        if row.name in seen:
            yield damage(FOREIGN, f"{TRANSACTION} {row.name}", "the row stands twice")
        seen.add(row.name)
        if transaction_digest(row) != digest:
            yield changed(TRANSACTION, row.name)
        by_statement[row.market, row.statement_number].append((row, digest))


def _verify_statements(
    session: Session,
    files: set[File],
    by_statement: defaultdict[Key, list[tuple[TransactionRow, bytes]]],
    statements: list[StatementRow],
) -> Findings:
    table = tables.BankStatement
    heads: dict[str, Head] = {}
    found: set[Key] = set()
    read: set[File] = set()
    for *columns_of, digest in session.execute(
        select(*columns(table, StatementRow), table.digest).order_by(table.market, table.number)
    ):
        row = StatementRow(*columns_of)
        name = statement_name(row.market, row.number)
        lines = by_statement.get((row.market, row.number), [])
        found.add((row.market, row.number))
        statements.append(row)
        read.add((row.market, row.file_digest))
        head = heads.get(row.market, EMPTY)
        if row.number != head.number + 1:
            value = f"it does not follow number {head.number}"
            yield damage(MISSING, f"{STATEMENT} {name}", value)
        elif row.previous_digest != head.digest:
            value = "the digest it names before it is not that of the row before it"
            yield damage(CHAIN, f"{STATEMENT} {name}", value)
        heads[row.market] = Head(row.number, digest)
        if (row.market, row.file_digest) not in files:
            yield damage(MISSING, f"{STATEMENT} {name}", "its file does not exist")
        if [each.line for each, _ in lines] != list(range(1, row.transaction_count + 1)):
            value = f"its transactions are not lines 1 to {row.transaction_count}"
            yield damage(MISSING, f"{STATEMENT} {name}", value)
        if statement_digest(row, [each for _, each in lines]) != digest:
            yield changed(STATEMENT, name)
    for key in by_statement.keys() - found:
        for transaction, _ in by_statement[key]:
            yield damage(
                FOREIGN, f"{TRANSACTION} {transaction.name}", "its statement does not exist"
            )
    for _, content in files - read:
        yield damage(FOREIGN, f"{FILE} {content.hex()}", "no statement was read from it")


def _verify_allocations(session: Session, transactions: Transactions) -> Findings:
    table = tables.Allocation
    drafting = _Drafting(session, transactions)
    expected: dict[Line, tuple[int, int | None]] = dict.fromkeys(transactions, (1, None))
    for *columns_of, digest in session.execute(
        select(*columns(table, AllocationRow), table.digest).order_by(
            table.market, table.statement_number, table.line, table.decision
        )
    ):
        row = AllocationRow(*columns_of)
        key = (row.market, row.statement_number, row.line)
        place = journal_key(transaction_name(*key), row.decision)
        if allocation_digest(row) != digest:
            yield changed(ALLOCATION, place)
        if key not in transactions:
            yield damage(FOREIGN, f"{ALLOCATION} {place}", "its transaction does not exist")
            continue
        if (row.decision, row.reverses) != expected[key]:
            value = "it does not follow the decision before it"
            yield damage(CHAIN, f"{ALLOCATION} {place}", value)
        expected[key] = (row.decision + 1, row.journal_number)
        if not drafting.draft(row):
            value = "it pays documents that are not there, or of a statement that is not"
            yield damage(MISSING, f"{ALLOCATION} {place}", value)
    for key, (decision, _) in expected.items():
        if decision == 1:
            value = "nothing was decided about it"
            yield damage(MISSING, f"{TRANSACTION} {transaction_name(*key)}", value)
    yield from hold_to_causes(session, CauseSource.ALLOCATION, drafting.drafts)
    yield from _verify_paid(session)


class _Drafting:
    """Drafts the journals of decisions anew, in the order in which these were taken."""

    def __init__(self, session: Session, transactions: Transactions) -> None:
        self.transactions = transactions
        self.drafts: dict[int, JournalDraft] = {}
        self.held: dict[Line, dict[Account, int]] = {}
        invoice, statement = ledger_tables.Invoice, tables.BankStatement
        self.participant_of = {
            document_number(series, number): participant
            for series, number, participant in session.execute(
                select(invoice.series, invoice.number, invoice.participant)
            )
        }
        self.account_of = {
            (market, number): (account, currency)
            for market, number, account, currency in session.execute(
                select(statement.market, statement.number, statement.account, statement.currency)
            )
        }

    def draft(self, row: AllocationRow) -> bool:
        """Draft the journal of a decision; False where what it rests on is not there."""
        key = (row.market, row.statement_number, row.line)
        bank = self.account_of.get(key[:2])
        if bank is None or not self.participant_of.keys() >= set(row.documents):
            return False
        (account, currency), (transaction, digest) = bank, self.transactions[key]
        held = holdings(transaction, currency, row.amounts, self.participant_of)
        try:
            self.drafts[row.journal_number] = allocation_journal(
                transaction, digest, account, currency, row, held, self.held.get(key)
            )
        except LookupError:  # a currency that is none, of a statement that was changed
            return False
        self.held[key] = held
        return True


def _verify_paid(session: Session) -> Findings:
    """Hold what is paid of each document to the law of allocation (`ledger.payments.checks`)."""
    invoice = ledger_tables.Invoice
    query = select(
        invoice.market, invoice.participant, invoice.series, invoice.number, invoice.due_minor,
        invoice.minor_unit_micro,
    )  # fmt: skip
    due = {
        (row.market, row.participant, document_number(row.series, row.number)): row.due_minor
        * row.minor_unit_micro
        for row in session.execute(query)
    }
    account, posting = ledger_tables.Account, ledger_tables.Posting
    paid = (
        select(
            account.market,
            account.participant,
            account.subject,
            -sql_cast(func.sum(posting.amount), BigInteger),
        )
        .join(posting, posting.account == account.code)
        .where(account.kind == PAID)
        .group_by(account.market, account.participant, account.subject)
        .order_by(account.market, account.participant, account.subject)
    )
    for market, participant, name, amount in session.execute(paid):
        asked = due.get((market, participant or "", name), 0)
        if not min(0, asked) <= amount <= max(0, asked):
            value = "what is paid of it is not between nothing and what it asks for"
            yield damage(PAID_BEYOND, f"ledger.invoice {name}", value)
