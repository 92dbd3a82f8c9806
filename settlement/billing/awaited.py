"""What a line says where prices come after quantities: written and read again in one place.

A sealed line has no field for it; its sentence says what it is made of:

    Levy on energy; 60 MWh of the month await a price
    Levy on energy; 60 MWh stated before have their price now

The amount of such a line is that of another quantity than the one it states, so no price is between
the two, not even an average.
"""

import re
from typing import NamedTuple

from common.currencies import NO_BREAK_SPACE
from common.quantities import quantity

AWAITING = "of the month await a price"
PRICED_NOW = "stated before have their price now"
_PART = re.compile(rf"; ([^;]+ (?:{AWAITING}|{PRICED_NOW}))(?=;|$)")


class Awaited(NamedTuple):
    """What of a charge awaits a price, and what documents before stated so and is priced now."""

    awaiting: int
    priced_now: int


NOTHING_AWAITED = Awaited(0, 0)


def awaited_words(awaited: Awaited, unit: str | None) -> str:
    """Return what a line adds to its sentence; nothing where no price is late.

    >>> awaited_words(Awaited(60_000_000, 3), "Wh")
    '; 60 MWh of the month await a price; 0.003 kWh stated before have their price now'
    """
    return "".join(
        f"; {quantity(number, unit or '').replace(NO_BREAK_SPACE, ' ')} {words}"
        for number, words in ((awaited.awaiting, AWAITING), (awaited.priced_now, PRICED_NOW))
        if number
    )


def awaited_parts(description: str) -> str:
    """Return what a line's sentence says of late prices; empty where it says nothing.

    >>> awaited_parts("Levy" + awaited_words(Awaited(3, 2), "days"))
    '3 days of the month await a price; 2 days stated before have their price now'
    """
    return "; ".join(_PART.findall(description))
