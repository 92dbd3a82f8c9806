"""What may stand in a part of an address: whatever the database could not take is no address.

A number beyond its column, or a day beyond the calendar, matches no route and is answered 404.
"""

import datetime as dt

from portal.days import parse_day, parse_period


class Number:
    """A line, an interval, a step: nine digits always fit PostgreSQL's integer."""

    regex = "[0-9]{1,9}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return its digits."""
        return str(value)


class Size(Number):
    """The size of a log: eighteen digits always fit a bigint."""

    regex = "[0-9]{1,18}"


class Anchor:
    """The anchor of a clause, such as MR-4.2, which no name of a document looks like."""

    regex = r"[A-Z]{2}-[0-9]+(?:\.[0-9]+)*"

    def to_python(self, value: str) -> str:
        """Return the anchor."""
        return value

    def to_url(self, value: str) -> str:
        """Return the anchor."""
        return value


class Period:
    """A month, a year, or from a day to a day, in the one form that addresses have."""

    regex = r"[0-9]{4}(?:-[0-9]{2})?|[0-9-]{10}\.\.[0-9-]{10}"

    def to_python(self, value: str) -> str:
        """Return the period as it is written.

        Raises:
            ValueError: there are no such days; Django takes that for no match.
        """
        if parse_period(value) is None:
            raise ValueError(f"no month and no year: {value}")
        return value

    def to_url(self, value: str) -> str:
        """Return the period as it is written."""
        return value


class Day:
    """A day in the one form that addresses have."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> dt.date:
        """Return the day.

        Raises:
            ValueError: there is no such day; Django takes that for no match.
        """
        day = parse_day(value)
        if day is None:
            raise ValueError(f"no day: {value}")
        return day

    def to_url(self, value: dt.date | str) -> str:
        """Return the day as it is written."""
        return str(value)
