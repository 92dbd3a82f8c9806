"""The market's clock as it comes of all that a market was told: of its log, and of what waits.

Who leads a market moves its clock as it takes events (`market.core.machine`); here it is known
before they are taken, for whoever is about to tell of more.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

from market.core.events import Event, Kind
from market.core.machine import MOST_AHEAD_US, MOST_EARLY_US
from market.moments import microseconds_of
from market.store import Connection, now
from market.written import EVENT, stretches_before

FAR_HOURS = 25
"""A clock that is told each local midnight is never moved by more, where clocks go back either."""
FAR_US = FAR_HOURS * 3_600 * 1_000_000
NO_END = 2**63 - 1
TAKEN = """
SELECT max(at) FROM market.event
 WHERE market = %s AND sequence >= %s AND day = ANY(%s) AND outcome = 'taken'
"""
WAITING = "SELECT kind, at FROM market.submission WHERE market = %s ORDER BY number"


def clock_of(connection: Connection, market: str) -> int | None:
    """Return where the clock of a market stands once all is taken that waits, in microseconds.

    None where the market was told nothing that moves it.
    """
    clock_us = _taken_us(connection, market)
    now_us = microseconds_of(now(connection))
    for kind, at in connection.execute(WAITING, [market]):
        # What came past the door moves nothing, whatever it says.
        known = Kind(kind) if kind in tuple(Kind) else Kind.UNREADABLE
        clock_us = after(clock_us, known, microseconds_of(at), now_us)
    return clock_us


def after(clock_us: int | None, kind: Kind, at_us: int, now_us: int) -> int | None:
    """Return where the clock stands after an event that is handed in now, or waits."""
    if at_us > now_us + MOST_EARLY_US or kind is Kind.UNREADABLE:
        return clock_us
    if clock_us is None:
        return at_us if kind in (Kind.CLOCK, Kind.RULES) else None
    is_taken = kind is Kind.CLOCK or at_us <= clock_us + MOST_AHEAD_US
    return max(clock_us, at_us) if is_taken else clock_us


def far_ahead(clock_us: int, events: Sequence[Event], now_us: int) -> Iterator[tuple[Event, int]]:
    """Yield clock events far ahead of the clock as the events before leave it, which comes, too."""
    for event in events:
        if event.kind is Kind.CLOCK and event.at_us > clock_us + FAR_US:
            yield event, clock_us
        # What is named once is not named again at each event after it.
        clock_us = after(clock_us, event.kind, event.at_us, now_us) or clock_us


def _taken_us(connection: Connection, market: str) -> int | None:
    """Return the clock after the last event of the log: a stretch begins where it is moved on."""
    for stretch in stretches_before(connection, market, EVENT, NO_END)[:1]:
        asked = [market, stretch.sequence, stretch.days]
        # Planned for these days: other partitions are not even locked.
        row = connection.execute(TAKEN, asked, prepare=False).fetchone()
        at: dt.datetime | None = row[0] if row else None
        return None if at is None else microseconds_of(at)
    return None
