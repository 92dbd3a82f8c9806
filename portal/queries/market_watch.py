"""What who runs a market reads of its log: who leads, what waits, and what was kept apart."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from market.core.events import Outcome

_WATCHED = text("SELECT * FROM market.watched(:market)")
_OUTCOMES = text("SELECT * FROM market.outcomes(:market, :first, :last)")
_APART = text("SELECT * FROM market.kept_apart(:market, :first, :last)")
_STATES = {True: "is led", False: "is led by nobody at present"}


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
