"""Questions about what is billed and what is not; read in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Date, Select, exists, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from ledger import tables
from ledger.billing import Billed, SealedInvoice
from ledger.chain import InvoiceLineRow, InvoiceRow
from ledger.invoice import OUTSIDE_SCOPE, Tax, document_number, parsed_number
from ledger.journal import Account, DayMovement


def unbilled(session: Session, market: str, billing_month: date) -> dict[str, dict[Account, int]]:
    """Return what the accounts of each participant moved and no document covers yet.

    Counts the journals of the month's settlement days since the participant's last document of
    that month, in every commodity; invoice drafts are made of this.

    Returns:
        participant -> account -> movement, never zero; a participant without any is absent.
    """
    account, journal, posting = tables.Account, tables.Journal, tables.Posting
    covered = _covered(market, billing_month).subquery()
    total = sql_cast(func.sum(posting.amount), BigInteger)
    statement = (
        select(account.commodity, account.participant, account.kind, account.subject, total)
        .select_from(journal)
        .join(posting, posting.journal_number == journal.number)
        .join(account, account.code == posting.account)
        .outerjoin(covered, covered.c.participant == account.participant)
        .where(
            journal.market == market,
            journal.settlement_day >= billing_month,
            journal.settlement_day < next_month(billing_month),
            journal.number > func.coalesce(covered.c.number, 0),
        )
        .group_by(account.code)
        .having(total != 0)
        .order_by(account.code)
    )
    moved: defaultdict[str, dict[Account, int]] = defaultdict(dict)
    for commodity, participant, kind, subject, amount in session.execute(statement):
        if participant is not None:
            moved[participant][Account(market, commodity, participant, kind, subject)] = amount
    return dict(moved)


def movements_by_day(
    session: Session, market: str, billing_month: date, up_to: int | None = None
) -> Iterator[DayMovement]:
    """Yield what each account of each participant moved for each day of a month, by account.

    Args:
        session: the caller's session.
        market, billing_month: the days.
        up_to: a journal: what moved until then, and was covered by documents that reach less far.
    """
    account, journal, posting = tables.Account, tables.Journal, tables.Posting
    covered = _covered(market, billing_month, up_to).subquery()
    holder = (account.commodity, account.participant, account.kind, account.subject)
    is_covered = journal.number <= func.coalesce(covered.c.number, 0)
    statement = (
        select(
            *holder,
            journal.settlement_day,
            sql_cast(func.sum(posting.amount), BigInteger),
            sql_cast(func.coalesce(func.sum(posting.amount).filter(is_covered), 0), BigInteger),
        )
        .select_from(journal)
        .join(posting, posting.journal_number == journal.number)
        .join(account, account.code == posting.account)
        .outerjoin(covered, covered.c.participant == account.participant)
        .where(
            journal.market == market,
            journal.settlement_day >= billing_month,
            journal.settlement_day < next_month(billing_month),
            account.participant.is_not(None),
            *(() if up_to is None else (journal.number <= up_to,)),
        )
        # By all columns: verification asks too, where the table's key may be broken.
        .group_by(account.code, *holder, journal.settlement_day)
        .order_by(account.code, journal.settlement_day)
    )
    last_holder: tuple[str, str | None, str, str] | None = None
    for commodity, participant, kind, subject, day, amount, before in session.execute(statement):
        if day is None:
            continue
        holder_of_row = (commodity, participant, kind, subject)
        if holder_of_row != last_holder:  # the days of an account follow each other
            last_holder = holder_of_row
            moved_on = Account(market, commodity, participant, kind, subject)
        yield DayMovement(moved_on, day, amount, before)


def last_covered_journals(
    session: Session, market: str, billing_month: date, up_to: int | None = None
) -> dict[str, int]:
    """Return participant -> the last journal that its documents of the month take into account.

    With `up_to`, a journal, of the documents that reach less far.
    """
    rows = session.execute(_covered(market, billing_month, up_to)).all()
    return {row.participant: row.number for row in rows}


def _covered(market: str, billing_month: date, up_to: int | None = None) -> Select[str, int]:
    invoice = tables.Invoice
    found = (
        select(invoice.participant, func.max(invoice.last_journal_number).label("number"))
        .where(invoice.market == market, invoice.billing_month == billing_month)
        .group_by(invoice.participant)
    )
    return found if up_to is None else found.where(invoice.last_journal_number < up_to)


def billed(
    session: Session, market: str, billing_month: date
) -> dict[tuple[str, str, str, bool], Billed]:
    """Return what the month's documents come to.

    Returns:
        participant, series, currency, and whether they lie outside the scope of tax -> documents.
    """
    invoice, line = tables.Invoice, tables.InvoiceLine
    key = (invoice.participant, invoice.series, invoice.currency)
    tax = (line.tax_category, line.tax_rate_ppm)
    first = func.array_agg(postgresql.aggregate_order_by(invoice.id, invoice.number))
    statement = (
        select(
            *key,
            *tax,
            sql_cast(func.sum(line.amount_micro), BigInteger),
            sql_cast(first[1], postgresql.UUID),
        )
        .join(line, line.invoice_id == invoice.id)
        .where(invoice.market == market, invoice.billing_month == billing_month)
        .group_by(*key, *tax)
        # The earliest first, so that the first that is met of each is their original.
        .order_by(*key, func.min(invoice.number), *tax)
    )
    found: dict[tuple[str, str, str, bool], Billed] = {}
    for participant, series, currency, category, rate_ppm, amount, original in session.execute(
        statement
    ):
        place = (participant, series, currency, category == OUTSIDE_SCOPE)
        before = found.get(place, Billed(original=original))
        amounts = {**before.amounts_micro, Tax(category, rate_ppm): amount}
        found[place] = Billed(amounts, before.original)
    return found


def billed_before(session: Session, row: InvoiceRow) -> Billed:
    """Return what the documents of a document's participant, series and month before it come to."""
    invoice, line = tables.Invoice, tables.InvoiceLine
    tax = (line.tax_category, line.tax_rate_ppm)
    statement = (
        select(*tax, sql_cast(func.sum(line.amount_micro), BigInteger))
        .join(invoice, invoice.id == line.invoice_id)
        .where(
            invoice.series == row.series,
            invoice.number < row.number,
            invoice.participant == row.participant,
            invoice.billing_month == row.billing_month,
            invoice.currency == row.currency,
        )
        .group_by(*tax)
        .order_by(*tax)
    )
    amounts = {
        Tax(category, rate_ppm): amount for category, rate_ppm, amount in session.execute(statement)
    }
    return Billed(amounts, row.original)


