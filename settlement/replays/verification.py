"""Settle every posted run again: a run that was invented is a cause of money, too."""

from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from settlement.billing.held import HeldRuns
from settlement.replays.replay import joined
from settlement.replays.shares import replay_in_shares
from settlement.runs.run import Run, is_earlier_engine
from settlement.runs.store import posted_runs

RUN_REPLAY = "run-replay"


def verify_replays(
    session: Session,
    threads: int = 1,
    held: HeldRuns | None = None,
    left_out: Collection[str] = (),
    unreplayed: list[Run] | None = None,
    processes: int = 1,
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
        processes: among which many days are divided, at least 1; those beside this one see what is
            committed alone.
    """
    chosen: list[Run] = []
    for run_id, run in posted_runs(session):
        if run is None:
            yield damage(RUN_REPLAY, f"settlement.run {run_id}", "its pins cannot be read")
        elif run.engine_version in left_out and is_earlier_engine(run.engine_version):
            if unreplayed is not None:
                unreplayed.append(run)
        else:
            chosen.append(run)
    for run, parts in replay_in_shares(session, chosen, threads, processes):
        place = f"settlement.run {run.id}"
        if isinstance(parts, str):
            yield damage(RUN_REPLAY, place, f"what it was computed from cannot be read: {parts}")
            continue
        replayed = joined(session, run, parts)
        if replayed.first_difference is not None:
            value = f"settled again, it differs: {replayed.first_difference}"
            yield damage(RUN_REPLAY, place, value)
        elif held is not None:
            held[run.id] = {
                day.day: day.held for part in parts for day in part.days if day.held is not None
            }
