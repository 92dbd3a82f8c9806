"""What is posted and billed of interest on documents; read in the caller's transaction."""

from collections import defaultdict
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from ledger import invoice_queries, tables
from ledger.causes import CauseSource
from ledger.invoice import document_number


class PostedInterest(NamedTuple):
    """Interest that is posted for a document: its sum, in how many journals, up to which day."""

    amount_micro: int
    journal_count: int
    until: date | None


NOTHING_POSTED = PostedInterest(0, 0, None)


def posted_interest(
    session: Session, market: str, kinds: tuple[str, ...]
) -> dict[str, PostedInterest]:
    """Return document -> the interest that is posted for it."""
    account, journal, posting = tables.Account, tables.Journal, tables.Posting
    statement = (
        select(
            account.subject,
            sql_cast(func.sum(posting.amount), BigInteger),
            func.count(),
            func.max(journal.settlement_day),
        )
        .select_from(posting)
        .join(account, account.code == posting.account)
        .join(journal, journal.number == posting.journal_number)
        .where(account.market == market, account.kind.in_(kinds), account.participant.is_not(None))
        .group_by(account.subject)
    )
    return {
        name: PostedInterest(amount, count, until)
        for name, amount, count, until in session.execute(statement)
    }


def last_interest_posted(session: Session, market: str) -> datetime | None:
    """Return when interest was last posted in a market, on any document of it."""
    journal = tables.Journal
    is_interest = journal.cause_source == CauseSource.INTEREST
    return session.scalar(
        select(func.max(journal.posted_at)).where(journal.market == market, is_interest)
    )


def billed_interest(session: Session, market: str, kinds: tuple[str, ...]) -> dict[str, int]:
    """Return document -> the interest on others that is in it, in micro."""
    invoice, line = tables.Invoice, tables.InvoiceLine
    statement = (
        select(invoice.series, invoice.number, sql_cast(func.sum(line.amount_micro), BigInteger))
        .join(line, line.invoice_id == invoice.id)
        .where(invoice.market == market, line.kind.in_(kinds))
        .group_by(invoice.series, invoice.number)
    )
    return {
        document_number(series, number): amount
        for series, number, amount in session.execute(statement)
    }


def unbilled_reasons(
    session: Session,
    market: str,
    billing_month: date,
    kinds: tuple[str, ...],
    up_to: int | None = None,
) -> dict[tuple[str, str, str], list[str]]:
    """Return (participant, kind, subject) -> why journals that no document covers moved it.

    With `up_to`, a journal: as it was before the documents that reach up to it.
    """
    covered = invoice_queries.last_covered_journals(session, market, billing_month, up_to)
    account, journal, posting = tables.Account, tables.Journal, tables.Posting
    statement = (
        select(account.participant, account.kind, account.subject, journal.number, journal.reason)
        .select_from(posting)
        .join(account, account.code == posting.account)
        .join(journal, journal.number == posting.journal_number)
        .where(
            journal.market == market,
            journal.settlement_day >= billing_month,
            journal.settlement_day < invoice_queries.next_month(billing_month),
            account.kind.in_(kinds),
        )
        .order_by(journal.number)
    )
    found: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for participant, kind, subject, number, reason in session.execute(statement):
        is_told = up_to is None or number <= up_to
        if participant is not None and is_told and number > covered.get(participant, 0):
            found[participant, kind, subject].append(reason)
    return dict(found)
