"""What an evidence file holds of rules, readings and ledger; reads in the caller's transaction."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, any_, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from database.bulk import read_rows
from database.metadata import Base
from ledger import tables
from ledger.chain import AccountRow, InvoiceLineRow, InvoiceRow, JournalRow, PostingRow
from ledger.invoice_queries import next_month
from ledger.tree import merkle_root
from rulebook.tables import VersionRow
from settlement.meters.store import FILE_FIELDS, READING_TYPES
from settlement.tables import ReadingFileRow

Row = dict[str, Any]

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


def versions(session: Session, digests: Collection[bytes], up_to: dt.datetime) -> list[VersionRow]:
    """Return every version with one of the digests that was recorded by a moment."""
    statement = (
        select(VersionRow)
        .where(VersionRow.digest.in_(list(digests)))
        .order_by(VersionRow.instrument, VersionRow.id)
    )
    rows = session.scalars(statement.execution_options(populate_existing=True))
    return [row for row in rows if row.recorded.lower is not None and row.recorded.lower <= up_to]


def readings_of_day(
    session: Session, market: str, day: dt.date, known_at: dt.datetime
) -> list[Row]:
    """Return every revision of every reading of a day that was received by a moment."""
    given = {"market": market, "day": day, "known_at": known_at}
    rows = read_rows(session, READINGS_OF_DAY, given)
    return [dict(zip(READING_COLUMNS, row, strict=True)) for row in rows]


def reading_files(session: Session, identities: Collection[Any]) -> list[Row]:
    """Return files of readings, in order of their identities."""
    statement = (
        select(ReadingFileRow)
        .where(ReadingFileRow.id.in_(list(identities)))
        .order_by(ReadingFileRow.id)
    )
    return [_row(row, (*FILE_FIELDS, "digest")) for row in session.scalars(statement)]


def documents(session: Session, market: str, months: Collection[dt.date]) -> list[Row]:
    """Return every document of some billing months of a market, by series and number."""
    invoice = tables.Invoice
    statement = _sealed(invoice, InvoiceRow._fields).where(
        invoice.market == market, invoice.billing_month.in_(list(months))
    )
    return _rows(session, statement.order_by(invoice.series, invoice.number))


def lines(session: Session, identities: Sequence[Any]) -> list[Row]:
    """Return the lines of documents, by document and line."""
    line = tables.InvoiceLine
    statement = _sealed(line, InvoiceLineRow._fields).where(line.invoice_id.in_(identities))
    return _rows(session, statement.order_by(line.invoice_id, line.line))


def invoice_links(session: Session, before: Iterable[tuple[str, int]]) -> list[Row]:
    """Return documents by series and number, each with the Merkle root over its lines."""
    invoice = tables.Invoice
    found: list[Row] = []
    for series, number in sorted(before):
        statement = _sealed(invoice, InvoiceRow._fields)
        for row in _rows(
            session, statement.where(invoice.series == series, invoice.number == number)
        ):
            digests = [line["digest"] for line in lines(session, [row["id"]])]
            found.append(row | {"lines_root": merkle_root(digests)})
    return found


def journals_of_days(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> list[tuple[int, dt.date]]:
    """Return number and settlement day of every journal of some days of a market."""
    journal = tables.Journal
    statement = (
        select(journal.number, journal.settlement_day)
        .where(journal.market == market, journal.settlement_day.between(first_day, last_day))
        .order_by(journal.number)
    )
    return [(number, day) for number, day in session.execute(statement) if day]


def journals(session: Session, numbers: Collection[int]) -> list[Row]:
    """Return journals in order of their numbers."""
    journal = tables.Journal
    wanted = literal(list(numbers), postgresql.ARRAY(journal.number.type))
    statement = _sealed(journal, JournalRow._fields).where(journal.number == any_(wanted))
    return _rows(session, statement.order_by(journal.number))


def postings(session: Session, numbers: Collection[int]) -> dict[str, list[Any]]:
    """Return the columns of the postings of journals, by journal and line."""
    rows = read_rows(session, POSTINGS, {"numbers": list(numbers)})
    return {name: [row[n] for row in rows] for n, name in enumerate(POSTING_COLUMNS)}


def journal_links(session: Session, numbers: Collection[int]) -> list[Row]:
    """Return journals, each with the Merkle root over its postings."""
    moved = postings(session, numbers)
    digests: defaultdict[int, list[bytes]] = defaultdict(list)
    for number, digest in zip(moved["journal_number"], moved["digest"], strict=True):
        digests[number].append(digest)
    return [
        row | {"postings_root": merkle_root(digests[row["number"]])}
        for row in journals(session, numbers)
    ]


def accounts(session: Session, codes: Collection[str]) -> list[Row]:
    """Return accounts in the order of their codes."""
    account = tables.Account
    wanted = literal(list(codes), postgresql.ARRAY(account.code.type))
    statement = _sealed(account, AccountRow._fields).where(account.code == any_(wanted))
    return sorted(_rows(session, statement), key=lambda row: row["code"])


def month_bounds(month: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a month."""
    return month, next_month(month) - dt.timedelta(days=1)


def _sealed(table: type[Base], fields: Sequence[str]) -> Select[Any]:
    columns = table.__table__.columns
    return select(*(columns[name] for name in (*fields, "digest")))


def _rows(session: Session, statement: Select[Any]) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]


def _row(row: Base, fields: Sequence[str]) -> Row:
    return {name: getattr(row, name) for name in fields}
