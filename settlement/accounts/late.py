"""Posting interest on what is paid late: read documents and payments, compute, post."""

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

import ledger.posting
import ledger.store
from common.currencies import minor_unit_micro
from common.refusals import Finding, Refused, refuse_any
from ledger.payments import queries
from ledger.payments.interest_queries import NOTHING_POSTED, billed_interest, posted_interest
from ledger.payments.queries import PaidOn
from ledger.payments.store import insert_interest
from ledger.posting import Posted
from rulebook.law import rules_at
from settlement.accounts.interest import (
    INTEREST_KINDS,
    LateDocument,
    Rate,
    draft_all_interest,
    rate_of,
)
from settlement.accounts.law import terms_of


def post_interest(
    session: Session, market: str, until: dt.date, *, now: dt.datetime
) -> list[Posted]:
    """Post the interest that every document of a market has borne up to and with a day.

    Each document bears it at the rate in force on the day it was due, as known now; what is posted
    already is left out, so posting a day again posts nothing, unless payments of earlier value
    became known.

    Raises:
        Refused: the day lies ahead, is sealed, or is earlier than one up to which interest is
            posted, or no settlement terms were in force when a document was due.
    """
    if until > now.date():
        raise Refused(
            [
                Finding(
                    "day-ahead",
                    f"market {market}",
                    f"{until}",
                    "interest runs up to the present day at most",
                    f"give a day up to {now.date()}",
                )
            ]
        )
    # Before what is posted is read: two at once would each post the whole difference.
    ledger.store.lock(session)
    late = _late_documents(session, market, until)
    refuse_any(_posted_further(market, late, until))
    rates = _rates(session, market, {document.due_on for document in late}, now)
    drafted = draft_all_interest(
        late,
        [rates[document.due_on] for document in late],
        until,
        ledger.store.journal_head(session).number + 1,
    )
    insert_interest(session, [each.row for each in drafted])
    return ledger.posting.post_many(session, [each.journal for each in drafted], now)


def _posted_further(market: str, late: Sequence[LateDocument], until: dt.date) -> Iterator[Finding]:
    """Find that interest is posted up to a later day: what later days bore would be taken back."""
    further = [each for each in late if each.posted_until and each.posted_until > until]
    if further:
        last = max(each.posted_until for each in further if each.posted_until)
        yield Finding(
            "interest-posted-further",
            f"market {market}",
            f"{until}, and {len(further)} documents bear it up to {last} already",
            "interest is posted up to one day after another",
            f"give {last} or a later day: what became known since is posted with it",
        )


def _late_documents(session: Session, market: str, until: dt.date) -> list[LateDocument]:
    paid = queries.payments_by_value(session, market)
    posted = posted_interest(session, market, INTEREST_KINDS)
    billed = billed_interest(session, market, INTEREST_KINDS)
    documents = (
        document for document in queries.documents(session, market) if document.due_on < until
    )
    found = []
    for document in documents:
        unit = minor_unit_micro(document.currency)
        # Interest that a document bills bears none itself.
        principal = document.due_minor * unit - billed.get(document.name, 0)
        if principal * document.due_minor > 0:
            before = posted.get(document.name, NOTHING_POSTED)
            found.append(
                LateDocument(
                    market=market,
                    name=document.name,
                    participant=document.participant,
                    currency=document.currency,
                    due_on=document.due_on,
                    principal_micro=principal,
                    paid=_in_micro(paid.get(document.name, []), unit),
                    posted_micro=before.amount_micro,
                    posted_count=before.journal_count,
                    posted_until=before.until,
                )
            )
    return found


def _in_micro(paid: list[PaidOn], unit: int) -> tuple[tuple[dt.date, int], ...]:
    return tuple((payment.value_on, payment.amount_minor * unit) for payment in paid)


def _rates(
    session: Session, market: str, days: set[dt.date], known: dt.datetime
) -> dict[dt.date, Rate]:
    return {day: rate_of(terms_of(rules_at(session, market, day, known))) for day in sorted(days)}
