"""How far each run came: settled, posted, or posted and overtaken by a later one."""

import uuid
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.journal import STUDY
from ledger.tables import Journal
from settlement.runs.run import Run


class RunState(StrEnum):
    """What the ledger holds of a run."""

    STUDY = "study"
    SETTLED = "settled"
    POSTED = "posted"
    PARTLY_SUPERSEDED = "partly superseded"
    SUPERSEDED = "superseded"


def run_states(session: Session, runs: list[Run]) -> dict[uuid.UUID, RunState]:
    """Return the state of each run: a day is superseded once a later run posted to it."""
    last = func.max(Journal.number).over(partition_by=(Journal.market, Journal.settlement_day))
    posted = (
        select(Journal.run_id, (Journal.number < last).label("is_superseded"))
        .where(Journal.run_id.is_not(None))
        .subquery()
    )
    statement = select(
        posted.c.run_id, func.count(), func.count().filter(posted.c.is_superseded)
    ).group_by(posted.c.run_id)
    counts = {run_id: (days, old) for run_id, days, old in session.execute(statement)}
    return {run.id: _state(run, *counts.get(run.id, (0, 0))) for run in runs}


def _state(run: Run, posted_days: int, superseded_days: int) -> RunState:
    if run.kind == STUDY:
        return RunState.STUDY
    if not posted_days:
        return RunState.SETTLED
    if not superseded_days:
        return RunState.POSTED
    is_all = superseded_days == posted_days
    return RunState.SUPERSEDED if is_all else RunState.PARTLY_SUPERSEDED
