"""Prove the schema, and every stored row: rules, readings, results, journals, invoices and log.

Each row carries a digest over all its columns, and sums of digests tie rows to runs and journals
to results. Nothing here trusts a stored digest: every one is computed again from the row.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import psycopg
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

import ledger.verification
import rulebook.verification
from common.damage import damage
from common.refusals import Finding, Refused
from database.catalogue.verification import verify_schema
from ledger.disputes.verification import verify_disputes
from ledger.journal import STUDY
from ledger.log.kept import KeptCheckpoint
from ledger.log.tree_verification import verify_published
from ledger.log.verification import verify_leaves
from ledger.log.witness_verification import verify_witnesses
from ledger.payments.verification import verify_payments
from ledger.sealing import verify_seals
from ledger.trail.verification import verify_trail
from settlement.accounts.interest_verification import verify_interest
from settlement.billing.billed_verification import verify_billed
from settlement.billing.disputing import verify_dispute_terms
from settlement.billing.posted_verification import verify_posted_runs
from settlement.calendar.store import law_after_seals, readings_after_seals
from settlement.meters.verification import verify_readings
from settlement.replays.inputs import pinned_inputs
from settlement.replays.verification import verify_replays
from settlement.runs import store
from settlement.runs.computing import SettlementInputs
from settlement.runs.damages import (
    altered_day_total,
    altered_result,
    altered_run,
    day_total_row,
)
from settlement.runs.day_total_store import orphan_day_total_runs, stored_day_totals
from settlement.runs.day_totals import DayTotal
from settlement.runs.pinned import LawOf, law_read_once
from settlement.runs.results import day_digest, run_result_digest, vector_digest
from settlement.runs.run import Run, input_digest
from settlement.studies.overlay import body_digest
from settlement.studies.store import overlay_digest, study_rows

REPLAYS = "posted runs, settled again"
"""The check that `verify --quick` leaves out."""


@dataclass(frozen=True)
class Check:
    """A named part of the proof: what it reads, and what it finds wrong."""

    name: str
    findings: Callable[[Session], Iterable[Finding]]

    def run(self, session: Session) -> list[Finding]:
        """Return what is wrong; a value that cannot even be read, such as infinity, is wrong."""
        found: list[Finding] = []
        try:
            # An unreadable row breaks the transaction; from a savepoint the next check goes on.
            with session.begin_nested():
                found.extend(self.findings(session))
        except (DataError, psycopg.DataError, ValueError, OverflowError) as unreadable:
            reason = str(unreadable).splitlines()[0]
            found.append(damage("unreadable", f"a row of: {self.name}", reason))
        return found


def list_checks(kept: KeptCheckpoint | None = None, *, threads: int = 1) -> tuple[Check, ...]:
    """Return every check: of the schema, which guards what comes after, of runs, then of rows.

    Args:
        kept: as `list_row_checks` takes it.
        threads: days that are settled again at once; 0 to settle none again.
    """
    # Before the rows: those are read under the ledger's lock, and settling again takes long.
    replays = (Check(REPLAYS, partial(verify_replays, threads=threads)),) if threads else ()
    return (Check("schema", verify_schema), *replays, *list_row_checks(kept))


def list_row_checks(kept: KeptCheckpoint | None = None) -> tuple[Check, ...]:
    """Return every check of rows, in the order of the data's path.

    Args:
        kept: a checkpoint of the log that someone kept; the log must still begin with it, and
            with its leaf hashes, what does not is named.
    """
    return (
        Check("rules", rulebook.verification.verify),
        Check("readings", verify_readings),
        Check("runs and results", verify_runs),
        Check("ledger", ledger.verification.verify),
        Check("seals", verify_sealed_days),
        Check("bank statements", verify_payments),
        Check("journals against results", verify_posted_runs),
        Check("interest", verify_interest),
        Check("documents against journals and law", verify_billed),
        Check("disputes", _verify_disputes),
        Check("trail", verify_trail),
        Check("transparency log", partial(_verify_log, kept=kept)),
        Check("witnesses", verify_witnesses),
    )


def verify_runs(session: Session) -> Iterator[Finding]:
    """Re-hash every run, its inputs and every result vector, and rebuild its digests."""
    runs: dict[uuid.UUID, Run | None] = {}
    law_of = law_read_once(session)
    for run_id, run, stored_digest in store.run_rows(session):
        if run_id in runs:
            yield damage("run-twice", f"settlement.run {run_id}", "the row stands twice")
        runs[run_id] = run
        if run is None:
            yield damage("run-pins", f"settlement.run {run_id}", "its pins cannot be read")
            continue
        place = f"settlement.run {run.id} ({run.market} {run.kind})"
        if run.digest != stored_digest:
            yield damage("run-digest", place, "its columns do not give its digest")
        inputs = yield from _verify_inputs(session, run, law_of, place)
        yield from _verify_day_totals(session, run, inputs)
        yield from _verify_results(session, run)
    yield from _verify_studies(session, runs)
    for run_id in store.orphan_result_runs(session):
        yield damage("orphan-result", f"settlement.result of run {run_id}", "no such run")
    for run_id in orphan_day_total_runs(session):
        yield damage("orphan-day-total", f"settlement.day_total of run {run_id}", "no such run")


def _verify_studies(session: Session, runs: Mapping[uuid.UUID, Run | None]) -> Iterator[Finding]:
    """Re-hash every study, and hold it to the runs that it compares, as far as they are read."""
    seen: set[uuid.UUID] = set()
    for study, stored_digest in study_rows(session):
        place = f"settlement.study {study.run_id}"
        if study.run_id in seen:
            yield damage("study-twice", place, "the row stands twice")
        seen.add(study.run_id)
        if study.digest != stored_digest:
            yield damage("study-digest", place, "its columns do not give its digest")
        compared = [
            runs[run_id] for run_id in (study.run_id, study.before_run_id) if run_id in runs
        ]
        kinds = [run.kind for run in compared if run is not None]
        if len(compared) < 2 or set(kinds) - {STUDY}:
            yield damage("study-runs", place, "it does not compare two runs of studies")
        elif compared[0] and overlay_digest(compared[0]) != body_digest(study.overlay):
            yield damage("study-overlay", place, "its overlay is not the one of its run")


def _verify_inputs(
    session: Session, run: Run, law_of: LawOf, place: str
) -> Generator[Finding, None, SettlementInputs | None]:
    """Hold a run to what it is pinned to; return that, or None where it is not there any more."""
    try:
        inputs = pinned_inputs(session, run, law_of)
    except Refused as refused:
        for finding in refused.findings:
            yield damage("run-inputs", place, str(finding))
        return None
    if input_digest(inputs.pins, inputs.reading_digests) != run.input_digest:
        yield damage("run-inputs", place, "its rules and readings do not give its input_digest")
    return inputs


def _verify_day_totals(
    session: Session, run: Run, inputs: SettlementInputs | None
) -> Iterator[Finding]:
    """Re-hash the totals that a run's journals rest on, and sum the pinned readings again."""
    left: Counter[DayTotal] = Counter()
    if inputs is not None:
        left.update(total for day in inputs.days for total in inputs.day_totals(day))
    for total, digest in stored_day_totals(session, run.id):
        if digest != total.digest:
            yield altered_day_total(run.id, total)
        if inputs is None:
            continue
        if not left[total]:
            row = day_total_row(run.id, total)
            yield damage("day-total", row, "the readings of the run do not sum to it")
        left[total] -= 1
    for total in +left:
        row = day_total_row(run.id, total)
        yield damage("day-total", row, "the readings of the run sum to it, and it is not stored")


