"""Post the days of a run: load, draft the difference, post all or nothing."""

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
from sqlalchemy.orm import Session

import ledger.posting
import ledger.queries
import ledger.store
from common.refusals import Finding, Refused
from ledger.journal import STUDY
from ledger.posting import Posted
from settlement.billing.held import HeldDays, moving_totals
from settlement.billing.posting import MOVING_MEASURES, SettledDay, draft_journals, settled_day
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.calendar_order import refuse_overtaken_days
from settlement.runs.damages import altered_day_total, altered_result, altered_run
from settlement.runs.day_total_store import stored_day_totals
from settlement.runs.pinned import LawOf, pinned_periods
from settlement.runs.results import ResultVector, VectorKey, run_result_digest, vector_digests
from settlement.runs.run import Run


def post(session: Session, run: Run, *, now: dt.datetime) -> list[Posted]:
    """Post every day of a run: all or nothing, once, and only the difference.

    Raises:
        Refused: the run is one of a study, a day is posted under a later kind, what the run
            stored does not give its digests, or a journal breaks a rule of the ledger; nothing is
            posted.
    """
    _refuse_study(run)
    # Before anything is read: what is posted must stay what the difference is drawn from.
    ledger.store.lock(session)
    refuse_overtaken_days(session, run)
    posted = ledger.queries.balances(session, run.market, run.first_day, run.last_day)
    drafts = draft_journals(run, list(settled_days(session, run)), posted)
    return ledger.posting.post_many(session, drafts, now)


def settled_days(
    session: Session, run: Run, law_of: LawOf | None = None, held: HeldDays | None = None
) -> Iterator[SettledDay]:
    """Yield what each day of a run comes to, from its stored results and day totals.

    What moves money or energy is hashed again as it is read.

    Args:
        session: the caller's session.
        run: the run.
        law_of: see `pinned_periods`.
        held: its days, if its rows were all read and hashed again in this transaction.

    Raises:
        Refused: after the last day, a row does not give its digest, or the run's is not theirs.
    """
    findings: list[Finding] = []
    metered_wh = {} if held else _metered_energy_wh(session, run, findings)
    day_digests = []
    for period in pinned_periods(session, run, law_of):
        rules = period.rules
        register = register_of(rules.registrations, rules.charge_lists)
        for day in period.days:
            if day not in (held or metered_wh):
                raise Refused([*findings, _no_day_total(run, day)])
            if held:
                digest, totals = held[day].digest, held[day].totals
            else:
                digest, vectors = store.day_digest_and_vectors(
                    session, run.id, day, MOVING_MEASURES
                )
                findings += _altered(run, vectors)
                totals = moving_totals(vectors) | metered_wh[day]
            day_digests.append(digest)
            currency = rules.market_rules.currency
            yield settled_day(run.market, currency, register, totals, day, digest)
    if run_result_digest(day_digests) != run.result_digest:
        findings.append(altered_run(run))
    if findings:
        raise Refused(findings)


def _metered_energy_wh(
    session: Session, run: Run, findings: list[Finding]
) -> dict[dt.date, dict[VectorKey, int]]:
    """Return the metered energy of a run by day, and by measure and entity, in Wh."""
    days: dict[dt.date, dict[VectorKey, int]] = {}
    for total, digest in stored_day_totals(session, run.id):
        if digest != total.digest:
            findings.append(altered_day_total(run.id, total))
        days.setdefault(total.day, {})[total.measure, total.entity] = total.total_wh
    return days


def _altered(run: Run, vectors: Iterable[ResultVector]) -> Iterator[Finding]:
    """Yield the results that do not give the digest stored with them."""
    for (day, measure, _), alike in groupby(vectors, _as_one_table):
        rows = list(alike)
        digests = vector_digests(
            day, measure, [row.entity for row in rows], np.stack([row.values for row in rows])
        )
        for row, digest in zip(rows, digests, strict=True):
            if digest != row.digest:
                yield altered_result(run.id, row)


def _as_one_table(vector: ResultVector) -> tuple[dt.date, str, int]:
    # Not by day and measure alone: of an altered vector the length may differ.
    return vector.day, vector.measure, len(vector.values)


def _no_day_total(run: Run, day: dt.date) -> Finding:
    return Finding(
        "no-day-total",
        f"settlement.day_total {run.id} {day}",
        "no row",
        "the metered energy that a day used is stored beside its results",
        "restore the rows from a backup; manage.py verify names each that is missing",
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
