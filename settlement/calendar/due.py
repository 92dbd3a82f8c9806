"""Which runs of the settlement calendar are due: pure, from what is known of each day.

A run is due on the day that lies its lag after the settlement day, both days of the market's zone,
and overdue from the day after. A day's runs are posted in the order of the calendar: what a later
one overtook is never posted.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from rulebook.documents.market_rules import CalendarRun

ONE_DAY = dt.timedelta(days=1)


class State(StrEnum):
    """How far a run of a settlement day is."""

    NOT_YET = "not yet due"
    DUE = "due"
    OVERDUE = "overdue"
    BLOCKED = "blocked"
    SETTLED = "settled, not posted"
    POSTED = "posted"
    PASSED_OVER = "passed over"


TO_DO = frozenset({State.DUE, State.OVERDUE, State.SETTLED})
"""The states in which a run can be settled and posted at once."""


@dataclass(frozen=True)
class DayFacts:
    """What is known of a settlement day.

    Attributes:
        runs: of the calendar in force on the day, in order.
        posted: the run that posted each kind, and the local day on which it did.
        settled: kinds of which a run stands that is not posted.
        lacks: why the readings do not settle, in words; empty where they do.
        is_sealed: whether nothing is posted to it any more.
    """

    day: dt.date
    runs: Sequence[CalendarRun]
    posted: Mapping[str, tuple[uuid.UUID, dt.date]]
    settled: Collection[str] = ()
    lacks: str = ""
    is_sealed: bool = False


@dataclass(frozen=True)
class CalendarEntry:
    """A run of the calendar for a settlement day; `position` is its place in the calendar."""

    day: dt.date
    kind: str
    position: int
    due_on: dt.date
    state: State
    why: str = ""
    posted_on: dt.date | None = None
    run_id: uuid.UUID | None = None


@dataclass(frozen=True)
class DueRange:
    """Consecutive days that one command settles, or that one thing blocks.

    Attributes:
        due_from, due_to: when the first and the last of the days were or are due.
        overdue_days: how many of them are overdue.
        why: what blocks them; empty where nothing does.
    """

    kind: str
    position: int
    first_day: dt.date
    last_day: dt.date
    due_from: dt.date
    due_to: dt.date
    overdue_days: int
    why: str

    @property
    def day_count(self) -> int:
        """How many days it has."""
        return (self.last_day - self.first_day).days + 1


def entries_of(facts: DayFacts, on: dt.date) -> list[CalendarEntry]:
    """Return every run of a day's calendar with its state on a day of the market.

    >>> run = CalendarRun(run="II", title="First", lag_days=5)
    >>> day = dt.date(2024, 1, 1)
    >>> [entries_of(DayFacts(day, [run], {}), day + lag * ONE_DAY)[0].state.value
    ...  for lag in (4, 5, 6)]
    ['not yet due', 'due', 'overdue']
    """
    last_posted = max(
        (position for position, run in enumerate(facts.runs) if run.run in facts.posted), default=-1
    )
    entries = []
    for position, run in enumerate(facts.runs):
        due_on = facts.day + run.lag_days * ONE_DAY
        run_id, posted_on = facts.posted.get(run.run, (None, None))
        if run_id is not None:
            state = State.POSTED
        elif position < last_posted or facts.is_sealed:
            state = State.PASSED_OVER
        else:
            state = _open_state(facts, run.run, due_on, on)
        why = facts.lacks if state is State.BLOCKED else ""
        entries.append(
            CalendarEntry(facts.day, run.run, position, due_on, state, why, posted_on, run_id)
        )
    return entries


def _open_state(facts: DayFacts, kind: str, due_on: dt.date, on: dt.date) -> State:
    if on < due_on:
        return State.NOT_YET
    if facts.lacks:
        return State.BLOCKED
    if kind in facts.settled:
        return State.SETTLED
    return State.DUE if on == due_on else State.OVERDUE


def due_ranges(entries: Iterable[CalendarEntry]) -> list[DueRange]:
    """Return what is to be settled as ranges of consecutive days, in the order to settle them.

    Ranges come in the order of the calendar, so that each day's runs do; within a run by day.
    """
    return _ranges(entry for entry in entries if entry.state in TO_DO)


def blocked_ranges(entries: Iterable[CalendarEntry]) -> list[DueRange]:
    """Return what is due and cannot be settled, as ranges of consecutive days of one reason."""
    return _ranges(entry for entry in entries if entry.state is State.BLOCKED)


def _ranges(entries: Iterable[CalendarEntry]) -> list[DueRange]:
    ordered = sorted(entries, key=lambda entry: (entry.position, entry.kind, entry.day))
    numbered = list(enumerate(ordered))

    def same_range(item: tuple[int, CalendarEntry]) -> tuple[object, ...]:
        number, entry = item
        # Day less place is the same for days that follow one another: both rise by one.
        return entry.position, entry.kind, entry.why, entry.day.toordinal() - number

    return [_range([entry for _, entry in group]) for _, group in groupby(numbered, key=same_range)]


def _range(entries: Sequence[CalendarEntry]) -> DueRange:
    first, last = entries[0], entries[-1]
    return DueRange(
        first.kind,
        first.position,
        first.day,
        last.day,
        min(entry.due_on for entry in entries),
        max(entry.due_on for entry in entries),
        sum(entry.state is State.OVERDUE for entry in entries),
        first.why,
    )


def next_due(entries: Iterable[CalendarEntry]) -> CalendarEntry | None:
    """Return the run that comes due next, or None when there is none."""
    waiting = [entry for entry in entries if entry.state is State.NOT_YET]
    return min(waiting, key=lambda entry: (entry.due_on, entry.position), default=None)
