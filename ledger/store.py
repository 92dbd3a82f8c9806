"""Appending rows to the ledger; every function works in the caller's transaction.

A constraint or trigger that refuses becomes a finding of the rule it speaks for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import cast as sql_cast
from sqlalchemy import func, insert, select, text, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.bulk import write_rows
from database.guards import REFUSAL_SQLSTATE
from database.logged import LEDGER_LOCK
from database.metadata import Base
from ledger import tables
from ledger.billing import SealedInvoice
from ledger.chain import (
    GENESIS_DIGEST,
    InvoiceLineRow,
    JournalRow,
    PostingRow,
    SealedJournal,
    account_digest,
    account_row,
)
from ledger.constraint_rules import RULE_OF_CONSTRAINT
from ledger.journal import Account
from ledger.rules import LedgerRule, Rule

INTEGRITY_SQLSTATE_CLASS = "23"

_RAISED_BY_A_TRIGGER = "exec_stmt_raise"
"""The function of PostgreSQL's language of triggers that says what their RAISE says."""

_PREFIXES = ("ck", "uq", "fk", "pk", "ex")
"""What names of constraints open with, before the table and what the constraint is called."""


def _sealed_types(table: type[Base], row: type[NamedTuple]) -> dict[str, str]:
    """Return the PostgreSQL type of each sealed column, in the order of its row, and the digest."""
    columns = table.__table__.columns
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # untyped there
    names = (*row._fields, "digest")
    return {name: columns[name].type.compile(dialect).lower() for name in names}


JOURNAL_TYPES = _sealed_types(tables.Journal, JournalRow)
POSTING_TYPES = _sealed_types(tables.Posting, PostingRow)
INVOICE_LINE_TYPES = _sealed_types(tables.InvoiceLine, InvoiceLineRow)


class Head(NamedTuple):
    """The last row of a chain: its number and digest; 0 and the genesis digest when empty."""

    number: int
    digest: bytes


EMPTY = Head(0, GENESIS_DIGEST)


class PostedKey(NamedTuple):
    """A journal that is posted, as far as idempotency needs it."""

    number: int
    id: UUID
    key: str
    input_digest: bytes
    digest: bytes


def lock(session: Session) -> None:
    """Wait until no other transaction appends to the ledger or its log; held to the end."""
    # Of the ledger as a whole and not of a row: an empty chain has no last row that one could lock,
    # and a number taken from a sequence would leave a gap where its transaction fails. It is the
    # last of all locks, after a market's readings and law: who holds it waits for nobody.
    session.execute(select(func.pg_advisory_xact_lock(LEDGER_LOCK)))


def lock_shared(session: Session) -> None:
    """Keep others from appending until the transaction's end; readers may share."""
    session.execute(select(func.pg_advisory_xact_lock_shared(LEDGER_LOCK)))


def journal_head(session: Session) -> Head:
    """Return the last journal."""
    journal = tables.Journal
    row = session.execute(
        select(journal.number, journal.digest).order_by(journal.number.desc()).limit(1)
    ).one_or_none()
    return Head(*row) if row else EMPTY


def invoice_head(session: Session, series: str) -> Head:
    """Return the last document of a series."""
    invoice = tables.Invoice
    row = session.execute(
        select(invoice.number, invoice.digest)
        .where(invoice.series == series)
        .order_by(invoice.number.desc())
        .limit(1)
    ).one_or_none()
    return Head(*row) if row else EMPTY


