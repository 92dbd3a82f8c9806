"""Days that people ask for in addresses: written one way, and within what calendars can count."""

import datetime as dt
import re
from calendar import monthrange
from zoneinfo import ZoneInfo

from common.calendar_years import EARLIEST_DAY, LATEST_DAY
from rulebook.days import day_start

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HAS_TIME = re.compile(r"[ T][0-9]{2}:[0-9]{2}")


def parse_day(text: str) -> dt.date | None:
    """Return a day as it is written in addresses; None for anything else.

    `fromisoformat` alone takes 20240115 and 2024-W03-1 as well; a day has one address.

    >>> parse_day("2024-01-15"), parse_day("20240115"), parse_day("2024-02-30")
    (datetime.date(2024, 1, 15), None, None)
    >>> parse_day("9999-12-31"), parse_day("0000-01-01")
    (None, None)
    """
    if not _FORM.fullmatch(text):
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST_DAY <= day <= LATEST_DAY else None


def day_complaint(text: str) -> str:
    """Return what is wrong with what was asked for as a day, and how one is written.

    >>> day_complaint("9999-12-31")[:60]
    '“9999-12-31” is not a day from 1900-01-01 to 2999-12-31; wri'
    """
    return (
        f"“{text[:40]}” is not a day from {EARLIEST_DAY} to {LATEST_DAY}; write it as 2024-01-15."
    )


def parse_month(month: str) -> tuple[dt.date, dt.date] | None:
    """Return the first and last day of a month written as 2024-01, or None."""
    first = parse_day(f"{month}-01")
    if first is None:
        return None
    return first, first + dt.timedelta(days=monthrange(first.year, first.month)[1] - 1)


RANGE = ".."
"""Between the first and the last of days that are neither a month nor a year."""


def parse_period(text: str) -> tuple[dt.date, dt.date] | None:
    """Return the first and last day of a month, a year or a range as addresses have them, or None.

    >>> [str(day) for day in parse_period("2024-02")], parse_period("2024-13")
    (['2024-02-01', '2024-02-29'], None)
    >>> [str(day) for day in parse_period("2024")], parse_period("24")
    (['2024-01-01', '2024-12-31'], None)
    >>> [str(day) for day in parse_period("2024-03-30..2024-03-31")]
    ['2024-03-30', '2024-03-31']
    """
    if RANGE in text:
        first, last = (parse_day(part) for part in text.split(RANGE, 1))
        if first is None or last is None or last < first:
            return None
        # A month has one address, and so has a year.
        return (first, last) if period_of(first, last) == text else None
    if "-" in text:
        return parse_month(text)
    january = parse_month(f"{text}-01")
    return january and (january[0], january[0].replace(month=12, day=31))


def period_of(first: dt.date, last: dt.date) -> str:
    """Return days as an address has them: a month, a year, or else both ends.

    >>> day = dt.date
    >>> period_of(day(2024, 2, 1), day(2024, 2, 29)), period_of(day(2024, 1, 1), day(2024, 12, 31))
    ('2024-02', '2024')
    """
    for text in (f"{first.year:04}-{first.month:02}", f"{first.year:04}"):
        if parse_period(text) == (first, last):
            return text
    return f"{first}{RANGE}{last}"


def period_words(first: dt.date, last: dt.date) -> str:
    """Return days as people call them.

    >>> day = dt.date
    >>> period_words(day(2024, 2, 1), day(2024, 2, 29)), period_words(
    ...     day(2024, 3, 30), day(2024, 3, 31))
    ('February 2024', '30 Mar 2024 to 31 Mar 2024')
    """
    text = period_of(first, last)
    if RANGE in text:
        return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"
    return f"{first:%B %Y}" if "-" in text else text


KNOWN_FORM = (
    "write a day as 2024-03-01, which stands for its end, or a moment as 2024-03-01 09:00, by the "
    "clock of {zone}, or as 2024-03-01T09:00Z"
)


def parse_known(text: str, zone: str, now: dt.datetime) -> dt.datetime | None:
    """Return the moment of knowledge that people write, in UTC; None for anything else.

    A day is its end, and today is now. What has no offset is by the clock of `zone`: where the
    clock goes back, the first of two, and of what it leaves out, what it would have been.

    >>> now = dt.datetime(2024, 7, 2, 9, 0, tzinfo=dt.UTC)
    >>> str(parse_known("2024-07-01", "Europe/London", now))
    '2024-07-01 23:00:00+00:00'
    >>> parse_known("2024-07-02", "Europe/London", now) == now
    True
    >>> str(parse_known("2024-07-01 10:30", "Europe/London", now))
    '2024-07-01 09:30:00+00:00'
    """
    day = parse_day(text)
    if day is not None:
        begins, ends = day_start(day, zone), day_start(day + dt.timedelta(days=1), zone)
        return now if begins <= now < ends else ends
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if not EARLIEST_DAY <= moment.date() <= LATEST_DAY or not _HAS_TIME.search(text):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(dt.UTC)


def is_left_out(text: str, zone: str) -> bool:
    """Return whether a moment that people write is none by a clock: it goes forward over it.

    >>> is_left_out("2024-03-31 01:30", "Europe/London"), is_left_out("2024-03-31T01:30Z", "UTC")
    (True, False)
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    if moment.tzinfo is not None or not EARLIEST_DAY <= moment.date() <= LATEST_DAY:
        return False
    shown = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC).astimezone(ZoneInfo(zone))
    return shown.replace(tzinfo=None) != moment


def known_complaints(
    text: str, known: dt.datetime | None, zone: str, now: dt.datetime
) -> list[str]:
    """Return what is wrong with what was asked for as a moment of knowledge, if anything is."""
    if known is None:
        within = f"from {EARLIEST_DAY} to {LATEST_DAY}"
        form = KNOWN_FORM.format(zone=zone)
        return [f"“{text[:40]}” is neither a day nor a moment {within}; {form}."]
    if known > now:
        return [f"“{text[:40]}” has not come yet: what will be known then, nobody can say."]
    return []


INSTANT_FORM = "write it as 2024-03-01T09:00Z, with its offset"


def parse_instant(text: str) -> dt.datetime | None:
    """Return an instant of ISO 8601 with an offset or Z, in UTC; None for anything else.

    >>> parse_instant("2024-03-01T10:00+01:00")
    datetime.datetime(2024, 3, 1, 9, 0, tzinfo=datetime.timezone.utc)
    >>> parse_instant("2024-03-01T10:00"), parse_instant("9999-12-31T23:59Z")
    (None, None)
    """
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    # Further out, it is beyond what Python counts in some zone.
    if instant.tzinfo is None or not EARLIEST_DAY <= instant.date() <= LATEST_DAY:
        return None
    return instant.astimezone(dt.UTC)


def instant_complaint(text: str) -> str:
    """Return what is wrong with what was asked for as an instant, and how one is written."""
    within = f"from {EARLIEST_DAY} to {LATEST_DAY}"
    return f"“{text[:40]}” is not an instant {within}; {INSTANT_FORM}."
