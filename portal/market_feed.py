"""Feeding a market with a day of readings as if it were lived through, at a speed of choice."""

import datetime as dt
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from common.refusals import refuse_any
from database.bulk import driver_connection
from database.session import transaction
from market.core.events import Event, Kind, Outcome
from market.fed_days import check_known, events_of_day, outcomes_of, split_by_told
from market.feeding import due
from market.inbox import submit
from market.leading import is_led

MOST_AT_ONCE = 2_000
"""Events of a transaction: the market takes others' between two of them."""
PAUSE_S = 0.02
"""What is due within it is told together, in one transaction, and so by so much too early."""
US_PER_S = 1_000_000
PATIENCE_S = 10
"""How long a leader that takes nothing is waited for at the end."""
AS_MEANT = frozenset({Outcome.TAKEN, Outcome.OLDER})
"""What becomes of what a feed tells, where a later word of an entity may have come before it."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fed:
    """What came of a feed.

    Attributes:
        before: events that the market had been told when it began.
        now: those that it was told by this feed.
        left: those that it was not, as the feed was stopped; to feed again goes on with them.
        outcomes: what became of those that this feed told, in counts, as far as they were taken.
        has_leader: whether somebody led the market at the end.
    """

    market: str
    day: dt.date
    before: int
    now: int
    left: int
    outcomes: Mapping[Outcome, int]
    has_leader: bool

    @property
    def waiting(self) -> int:
        """Of what it told, how many events nobody took yet."""
        return self.now - sum(self.outcomes.values())


def feed(
    market: str,
    day: dt.date,
    known: dt.datetime,
    *,
    by: str,
    speed: int | None,
    progress: Progress,
    readings_alone: bool = False,
) -> Fed:
    """Tell a market the events of a day, in their order, until all are told or it is interrupted.

    What the market was told before is not told twice; its readings are held to what they say now.
    A transaction that is interrupted tells nothing of its events.

    Args:
        known: up to when readings and law are known.
        by: who feeds it, which the log keeps.
        speed: how many times as fast as the day they are told; None for at once.
        progress: told how many events are told, of how many.
        readings_alone: of a day of which instruments told the rest.

    Raises:
        Refused: the day has no readings that settle, its law no market online, it lies before the
            first that the market knows, or the market was told something else under a key of these
            events; what was told until then stands.
    """
    with transaction() as session:
        refuse_any(check_known(session, market, day))
        events = events_of_day(session, market, day, known)
        if readings_alone:
            events = [event for event in events if event.kind is Kind.READING]
        split = split_by_told(session, market, events)
    told, rest = 0, split.rest
    for chunk in _chunks(split.readings):
        _tell(market, chunk, by)
    try:
        for chunk in _paced(rest, speed) if speed else _chunks(rest):
            _tell(market, chunk, by)
            told += len(chunk)
            progress(told, len(rest))
    except KeyboardInterrupt:
        pass  # whoever stops it is told how far it is
    outcomes, has_leader = what_became(market, rest[:told])
    return Fed(market, day, split.before, told, len(rest) - told, outcomes, has_leader)


def what_became(market: str, events: list[Event]) -> tuple[Counter[Outcome], bool]:
    """Return what became of events, once all are taken or nobody takes more; and who leads."""
    whole, last, quiet_since_s = Counter[Outcome](), Counter[Outcome](), time.monotonic()
    waiting = list(_chunks(events))
    while True:
        before = whole + last
        with transaction() as session:
            # They are taken in the order in which they were told, chunk by chunk.
            while waiting:
                last = outcomes_of(session, market, waiting[0])
                if last.total() < len(waiting[0]):
                    break
                whole, last = whole + last, Counter[Outcome]()
                waiting.pop(0)
            has_leader = is_led(driver_connection(session), market)
        if whole + last != before:
            quiet_since_s = time.monotonic()
        is_quiet = time.monotonic() - quiet_since_s > PATIENCE_S
        if not waiting or not has_leader or is_quiet:
            return whole + last, has_leader
        time.sleep(PAUSE_S)


def _tell(market: str, events: list[Event], by: str) -> None:
    with transaction() as session:
        refuse_any(submit(session, market, events, by=by))


def _chunks(events: list[Event]) -> Iterator[list[Event]]:
    for first in range(0, len(events), MOST_AT_ONCE):
        yield events[first : first + MOST_AT_ONCE]


def _paced(events: list[Event], speed: int) -> Iterator[list[Event]]:
    """Yield events when they are due; those of one pause together, and all that became due late."""
    waiting = due(events, speed)
    began_s, first = time.monotonic(), 0
    while first < len(waiting):
        time.sleep(max(waiting[first].after_us / US_PER_S - (time.monotonic() - began_s), 0))
        until_us = (time.monotonic() - began_s + PAUSE_S) * US_PER_S
        end = bisect_right(waiting, until_us, key=lambda each: each.after_us)
        # At least the one that was slept for: a clock may wake a hair too early.
        end = max(end, first + 1)
        yield from _chunks([event for each in waiting[first:end] for event in each.events])
        first = end
