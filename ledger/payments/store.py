"""Appending bank statements and decisions, in the caller's transaction under the ledger's lock."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ledger.payments import tables
from ledger.payments.interest import InterestRow
from ledger.payments.statements import (
    AllocationRow,
    FileRow,
    SealedStatement,
    StatementRow,
    TransactionRow,
    allocation_digest,
    file_digest,
)
from ledger.store import EMPTY, Head, constraints_as_refusals


def statement_head(session: Session, market: str) -> Head:
    """Return the last statement of a market."""
    statement = tables.BankStatement
    row = session.execute(
        select(statement.number, statement.digest)
        .where(statement.market == market)
        .order_by(statement.number.desc())
        .limit(1)
    ).one_or_none()
    return Head(*row) if row else EMPTY


def statements_of_file(session: Session, market: str, content_digest: bytes) -> list[StatementRow]:
    """Return the statements that a market got from a file, in order; none if it was never read."""
    statement = tables.BankStatement
    rows = session.execute(
        select(*columns(statement, StatementRow))
        .where(statement.market == market, statement.file_digest == content_digest)
        .order_by(statement.number)
    )
    return [StatementRow(*row) for row in rows]


def statements_of_account(session: Session, market: str, account: str) -> list[StatementRow]:
    """Return the statements of a market's account, in the order in which they were imported."""
    statement = tables.BankStatement
    rows = session.execute(
        select(*columns(statement, StatementRow))
        .where(statement.market == market, statement.account == account)
        .order_by(statement.number)
    )
    return [StatementRow(*row) for row in rows]


def accounts_of_others(session: Session, market: str) -> list[tuple[str, str]]:
    """Return every other market with each account of which it has statements."""
    statement = tables.BankStatement
    rows = session.execute(
        select(statement.market, statement.account)
        .where(statement.market != market)
        .distinct()
        .order_by(statement.market, statement.account)
    )
    return [(row.market, row.account) for row in rows]


def transactions_of_account(
    session: Session, market: str, account: str, since: date, identifications: Sequence[str]
) -> defaultdict[int, list[TransactionRow]]:
    """Return statement number -> its transactions, in order, of a market's account.

    Only those of statements that closed since a day, or that have one of these identifications.
    """
    transaction, statement = tables.BankTransaction, tables.BankStatement
    is_asked_for = (statement.closed_on >= since) | statement.identification.in_(identifications)
    rows = session.execute(
        select(*columns(transaction, TransactionRow))
        .join(
            statement,
            (statement.market == transaction.market)
            & (statement.number == transaction.statement_number),
        )
        .where(statement.market == market, statement.account == account, is_asked_for)
        .order_by(transaction.statement_number, transaction.line)
    )
    found: defaultdict[int, list[TransactionRow]] = defaultdict(list)
    for row in rows:
        transaction_row = TransactionRow(*row)
        found[transaction_row.statement_number].append(transaction_row)
    return found


def insert_statements(
    session: Session,
    file: FileRow,
    content: bytes,
    statements: Sequence[SealedStatement],
    *,
    is_new_file: bool,
) -> None:
    """Append a file, unless it is there, with its statements and their transactions."""
    with constraints_as_refusals():
        if is_new_file:
            session.execute(
                insert(tables.BankFile),
                [{**file._asdict(), "content": content, "digest": file_digest(file)}],
            )
        session.execute(
            insert(tables.BankStatement),
            [{**statement.row._asdict(), "digest": statement.digest} for statement in statements],
        )
        transactions = [
            {**row._asdict(), "digest": digest}
            for statement in statements
            for row, digest in zip(
                statement.transactions, statement.transaction_digests, strict=True
            )
        ]
        if transactions:
            session.execute(insert(tables.BankTransaction), transactions)


def insert_allocations(session: Session, rows: Sequence[AllocationRow]) -> None:
    """Append decisions."""
    if rows:
        with constraints_as_refusals():
            session.execute(
                insert(tables.Allocation),
                [{**row._asdict(), "digest": allocation_digest(row)} for row in rows],
            )


def insert_interest(session: Session, rows: Sequence[InterestRow]) -> None:
    """Append what documents have borne."""
    if rows:
        with constraints_as_refusals():
            session.execute(
                insert(tables.Interest), [{**row._asdict(), "digest": row.digest} for row in rows]
            )


def stored_interest(session: Session) -> list[tuple[InterestRow, bytes]]:
    """Return every row with the digest stored with it, by the journals that they cause."""
    table = tables.Interest
    rows = session.execute(
        select(*columns(table, InterestRow), table.digest).order_by(table.journal_number)
    )
    return [(InterestRow(*row[:-1]), row[-1]) for row in rows]


def decisions_by_value(session: Session, market: str) -> list[tuple[date, list[AllocationRow]]]:
    """Return the value day of each transaction of a market, with its decisions in order."""
    allocation, transaction = tables.Allocation, tables.BankTransaction
    key = (allocation.statement_number, allocation.line)
    rows = session.execute(
        select(transaction.value_on, *columns(allocation, AllocationRow))
        .join(
            transaction,
            (transaction.market == allocation.market)
            & (transaction.statement_number == allocation.statement_number)
            & (transaction.line == allocation.line),
        )
        .where(allocation.market == market)
        .order_by(*key, allocation.decision)
    )
    found: dict[tuple[int, int], tuple[date, list[AllocationRow]]] = {}
    for value_on, *of_row in rows:
        row = AllocationRow(*of_row)
        of_key = found.setdefault((row.statement_number, row.line), (value_on, []))
        of_key[1].append(row)
    return list(found.values())


def columns(table: Any, row: Any) -> list[Any]:
    """Return the columns of a table that a row class names, in its order."""
    return [table.__table__.columns[name] for name in row._fields]
