"""Days of many runs settled again by several processes, each with some days of every run.

On threads days wait for each other wherever Python computes, which is for most of a year's time;
of a few weeks, it takes as long to start a process. Each has days that follow each other, so that
what is remembered of one run serves the others, and Fair Play's history is read once.
"""

import datetime as dt
import gc
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from multiprocessing import get_context
from typing import NamedTuple

from sqlalchemy.orm import Session

from database.outages import Unusable
from database.session import acting_by, current_token, transaction
from settlement.replays.replay import ReplayedDays, replay_days
from settlement.runs.day_memory import DayMemory
from settlement.runs.pinned import UNREADABLE, law_read_once
from settlement.runs.run import Run
from settlement.runs.store import posted_runs

DAYS_OF_A_PROCESS = 60
"""Fewer are not worth another process."""


class Share(NamedTuple):
    """The days from a first to a last."""

    first_day: dt.date
    last_day: dt.date


Replays = dict[uuid.UUID, ReplayedDays | str]
"""By run: what came of its days, or why what it was computed from cannot be read."""


def shares_of(days: Iterable[dt.date], processes: int) -> list[Share]:
    """Return days in shares of about as many each, one a process, in order; at least one."""
    distinct = sorted(set(days)) or [dt.date.min]
    count = max(1, min(processes, len(distinct) // DAYS_OF_A_PROCESS))
    begins = [len(distinct) * place // count for place in range(count + 1)]
    return [
        Share(distinct[first], distinct[following - 1]) for first, following in pairwise(begins)
    ]


def replay_in_shares(
    session: Session, runs: Sequence[Run], threads: int, processes: int
) -> Iterator[tuple[Run, list[ReplayedDays] | str]]:
    """Yield each run with what came of its days, or with why they cannot be computed again.

    Args:
        session: the caller's session; other processes have transactions of their own, which see
            what is committed.
        runs: that a journal names.
        threads: days computed at once, at least 1.
        processes: among which these are divided, at least 1.
    """
    own, *others = shares_of((day for run in runs for day in run.days), processes)
    each_threads = max(1, threads // (1 + len(others)))
    ids = [run.id for run in runs]
    # Spawned and not forked: a copy of this process would share its connection to the database.
    with ProcessPoolExecutor(max(1, len(others)), mp_context=get_context("spawn")) as pool:
        waiting = [
            pool.submit(_replay_elsewhere, ids, share, each_threads, current_token())
            for share in others
        ]
        parts = [_replay_share(session, runs, own, each_threads)]
        try:
            parts += [future.result() for future in waiting]
        except BrokenProcessPool:
            raise Unusable(
                "a process that settled days again was ended from outside, as where memory runs "
                "out; give the machine more, or keep to one process with --threads 1"
            ) from None
    for run in runs:
        of_run = [part[run.id] for part in parts]
        unreadable = next((each for each in of_run if isinstance(each, str)), None)
        read = [each for each in of_run if not isinstance(each, str)]
        yield run, read if unreadable is None else unreadable


def _replay_elsewhere(
    ids: Sequence[uuid.UUID], share: Share, threads: int, token: str | None
) -> Replays:
    """Replay a share in a process that was started for it."""
    gc.set_threshold(50_000)  # as manage.py does: what is read lives to the end
    with acting_by(token), transaction() as session:
        posted = dict(posted_runs(session))
        runs = [run for run_id in ids if (run := posted.get(run_id)) is not None]
        return _replay_share(session, runs, share, threads)


def _replay_share(session: Session, runs: Sequence[Run], share: Share, threads: int) -> Replays:
    law_of, memory = law_read_once(session), DayMemory()
    replays: Replays = {}
    for run in runs:
        try:
            replays[run.id] = replay_days(
                session, run, threads=threads, within=share, law_of=law_of, memory=memory
            )
        except UNREADABLE as error:
            replays[run.id] = str(error).partition("\n")[0]
    return replays
