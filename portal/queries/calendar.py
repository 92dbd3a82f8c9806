"""The settlement calendar as a page shows it: months, then the days of one month by run."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from settlement.calendar.due import CalendarEntry, DueRange, State, blocked_ranges, due_ranges
from settlement.calendar.following import FollowingDays
from settlement.calendar.late import LateReadings
from settlement.calendar.market_calendar import (
    CalendarDay,
    MarketCalendar,
    list_following_days,
    list_late_readings,
    market_calendar,
)

SHOWN_LATE = 100


@dataclass(frozen=True)
class MonthRow:
    """A month of the overview: how many of its days each run is in which state, by run."""

    month: dt.date
    days: int
    sealed: int
    states: tuple[tuple[str, tuple[tuple[State, int], ...]], ...]

    @property
    def has_posted(self) -> bool:
        """Whether there is anything to bill of it, or was."""
        return any(state is State.POSTED for _, of_run in self.states for state, _ in of_run)


@dataclass(frozen=True)
class DaySpan:
    """Consecutive days on which a run of the calendar stands alike."""

    entries: tuple[CalendarEntry, ...]

    @property
    def first_day(self) -> dt.date:
        """The first of the days."""
        return self.entries[0].day

    @property
    def last_day(self) -> dt.date:
        """The last of the days."""
        return self.entries[-1].day

    @property
    def day_count(self) -> int:
        """How many days there are."""
        return len(self.entries)

    @property
    def due_from(self) -> dt.date:
        """When the run of the first day is or was due."""
        return self.entries[0].due_on

    @property
    def due_to(self) -> dt.date:
        """When the run of the last day is or was due."""
        return self.entries[-1].due_on

    @property
    def like(self) -> CalendarEntry:
        """One of the days, for what all of them share: state, why, and the run posted."""
        return self.entries[0]


@dataclass(frozen=True)
class RunMonth:
    """A run of the calendar over a month: its days, and the spans in which they stand alike."""

    kind: str
    title: str
    entries: tuple[CalendarEntry, ...]
    spans: tuple[DaySpan, ...]


@dataclass(frozen=True)
class CalendarPage:
    """A market's calendar.

    Attributes:
        month: of which the days are shown; None where there are no readings.
        kinds: the runs of the calendar on the shown days, with their titles.
        runs: each of them over the month.
        late: what came after the last run of its day, cut to a readable number.
        following: the posted days that begin otherwise by it.
    """

    calendar: MarketCalendar
    months: tuple[MonthRow, ...]
    month: dt.date | None
    kinds: tuple[tuple[str, str], ...]
    runs: tuple[RunMonth, ...]
    days: tuple[CalendarDay, ...]
    due: tuple[DueRange, ...]
    blocked: tuple[DueRange, ...]
    late: tuple[LateReadings, ...]
    late_count: int
    following: tuple[FollowingDays, ...]


def calendar_page(
    session: Session, market: str, month: dt.date | None, now: dt.datetime
) -> CalendarPage:
    """Return the calendar of a market as it stands now, with the days of a month.

    The month is the one asked for if it has any days, else the last that has something to do, else
    the last.
    """
    found = market_calendar(session, market, known=now)
    months = sorted({day.day.replace(day=1) for day in found.days})
    due, blocked = due_ranges(found.entries), blocked_ranges(found.entries)
    if month not in months:
        open_months = [due_range.last_day.replace(day=1) for due_range in (*due, *blocked)]
        month = max(open_months or months, default=None)
    days = tuple(day for day in found.days if day.day.replace(day=1) == month)
    titles = {
        run.run: run.title
        for _, _, rules in found.periods
        for run in rules.market_rules.settlement_calendar
    }
    kinds = list(dict.fromkeys(entry.kind for day in days for entry in day.entries))
    arrived = list_late_readings(session, market, known=now)
    return CalendarPage(
        calendar=found,
        months=tuple(_month_row(found, month) for month in months),
        month=month,
        kinds=tuple((kind, titles[kind]) for kind in kinds),
        runs=tuple(_run_month(kind, titles[kind], days) for kind in kinds),
        days=days,
        due=tuple(due),
        blocked=tuple(blocked),
        late=tuple(arrived[:SHOWN_LATE]),
        late_count=len(arrived),
        following=tuple(list_following_days(session, market, known=now)),
    )


def _run_month(kind: str, title: str, days: Sequence[CalendarDay]) -> RunMonth:
    entries = [entry for day in days for entry in day.entries if entry.kind == kind]
    # A day without readings ends a span, so that a span never says more days than there are.
    spans = [
        DaySpan(tuple(entry for _, entry in alike))
        for _, alike in groupby(
            enumerate(entries),
            lambda placed: (
                placed[1].state,
                placed[1].run_id,
                placed[1].why,
                placed[1].day.toordinal() - placed[0],
            ),
        )
    ]
    return RunMonth(kind, title, tuple(entries), tuple(spans))


def _month_row(found: MarketCalendar, month: dt.date) -> MonthRow:
    days = [day for day in found.days if day.day.replace(day=1) == month]
    counts: dict[str, Counter[State]] = {}
    for day in days:
        for entry in day.entries:
            counts.setdefault(entry.kind, Counter())[entry.state] += 1
    states = tuple(
        (kind, tuple((state, of_kind[state]) for state in State if of_kind[state]))
        for kind, of_kind in counts.items()
    )
    return MonthRow(month, len(days), sum(day.is_sealed for day in days), states)
