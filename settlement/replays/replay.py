"""Replay a run: compute it again from what it is pinned to, and compare every row."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ledger.journal import STUDY
from settlement.replays.inputs import pinned_inputs
from settlement.runs import store
from settlement.runs.computing import ComputedDay, compute
from settlement.runs.day_total_store import stored_day_totals
from settlement.runs.day_totals import DayTotal
from settlement.runs.results import (
    ResultVector,
    VectorKey,
    first_difference,
    run_result_digest,
    vector_digest,
)
from settlement.runs.run import ENGINE_VERSION, Run, input_digest
from settlement.runs.settle import Progress, no_progress
from settlement.studies.reporting import report_difference


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: whether the same inputs gave the same results."""

    run: Run
    result_digest: bytes
    first_difference: str | None

    @property
    def is_same(self) -> bool:
        """Whether every row came out as stored."""
        return self.first_difference is None and self.result_digest == self.run.result_digest


def replay(
    session: Session, run: Run, *, threads: int = 1, progress: Progress = no_progress
) -> Replayed:
    """Compute a run again from what it is pinned to, and compare every row.

    Nothing is written. A difference names the first row that differs, or the inputs if they do.
    """
    inputs = pinned_inputs(session, run)
    totals = _stored_totals(session, run)
    difference = None
    if run.engine_version != ENGINE_VERSION:
        difference = (
            f"engine of run {run.id}: version {run.engine_version} computed it and this is version "
            f"{ENGINE_VERSION}; replay it with the release that has that version"
        )
    elif input_digest(inputs.pins, inputs.reading_digests) != run.input_digest:
        difference = f"inputs of run {run.id}: their digest is not the one that the run names"
    digests = []
    for done, day in enumerate(compute(inputs, threads), start=1):
        digests.append(day.digest)
        # All days are computed even after a difference, as the digest of the whole is reported too.
        difference = (
            difference
            or _difference(session, run, day)
            or _totals_difference(day.day, totals, inputs.day_totals(day.day))
        )
        progress(done, len(inputs.days))
    result_digest = run_result_digest(digests)
    if difference is None and result_digest != run.result_digest:
        difference = f"settlement.run {run.id}: result_digest is not that of its results"
    if difference is None and run.kind == STUDY:
        difference = report_difference(session, run)
    return Replayed(run, result_digest, difference)


def _difference(session: Session, run: Run, computed: ComputedDay) -> str | None:
    stored = store.day_vectors(session, run.id, computed.day)
    return first_difference(
        computed.day,
        {(vector.measure, vector.entity): _proven_digest(vector) for vector in stored},
        {(vector.measure, vector.entity): vector.digest for vector in computed.vectors},
    )


def _stored_totals(session: Session, run: Run) -> dict[dt.date, dict[VectorKey, bytes]]:
    """Return the digest of each day total; none where its columns do not give the one stored."""
    days: dict[dt.date, dict[VectorKey, bytes]] = {}
    for total, digest in stored_day_totals(session, run.id):
        proven = digest if digest == total.digest else b""
        days.setdefault(total.day, {})[total.measure, total.entity] = proven
    return days


def _totals_difference(
    day: dt.date, stored: Mapping[dt.date, Mapping[VectorKey, bytes]], used: Sequence[DayTotal]
) -> str | None:
    recomputed = {(total.measure, total.entity): total.digest for total in used}
    return first_difference(day, stored.get(day, {}), recomputed, "settlement.day_total")


def _proven_digest(vector: ResultVector) -> bytes:
    """Return the digest stored with a vector, or nothing when its values do not give it."""
    actual = vector_digest(vector.day, vector.measure, vector.entity, vector.values)
    return vector.digest if vector.digest == actual else b""
