"""Settle many days: compile the rules of each period once, and run the days on threads.

A day is a pure function of its rules and readings, and days come out in calendar order whatever
the number of threads, so the digest of a run does not depend on it.
"""

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeVar

from common.refusals import Refused
from settlement.core.arrays import Integers
from settlement.core.day_games import DayGames, play_games
from settlement.core.engine import DayReadings, MarketModel, Play, ResultTable, settle_day
from settlement.core.fair_play_market import DayShares, Share, shares_of_day
from settlement.core.fair_play_rules import FairPlay
from settlement.runs.day_memory import DayMemory
from settlement.runs.day_totals import DayTotal
from settlement.runs.exact_sums import quantities_too_large
from settlement.runs.results import ResultVector, day_digest, vectors_of
from settlement.runs.run import Pin

SETTLED = "settled day"
GAMES = "games of a day"
DAYS_AHEAD_PER_THREAD = 3
"""Days in flight per thread: enough to keep it busy, few enough to bound memory."""

Of = TypeVar("Of")


@dataclass(frozen=True)
class Period:
    """Consecutive days under the same rules."""

    first_day: dt.date
    last_day: dt.date
    model: MarketModel


@dataclass(frozen=True)
class ComputedDay:
    """The results of one day, and the digest over them.

    Attributes:
        settle: returns the results; of a day that was remembered, by settling it after all.
        is_remembered: whether an equal day was settled before, of which the digest is.
    """

    day: dt.date
    digest: bytes
    settle: Callable[[], list[ResultVector]]
    is_remembered: bool = False

    @cached_property
    def vectors(self) -> list[ResultVector]:
        """The results, ordered by measure and entity."""
        return self.settle()


class SettlementInputs(Protocol):
    """What a run is computed from, whether metered or laid under the overlay of a study."""

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The rule versions, and what a study laid over them."""

    @property
    def reading_digests(self) -> list[bytes]:
        """The digests of every reading that the run rests on, by day, measure and entity."""

    @property
    def days(self) -> list[dt.date]:
        """The settlement days, in order."""

    def compiled(self) -> list[Period]:
        """Return the compiled rules of each period."""

    def day_readings(self, day: dt.date, model: MarketModel) -> DayReadings:
        """Return what a day is settled from, in the order of a model's units and supply points."""

    def share(self, model: MarketModel, rules: FairPlay, readings: DayReadings) -> DayShares:
        """Return how a day is shared by Fair Play, of the readings that `day_readings` gave."""

    def day_totals(self, day: dt.date) -> list[DayTotal]:
        """Return the metered energy of a day that its journal moves."""

    def further_tables(self, day: dt.date) -> list[ResultTable]:
        """Return what is stored of a day beside its settlement."""


def compute(
    inputs: SettlementInputs,
    threads: int,
    memory: DayMemory | None = None,
    days: Sequence[dt.date] | None = None,
) -> Iterator[ComputedDay]:
    """Yield each day of a run as it is stored, in calendar order.

    Args:
        inputs: what the run is computed from.
        threads: days computed at once, at least 1.
        memory: of days that were settled before; a day that equals one of them is not settled.
        days: of the run, in order; None for all of them.
    """
    chosen = inputs.days if days is None else days
    return compute_days(
        inputs.compiled(),
        chosen,
        inputs.day_readings,
        threads,
        inputs.further_tables,
        memory,
        inputs.share,
    )


def compute_days(
    periods: Sequence[Period],
    days: Sequence[dt.date],
    readings_of: Callable[[dt.date, MarketModel], DayReadings],
    threads: int,
    further_tables: Callable[[dt.date], Sequence[ResultTable]] = lambda _: (),
    memory: DayMemory | None = None,
    share: Share = shares_of_day,
) -> Iterator[ComputedDay]:
    """Yield each day's results in the order of `days`.

    Args:
        periods: the compiled rules; together they cover every day.
        days: the settlement days, earliest first.
        readings_of: returns a day's readings in the order of a model's units and supply points.
        threads: days computed at once, at least 1.
        further_tables: returns what else is stored of a day, such as the quality of its readings.
        memory: as `compute` takes it.
        share: as `settle_day` takes it.

    Raises:
        Refused: naming the first day of which some sum has no room in 64 bits.
    """
    if threads < 1:
        raise ValueError(f"threads: {threads} given, at least 1 needed")

    def compute(day: dt.date) -> ComputedDay:
        model = model_on(periods, day)
        try:
            readings = readings_of(day, model)  # first: a study knows the others once it was read
            return compute_day(day, model, readings, tuple(further_tables(day)), memory, share)
        except OverflowError as too_large:
            raise Refused([quantities_too_large(day, too_large)]) from too_large

    return _in_order(compute, days, threads)


def compute_day(
    day: dt.date,
    model: MarketModel,
    readings: DayReadings,
    further: tuple[ResultTable, ...],
    memory: DayMemory | None = None,
    share: Share = shares_of_day,
) -> ComputedDay:
    """Return the results of a day, or what is remembered of one that equals it."""

    def settle() -> list[ResultVector]:
        play = _played_once(memory) if memory else play_games
        settled = settle_day(model, readings, play, share)
        return vectors_of(replace(settled, tables=(*settled.tables, *further)))

    # All that the results are made of: what `settle_day` is given, and what is stored beside.
    key = memory.key_of(SETTLED, model, readings, further) if memory else b""
    remembered: bytes | None = memory.find(key) if memory else None
    if remembered is not None:
        return ComputedDay(day, remembered, settle, is_remembered=True)
    vectors = settle()
    digest = day_digest(vector.digest for vector in vectors)
    if memory:
        memory.keep(key, digest)
    return ComputedDay(day, digest, lambda: vectors)


def _played_once(memory: DayMemory) -> Play:
    """Return what plays the games of a day, unless they were played before.

    After a correction later days settle anew, as their history is another; their games are not.
    """

    def play(
        model: MarketModel, day: dt.date, available_w: Integers, demand_w: Integers
    ) -> DayGames:
        # By the exact method, which takes few units and is dear. The shares of the others are of
        # as many units as a country has, and a year of them fills the memory.
        if model.shapley.method != "exact":
            return play_games(model, day, available_w, demand_w)
        key = memory.key_of(GAMES, model, day, available_w, demand_w)
        return memory.once(key, lambda: play_games(model, day, available_w, demand_w))

    return play


def _in_order(
    compute: Callable[[dt.date], Of], days: Sequence[dt.date], threads: int
) -> Iterator[Of]:
    """Yield what is computed of each day, in the order of the days, on threads."""
    if threads == 1:
        yield from map(compute, days)
        return
    # Threads and not processes: kernels run without Python's lock, and share the compiled rules.
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Of]] = deque()
        try:
            for day in days:
                waiting.append(pool.submit(compute, day))
                if len(waiting) >= threads * DAYS_AHEAD_PER_THREAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # Leaving the pool waits for what is submitted: after a failure, for days nobody wants.
            for future in waiting:
                future.cancel()


def model_on(periods: Sequence[Period], day: dt.date) -> MarketModel:
    """Return the compiled rules of a day."""
    for period in periods:
        if period.first_day <= day <= period.last_day:
            return period.model
    raise LookupError(f"no rules were compiled for {day}")
