"""A day of a market's log, read from its opening on, and taken again by a fresh machine."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from market import store
from market.course import Course
from market.law_book import Resolve
from market.leading import course_from
from market.log import EventEntry, Head, Opening
from market.replay import Replay
from market.store import Connection

EVENTS_AT_A_TIME = store.MOST_OF_A_BATCH
"""So that none is cut. With what they published, of a thousand holons each, they take some tens of
megabytes."""
UNTAKEABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What comes of a state, or an event, that no market could have written."""

Progress = Callable[[int, int], None]


class Stretch(NamedTuple):
    """A part of a log that is taken again by itself.

    Attributes:
        opening: of the day that it is; None: what came before there was law.
        following: the opening that comes next; None where the log goes no further.
        last: the last sequence.
    """

    opening: Opening | None
    following: Opening | None
    last: int

    @property
    def first(self) -> int:
        """The first sequence."""
        return self.opening.sequence if self.opening else 1


def stretches(connection: Connection, market: str) -> Iterator[Stretch]:
    """Yield the days of a log, in their order, and first what came before there was law."""
    # The head first: what is appended from here on, a day that begins too, is of another replay.
    end = store.head(connection, market).sequence
    openings = [
        None,
        *(each for each in store.openings(connection, market) if each.sequence <= end),
    ]
    for opening, following in zip(openings, [*openings[1:], None], strict=True):
        yield Stretch(opening, following, following.sequence - 1 if following else end)


def replay(
    connection: Connection,
    market: str,
    resolve: Resolve,
    stretch: Stretch,
    progress: Progress = lambda _done, _of: None,
) -> Replay:
    """Take a stretch of a log again, and compare all that comes of it with what is stored.

    Args:
        connection: in a transaction of the caller's; what is appended meanwhile is passed over.
        resolve: gives law.
        progress: told how many events are taken, of how many.
    """
    first, last = stretch.first, stretch.last
    try:
        replayed = Replay(
            course_from(connection, market, resolve, stretch.opening), stretch.opening
        )
    except UNTAKEABLE as unreadable:
        replayed = Replay(Course.begin(market, resolve), stretch.opening)
        replayed.course.head = Head(first - 1)
        replayed.fail(f"the opening of its day is no state of a market: {_reason(unreadable)}")
        return replayed
    try:
        for batches in batches_of(connection, market, first, last):
            _take(connection, replayed, batches)
            progress(batches[-1][-1].logged.sequence - first + 1, last - first + 1)
    except UNTAKEABLE as untakeable:
        replayed.fail(f"it cannot be taken again: {_reason(untakeable)}")
        return replayed
    replayed.close(stretch.following)
    return replayed


def batches_of(
    connection: Connection, market: str, first: int, last: int
) -> Iterator[list[list[EventEntry]]]:
    """Yield the batches of a stretch, some at a time; a batch is never cut."""
    while first <= last:
        read = store.events(connection, market, first, last, EVENTS_AT_A_TIME + 1)
        batches = [list(batch) for _, batch in groupby(read, key=lambda each: each.logged.batch)]
        if len(read) > EVENTS_AT_A_TIME and len(batches) > 1:
            batches.pop()  # it may go on
        if not batches:
            return
        yield batches
        first = batches[-1][-1].logged.sequence + 1


def _take(
    connection: Connection, replayed: Replay, batches: Sequence[Sequence[EventEntry]]
) -> None:
    first, last = batches[0][0].logged.sequence, batches[-1][-1].logged.sequence
    stored = store.publications(connection, replayed.market, first, last)
    published = {at: list(rows) for at, rows in groupby(stored, key=attrgetter("sequence"))}
    left = store.bookings(connection, replayed.market, first, last)
    booked = {at: list(rows) for at, rows in groupby(left, key=attrgetter("sequence"))}
    for batch in batches:
        replayed.take(batch, published, booked)
        published.pop(batch[0].logged.batch, None)
        booked.pop(batch[0].logged.batch, None)
        # At once, before what follows differs by a chain that goes over these.
        for rows in (published, booked):
            while rows and (sequence := next(iter(rows))) <= batch[-1].logged.sequence:
                replayed.leave(rows.pop(sequence))


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
