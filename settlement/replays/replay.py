"""Replay a run: compute it again from what it is pinned to, and compare every row."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from ledger.journal import STUDY
from settlement.billing.held import HeldDay, held_day
from settlement.replays.inputs import pinned_inputs
from settlement.runs import store
from settlement.runs.computing import ComputedDay, SettlementInputs, compute
from settlement.runs.day_memory import DayMemory
from settlement.runs.day_total_store import stored_day_totals
from settlement.runs.day_totals import DayTotal
from settlement.runs.pinned import LawOf
from settlement.runs.results import (
    ResultVector,
    VectorKey,
    day_digest,
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


class ReplayedDay(NamedTuple):
    """What came of one day: its digest as computed, and whether it is stored so.

    Attributes:
        held: what the day comes to, as it is stored; None where anything differs before its end.
    """

    day: dt.date
    digest: bytes
    difference: str | None
    held: HeldDay | None


class ReplayedDays(NamedTuple):
    """What came of some days of a run: whether its inputs give any, and each of them."""

    difference_of_inputs: str | None
    days: list[ReplayedDay]


def replay(
    session: Session, run: Run, *, threads: int = 1, progress: Progress = no_progress
) -> Replayed:
    """Compute a run again from what it is pinned to, and compare every row.

    Nothing is written. A difference names the first row that differs, or the inputs if they do.

    Args:
        session: the caller's session.
        run: the run.
        threads: days computed at once, at least 1.
        progress: is told of each day.
    """
    replayed = replay_days(session, run, threads=threads, progress=progress)
    return joined(session, run, [replayed])


def replay_days(
    session: Session,
    run: Run,
    *,
    threads: int = 1,
    within: tuple[dt.date, dt.date] = (dt.date.min, dt.date.max),
    progress: Progress = no_progress,
    law_of: LawOf | None = None,
    memory: DayMemory | None = None,
) -> ReplayedDays:
    """Compute the days of a run that lie within two again, as `replay` does all of them.

    Args:
        session: the caller's session.
        run: the run.
        threads: days computed at once, at least 1.
        within: the first day and the last.
        progress: is told of each day.
        law_of: see `pinned_periods`, where many runs are replayed.
        memory: of days that were computed before, where many runs are replayed.
    """
    inputs = pinned_inputs(session, run, law_of)
    totals = _stored_totals(session, run)
    of_inputs = difference = _difference_of_inputs(run, inputs, totals)
    first_day, last_day = within
    days = [day for day in inputs.days if first_day <= day <= last_day]
    replayed = []
    for done, day in enumerate(compute(inputs, threads, memory, days), start=1):
        held = None
        # All days are computed even after a difference, as the digest of the whole is reported too.
        if difference is None:
            stored, used = store.day_vectors(session, run.id, day.day), inputs.day_totals(day.day)
            difference = _difference(stored, day) or _totals_difference(day.day, totals, used)
            held = held_day(day.digest, stored, used)
        replayed.append(ReplayedDay(day.day, day.digest, difference, held))
        progress(done, len(days))
    return ReplayedDays(of_inputs, replayed)


def joined(session: Session, run: Run, parts: Sequence[ReplayedDays]) -> Replayed:
    """Return what came of a whole run, of all its days in order."""
    days = [day for part in parts for day in part.days]
    result_digest = run_result_digest([day.digest for day in days])
    found = [*(part.difference_of_inputs for part in parts), *(day.difference for day in days)]
    difference = next((each for each in found if each is not None), None)
    if difference is None and result_digest != run.result_digest:
        difference = f"settlement.run {run.id}: result_digest is not that of its results"
    if difference is None and run.kind == STUDY:
        difference = report_difference(session, run)
    return Replayed(run, result_digest, difference)


def _difference_of_inputs(
    run: Run, inputs: SettlementInputs, total_days: Collection[dt.date]
) -> str | None:
    """Return in words why the days of a run cannot come out as they did, or None."""
    if run.engine_version != ENGINE_VERSION:
        return (
            f"engine of run {run.id}: version {run.engine_version} computed it and this is version "
            f"{ENGINE_VERSION}; replay it with the release that has that version"
        )
    if input_digest(inputs.pins, inputs.reading_digests) != run.input_digest:
        return f"inputs of run {run.id}: their digest is not the one that the run names"
    if inputs.days != run.days:
        return f"days of run {run.id}: its rules are pinned for others than it names"
    if strange := sorted(set(total_days) - set(run.days)):
        return f"settlement.day_total {run.id} {strange[0]}: stored, and no day of the run"
    return None


def _difference(stored: Sequence[ResultVector], computed: ComputedDay) -> str | None:
    proven = list(_proven_digests(stored, computed))
    # The digest of the day is over every row, in order and each once.
    if all(proven) and day_digest(proven) == computed.digest:
        return None
    keys = [(vector.measure, vector.entity) for vector in stored]
    twice = {key for key in keys if keys.count(key) > 1}
    return first_difference(
        computed.day,
        {key: b"" if key in twice else digest for key, digest in zip(keys, proven, strict=True)},
        {(vector.measure, vector.entity): vector.digest for vector in computed.vectors},
    )


def _stored_totals(session: Session, run: Run) -> dict[dt.date, dict[VectorKey, bytes]]:
    """Return the digest of each day total; none where its columns do not give the one stored."""
    days: dict[dt.date, dict[VectorKey, bytes]] = {}
    for total, digest in stored_day_totals(session, run.id):
        of_day, key = days.setdefault(total.day, {}), (total.measure, total.entity)
        # None, too, where the row stands twice: it would be one of a dictionary.
        of_day[key] = digest if digest == total.digest and key not in of_day else b""
    return days


def _totals_difference(
    day: dt.date, stored: Mapping[dt.date, Mapping[VectorKey, bytes]], used: Sequence[DayTotal]
) -> str | None:
    recomputed = {(total.measure, total.entity): total.digest for total in used}
    return first_difference(day, stored.get(day, {}), recomputed, "settlement.day_total")


def _proven_digests(stored: Sequence[ResultVector], computed: ComputedDay) -> Iterator[bytes]:
    """Yield the digest stored with each vector, or nothing when its values do not give it."""
    # Values that equal those computed just now have the digest that those were given.
    vectors = [] if computed.is_remembered else computed.vectors
    ours = {(vector.measure, vector.entity): vector for vector in vectors}
    for vector in stored:
        same = ours.get((vector.measure, vector.entity))
        # As bytes: numpy takes ten times as long to set up a comparison of so few.
        if same is not None and same.values.tobytes() == vector.values.tobytes():
            actual = same.digest
        else:
            actual = vector_digest(vector.day, vector.measure, vector.entity, vector.values)
        yield vector.digest if vector.digest == actual else b""
