"""Questions about payments, all answered from the ledger, as it stood at any moment.

`at` is a moment of the ledger: what was posted or issued up to it counts; None is now.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, and_, func, select, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from common.currencies import minor_unit_micro
from database.paged import PagedRows
from ledger import tables as ledger_tables
from ledger.causes import PAID, UNALLOCATED
from ledger.invoice import document_number
from ledger.journal import Account
from ledger.payments import tables
from ledger.payments.matching import OpenDocument
from ledger.payments.statements import (
    AllocationRow,
    StatementRow,
    TransactionKey,
    TransactionRow,
)
from ledger.payments.store import columns


class Held(NamedTuple):
    """What an account holds of a transaction."""

    account: Account
    amount_minor: int


class Decided(NamedTuple):
    """A transaction with its decisions, earliest first, and where its money is."""

    transaction: TransactionRow
    digest: bytes
    decisions: tuple[AllocationRow, ...]
    held: tuple[Held, ...]

    @property
    def latest(self) -> AllocationRow:
        """The decision that holds."""
        return self.decisions[-1]

    @property
    def amounts(self) -> dict[str, int]:
        """Return document -> minor units."""
        return {
            posting.account.subject: posting.amount_minor
            for posting in self.held
            if posting.account.kind == PAID
        }

    @property
    def rest_minor(self) -> int:
        """What rests in the queue."""
        return sum(
            posting.amount_minor for posting in self.held if posting.account.kind == UNALLOCATED
        )


def documents(session: Session, market: str, at: datetime | None = None) -> list[OpenDocument]:
    """Return every document of a market with what was paid of it, in order of series and number."""
    invoice = ledger_tables.Invoice
    statement = select(
        invoice.series, invoice.number, invoice.participant, invoice.currency, invoice.due_on,
        invoice.due_minor, invoice.minor_unit_micro,
    ).where(invoice.market == market)  # fmt: skip
    if at is not None:
        statement = statement.where(invoice.issued_at <= at)
    paid = paid_micro(session, market, at)
    return [
        OpenDocument(
            series=row.series,
            number=row.number,
            name=(name := document_number(row.series, row.number)),
            participant=row.participant,
            currency=row.currency,
            due_on=row.due_on,
            due_minor=row.due_minor,
            paid_minor=-paid.get((row.participant, name), 0) // row.minor_unit_micro,
        )
        for row in session.execute(statement.order_by(invoice.series, invoice.number))
    ]


def paid_micro(
    session: Session, market: str, at: datetime | None = None
) -> dict[tuple[str, str], int]:
    """Return (participant, document) -> sum of the postings of its `paid` account, in micro."""
    account = ledger_tables.Account
    statement = _sums(account.participant, account.subject).where(
        account.market == market, account.kind == PAID
    )
    if at is not None:
        statement = statement.where(ledger_tables.Journal.posted_at <= at)
    rows = session.execute(statement.group_by(account.participant, account.subject))
    return {(participant, subject): total for participant, subject, total in rows}


def _sums(*keys: Any) -> Select[Any]:
    account, journal, posting = ledger_tables.Account, ledger_tables.Journal, ledger_tables.Posting
    return (
        select(*keys, sql_cast(func.sum(posting.amount), BigInteger))
        .select_from(posting)
        .join(account, account.code == posting.account)
        .join(journal, journal.number == posting.journal_number)
    )


def statements(session: Session, market: str | None = None) -> PagedRows[StatementRow]:
    """Return the statements of a market, or of all, latest first."""
    table = tables.BankStatement
    query = select(*columns(table, StatementRow)).order_by(table.market, table.number.desc())
    if market is not None:
        query = query.where(table.market == market)
    return PagedRows(session, query, lambda rows: [StatementRow(*row) for row in rows])


def currencies(session: Session, found: Iterable[Decided]) -> dict[tuple[str, int], str]:
    """Return (market, number) of the statements of transactions -> their currency."""
    table = tables.BankStatement
    keys = {payment.transaction.key[:2] for payment in found}
    query = select(table.market, table.number, table.currency).where(
        tuple_(table.market, table.number).in_(keys)
    )
    return {(market, number): currency for market, number, currency in session.execute(query)}


def statement(session: Session, market: str, number: int) -> StatementRow:
    """Return a statement of a market by its number.

    Raises:
        LookupError: there is none.
    """
    query = select(*columns(tables.BankStatement, StatementRow)).where(
        tables.BankStatement.market == market, tables.BankStatement.number == number
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise LookupError(f"{market} has no bank statement {number}")
    return StatementRow(*row)


def decided_transactions(
    session: Session,
    market: str,
    number: int | None = None,
    line: int | None = None,
) -> list[Decided]:
    """Return the transactions of a market, of a statement or one of it, in order."""
    return _decided(session, lambda table: _of(table, market, number, line))


def queue(session: Session, market: str) -> list[Decided]:
    """Return the transactions of which something is not allocated, in order."""
    return list(reversed(latest_transactions(session, market, waiting=True)[:]))


def latest_transactions(
    session: Session, market: str | None = None, *, waiting: bool = False
) -> PagedRows[Decided]:
    """Return the transactions of a market, or of each in turn, latest first.

    Args:
        session: the caller's session.
        market: whose they are; None for all.
        waiting: whether only those of which something is not allocated.
    """
    table = tables.BankTransaction
    keys = _keys(table)
    query = select(*keys).order_by(table.market, table.statement_number.desc(), table.line.desc())
    if market is not None:
        query = query.where(table.market == market)
    if waiting:
        query = query.where(tuple_(*keys).in_(_waiting()))

    def read(rows: Sequence[Any]) -> list[Decided]:
        wanted = [tuple(row) for row in rows]
        found = _decided(session, lambda table: [tuple_(*_keys(table)).in_(wanted)])
        by_key = {payment.transaction.key: payment for payment in found}
        return [by_key[key] for key in wanted]

    return PagedRows(session, query, read)


def _keys(table: Any) -> tuple[Any, Any, Any]:
    return table.market, table.statement_number, table.line


def _waiting() -> Select[Any]:
    """Return the query of the transactions of which something rests in the queue."""
    account, posting, allocation = ledger_tables.Account, ledger_tables.Posting, tables.Allocation
    return (
        select(*_keys(allocation))
        .select_from(allocation)
        .join(posting, posting.journal_number == allocation.journal_number)
        .join(account, and_(account.code == posting.account, account.kind == UNALLOCATED))
        .group_by(*_keys(allocation))
        .having(func.sum(posting.amount) != 0)
    )


def _decided(session: Session, which: Callable[[Any], Iterable[Any]]) -> list[Decided]:
    """Return transactions in order, with what was decided of them.

    Args:
        session: the caller's session.
        which: the conditions on a table that has the keys of transactions.
    """
    transaction, allocation = tables.BankTransaction, tables.Allocation
    rows = (
        select(*columns(transaction, TransactionRow), transaction.digest)
        .where(*which(transaction))
        .order_by(*_keys(transaction))
    )
    decisions: defaultdict[TransactionKey, list[AllocationRow]] = defaultdict(list)
    query = (
        select(*columns(allocation, AllocationRow))
        .where(*which(allocation))
        .order_by(allocation.decision)
    )
    for found in session.execute(query):
        decision = AllocationRow(*found)
        decisions[decision.market, decision.statement_number, decision.line].append(decision)
    held = _held(session, which)
    stated = [(TransactionRow(*found[:-1]), found[-1]) for found in session.execute(rows)]
    return [
        Decided(row, digest, tuple(decisions[row.key]), tuple(held[row.key]))
        for row, digest in stated
    ]


def _of(table: Any, market: str, number: int | None, line: int | None) -> Iterable[Any]:
    yield table.market == market
    if number is not None:
        yield table.statement_number == number
    if line is not None:
        yield table.line == line


def _held(
    session: Session, which: Callable[[Any], Iterable[Any]]
) -> defaultdict[TransactionKey, list[Held]]:
    account, posting, allocation = ledger_tables.Account, ledger_tables.Posting, tables.Allocation
    total = sql_cast(func.sum(posting.amount), BigInteger)
    statement = (
        select(
            *_keys(allocation), account.commodity, account.participant, account.kind,
            account.subject, total,
        )
        .select_from(allocation)
        .join(posting, posting.journal_number == allocation.journal_number)
        .join(
            account, and_(account.code == posting.account, account.kind.in_((PAID, UNALLOCATED)))
        )
        .where(*which(allocation))
        .group_by(*_keys(allocation), account.code)
        .having(total != 0)
        .order_by(account.code)
    )  # fmt: skip
    held: defaultdict[TransactionKey, list[Held]] = defaultdict(list)
    for row in session.execute(statement):
        market, statement_number, line, currency, participant, kind, subject, amount = row
        held_by = Account(market, currency, participant, kind, subject)
        minor = -amount // minor_unit_micro(currency)
        held[market, statement_number, line].append(Held(held_by, minor))
    return held


class PaidOn(NamedTuple):
    """A payment of a document by the day of its value, in minor units with the document's sign."""

    document: str
    value_on: date
    amount_minor: int


def payments_by_value(session: Session, market: str) -> dict[str, list[PaidOn]]:
    """Return document -> its payments by the bank's value day, as decisions now have them."""
    found: defaultdict[str, list[PaidOn]] = defaultdict(list)
    for payment in decided_transactions(session, market):
        for document, amount in payment.amounts.items():
            found[document].append(PaidOn(document, payment.transaction.value_on, amount))
    return dict(found)
