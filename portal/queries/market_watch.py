"""Who leads a market, for everybody; and what who runs it reads of its log and of what waits."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from market.core.events import Outcome

_WATCHED = text("SELECT * FROM market.watched(:market)")
_OUTCOMES = text("SELECT * FROM market.outcomes(:market, :first, :last)")
_APART = text("SELECT * FROM market.kept_apart(:market, :first, :last)")
_LEADERSHIPS = text("SELECT * FROM market.leadership()")
WAITS_AT_MOST = dt.timedelta(seconds=30)
"""What is handed in is taken within milliseconds; what waits longer, nobody takes."""
_STATES = {True: "is led", False: "is led by nobody at present"}


@dataclass(frozen=True)
class Leadership:
    """Whether somebody leads a market, and since when what was handed in waits.

    Attributes:
        was_led: whether anybody ever did.
        waiting_since: when the first that waits was handed in; None where nothing does.
    """

    has_leader: bool
    waiting_since: dt.datetime | None
    was_led: bool = True

    def waits_too_long(self, now: dt.datetime) -> bool:
        """Return whether what was handed in waits longer than any leader lets it."""
        return self.waiting_since is not None and now - self.waiting_since > WAITS_AT_MOST


def leaderships(session: Session) -> dict[str, Leadership]:
    """Return who leads each market that was ever led, or for which anything waits."""
    return {
        row.market: Leadership(row.has_leader, row.waiting_since, row.was_led)
        for row in session.execute(_LEADERSHIPS)
    }


@dataclass(frozen=True)
class Watch:
    """What became of what a market was told.

    Attributes:
        state: waiting, oldest_at, newest_at, epoch, sequence, sealed_up_to, has_leader.
        outcomes: events of the days by what became of them, in the order of `Outcome`.
        apart: those that were not taken, latest first, as many as are named.
    """

    state: Any
    first_day: dt.date
    last_day: dt.date
    outcomes: tuple[tuple[str, int], ...]
    apart: tuple[Any, ...]

    @property
    def leading(self) -> str:
        """Whether somebody leads at this moment, in words."""
        return _STATES[self.state.has_leader]

    @property
    def unsealed(self) -> int:
        """Events of the log that no leaf of the public log covers yet."""
        return int((self.state.sequence or 0) - self.state.sealed_up_to)


def watch(session: Session, market: str, first_day: dt.date, last_day: dt.date) -> Watch | None:
    """Return what became of the events of these days; None to who does not run the market."""
    state = session.execute(_WATCHED, {"market": market}).one_or_none()
    if state is None:
        return None
    asked = {"market": market, "first": first_day, "last": last_day}
    counts = {row.outcome: row.events for row in session.execute(_OUTCOMES, asked)}
    return Watch(
        state,
        first_day,
        last_day,
        tuple((each.value, counts[each.value]) for each in Outcome if each.value in counts),
        tuple(session.execute(_APART, asked)),
    )
