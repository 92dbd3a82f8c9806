"""Post the days of a run: load, draft the difference, post all or nothing."""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy.orm import Session

import ledger.queries
import ledger.service
from common.refusals import Finding, Refused
from ledger.journal import STUDY
from ledger.service import Posted
from settlement.billing.posting import (
    ENERGY_SUFFIX,
    MONEY_SUFFIX,
    QUANTITY_KINDS,
    SettledDay,
    draft_journals,
    settled_day,
)
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.calendar_order import refuse_overtaken_days
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run


def post(session: Session, run: Run, *, now: dt.datetime) -> list[Posted]:
    """Post every day of a run: all or nothing, once, and only the difference.

    Raises:
        Refused: the run is one of a study, or a day is posted under a later kind; nothing is
            posted.
        ledger.refusals.LedgerRefused: the ledger refused; nothing is posted.
    """
    _refuse_study(run)
    ledger.service.lock(session)
    refuse_overtaken_days(session, run)
    posted = ledger.queries.balances(session, run.market, run.first_day, run.last_day)
    drafts = draft_journals(run, list(settled_days(session, run)), posted)
    return ledger.service.post_many(session, drafts, now)


def settled_days(session: Session, run: Run) -> Iterator[SettledDay]:
    """Yield what each day of a run comes to, from its stored results and readings."""
    for period in pinned_periods(session, run):
        rules = period.rules
        register = register_of(rules.registrations, rules.charge_lists)
        inputs = run_inputs(session, run.market, [period], run.known_at)
        for day in inputs.days:
            sums = store.day_totals(session, run.id, day, (MONEY_SUFFIX, *QUANTITY_KINDS))
            energy_wh = store.day_totals(session, run.id, day, (ENERGY_SUFFIX,)) | {
                (measure, entity): int(values.sum())
                for measure, used in inputs.used[day].items()
                for entity, values in zip(used.entities, used.values, strict=True)
            }
            yield settled_day(
                run.market,
                rules.market_rules.currency,
                register,
                sums,
                energy_wh,
                day,
                store.stored_day_digest(session, run.id, day),
            )


def _refuse_study(run: Run) -> None:
    if run.kind == STUDY:
        raise Refused(
            [
                Finding(
                    "study-not-posted",
                    f"run {run.id}",
                    f"run kind {run.kind}",
                    "a study is made to look at: it is never posted and never billed",
                    "settle the days under a run kind of the calendar, and post that run",
                )
            ]
        )
