"""What an evidence file holds of rules, readings and ledger; reads in the caller's transaction."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, any_, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from database.bulk import read_rows
from database.metadata import Base
from ledger import tables
from ledger.chain import AccountRow, InvoiceLineRow, InvoiceRow, JournalRow, PostingRow
from ledger.tree import EMPTY_ROOT, merkle_root
from rulebook.tables import VersionRow
from settlement.meters.store import FILE_FIELDS, READING_TYPES
from settlement.runs.results import day_digest
from settlement.runs.run import Run
from settlement.runs.store import day_vectors
from settlement.tables import ReadingFileRow

Row = dict[str, Any]

ROWS_AT_A_TIME = 10_000

READING_COLUMNS = (*READING_TYPES, "digest")
POSTING_COLUMNS = (*PostingRow._fields, "digest")
READINGS_OF_DAY = f"""
SELECT {", ".join(READING_COLUMNS)} FROM settlement.reading
 WHERE market = %(market)s AND settlement_day = %(day)s AND received_at <= %(known_at)s
 ORDER BY measure COLLATE "C", entity COLLATE "C", revision
"""
POSTINGS = f"""
SELECT {", ".join(POSTING_COLUMNS)} FROM ledger.posting
 WHERE journal_number = ANY(%(numbers)s::int8[]) ORDER BY journal_number, line
"""


def versions(session: Session) -> list[VersionRow]:
    """Return every version of every market, by identity."""
    statement = select(VersionRow).order_by(VersionRow.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def readings_of_day(
    session: Session, market: str, day: dt.date, known_at: dt.datetime
) -> list[Row]:
    """Return every revision of every reading of a day that was received by a moment."""
    given = {"market": market, "day": day, "known_at": known_at}
    rows = read_rows(session, READINGS_OF_DAY, given)
    return [dict(zip(READING_COLUMNS, row, strict=True)) for row in rows]


def day_digests(session: Session, run: Run) -> Iterator[tuple[dt.date, bytes]]:
    """Yield each day of a run and the digest of its results."""
    for day in run.days:
        yield day, day_digest(vector.digest for vector in day_vectors(session, run.id, day))


def reading_files(session: Session, identities: Collection[Any]) -> list[Row]:
    """Return files of readings, in order of their identities."""
    statement = (
        select(ReadingFileRow)
        .where(ReadingFileRow.id.in_(list(identities)))
        .order_by(ReadingFileRow.id)
    )
    return [_row(row, (*FILE_FIELDS, "digest")) for row in session.scalars(statement)]


def documents(session: Session, market: str) -> list[Row]:
    """Return every document of a market, by series and number, with the root over its lines."""
    invoice, line = tables.Invoice, tables.InvoiceLine
    statement = _sealed(invoice, InvoiceRow._fields).where(invoice.market == market)
    of_lines = (
        select(line.invoice_id, line.digest)
        .join(invoice, invoice.id == line.invoice_id)
        .where(invoice.market == market)
        .order_by(line.invoice_id, line.line)
    )
    roots = _roots(session, of_lines)
    rows = _rows(session, statement)
    in_order = sorted(rows, key=lambda row: (row["series"], row["number"]))
    return [_with_root(row, "lines_root", roots.get(row["id"])) for row in in_order]


def lines(session: Session, identities: Sequence[Any]) -> list[Row]:
    """Return the lines of documents, by document and line."""
    line = tables.InvoiceLine
    statement = _sealed(line, InvoiceLineRow._fields).where(line.invoice_id.in_(identities))
    return _rows(session, statement.order_by(line.invoice_id, line.line))


def journals(session: Session) -> list[Row]:
    """Return every journal in order of their numbers, with the root over its postings."""
    posting = tables.Posting
    of_postings = select(posting.journal_number, posting.digest).order_by(
        posting.journal_number, posting.line
    )
    roots = _roots(session, of_postings)
    statement = _sealed(tables.Journal, JournalRow._fields).order_by(tables.Journal.number)
    return [
        _with_root(row, "postings_root", roots.get(row["number"]))
        for row in _rows(session, statement)
    ]


def postings(session: Session, numbers: Collection[int]) -> dict[str, list[Any]]:
    """Return the columns of the postings of journals, by journal and line."""
    rows = read_rows(session, POSTINGS, {"numbers": list(numbers)})
    return {name: [row[n] for row in rows] for n, name in enumerate(POSTING_COLUMNS)}


def accounts(session: Session, codes: Collection[str]) -> list[Row]:
    """Return accounts in the order of their codes."""
    account = tables.Account
    wanted = literal(list(codes), postgresql.ARRAY(account.code.type))
    statement = _sealed(account, AccountRow._fields).where(account.code == any_(wanted))
    return sorted(_rows(session, statement), key=lambda row: row["code"])


def _sealed(table: type[Base], fields: Sequence[str]) -> Select[Any]:
    columns = table.__table__.columns
    return select(*(columns[name] for name in (*fields, "digest")))


def _rows(session: Session, statement: Select[Any]) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]


def _row(row: Base, fields: Sequence[str]) -> Row:
    return {name: getattr(row, name) for name in fields}


def _roots(session: Session, statement: Select[Any, bytes]) -> dict[Any, bytes]:
    """Return the Merkle root over digests, by what they are of."""
    rows = session.execute(statement, execution_options={"yield_per": ROWS_AT_A_TIME})
    return {
        key: merkle_root([digest for _, digest in group])
        for key, group in groupby(rows, itemgetter(0))
    }


def _with_root(row: Row, name: str, root: bytes | None) -> Row:
    """Return a row with a root before its digest."""
    digest = row.pop("digest")
    return row | {name: EMPTY_ROOT if root is None else root, "digest": digest}
