"""Settle every posted run again: a run that was invented is a cause of money, too."""

import datetime as dt
from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from settlement.billing.held import HeldDay, HeldRuns
from settlement.replays.replay import replay
from settlement.runs.day_memory import DayMemory
from settlement.runs.pinned import UNREADABLE, law_read_once
from settlement.runs.run import Run, is_earlier_engine
from settlement.runs.store import posted_runs

RUN_REPLAY = "run-replay"


def verify_replays(
    session: Session,
    threads: int = 1,
    held: HeldRuns | None = None,
    left_out: Collection[str] = (),
    unreplayed: list[Run] | None = None,
) -> Iterator[Finding]:
    """Replay every run that posted a day, and name the first row of each that comes out otherwise.

    Of a run of an earlier version of the engine nobody here can say that its results are what it
    computed: it is named, unless who asks left its version out, having settled its runs again by a
    release of that version. One of a version that no release had is named in any case.

    A day of which everything that it is computed from equals that of a day before is computed once;
    its rows are hashed again like those of any other.

    Args:
        session: the caller's session.
        threads: days computed at once, at least 1.
        held: takes the runs whose inputs, day totals and results are as they are stored.
        left_out: versions of the engine whose runs are not settled again.
        unreplayed: takes those runs.
    """
    law_of, memory = law_read_once(session), DayMemory()
    for run_id, run in posted_runs(session):
        place = f"settlement.run {run_id}"
        if run is None:
            yield damage(RUN_REPLAY, place, "its pins cannot be read")
            continue
        if run.engine_version in left_out and is_earlier_engine(run.engine_version):
            if unreplayed is not None:
                unreplayed.append(run)
            continue
        days: dict[dt.date, HeldDay] = {}
        try:
            replayed = replay(
                session, run, threads=threads, law_of=law_of, memory=memory, held=days
            )
        except UNREADABLE as error:
            reason = str(error).partition("\n")[0]
            yield damage(RUN_REPLAY, place, f"what it was computed from cannot be read: {reason}")
            continue
        if replayed.first_difference is not None:
            value = f"settled again, it differs: {replayed.first_difference}"
            yield damage(RUN_REPLAY, place, value)
        elif held is not None:
            held[run_id] = days
