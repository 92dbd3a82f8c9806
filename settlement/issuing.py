"""Issue the documents of a month: what is posted and not yet billed, participant by participant."""

import datetime as dt

from sqlalchemy.orm import Session

import ledger.invoice_queries
import ledger.service
from ledger.service import Issued
from rulebook.findings import Finding, Refused
from settlement.invoicing import draft_invoices
from settlement.pinned import pinned_periods
from settlement.store import runs_of_month


def issue_month(
    session: Session,
    market: str,
    billing_month: dt.date,
    *,
    payment_term_days: int,
    now: dt.datetime,
) -> Issued:
    """Issue an invoice, or a note of what changed since, to everyone with something to bill.

    Raises:
        Refused: nothing of the month is posted.
        ledger.refusals.LedgerRefused: a draft differs from the ledger; nothing is issued.
    """
    ledger.service.lock(session)
    runs = runs_of_month(session, market, billing_month)
    if not runs:
        raise Refused(
            [
                Finding(
                    "nothing-posted",
                    f"{market} {billing_month:%Y-%m}",
                    "no posted run",
                    "a month is billed from what is posted",
                    "settle days of the month first",
                )
            ]
        )
    periods = [rules for run in runs for _, _, rules in pinned_periods(session, run)]
    drafts = draft_invoices(
        billing_month,
        periods,
        ledger.invoice_queries.unbilled(session, market, billing_month),
        runs[-1].id,
        payment_term_days,
    )
    return ledger.service.issue(session, drafts, now)
