"""Verification of bank statements and of what was decided about them, from their rows alone.

Every file, statement, transaction and decision is hashed again; statements are followed from the
first to the last; every decision is held to the journal that it names, and every journal that moves
money of a bank to its decision.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger import tables as ledger_tables
from ledger.invoice import document_number
from ledger.journal import Account, Posting
from ledger.payments import tables
from ledger.payments.journals import BANK, PAID, UNALLOCATED, journal_input, journal_key, reason_of
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
JOURNAL = "payment-journal"

Findings = Iterator[Finding]
Key = tuple[str, int]
File = tuple[str, bytes]
Keyed = dict[tuple[str, int, int], bytes]


def verify_payments(session: Session) -> Findings:
    """Yield everything that is wrong with bank statements and decisions."""
    lock_shared(session)
    files: set[File] = set()
    yield from _verify_files(session, files)
    by_statement: defaultdict[Key, list[tuple[TransactionRow, bytes]]] = defaultdict(list)
    yield from _verify_transactions(session, by_statement)
    yield from _verify_statements(session, files, by_statement)
    digests: Keyed = {
        (row.market, row.statement_number, row.line): digest
        for rows in by_statement.values()
        for row, digest in rows
    }
    yield from _verify_allocations(session, digests)


def _verify_files(session: Session, files: set[File]) -> Findings:
    table = tables.BankFile
    for *row, content, digest in session.execute(
        select(*columns(table, FileRow), table.content, table.digest)
    ):
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


@dataclass(frozen=True)
class _Journal:
    """A journal that moves money of a bank: its header and its postings, in order."""

    key: str
    reason: str
    input_digest: bytes
    postings: tuple[Posting, ...]


def _verify_allocations(session: Session, digests: Keyed) -> Findings:
    table = tables.Allocation
    journals = _journals(session)
    expected: dict[tuple[str, int, int], tuple[int, int | None]]
    expected = dict.fromkeys(digests, (1, None))
    named: set[int] = set()
    for *columns_of, digest in session.execute(
        select(*columns(table, AllocationRow), table.digest).order_by(
            table.market, table.statement_number, table.line, table.decision
        )
    ):
        row = AllocationRow(*columns_of)
        key = (row.market, row.statement_number, row.line)
        name = transaction_name(*key)
        place = f"{name}:{row.decision}"
        if allocation_digest(row) != digest:
            yield changed(ALLOCATION, place)
        if key not in digests:
            yield damage(FOREIGN, f"{ALLOCATION} {place}", "its transaction does not exist")
            continue
        if (row.decision, row.reverses) != expected[key]:
            value = "it does not follow the decision before it"
            yield damage(CHAIN, f"{ALLOCATION} {place}", value)
        expected[key] = (row.decision + 1, row.journal_number)
        named.add(row.journal_number)
        if not _is_of(journals.get(row.journal_number), row, name, digests[key]):
            value = f"journal {row.journal_number} is not the one of this decision"
            yield damage(JOURNAL, f"{ALLOCATION} {place}", value)
    for key, (decision, _) in expected.items():
        if decision == 1:
            value = "nothing was decided about it"
            yield damage(MISSING, f"{TRANSACTION} {transaction_name(*key)}", value)
    yield from _verify_paid(session, journals)
    for number in journals.keys() - named:
        if journals[number].postings:
            value = "it moves money of a bank, and no decision names it"
            yield damage(FOREIGN, f"ledger.journal {number}", value)


def _verify_paid(session: Session, journals: Mapping[int, _Journal]) -> Findings:
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
    paid: Counter[tuple[str, str | None, str]] = Counter()
    for journal in journals.values():
        for posting in journal.postings:
            account = posting.account
            if account.kind == PAID:
                paid[account.market, account.participant, account.subject] -= posting.amount
    for (market, participant, name), amount in sorted(paid.items()):
        asked = due.get((market, participant or "", name), 0)
        if not min(0, asked) <= amount <= max(0, asked):
            value = "what is paid of it is not between nothing and what it asks for"
            yield damage(JOURNAL, f"ledger.invoice {name}", value)


def _is_of(journal: _Journal | None, row: AllocationRow, name: str, digest: bytes) -> bool:
    return journal is not None and (
        journal.key == journal_key(name, row.decision)
        and journal.reason == reason_of(row, name)
        and journal.input_digest == journal_input(digest, row.decision, journal.postings)
    )


def _journals(session: Session) -> dict[int, _Journal]:
    """Return the journals that decisions name and those that move money of a bank, by number."""
    account, journal, posting = ledger_tables.Account, ledger_tables.Journal, ledger_tables.Posting
    moving = (
        select(posting.journal_number)
        .join(account, account.code == posting.account)
        .where(account.kind.in_((BANK, PAID, UNALLOCATED)))
    )
    wanted = moving.union(select(tables.Allocation.journal_number)).subquery()
    postings: defaultdict[int, list[Posting]] = defaultdict(list)
    rows = (
        select(
            posting.journal_number, account.market, account.commodity, account.participant,
            account.kind, account.subject, posting.amount,
        )
        .join(account, account.code == posting.account)
        .where(posting.journal_number.in_(select(wanted.c.journal_number)))
        .order_by(posting.journal_number, posting.line)
    )  # fmt: skip
    for number, market, currency, participant, kind, subject, amount in session.execute(rows):
        moved = Posting(Account(market, currency, participant, kind, subject), amount)
        postings[number].append(moved)
    headers = select(journal.number, journal.key, journal.reason, journal.input_digest).where(
        journal.number.in_(select(wanted.c.journal_number))
    )
    return {
        number: _Journal(key, reason, digest, tuple(postings[number]))
        for number, key, reason, digest in session.execute(headers)
    }
