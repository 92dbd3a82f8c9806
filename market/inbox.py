"""Handing events in: to the inbox of a market, from which who leads it takes them in their turn."""

import re
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from common.calendar_years import EARLIEST_DAY, LATEST_DAY
from common.refusals import Finding, shown
from database.bulk import driver_connection
from database.market_log import MOST_LISTED, MOST_TEXT, UNPRINTABLE
from market import store
from market.core.events import Event, Kind
from market.moments import EARLIEST_US, LATEST_US, local_day

UNSTORED = re.compile(f"[\0\ud800-\udfff]|{UNPRINTABLE}")
"""Beside what no text of an event has, what no database holds."""
INT64 = range(-(2**63), 2**63)


def submit(session: Session, market: str, events: Sequence[Event], *, by: str) -> list[Finding]:
    """Hand in events, in their order; return what is wrong with them, and then none is handed in.

    An event that is in the inbox or the log already, with the same content, is handed in no second
    time, and nothing is wrong with that. They are taken once the transaction is committed.

    Args:
        session: of the caller, not of a snapshot.
        market: whose events they are.
        events: of any moments and days.
        by: who hands them in, which the log keeps.
    """
    findings = [found for event in events for found in check(market, event)]
    if findings or not events:
        return findings
    with session.begin_nested() as savepoint:
        others = store.submit(driver_connection(session), market, events, by)
        if others:
            savepoint.rollback()
    return [_key_again(market, events[index]) for index in others]


def check(market: str, event: Event) -> Iterator[Finding]:
    """Yield what keeps an event out of the inbox, as `market.door` does."""
    place = place_of(market, event)
    if not EARLIEST_DAY <= event.day <= LATEST_DAY:
        limit = f"a day from {EARLIEST_DAY} to {LATEST_DAY}"
        yield Finding("event-day", place, str(event.day), limit, "correct the day")
    if not EARLIEST_US <= event.at_us < LATEST_US:
        limit = f"microseconds since 1970 from {EARLIEST_US} up to {LATEST_US}"
        yield Finding("event-moment", place, str(event.at_us), limit, "correct the moment")
    elif EARLIEST_DAY <= event.day <= LATEST_DAY and not _is_near(event):
        limit = "the local day of its moment, or of a reading the day of its interval"
        yield Finding("event-day", place, str(event.day), limit, "correct the day or the moment")
    texts = (event.key, event.entity, *event.words)
    wrong = [text for text in texts if len(text) > MOST_TEXT or UNSTORED.search(text)]
    if wrong or not event.key:
        limit = f"a key, and texts of at most {MOST_TEXT} printable characters each"
        value = shown(wrong[0]) if wrong else "no key"
        yield Finding("event-text", place, value, limit, "correct the text")
    for listed in (event.numbers, event.words):
        if len(listed) > MOST_LISTED:
            limit = f"at most {MOST_LISTED:,} numbers, and as many words"
            yield Finding("event-length", place, f"{len(listed):,}", limit, "split the event")
    number = next((number for number in event.numbers if number not in INT64), None)
    if number is not None:
        limit = "whole numbers of 64 bits"
        yield Finding("event-number", place, shown(str(number)), limit, "correct the number")


def place_of(market: str, event: Event) -> str:
    """Return how findings name an event."""
    return f"{market} {event.day} event {shown(event.key)}"


def _is_near(event: Event) -> bool:
    """Whether the day of an event may be that of its moment, whatever the zone of its market."""
    days = (event.day - local_day(event.at_us, "UTC")).days
    return days <= 1 and (event.kind is Kind.READING or days >= -1)


def _key_again(market: str, event: Event) -> Finding:
    return Finding(
        "event-key-again",
        place_of(market, event),
        f"{event.kind.value} of {shown(event.entity)}, and another is known under this key",
        "a key stands for one event of its market and day",
        "give the event a key of its own, or correct what it says to what was handed in",
    )
