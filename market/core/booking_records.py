"""A booking as it stands: what was asked for, what is placed of it, and what became of that."""

from dataclasses import dataclass
from enum import StrEnum

from market.core.events import Event
from market.core.giving_back import GivenBack
from market.core.promises import Group
from market.core.quotes import Placed, Reason, Request

NUMBERS_OF_PLACED = 3
"""The most that a delivery says of what is placed alone; one that says more is of what was late."""


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
        energy_wh: of what is placed in it.
        not_taken_wh: what was booked of it and not wished for, and what was refused in intervals
            before, offered in this one and not taken.
        late_wh: of what was refused in intervals before, and served in this one.
    """

    start_minute: int
    at_us: int
    energy_wh: int
    not_taken_wh: int = 0
    late_wh: int = 0

    @property
    def delivered_wh(self) -> int:
        """All that the interval delivered of the booking."""
        return self.energy_wh + self.late_wh


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
        told: what they delivered, and others of the window served late, by their start.
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
        return sum(each.delivered_wh for each in self.told)

    @property
    def is_told(self) -> bool:
        """Whether of every interval that is placed it was told what it delivered."""
        told = {each.start_minute for each in self.told}
        return all(each.start_minute in told for each in self.placed)

    def placed_at(self, start_minute: int) -> Placed | None:
        """Return what is placed in the interval that starts then."""
        return next((each for each in self.placed if each.start_minute == start_minute), None)

    def begun(self, by_us: int) -> tuple[Placed, ...]:
        """Return what is placed in intervals that have begun by a moment."""
        return tuple(each for each in self.placed if each.has_begun(by_us))


def told_by(event: Event) -> Told:
    """Return the word of a delivery."""
    start_minute, *parts_wh = event.numbers
    return Told(start_minute, event.at_us, *parts_wh)