def last_issue(session: Session, market: str) -> datetime | None:
    """Return when documents of a market were last issued."""
    invoice = tables.Invoice
    return session.scalar(select(func.max(invoice.issued_at)).where(invoice.market == market))


def billed_months(session: Session) -> list[tuple[str, date]]:
    """Return market and billing month of all documents, in order."""
    invoice = tables.Invoice
    key = (invoice.market, invoice.billing_month)
    return [
        (market, month) for market, month in session.execute(select(*key).distinct().order_by(*key))
    ]


class BilledAccount(NamedTuple):
    """A money account of a participant under one tax: what the lines of a month sum over."""

    participant: str
    currency: str
    kind: str
    subject: str
    tax: Tax


def billed_accounts(session: Session, market: str, billing_month: date) -> dict[BilledAccount, int]:
    """Return what the lines of a month's documents come to, exact, by account and tax."""
    invoice, line = tables.Invoice, tables.InvoiceLine
    account = (invoice.participant, invoice.currency, line.kind, line.subject)
    tax = (line.tax_category, line.tax_rate_ppm)
    statement = (
        select(*account, *tax, sql_cast(func.sum(line.amount_micro), BigInteger))
        .join(line, line.invoice_id == invoice.id)
        .where(invoice.market == market, invoice.billing_month == billing_month)
        .group_by(*account, *tax)
    )
    return {
        BilledAccount(participant, currency, kind, subject, Tax(category, rate_ppm)): amount
        for participant, currency, kind, subject, category, rate_ppm, amount in (
            session.execute(statement)
        )
    }


def next_month(month: date) -> date:
    """Return the first day of the month after.

    >>> next_month(date(2024, 12, 1))
    datetime.date(2025, 1, 1)
    """
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def invoices(
    session: Session, *, participant: str | None = None, market: str | None = None
) -> list[InvoiceRow]:
    """Return documents, latest first, of one participant and market or of all."""
    invoice = tables.Invoice
    statement = _invoice_rows().order_by(
        invoice.issued_at.desc(), invoice.series, invoice.number.desc()
    )
    if participant is not None:
        statement = statement.where(invoice.participant == participant)
    if market is not None:
        statement = statement.where(invoice.market == market)
    return [InvoiceRow(*row[:-1]) for row in session.execute(statement)]


