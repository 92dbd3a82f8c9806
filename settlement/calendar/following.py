"""Posted days that begin otherwise since: readings or law of days before them came. Pure.

What contracts owe, remember and cover is carried from day to day through a month
(`settlement.runs.contract_days`), so a reading that comes after a day was posted, and law that
looks back to it, may move the days after it. Whether it moves money there is known when they are
settled again; the run of the calendar that does so is named here, and posts the difference, if
there is one.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from settlement.calendar.due import ONE_DAY
from settlement.calendar.late import DayTerms
from settlement.core.contract_state import first_day_of_term


class PostedDay(NamedTuple):
    """A settlement day with the last run that is posted for it, and up to when that run knew."""

    day: dt.date
    kind: str
    known_at: dt.datetime


BeginsOtherwise = Callable[[dt.date, dt.datetime], bool]
"""Whether a first day of a month begins otherwise now than by what a moment knew."""


@dataclass(frozen=True)
class FollowingDays:
    """Consecutive posted days that begin otherwise since, alike in what takes them up.

    Attributes:
        since: the earliest day whose readings or law changed after they were posted.
        posted_kind: the last run that is posted for them.
        next_kind: the run that takes them up; None when the calendar has none left.
        next_due_from, next_due_to: when that run is due for the first and for the last of them.
    """

    first_day: dt.date
    last_day: dt.date
    since: dt.date
    posted_kind: str
    next_kind: str | None
    next_due_from: dt.date | None
    next_due_to: dt.date | None
    is_sealed: bool


def following_days(
    posted: Sequence[PostedDay],
    changed_at: Mapping[dt.date, dt.datetime],
    terms: Mapping[dt.date, DayTerms],
    begins_otherwise: BeginsOtherwise,
) -> list[FollowingDays]:
    """Return the posted days that a change of a day before reaches, in ranges, earliest first.

    Inside a month every later day is reached, as what was taken is counted from its first day.
    Across the end of a month only what is owed goes on, so the next month is asked about alone.

    Args:
        posted: of days with contracts, in order.
        changed_at: when readings or law of each day last changed.
        terms: of each posted day.
        begins_otherwise: asked of the first posted day of a month, where the month before changed.
    """
    since_of: dict[dt.date, dt.date] = {}
    for first, of_term in groupby(posted, key=lambda each: first_day_of_term(each.day)):
        days = list(of_term)
        before = _change_of_month_before(first, days[0], changed_at, since_of)
        if before is not None and not begins_otherwise(days[0].day, days[0].known_at):
            before = None
        for each in days:
            changed = [
                day
                for day, moment in changed_at.items()
                if first <= day < each.day and moment > each.known_at
            ]
            since = min([*changed, *([before] if before else [])], default=None)
            if since is not None:
                since_of[each.day] = since
    return _ranges([each for each in posted if each.day in since_of], since_of, terms)


def _change_of_month_before(
    first: dt.date,
    begins: PostedDay,
    changed_at: Mapping[dt.date, dt.datetime],
    since_of: Mapping[dt.date, dt.date],
) -> dt.date | None:
    """Return the earliest day of the month before that changed after a day was posted."""
    last = first - ONE_DAY
    changed = [
        day
        for day, moment in changed_at.items()
        if first_day_of_term(last) <= day <= last and moment > begins.known_at
    ]
    reached = [since for day, since in since_of.items() if first_day_of_term(last) <= day <= last]
    return min([*changed, *reached], default=None)


def _ranges(
    reached: Sequence[PostedDay],
    since_of: Mapping[dt.date, dt.date],
    terms: Mapping[dt.date, DayTerms],
) -> list[FollowingDays]:
    def alike(numbered: tuple[int, PostedDay]) -> tuple[object, ...]:
        number, each = numbered
        of_day = terms[each.day]
        run_up = each.day.toordinal() - number  # the same along days without a gap
        return run_up, since_of[each.day], each.kind, of_day.is_sealed, tuple(of_day.runs)

    found = []
    for _, numbered in groupby(enumerate(reached), key=alike):
        days = [each for _, each in numbered]
        first, last = days[0], days[-1]
        following = terms[first.day].run_after(first.kind)
        lag = following.lag_days * ONE_DAY if following else None
        found.append(
            FollowingDays(
                first.day,
                last.day,
                since_of[first.day],
                first.kind,
                following.run if following else None,
                first.day + lag if lag is not None else None,
                last.day + lag if lag is not None else None,
                terms[first.day].is_sealed,
            )
        )
    return found
