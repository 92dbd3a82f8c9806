"""What a change of law touches of what was settled by the law before it; pure.

Law that looks back changes nothing by itself: days stay as they are posted, until the next run of
their calendar settles them by the new law and posts the difference. So whoever decides it is shown
those days, the documents that billed them, and the runs that it asks for.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rulebook.days import day_start, range_words, ranges_alike
from rulebook.documents.market_rules import CalendarRun
from rulebook.standing import Record
from rulebook.versions import covers

ONE_DAY = dt.timedelta(days=1)
NAMED_DOCUMENTS = 10
"""How many documents a terminal is told by name; the rest are counted."""


class ProposedLaw(NamedTuple):
    """What would be law in [start, end): of each instrument the digest of a text, None for none."""

    start: dt.datetime
    end: dt.datetime | None
    texts: Mapping[str, bytes | None]


class SettledDay(NamedTuple):
    """A day of which runs are posted, and the calendar that it would have."""

    day: dt.date
    posted: tuple[str, ...]
    calendar: tuple[CalendarRun, ...]

    @property
    def next_run(self) -> CalendarRun | None:
        """The run that settles it again: after the last that is posted; None where none is left."""
        places = [place for place, run in enumerate(self.calendar) if run.run in self.posted]
        following = self.calendar[places[-1] + 1 if places else 0 :]
        return following[0] if following else None


class TouchedDays(NamedTuple):
    """Consecutive settled days whose law would change, and the run that takes it up.

    `run`, `due_from` and `due_to` are None where no run of the calendar is left.
    """

    first_day: dt.date
    last_day: dt.date
    posted: tuple[str, ...]
    run: str | None
    due_from: dt.date | None
    due_to: dt.date | None

    @property
    def day_count(self) -> int:
        """How many days there are."""
        return (self.last_day - self.first_day).days + 1


class TouchedDocument(NamedTuple):
    """A document that billed a touched day; a month is named by its first day."""

    number: str
    participant: str
    kind: str
    billing_month: dt.date


class Reach(NamedTuple):
    """The settled days that a change touches, and the documents that billed them, in order."""

    days: tuple[TouchedDays, ...]
    documents: tuple[TouchedDocument, ...]

    @property
    def day_count(self) -> int:
        """How many settled days there are."""
        return sum(each.day_count for each in self.days)


def days_of_other_law(
    days: Iterable[dt.date],
    zone: str,
    proposed: ProposedLaw,
    histories: Mapping[str, Sequence[Record]],
    known: dt.datetime,
) -> list[dt.date]:
    """Return the days on which something else would be law than is by what is known.

    Args:
        days: in order, of the market.
        zone: of the market.
        proposed: what would be law.
        histories: every version of each instrument that it names; none where there was none.
        known: when.
    """
    standing = {
        instrument: [
            record
            for record in histories.get(instrument, ())
            if covers(record.recorded_from, record.recorded_to, known)
        ]
        for instrument in proposed.texts
    }
    return [
        day
        for day in days
        if covers(proposed.start, proposed.end, at := day_start(day, zone))
        and any(
            _digest_at(standing[instrument], at) != digest
            for instrument, digest in proposed.texts.items()
        )
    ]


def touched_ranges(settled: Iterable[SettledDay]) -> tuple[TouchedDays, ...]:
    """Return days, in order, as ranges of which the same is posted and the same run comes next."""
    said = ((each.day, (each.posted, each.next_run)) for each in settled)
    return tuple(
        TouchedDays(
            first,
            last,
            posted,
            run.run if run else None,
            first + run.lag_days * ONE_DAY if run else None,
            last + run.lag_days * ONE_DAY if run else None,
        )
        for first, last, (posted, run) in ranges_alike(said)
    )


def reach_lines(reach: Reach) -> Iterator[str]:
    """Say what a change touches, for a terminal."""
    if not reach.days:
        yield "   It touches no settled day."
        return
    for each in reach.days:
        plural = "s" if each.day_count > 1 else ""
        yield (
            f"   It touches {each.day_count} settled day{plural}, "
            f"{range_words(each.first_day, each.last_day)}, posted under "
            f"{', '.join(each.posted)}; {_asked_for(each)}"
        )
    named = [f"{each.number} of {each.participant}" for each in reach.documents[:NAMED_DOCUMENTS]]
    more = len(reach.documents) - len(named)
    if named:
        yield (
            f"   It touches {len(reach.documents)} issued document"
            f"{'s' if len(reach.documents) > 1 else ''}: {', '.join(named)}"
            + (f", and {more} more, which --json lists" if more else "")
        )


def reach_as_dict(reach: Reach) -> dict[str, Any]:
    """Return what a change touches as JSON values."""
    return {
        "settled_days": [each._asdict() for each in reach.days],
        "documents": [each._asdict() for each in reach.documents],
    }


def _asked_for(days: TouchedDays) -> str:
    if days.run is None or days.due_from is None or days.due_to is None:
        return "no run of the calendar is left that takes it up: adjust a later period"
    return f"it asks for run {days.run}, due {range_words(days.due_from, days.due_to)}"


def _digest_at(standing: Iterable[Record], at: dt.datetime) -> bytes | None:
    found = (each.digest for each in standing if covers(each.valid_from, each.valid_to, at))
    return next(found, None)