def invoice(session: Session, identity: UUID) -> SealedInvoice | None:
    """Return a document with its lines and all digests as stored; None when there is none."""
    return _sealed(session, tables.Invoice.id == identity)


def invoice_of_number(session: Session, number: str) -> SealedInvoice | None:
    """Return the document of a printed number, as `invoice` does; None when there is none."""
    key = parsed_number(number)
    if key is None:
        return None
    series, of_series = key
    invoice = tables.Invoice
    return _sealed(session, (invoice.series == series) & (invoice.number == of_series))


def invoices_of_month(
    session: Session, market: str, billing_month: date
) -> list[tuple[str, int, UUID]]:
    """Return series, number and identity of every document of a month, in order."""
    invoice = tables.Invoice
    statement = (
        select(invoice.series, invoice.number, invoice.id)
        .where(invoice.market == market, invoice.billing_month == billing_month)
        .order_by(invoice.series, invoice.number)
    )
    return [(series, number, identity) for series, number, identity in session.execute(statement)]


def documents_of_days(
    session: Session, market: str, days: Collection[date]
) -> list[tuple[str, str, str, date]]:
    """Return number, participant, kind and month of the documents that billed any of some days.

    Those of a day's month that cover a journal of the day, in the order of their series.
    """
    invoice, journal = tables.Invoice, tables.Journal
    of_month = func.date_trunc("month", journal.settlement_day).cast(Date) == invoice.billing_month
    covered = (
        journal.market == invoice.market,
        journal.settlement_day.in_(days),
        journal.number <= invoice.last_journal_number,
        of_month,
    )
    statement = (
        select(
            invoice.series, invoice.number, invoice.participant, invoice.kind, invoice.billing_month
        )
        .where(invoice.market == market, exists().where(*covered))
        .order_by(invoice.series, invoice.number)
    )
    return [
        (document_number(row.series, row.number), row.participant, row.kind, row.billing_month)
        for row in session.execute(statement)
    ]


def documents_of_month(session: Session, market: str, billing_month: date) -> list[SealedInvoice]:
    """Return every document of a month with its lines and all digests as stored, in order.

    A document that stands twice, as verification may find it, is returned twice.
    """
    invoice = tables.Invoice
    found = session.execute(
        _invoice_rows()
        .where(invoice.market == market, invoice.billing_month == billing_month)
        .order_by(invoice.series, invoice.number)
    ).all()
    return _with_lines(session, found)


def _sealed(session: Session, chosen: ColumnElement[bool]) -> SealedInvoice | None:
    found = session.execute(_invoice_rows().where(chosen)).one_or_none()
    return None if found is None else _with_lines(session, [found])[0]


def _with_lines(session: Session, found: Sequence[Any]) -> list[SealedInvoice]:
    columns = tables.InvoiceLine.__table__.columns
    statement = (
        select(*(columns[name] for name in (*InvoiceLineRow._fields, "digest")))
        .where(tables.InvoiceLine.invoice_id.in_([row.id for row in found]))
        .order_by(tables.InvoiceLine.line)
    )
    lines: defaultdict[UUID, list[InvoiceLineRow]] = defaultdict(list)
    digests: defaultdict[UUID, list[bytes]] = defaultdict(list)
    for row in session.execute(statement):
        lines[row.invoice_id].append(stored_line(row))
        digests[row.invoice_id].append(row.digest)
    return [
        SealedInvoice(InvoiceRow(*row[:-1]), row.digest, lines[row.id], digests[row.id])
        for row in found
    ]


def document_id(session: Session, number: str) -> UUID | None:
    """Return the id of the document with a printed number; None where none is printed so."""
    key = parsed_number(number)
    if key is None:
        return None
    found = tables.Invoice
    return session.scalar(select(found.id).where(found.series == key[0], found.number == key[1]))


def stored_line(row: Sequence[Any]) -> InvoiceLineRow:
    """Return a line as it was sealed from its stored columns, which hold lists."""
    line = InvoiceLineRow._make(row[: len(InvoiceLineRow._fields)])
    return line._replace(clauses=tuple(line.clauses), rule_digests=tuple(line.rule_digests))


def _invoice_rows() -> Select[Any]:
    columns = tables.Invoice.__table__.columns
    return select(*(columns[name] for name in (*InvoiceRow._fields, "digest")))
