"""Reading a participant's account from postings and documents, as it stood at any moment."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text, and_, case, exists, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from ledger import tables
from ledger.causes import PAID, CauseSource
from ledger.invoice import document_number
from ledger.journal import is_money
from ledger.payments import tables as payment_tables
from ledger.payments.account import (
    AccountStatement,
    Entry,
    Movement,
    Standing,
    in_order,
    run_balance,
)

INTEREST_SUFFIX = ".interest"
CHARGED, PAYABLE = "charge.", "payment."


def day_start(day: date) -> datetime:
    """Return the moment at which a day begins, in UTC as due days are."""
    return datetime.combine(day, time(), tzinfo=UTC)


def day_end(day: date) -> datetime:
    """Return the last moment of a day, in UTC."""
    return day_start(day) + timedelta(days=1) - datetime.resolution


def standings(
    session: Session, market: str, at: datetime | None = None, participant: str | None = None
) -> dict[tuple[str, str], Standing]:
    """Return (participant, currency) -> what its account comes to at a moment; None is now."""
    account, journal, posting = tables.Account, tables.Journal, tables.Posting
    is_settled = or_(account.kind.startswith(CHARGED), account.kind.startswith(PAYABLE))
    kind = case((account.kind == PAID, PAID), (is_settled, "settled"), else_="closing")
    postings = (
        select(
            account.participant, account.commodity, kind,
            sql_cast(func.sum(posting.amount), BigInteger),
        )
        .select_from(posting)
        .join(account, account.code == posting.account)
        .join(journal, journal.number == posting.journal_number)
        .where(account.market == market, account.participant.is_not(None))
        .group_by(account.participant, account.commodity, kind)
    )  # fmt: skip
    invoice = tables.Invoice
    billed = (
        select(
            invoice.participant, invoice.currency,
            sql_cast(func.sum(invoice.due_minor * invoice.minor_unit_micro), BigInteger),
            sql_cast(func.sum(invoice.amount_micro), BigInteger),
        )
        .where(invoice.market == market)
        .group_by(invoice.participant, invoice.currency)
    )  # fmt: skip
    if at is not None:
        postings = postings.where(journal.posted_at <= at)
        billed = billed.where(invoice.issued_at <= at)
    if participant is not None:
        postings = postings.where(account.participant == participant)
        billed = billed.where(invoice.participant == participant)
    moved: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for name, commodity, of_kind, amount in session.execute(postings):
        if is_money(commodity):
            moved[name, commodity][of_kind] = amount
    documents = {(name, currency): rest for name, currency, *rest in session.execute(billed)}
    found = {}
    for key in sorted(moved.keys() | documents.keys()):
        due, amount = documents.get(key, (0, 0))
        of_key = moved[key]
        found[key] = Standing(due, of_key.get(PAID, 0), of_key.get("settled", 0) - amount)
    return found


def account_statement(
    session: Session, market: str, participant: str, first_day: date, last_day: date
) -> list[AccountStatement]:
    """Return a participant's account over a period, both days included, currency by currency."""
    before = standings(session, market, day_start(first_day) - datetime.resolution, participant)
    after = standings(session, market, day_end(last_day), participant)
    movements = _movements(session, market, participant, first_day, last_day)
    statements = []
    for key in sorted(after):
        opening = before.get(key, Standing()).balance_micro
        lines = run_balance(opening, in_order(movements[key[1]]))
        statements.append(
            AccountStatement(
                market, participant, key[1], first_day, last_day, opening, tuple(lines), after[key]
            )
        )
    return statements


def first_movement(session: Session, market: str, participant: str) -> datetime | None:
    """Return when a participant's first document was issued; None before that."""
    invoice = tables.Invoice
    return session.scalar(
        select(func.min(invoice.issued_at)).where(
            invoice.market == market, invoice.participant == participant
        )
    )


def has_accounts(session: Session, market: str) -> bool:
    """Return whether anything was ever posted to a market."""
    account = tables.Account
    return bool(session.execute(select(exists().where(account.market == market))).scalar())


def markets_of(session: Session, participant: str) -> list[str]:
    """Return the markets in which a participant has an account."""
    account = tables.Account
    return list(
        session.scalars(
            select(account.market)
            .where(account.participant == participant)
            .distinct()
            .order_by(account.market)
        )
    )


def _movements(
    session: Session, market: str, participant: str, first_day: date, last_day: date
) -> defaultdict[str, list[Movement]]:
    """Return documents, payments and interest of a period, by currency."""
    start, end = day_start(first_day), day_end(last_day)
    found: defaultdict[str, list[Movement]] = defaultdict(list)
    invoice = tables.Invoice
    documents = select(invoice).where(
        invoice.market == market,
        invoice.participant == participant,
        invoice.issued_at.between(start, end),
    )
    for issued in session.scalars(documents):
        found[issued.currency].append(
            Movement(
                at=issued.issued_at,
                entry=Entry.DOCUMENT,
                document=document_number(issued.series, issued.number),
                text=f"{issued.kind.capitalize()} for {issued.billing_month:%B %Y}",
                amount_micro=issued.due_minor * issued.minor_unit_micro,
                payment="",
                value_on=issued.due_on,
                number=0,
            )
        )
    for row in session.execute(_posted(market, participant, start, end)):
        found[row.commodity].append(_posted_movement(row))
    return found


def _posted(market: str, participant: str, start: datetime, end: datetime) -> Any:
    account, journal, posting = tables.Account, tables.Journal, tables.Posting
    allocation, transaction = payment_tables.Allocation, payment_tables.BankTransaction
    number = sql_cast(transaction.statement_number, Text)
    name = func.concat(
        transaction.market, "-bank-", func.lpad(number, func.greatest(6, func.length(number)), "0"),
        "/", transaction.line,
    )  # fmt: skip
    return (
        select(
            account.commodity, account.kind, account.subject, posting.amount, journal.posted_at,
            journal.number, journal.reason, journal.settlement_day, journal.cause_key,
            transaction.value_on, transaction.is_reversal, transaction.counterparty_account,
            allocation.reason.label("decided"),
        )
        .select_from(posting)
        .join(account, account.code == posting.account)
        .join(journal, journal.number == posting.journal_number)
        .outerjoin(allocation, allocation.journal_number == journal.number)
        .outerjoin(
            transaction,
            and_(
                journal.cause_source == CauseSource.ALLOCATION,
                transaction.market == journal.market,
                func.split_part(journal.cause_key, ":", 1) == name,
            ),
        )
        .where(
            account.market == market,
            account.participant == participant,
            or_(account.kind == PAID, account.kind.endswith(INTEREST_SUFFIX)),
            journal.posted_at.between(start, end),
        )
    )  # fmt: skip


def _posted_movement(row: Any) -> Movement:
    if row.kind != PAID:
        return Movement(
            row.posted_at, Entry.INTEREST, row.subject, row.reason, row.amount, "",
            row.settlement_day, row.number,
        )  # fmt: skip
    name, _, decision = row.cause_key.rpartition(":")
    if int(decision) > 1:
        # A decision that names no document of whoever asks is hidden from them; its journal is not.
        why = row.decided or "it pays no document of this account any more"
        entry, text = Entry.ALLOCATION, f"Payment allocated anew: {why}"
    elif row.is_reversal:
        entry, text = Entry.PAYMENT, "Payment taken back by the bank"
    else:
        entry, text = Entry.PAYMENT, "Payment received" if row.amount < 0 else "Payment made"
    return Movement(
        row.posted_at, entry, row.subject, text, row.amount, name, row.value_on, row.number,
        row.counterparty_account,
    )  # fmt: skip
