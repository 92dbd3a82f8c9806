"""Every run hashed again, with what it is pinned to, its day totals and its results."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Generator, Iterator, Mapping

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding, Refused
from ledger.journal import STUDY
from settlement.billing.held import HeldDay, HeldRuns, held_day
from settlement.replays.engine_verification import verify_engines
from settlement.replays.inputs import pinned_inputs
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
from settlement.runs.pinned import UNREADABLE, LawOf, law_read_once, pins_in_force
from settlement.runs.results import day_digest, run_result_digest, vector_digest
from settlement.runs.run import Run, input_digest
from settlement.studies.overlay import body_digest
from settlement.studies.store import overlay_digest, study_rows


def verify_runs(session: Session, held: HeldRuns | None = None) -> Iterator[Finding]:
    """Re-hash every run, its inputs and every result vector, and rebuild its digests.

    Args:
        session: the caller's session.
        held: runs of which that was done in this transaction, by a replay; takes the others that
            are as they are stored.
    """
    held = {} if held is None else held
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
        yield from _verify_law(session, run, place)
        if run.id not in held:
            days: dict[dt.date, HeldDay] = {}
            found = list(_verify_contents(session, run, law_of, place, days))
            yield from found
            if not found:
                held[run.id] = days
        for day in store.days_outside(session, run):
            row = f"settlement.result {run.id} {day}"
            yield damage("result-outside-run", row, "the day is not one of the run's days")
    yield from verify_engines(session)
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


def _verify_law(session: Session, run: Run, place: str) -> Iterator[Finding]:
    """Hold the law that a run is pinned to to what was in force, as it was known to the run."""
    try:
        in_force = pins_in_force(session, run)
    except UNREADABLE as unreadable:
        reason = str(unreadable).partition("\n")[0]
        yield damage("run-law", place, f"no law was in force on its days: {reason}")
        return
    for pin in sorted(in_force.symmetric_difference(run.law_pins)):
        named = f"{pin.instrument} {pin.digest.hex()} from {pin.first_day} to {pin.last_day}"
        value = f"it obeys {named}, which was not in force, as it knew it"
        if pin not in run.law_pins:
            value = f"{named} was in force, as it knew it, and it does not obey it"
        yield damage("run-law", place, value)


def _verify_contents(
    session: Session, run: Run, law_of: LawOf, place: str, days: dict[dt.date, HeldDay]
) -> Iterator[Finding]:
    """Hold a run to its inputs, and its day totals and results to the run."""
    inputs = yield from _verify_inputs(session, run, law_of, place)
    yield from _verify_day_totals(session, run, inputs)
    yield from _verify_results(session, run, inputs, days)


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


def _verify_results(
    session: Session, run: Run, inputs: SettlementInputs | None, days: dict[dt.date, HeldDay]
) -> Iterator[Finding]:
    """Re-hash every result; days takes what each day comes to, which holds if nothing is found."""
    day_digests = []
    for day in run.days:
        digests = []
        vectors = store.day_vectors(session, run.id, day)
        counted = Counter((vector.measure, vector.entity) for vector in vectors)
        for (measure, entity), count in counted.items():
            if count > 1:
                row = f"settlement.result {run.id} {day} {measure} {entity}"
                yield damage("result-twice", row, "the row stands twice")
        for vector in vectors:
            digest = vector_digest(vector.day, vector.measure, vector.entity, vector.values)
            if digest != vector.digest:
                yield altered_result(run.id, vector)
            digests.append(digest)
        day_digests.append(day_digest(digests))
        if inputs is not None and day in inputs.days:  # a run that was changed names others
            days[day] = held_day(day_digests[-1], vectors, inputs.day_totals(day))
    if run_result_digest(day_digests) != run.result_digest:
        yield altered_run(run)
