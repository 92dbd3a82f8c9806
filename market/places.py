"""Where a publication stands in a market's log, as a stream and its readers name it."""

import re
from typing import NamedTuple

_PLACE = re.compile(r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,3})")


class Place(NamedTuple):
    """The batch that published, by its first sequence, and the place among what that published."""

    sequence: int = 0
    part: int = 0

    def __str__(self) -> str:
        return f"{self.sequence}.{self.part}"


def read_place(text: str) -> Place | None:
    """Return the place that a text names, or None where it names none.

    >>> read_place("12.1"), read_place("12"), read_place("-1.1")
    (Place(sequence=12, part=1), None, None)
    """
    found = _PLACE.fullmatch(text)
    return Place(int(found[1]), int(found[2])) if found else None
