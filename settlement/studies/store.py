"""Studies in PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.journal import STUDY
from rulebook.reading import validated
from settlement.runs import store
from settlement.runs.inputs import RunInputs
from settlement.runs.results import ResultVector, VectorKey, vector_of
from settlement.runs.run import Pin, Run
from settlement.studies.inputs import StudyInputs
from settlement.studies.measures import MADE, UNIFORM_SCHEDULED
from settlement.studies.overlay import Overlay
from settlement.studies.records import Study
from settlement.tables import ResultRow, RunRow, StudyRow


def append_study(session: Session, study: Study) -> None:
    """Append the row of a study, after both of its runs."""
    session.execute(
        insert(StudyRow).values(
            run_id=study.run_id,
            before_run_id=study.before_run_id,
            overlay=study.overlay,
            report=study.report,
            digest=study.digest,
        )
    )


def find_study(session: Session, run_id: uuid.UUID) -> Study | None:
    """Return the study of a run under an overlay, or None."""
    row = session.get(StudyRow, run_id)
    return None if row is None else _study_of(row)


def list_studies(session: Session, market: str | None = None) -> list[tuple[Run, Study]]:
    """Return studies with their run, latest first; of one market where it is named."""
    query = (
        select(RunRow, StudyRow)
        .join(StudyRow, StudyRow.run_id == RunRow.id)
        .order_by(RunRow.created_at.desc(), RunRow.id)
    )
    if market is not None:
        query = query.where(RunRow.market == market)
    return [(store.run_of(run), _study_of(study)) for run, study in session.execute(query)]


def study_rows(session: Session) -> Iterator[tuple[Study, bytes]]:
    """Yield every study with the digest stored beside it."""
    for row in session.scalars(select(StudyRow).order_by(StudyRow.run_id)):
        yield _study_of(row), row.digest


def find_equal_study_run(
    session: Session, market: str, pins: Sequence[Pin], engine_version: str
) -> Run | None:
    """Return the earliest study run of a market with the same pins, or None.

    Its pins name the law, the readings as known, and the overlay, so it made the same of them.
    """
    rows = session.scalars(
        select(RunRow)
        .where(
            RunRow.market == market,
            RunRow.kind == STUDY,
            RunRow.engine_version == engine_version,
            RunRow.pins == [pin.as_json() for pin in pins],
            # Of a run that an earlier release made, nothing is stored of other designs.
            select(ResultRow.run_id)
            .where(ResultRow.run_id == RunRow.id, ResultRow.measure == UNIFORM_SCHEDULED)
            .exists(),
        )
        .order_by(RunRow.created_at, RunRow.id)
        .limit(1)
    )
    row = rows.first()
    return None if row is None else store.run_of(row)


def stored_inputs(session: Session, run: Run, known: RunInputs) -> StudyInputs:
    """Return the inputs of a stored study run; digests of what was made are taken afresh.

    Raises:
        Refused: the run names an overlay, and its study is not there or cannot be read.
    """
    made: dict[dt.date, dict[VectorKey, ResultVector]] = {day: {} for day in known.days}
    for vector in store.series(session, run.id, MADE):
        again = vector_of(vector.day, vector.measure, vector.entity, vector.values)
        # A row on a day that the run does not have was tampered with; its digest will tell.
        made.setdefault(vector.day, {})[vector.measure, vector.entity] = again
    return StudyInputs(known, overlay_of(session, run), made)


def overlay_digest(run: Run) -> bytes | None:
    """Return the digest of the overlay that a run names; None for one without."""
    named = f"{run.market}/{STUDY}/overlay"
    return next((pin.digest for pin in run.pins if pin.instrument == named), None)


def overlay_of(session: Session, run: Run) -> Overlay | None:
    """Return the overlay that a run names; None for one without.

    Raises:
        Refused: the study of the run is not there, or cannot be read.
    """
    if overlay_digest(run) is None:
        return None
    study = find_study(session, run.id)
    if study is None:
        raise Refused(
            [
                Finding(
                    "no-study",
                    f"settlement.study {run.id}",
                    "no row",
                    "a run that names an overlay has its study",
                    "restore the row from a backup",
                )
            ]
        )
    overlay, findings = validated(Overlay, study.overlay, f"settlement.study {run.id}: overlay")
    if overlay is None:
        raise Refused(findings)
    return overlay


def _study_of(row: StudyRow) -> Study:
    return Study(row.run_id, row.before_run_id, row.overlay, row.report)
