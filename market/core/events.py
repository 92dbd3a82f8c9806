"""What happens to a market, fact by fact, as its log holds it.

Two families. *Telemetry* says what power is now: it moves the prices that are published while an
interval runs. A *reading* says what energy an interval came to: it makes the price of that interval
ex post, and is what settles. They need not agree, and how far they differ is reported.

Every event is a handful of integers and names. Its place in the log is a number without gaps and a
digest over itself and all events before it::

    digest = SHA-256(0x02 || digest before || fields)

where fields are written as those of the ledger (`ledger.chain`), under the tag
``tallystick.market-event.1``, in the order of `Event` and then of what the log says of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    """What an event says. Beside each: whom it is about, its numbers, its words."""

    # Telemetry: of now.
    AVAILABILITY = "availability"
    """A unit; W that it could feed in, not negative."""
    OUTAGE = "outage"
    """A unit; it can feed in nothing, whatever it says it could, until it returns."""
    RETURN = "return"
    """A unit."""
    LINE_RATING = "line-rating"
    """A line; W that it carries forward and backward, not negative; 0 is out of service."""
    DEMAND = "demand"
    """A supply point; W that it takes, below nothing where it feeds in."""
    CLOCK = "clock"
    """Nobody; nothing happened until this moment that is not in the log."""
    RULES = "rules"
    """Nobody; digest of the law in force from this moment on."""

    # Of an interval that has passed.
    READING = "reading"
    """A unit or a supply point; interval from 0, revision from 0, W or Wh by the measure; measure
    and quality. Its moment is that at which it was read, after the interval."""

    # Of intervals to come.
    FORECAST = "forecast"
    """A unit or a supply point; first interval's start in minutes since 1970, W of each."""
    REQUEST = "request"
    """A supply point; energy in Wh, the most power in W, earliest and latest in minutes since 1970,
    and the highest price (to sell: the lowest) in micro per MWh; product, and "buy" or "sell"."""
    CHANGE = "change"
    """A supply point; numbers as of a request; key of the booking."""
    CANCEL = "cancel"
    """A supply point; key of the booking."""
    DELIVERY = "delivery"
    """A supply point; start of an interval in minutes since 1970, and the Wh that it delivered of
    the booking, did not take of it, and served late of what was refused before; the last two may be
    left out; key of the booking."""

    UNREADABLE = "unreadable"
    """Nobody; the text of what stood in the inbox and no market can read. It moves nothing."""


TELEMETRY = frozenset({Kind.AVAILABILITY, Kind.OUTAGE, Kind.RETURN, Kind.LINE_RATING, Kind.DEMAND})
FORWARD = frozenset({Kind.FORECAST, Kind.REQUEST, Kind.CHANGE, Kind.CANCEL, Kind.DELIVERY})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        day: the local day by which the log keeps it: of its moment, or of a reading's interval.
        key: names it among the events of its market and day; whoever sends it twice sends it once.
        kind: what it says.
        entity: whom it is about; empty where it is about nobody.
        at_us: when it happened, in microseconds since 1970-01-01T00:00Z.
        numbers, words: as the kind says.
    """

    day: date
    key: str
    kind: Kind
    entity: str
    at_us: int
    numbers: tuple[int, ...] = ()
    words: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What became of an event; the log keeps it whatever that is."""

    TAKEN = "taken"
    OLDER = "older"
    """Something later is known of the same entity; nothing moves."""
    LATE = "late"
    """It came after the delay that the rules accept; it is kept apart."""
    AHEAD = "ahead"
    """Its moment is further ahead of the market's clock than an event may be, or later than it was
    handed in."""
    MISDATED = "misdated"
    """Its day is not the local day of its moment."""
    CONTRADICTED = "contradicted"
    """The same revision of the same reading said something else; what was said first stands."""
    UNKNOWN = "unknown"
    """The law in force knows no such entity, or the market no such booking of it."""
    UNREADABLE = "unreadable"
    """Its numbers or words are not those of its kind."""
    TOO_LARGE = "too large"
    """With it, sums over the market would pass what is computed exactly."""
    AGAIN = "again"
    """Its key names a booking of another day that is not forgotten yet."""
    REFUSED = "refused"
    """What it asks for cannot be had; see its booking."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in its place.

    Attributes:
        sequence: from 1, without gaps, of the market.
        batch: sequence of the first event that was taken together with it.
    """

    sequence: int
    batch: int
    event: Event
    outcome: Outcome


def batches(logged: Sequence[Logged]) -> list[list[Logged]]:
    """Return events, in their order, by the batch in which they were taken."""
    found: list[list[Logged]] = []
    for each in logged:
        if not found or found[-1][0].batch != each.batch:
            found.append([])
        found[-1].append(each)
    return found
