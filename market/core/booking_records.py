"""A booking as it stands: what was asked for, what is placed of it, and what became of that."""

from dataclasses import dataclass
from enum import StrEnum

from market.core.giving_back import GivenBack
from market.core.promises import Group
from market.core.quotes import Placed, Reason, Request


class State(StrEnum):
    """Where a booking stands."""

    BOOKED = "booked"
    WAITING = "waiting"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    DELIVERED = "delivered"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Told:
    """What an interval delivered of a booking, and the moment of the word that stands.

    Attributes:
        not_taken_wh: what was booked of it and not wished for.
    """

    start_minute: int
    at_us: int
    energy_wh: int
    not_taken_wh: int = 0


@dataclass(frozen=True, slots=True)
class BookingRecord:
    """A booking as it stands from a moment on.

    Attributes:
        key: of its request, by which later events name it.
        number: of its request among those of the market, from 1.
        at_us: the market's clock.
        request: as it was last changed.
        participant: the supplier of the supply point when it was asked, whose booking it is.
        group: node of the supply point when it was asked, and product.
        state: where it stands.
        reason: why it was not had, or the last change of it was not; None where it was.
        placed: energy in intervals, by their start.
        told: what they delivered, by their start.
        given_back: what was owed at once for what was given back, in the order in which it was.
        let_go: what was given back, at the price at which it is held to that charged.
    """

    key: str
    number: int
    at_us: int
    request: Request
    participant: str
    group: Group
    state: State
    reason: Reason | None = None
    placed: tuple[Placed, ...] = ()
    told: tuple[Told, ...] = ()
    given_back: tuple[GivenBack, ...] = ()
    let_go: tuple[Placed, ...] = ()

    @property
    def booked_wh(self) -> int:
        """All energy that is placed."""
        return sum(each.energy_wh for each in self.placed)

    @property
    def delivered_wh(self) -> int:
        """All energy of which it was told that it was delivered."""
        return sum(each.energy_wh for each in self.told)

    def begun(self, by_us: int) -> tuple[Placed, ...]:
        """Return what is placed in intervals that have begun by a moment."""
        return tuple(each for each in self.placed if each.has_begun(by_us))
