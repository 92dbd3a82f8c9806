"""Issue the documents of a month: what is posted and not yet billed, participant by participant."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator

import numpy as np
from sqlalchemy.orm import Session

import ledger.invoice_queries
import ledger.issuing
import ledger.store
from common.refusals import Finding, Refused
from ledger.invoice import InvoiceDraft
from ledger.issuing import Issued
from ledger.payments.interest_queries import unbilled_reasons
from rulebook.law import rules_at
from rulebook.versions import instant_shown
from settlement.accounts.interest import INTEREST_KINDS
from settlement.billing.day_law import PostedMonth
from settlement.billing.invoicing import draft_invoices
from settlement.billing.line_quality import LineQualities, Quality
from settlement.billing.parties import StatedParties, stated_parties
from settlement.billing.posted_month import posted_month
from settlement.core.pass_through import charge_and_supplier
from settlement.meters.quality import ESTIMATED
from settlement.meters.register import MEASURES
from settlement.runs.findings import unpriced_quantities
from settlement.runs.store import series


def issue_month(
    session: Session,
    market: str,
    billing_month: dt.date,
    *,
    now: dt.datetime,
) -> Issued:
    """Issue an invoice, or a note of what changed since, to everyone with something to bill.

    Parties and terms are those in force on the last settled day of the month, as known at `now`.

    Raises:
        Refused: nothing of the month is posted, the market has no settlement terms, or a draft
            differs from the ledger; nothing is issued.
    """
    # First: nothing may be posted between reading what is unbilled and numbering the documents.
    ledger.store.lock(session)
    month = posted_month(session, market, billing_month)
    if not month.posted:
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
    return ledger.issuing.issue(session, draft_month(session, market, month, known=now), now)


def draft_month(
    session: Session,
    market: str,
    month: PostedMonth,
    *,
    known: dt.datetime,
    up_to: int | None = None,
) -> list[InvoiceDraft]:
    """Return what is to be billed of a month: at issue, and again to prove what was issued.

    Args:
        session: the caller's session.
        market: the market.
        month: the days of the month that are posted, which are some.
        known: the moment of issue: parties and terms are those of the law as it was known then.
        up_to: the last journal that documents of that moment take into account; None as it is the
            last of all.

    Raises:
        Refused: the market has no settlement terms.
    """
    billing_month = month.posted[0].day.replace(day=1)
    return draft_invoices(
        billing_month,
        month,
        ledger.invoice_queries.movements_by_day(session, market, billing_month, up_to),
        _qualities(session, market, billing_month, month, up_to),
        month.posted[-1].run_id,
        _stated(session, market, month, known),
        unbilled_reasons(session, market, billing_month, INTEREST_KINDS, up_to),
    )


def _stated(session: Session, market: str, month: PostedMonth, known: dt.datetime) -> StatedParties:
    """Return parties and terms as of the last day; a market without terms cannot bill."""
    day = max(month.held())
    rules = rules_at(session, market, day, known)
    terms = rules.settlement_terms
    if terms is None:
        raise Refused(
            [
                Finding(
                    "no-settlement-terms",
                    f"{market}/settlement-terms",
                    f"nothing in force on {day}, as known at {instant_shown(known)}",
                    "the settlement terms say who bills and when payment is due",
                    "publish settlement terms for a validity that holds that day",
                )
            ]
        )
    return stated_parties(terms, rules, [posted.law.rules for posted in month.posted])


def _qualities(
    session: Session, market: str, billing_month: dt.date, month: PostedMonth, up_to: int | None
) -> LineQualities:
    run_ids = list(dict.fromkeys(posted.run_id for posted in month.posted))
    qualities = {
        key: quality for run_id in run_ids for key, quality in _read_estimated(session, run_id)
    }
    covered = ledger.invoice_queries.last_covered_journals(session, market, billing_month, up_to)
    unpriced: Counter[tuple[uuid.UUID, dt.date, str, str]] = Counter()
    for run_id in run_ids:
        for (day, kind, entity), quantity in unpriced_quantities(session, run_id).items():
            for name in (entity, charge_and_supplier(entity)[0]):
                unpriced[run_id, day, kind, name] += quantity
    return LineQualities(month, covered, qualities, unpriced)


def _read_estimated(
    session: Session, run_id: uuid.UUID
) -> Iterator[tuple[tuple[uuid.UUID, dt.date, str, str], Quality]]:
    """Yield what a run estimated of each day, measure and entity."""
    names = {ESTIMATED + measure: measure for measure in MEASURES}
    for vector in series(session, run_id, names):
        quality = Quality(True, int(vector.values.sum()), int(np.maximum(vector.values, 0).sum()))
        yield (run_id, vector.day, names[vector.measure], vector.entity), quality