def participant_counts(
    session: Session, owners: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return how many documents each participant of a market has, by both; none has no entry."""
    invoice = tables.Invoice
    statement = (
        select(invoice.market, invoice.participant, func.max(invoice.participant_number))
        .where(tuple_(invoice.market, invoice.participant).in_(list(owners)))
        .group_by(invoice.market, invoice.participant)
    )
    return {(market, name): count for market, name, count in session.execute(statement)}


def new_ids(session: Session, count: int) -> list[UUID]:
    """Return `count` new identifiers, in order of time."""
    statement = text("SELECT uuidv7() FROM generate_series(1, :count)")
    return list(session.execute(statement, {"count": count}).scalars())


def posted_keys(session: Session, keys: Sequence[str]) -> dict[str, PostedKey]:
    """Return which of the keys are posted, by key."""
    journal = tables.Journal
    statement = select(
        journal.number, journal.id, journal.key, journal.input_digest, journal.digest
    ).where(journal.key == func.any(sql_cast(list(keys), postgresql.ARRAY(journal.key.type))))
    return {row.key: PostedKey(*row) for row in session.execute(statement)}


def sealed_at(
    session: Session, days: Iterable[tuple[str, date]]
) -> dict[tuple[str, date], datetime]:
    """Return when each of some markets' days was sealed; those that are not are left out."""
    seal = tables.Seal
    statement = select(seal.market, seal.settlement_day, seal.sealed_at).where(
        tuple_(seal.market, seal.settlement_day).in_(list(days))
    )
    return {(market, day): at for market, day, at in session.execute(statement)}


def insert_accounts(session: Session, accounts: Iterable[Account]) -> None:
    """Open the accounts that are not open yet."""
    wanted = {account.code: account_row(account) for account in accounts}
    code = tables.Account.code
    is_wanted = code == func.any(sql_cast(list(wanted), postgresql.ARRAY(code.type)))
    known = set(session.execute(select(code).where(is_wanted)).scalars())
    new = [
        {**wanted[code]._asdict(), "digest": account_digest(wanted[code])}
        for code in sorted(wanted.keys() - known)
    ]
    if new:
        with constraints_as_refusals():
            session.execute(insert(tables.Account), new)


def insert_journals(session: Session, journals: Sequence[SealedJournal]) -> None:
    """Append sealed journals in one COPY and all their postings in another."""
    if not journals:
        return
    with constraints_as_refusals():
        rows = ((*each.row, each.digest) for each in journals)
        # Journals first: the trigger on postings counts them against their journals.
        write_rows(session, "ledger.journal", JOURNAL_TYPES, rows)
        if any(each.postings for each in journals):
            copy_postings(session, "ledger.posting", journals)


def copy_postings(session: Session, table: str, journals: Iterable[SealedJournal]) -> None:
    """Copy the postings of sealed journals into a table with the columns of `ledger.posting`."""
    rows = (
        (*posting, digest)
        for each in journals
        for posting, digest in zip(each.postings, each.posting_digests, strict=True)
    )
    write_rows(session, table, POSTING_TYPES, rows)


def insert_invoice(session: Session, invoice: SealedInvoice) -> None:
    """Append one document and all its lines."""
    row = {**invoice.row._asdict(), "digest": invoice.digest}
    lines = (
        (*(list(value) if isinstance(value, tuple) else value for value in line), digest)
        for line, digest in zip(invoice.lines, invoice.line_digests, strict=True)
    )
    with constraints_as_refusals():
        # The document first: the trigger on lines holds them to its count and amount.
        session.execute(insert(tables.Invoice), [row])
        write_rows(session, "ledger.invoice_line", INVOICE_LINE_TYPES, lines)


@contextmanager
def constraints_as_refusals(rules: Mapping[str, Rule] = RULE_OF_CONSTRAINT) -> Iterator[None]:
    """Turn what the database refuses into `Refused`; other errors pass.

    `rules` says which constraint or trigger speaks for which rule.

    Raises:
        Refused: a constraint or a trigger of the ledger refused.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        finding = _breach(cause, rules)
        if finding is None:
            raise
        raise Refused([finding]) from error


def _breach(cause: BaseException | None, rules: Mapping[str, Rule]) -> Finding | None:
    if not isinstance(cause, psycopg.Error):
        return None
    state, details = cause.sqlstate or "", cause.diag
    if state == REFUSAL_SQLSTATE:
        rule: Rule = LedgerRule.TABLE_IS_APPEND_ONLY
    elif state.startswith(INTEGRITY_SQLSTATE_CLASS):
        # A constraint that speaks for no rule by name still refuses, only less exactly.
        rule = rules.get(details.constraint_name or "", LedgerRule.ROW_IS_MALFORMED)
    else:
        return None
    table = (details.table_name or "").replace("_", " ")
    place = f"the ledger's {table}" if table else "the ledger"
    return rule.finding(place, _said_by(details))


def _said_by(details: psycopg.errors.Diagnostic) -> str:
    """Return what a trigger of ours said, or the name of a constraint in words.

    What PostgreSQL itself says of a row is in its own words, and shows the row as it is stored.
    """
    if details.source_function == _RAISED_BY_A_TRIGGER and details.message_primary:
        return details.message_primary
    table, name = details.table_name or "", details.constraint_name or "a rule without a name"
    for prefix in _PREFIXES:
        name = name.removeprefix(f"{prefix}_{table}_")
    return f'a row against "{name.replace("_", " ")}"'