def _verify_results(session: Session, run: Run) -> Iterator[Finding]:
    day_digests = []
    for day in run.days:
        digests = []
        for vector in store.day_vectors(session, run.id, day):
            digest = vector_digest(vector.day, vector.measure, vector.entity, vector.values)
            if digest != vector.digest:
                yield altered_result(run.id, vector)
            digests.append(digest)
        day_digests.append(day_digest(digests))
    if run_result_digest(day_digests) != run.result_digest:
        yield altered_run(run)
    for day in store.days_outside(session, run):
        row = f"settlement.result {run.id} {day}"
        yield damage("result-outside-run", row, "the day is not one of the run's days")


def _verify_log(session: Session, kept: KeptCheckpoint | None) -> Iterator[Finding]:
    yield from verify_leaves(session)
    yield from verify_published(session, kept)


def verify_sealed_days(session: Session) -> Iterator[Finding]:
    """Hold every seal to its day: no journal, reading or rule came to it afterwards."""
    yield from verify_seals(session)
    for market, day, measure, entity, revision in readings_after_seals(session):
        row = f"settlement.reading {market} {day} {measure} {entity} revision {revision}"
        yield damage("reading-after-seal", row, "it was received after the day was sealed")
    for version, market, day in law_after_seals(session):
        value = f"it changes the law of {market} {day} after the day was sealed"
        yield damage("law-after-seal", f"rulebook.version {version}", value)


def _verify_disputes(session: Session) -> Iterator[Finding]:
    yield from verify_disputes(session)
    yield from verify_dispute_terms(session)
