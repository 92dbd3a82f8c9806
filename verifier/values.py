"""Values as the files write them: integers, texts, days, moments, digests and day vectors."""

import datetime as dt
import re
from functools import cache
from typing import Any

Row = dict[str, Any]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
VECTOR = re.compile(r"(?:0|-?[1-9][0-9]*)(?: (?:0|-?[1-9][0-9]*))*")
"""The one writing of a day vector, which is quicker looked at as a whole than number by number."""


def to_integer(value: object) -> int:
    """Return an integer of JSON, or of a cell of CSV."""
    if type(value) is int:
        return value
    if type(value) is str and value.lstrip("-").isdecimal():
        return int(value)
    raise ValueError(f"{value!r} is no integer")


def to_text(value: object) -> str:
    """Return a text."""
    if type(value) is not str:
        raise ValueError(f"{value!r} is no text")
    return value


def format_moment(moment: dt.datetime) -> str:
    """Return an instant as 2024-03-01T09:00:00.000000Z."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


@cache
def parse_moment(text: str) -> dt.datetime:
    """Return the instant of 2024-03-01T09:00:00.000000Z."""
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)


def parse_day(text: object) -> dt.date:
    """Return the day of 2024-03-01."""
    return dt.date.fromisoformat(to_text(text))


def list_days(first: object, last: object) -> list[str]:
    """Return the days from the first to the last."""
    start, end = parse_day(first), parse_day(last)
    return [(start + dt.timedelta(number)).isoformat() for number in range((end - start).days + 1)]


def parse_hex(text: object) -> bytes:
    """Return the bytes that are written in hexadecimal."""
    return bytes.fromhex(to_text(text))


def parse_vector(cell: object) -> list[int]:
    """Return the integers of a cell, which a space parts."""
    numbers = to_text(cell).split(" ")
    if VECTOR.fullmatch(to_text(cell)):
        return list(map(int, numbers))
    return [to_integer(number) for number in numbers]
