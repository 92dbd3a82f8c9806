"""Questions about what is posted; every function reads in the caller's transaction."""

from collections import defaultdict
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, case, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from ledger import tables


class CommodityTotal(NamedTuple):
    """What a journal moved in one commodity: its debits (+) and its credits (-), always equal."""

    commodity: str
    debit: int
    credit: int


class JournalSummary(NamedTuple):
    """A journal without its postings."""

    number: int
    id: UUID
    key: str
    settlement_day: date | None
    reason: str
    posted_at: datetime
    posting_count: int
    digest: bytes
    totals: tuple[CommodityTotal, ...]


def balances(
    session: Session, market: str, first_day: date, last_day: date
) -> dict[tuple[date, str], int]:
    """Return what runs posted for each settlement day, first and last day included.

    Returns:
        (settlement day, account code) -> sum of the postings of that day's journals, in the
        account's commodity. An account that no journal of the day moved is absent.
    """
    journal, posting = tables.Journal, tables.Posting
    total = sql_cast(func.sum(posting.amount), BigInteger)
    statement = (
        select(journal.settlement_day, posting.account, total)
        .join(posting, posting.journal_number == journal.number)
        .where(
            journal.market == market,
            journal.settlement_day.between(first_day, last_day),
            journal.run_id.is_not(None),
        )
        .group_by(journal.settlement_day, posting.account)
    )
    return {(day, code): amount for day, code, amount in session.execute(statement) if day}


def posted_runs(
    session: Session, market: str, first_day: date, last_day: date
) -> list[tuple[date, str]]:
    """Return (settlement day, run kind) of every journal of a run in a period, in order."""
    journal = tables.Journal
    statement = (
        select(journal.settlement_day, journal.run_kind)
        .where(journal.market == market, journal.settlement_day.between(first_day, last_day))
        .order_by(journal.settlement_day, journal.number)
    )
    return [(day, kind) for day, kind in session.execute(statement) if day and kind]


def journal_summaries(session: Session, run_id: UUID) -> list[JournalSummary]:
    """Return the journals of a run with what each moved, in order of their numbers."""
    journal, posting, account = tables.Journal, tables.Posting, tables.Account
    debit = case((posting.amount > 0, posting.amount), else_=0)
    sums = (
        select(
            posting.journal_number,
            account.commodity,
            sql_cast(func.sum(debit), BigInteger),
            sql_cast(func.sum(posting.amount - debit), BigInteger),
        )
        .join(account, account.code == posting.account)
        .join(journal, journal.number == posting.journal_number)
        .where(journal.run_id == run_id)
        .group_by(posting.journal_number, account.commodity)
        .order_by(posting.journal_number, account.commodity)
    )
    totals: defaultdict[int, list[CommodityTotal]] = defaultdict(list)
    for number, commodity, debit_sum, credit_sum in session.execute(sums):
        totals[number].append(CommodityTotal(commodity, debit_sum, credit_sum))
    headers = (
        select(
            journal.number,
            journal.id,
            journal.key,
            journal.settlement_day,
            journal.reason,
            journal.posted_at,
            journal.posting_count,
            journal.digest,
        )
        .where(journal.run_id == run_id)
        .order_by(journal.number)
    )
    return [
        JournalSummary(*header, totals=tuple(totals[header.number]))
        for header in session.execute(headers)
    ]
