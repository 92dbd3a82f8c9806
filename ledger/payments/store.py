"""Appending bank statements and decisions, in the caller's transaction under the ledger's lock."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ledger.payments import tables
from ledger.payments.statements import (
    AllocationRow,
    FileRow,
    SealedStatement,
    StatementRow,
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


def last_statement(session: Session, market: str, iban: str) -> StatementRow | None:
    """Return the last statement of a market's account."""
    statement = tables.BankStatement
    row = session.execute(
        select(*columns(statement, StatementRow))
        .where(statement.market == market, statement.iban == iban)
        .order_by(statement.number.desc())
        .limit(1)
    ).one_or_none()
    return StatementRow(*row) if row else None


def statements_of_file(session: Session, market: str, content_digest: bytes) -> list[StatementRow]:
    """Return the statements that a market got from a file, in order; none if it was never read."""
    statement = tables.BankStatement
    rows = session.execute(
        select(*columns(statement, StatementRow))
        .where(statement.market == market, statement.file_digest == content_digest)
        .order_by(statement.number)
    )
    return [StatementRow(*row) for row in rows]


def known_identifications(
    session: Session, market: str, iban: str, names: Sequence[str]
) -> set[str]:
    """Return which identifications a market's account has statements of."""
    statement = tables.BankStatement
    return set(
        session.scalars(
            select(statement.identification).where(
                statement.market == market,
                statement.iban == iban,
                statement.identification.in_(names),
            )
        )
    )


def insert_statements(
    session: Session, file: FileRow, content: bytes, statements: Sequence[SealedStatement]
) -> None:
    """Append a file with its statements and their transactions."""
    with constraints_as_refusals():
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


def columns(table: Any, row: Any) -> list[Any]:
    """Return the columns of a table that a row class names, in its order."""
    return [table.__table__.columns[name] for name in row._fields]
