"""The findings that stored results and day totals are not as their run stored them."""

import uuid

from common.damage import damage
from common.refusals import Finding
from settlement.runs.day_totals import DayTotal
from settlement.runs.results import ResultVector
from settlement.runs.run import Run

NOT_ITS_DIGEST = "its columns do not give its digest"


def altered_result(run_id: uuid.UUID, vector: ResultVector) -> Finding:
    """Return the finding that a vector does not give the digest stored with it."""
    row = f"settlement.result {run_id} {vector.day} {vector.measure} {vector.entity}"
    return damage("result-digest", row, NOT_ITS_DIGEST)


def altered_day_total(run_id: uuid.UUID, total: DayTotal) -> Finding:
    """Return the finding that a day total does not give the digest stored with it."""
    return damage("day-total-digest", day_total_row(run_id, total), NOT_ITS_DIGEST)


def altered_run(run: Run) -> Finding:
    """Return the finding that the days of a run do not give its digest of results."""
    place = f"settlement.run {run.id} ({run.market} {run.kind})"
    return damage("run-results", place, "its results do not make up its result_digest")


def day_total_row(run_id: uuid.UUID, total: DayTotal) -> str:
    """Return how a place names a day total."""
    return f"settlement.day_total {run_id} {total.day} {total.measure} {total.entity}"
