"""Settle every posted run again: a run that was invented is a cause of money, too."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from settlement.replays.replay import replay
from settlement.runs.pinned import UNREADABLE
from settlement.runs.store import posted_runs

RUN_REPLAY = "run-replay"


def verify_replays(session: Session, threads: int = 1) -> Iterator[Finding]:
    """Replay every run that posted a day, and name the first row of each that comes out otherwise.

    A run of another version of the engine is named as well: nobody here can say that its results
    are what it computed.
    """
    for run_id, run in posted_runs(session):
        place = f"settlement.run {run_id}"
        try:
            difference = replay(session, run, threads=threads).first_difference if run else None
        except UNREADABLE as error:
            reason = str(error).partition("\n")[0]
            yield damage(RUN_REPLAY, place, f"what it was computed from cannot be read: {reason}")
            continue
        if run is None:
            yield damage(RUN_REPLAY, place, "its pins cannot be read")
        elif difference is not None:
            yield damage(RUN_REPLAY, place, f"settled again, it differs: {difference}")
