"""Study: real days settled again under shocks, stored, and never posted."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common.known_at import refuse_future
from common.refusals import Refused
from ledger.journal import STUDY
from rulebook.law import rules_for_period
from settlement.meters.store import lock_readings
from settlement.runs import store
from settlement.runs.completing import complete
from settlement.runs.computing import compute
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.results import run_result_digest
from settlement.runs.run import ENGINE_VERSION, Run, input_digest
from settlement.runs.settle import Progress, no_progress
from settlement.studies.checks import overlay_findings
from settlement.studies.inputs import StudyInputs
from settlement.studies.overlay import Overlay
from settlement.studies.records import Study
from settlement.studies.reporting import study_report
from settlement.studies.store import append_study, find_equal_study_run, find_study

STAGES = 3
"""Before, after, and the report: a study passes its days so many times."""


@dataclass(frozen=True)
class StudyOutcome:
    """A study with its run, and whether it was there already: equal inputs are studied once."""

    run: Run
    study: Study
    is_new: bool


def run_study(
    session: Session,
    market: str,
    overlay: Overlay,
    first_day: dt.date,
    last_day: dt.date,
    *,
    source: str,
    known_at: dt.datetime,
    now: dt.datetime,
    threads: int = 1,
    progress: Progress = no_progress,
) -> StudyOutcome:
    """Settle days under an overlay and beside it without, compare them, and store all of it.

    The days without the overlay are made and settled in the same way, so that nothing but the
    shocks sets the two runs apart; they are made once for all studies of the same days.

    Args:
        source: names the overlay in findings, as a file path does.

    Raises:
        Refused: rules have a gap, readings are missing, `known_at` has not come yet, the overlay
            does not fit the market or the days, or the law moved meanwhile; nothing is stored.
    """
    refuse_future(known_at, now)
    lock_readings(session, market)  # what was known must not change while the run reads it
    periods = rules_for_period(session, market, first_day, last_day, known_at)
    known = run_inputs(session, market, periods, known_at)
    findings = overlay_findings(overlay, periods, source)
    if findings:
        raise Refused(findings)
    days = len(known.days)

    def stage(number: int) -> Progress:
        return lambda done, _: progress(number * days + done, STAGES * days)

    moments = (known_at, now)
    before, before_is_new = _study_run(session, known, None, moments, threads, stage(0))
    after, is_new = _study_run(session, known, overlay, moments, threads, stage(1))
    found = None if is_new else find_study(session, after.id)
    if found is not None:
        progress(STAGES * days, STAGES * days)
        return StudyOutcome(after, found, is_new=False)
    report = study_report(session, before, after, overlay, stage(2))
    # Last, as it takes the ledger's lock: nobody waits while a study is computed.
    complete(session, [run for run, new in ((before, before_is_new), (after, is_new)) if new])
    made = Study(after.id, before.id, overlay.body, report)
    append_study(session, made)
    return StudyOutcome(after, made, is_new=True)


def _study_run(
    session: Session,
    known: RunInputs,
    overlay: Overlay | None,
    moments: tuple[dt.datetime, dt.datetime],
    threads: int,
    progress: Progress,
) -> tuple[Run, bool]:
    """Return the run of the days under an overlay or without, and whether it is still to store."""
    inputs = StudyInputs(known, overlay, None)
    same = find_equal_study_run(session, inputs.market, inputs.pins, ENGINE_VERSION)
    if same is not None:
        progress(len(inputs.days), len(inputs.days))
        return same, False
    run_id = uuid.uuid4()
    day_digests = []
    for done, day in enumerate(compute(inputs, threads), start=1):
        # Without day totals: a study is never posted, so no journal needs its energy.
        store.append_results(session, run_id, day.vectors)
        day_digests.append(day.digest)
        progress(done, len(inputs.days))
    run = Run(
        id=run_id,
        market=inputs.market,
        kind=STUDY,
        first_day=inputs.days[0],
        last_day=inputs.days[-1],
        known_at=moments[0],
        pins=inputs.pins,
        input_digest=input_digest(inputs.pins, inputs.reading_digests),
        engine_version=ENGINE_VERSION,
        result_digest=run_result_digest(day_digests),
        created_at=moments[1],
    )
    return run, True
