"""Issue the documents of a month: what is posted and not yet billed, participant by participant."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy.orm import Session

import ledger.invoice_queries
import ledger.issuing
import ledger.store
from common.refusals import Finding, Refused
from ledger.issuing import Issued
from ledger.payments.interest_queries import unbilled_reasons
from rulebook.law import rules_at
from rulebook.resolve import RulePeriod, RuleSet
from rulebook.versions import instant_shown
from settlement.accounts.interest import INTEREST_KINDS
from settlement.billing.invoicing import draft_invoices
from settlement.billing.line_quality import LineQualities, PostedDay, Quality
from settlement.billing.parties import StatedParties, stated_parties
from settlement.core.pass_through import charge_and_supplier
from settlement.meters.quality import ESTIMATED
from settlement.meters.register import MEASURES
from settlement.rules.register import register_of
from settlement.runs.findings import unpriced_quantities
from settlement.runs.pinned import law_read_once, pinned_periods
from settlement.runs.store import posted_days, runs_of_month, series


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
    law_of = law_read_once(session)
    rules_of_run = {run.id: pinned_periods(session, run, law_of) for run in runs}
    periods = [rules for of_run in rules_of_run.values() for _, _, rules in of_run]
    stated = _stated(session, market, max(run.last_day for run in runs), now, periods)
    drafts = draft_invoices(
        billing_month,
        periods,
        ledger.invoice_queries.unbilled(session, market, billing_month),
        _qualities(session, market, billing_month, rules_of_run),
        runs[-1].id,
        stated,
        unbilled_reasons(session, market, billing_month, INTEREST_KINDS),
    )
    return ledger.issuing.issue(session, drafts, now)


def _stated(
    session: Session,
    market: str,
    day: dt.date,
    known: dt.datetime,
    settled: Sequence[RuleSet],
) -> StatedParties:
    """Return parties and terms as of a day; a market without settlement terms cannot bill."""
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
    return stated_parties(terms, rules, settled)


def _qualities(
    session: Session,
    market: str,
    billing_month: dt.date,
    rules_of_run: Mapping[uuid.UUID, Sequence[RulePeriod]],
) -> LineQualities:
    registers = {
        (run_id, first, last): register_of(rules.registrations, rules.charge_lists)
        for run_id, of_run in rules_of_run.items()
        for first, last, rules in of_run
    }
    posted = [
        PostedDay(day, number, run_id, register)
        for day, number, run_id in posted_days(session, market, billing_month)
        for (run, first, last), register in registers.items()
        if run == run_id and first <= day <= last
    ]
    qualities = {
        key: quality for run_id in rules_of_run for key, quality in _read_estimated(session, run_id)
    }
    covered = ledger.invoice_queries.last_covered_journals(session, market, billing_month)
    unpriced: Counter[tuple[uuid.UUID, dt.date, str, str]] = Counter()
    for run_id in rules_of_run:
        for (day, kind, entity), quantity in unpriced_quantities(session, run_id).items():
            for name in (entity, charge_and_supplier(entity)[0]):
                unpriced[run_id, day, kind, name] += quantity
    return LineQualities(posted, covered, qualities, unpriced)


def _read_estimated(
    session: Session, run_id: uuid.UUID
) -> Iterator[tuple[tuple[uuid.UUID, dt.date, str, str], Quality]]:
    """Yield what a run estimated of each day, measure and entity."""
    names = {ESTIMATED + measure: measure for measure in MEASURES}
    for vector in series(session, run_id, names):
        quality = Quality(True, int(vector.values.sum()), int(np.maximum(vector.values, 0).sum()))
        yield (run_id, vector.day, names[vector.measure], vector.entity), quality
