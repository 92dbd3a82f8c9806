"""What is booked of what a flexible contract wants and is owed: lots, from refusal to service.

What a supply point newly wants in an interval and booked in it is a *lot* of the booking, by number
as far as the wish goes. Where the grid refuses it, it stays owed within the contract's window, and
booked: it has its own turn before what nobody booked (`order_of_service`), and keeps its price. Of
what is served of one deadline at a supply point the lots come first, those that are owed before
those that are new, then by number. What is declined, or still refused where the window closes, is
no lot any more; what had been refused and is then offered and not taken is told, too.

Energy in Wh is told of lots as what is left of each, rounded up: what is refused of one and then
served in parts sums exactly to what was refused.

Example: 150 W are booked in half-hours, 75 Wh. 100 W are served of it: 25 Wh, of 50 W, are refused.
33 W are served later: of 17 W 9 Wh are left, so 16 Wh are late; and then the 9.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from settlement.core.arrays import Flags, Integers


@dataclass(frozen=True, slots=True)
class Lot:
    """What is booked of what a supply point wants with one deadline.

    Attributes:
        point: index of its supply point.
        due: after so many intervals; 0 in the one that begins.
        number: of the booking.
        price_micro_per_mwh: at which it was booked.
        power_w: not negative.
    """

    point: int
    due: int
    number: int
    price_micro_per_mwh: int
    power_w: int


@dataclass(frozen=True, slots=True)
class LotServed:
    """What came of a lot in an interval, in W.

    Attributes:
        is_new: whether it was booked of this interval; else it had been refused before.
        served_w: delivered of it.
        left_w: refused of it, and owed on, or missed where the window closes.
    """

    lot: Lot
    is_new: bool
    served_w: int
    left_w: int

    def refused_wh(self, interval_minutes: int) -> int:
        """Return what is refused of it, rounded up."""
        return -(-self.left_w * interval_minutes // 60)

    def late_wh(self, interval_minutes: int) -> int:
        """Return what is served of it that had been refused before; 0 of what is new."""
        if self.is_new:
            return 0
        before_wh = -(-self.lot.power_w * interval_minutes // 60)
        return before_wh + (-(self.left_w + self._declined_w) * interval_minutes // 60)

    def declined_wh(self, interval_minutes: int) -> int:
        """Return what had been refused before, is offered now and not taken; 0 of what is new.

        With what is late and what is left it sums exactly to what was refused.
        """
        if self.is_new:
            return 0
        offered_wh = -(-(self.left_w + self._declined_w) * interval_minutes // 60)
        return offered_wh + (-self.left_w * interval_minutes // 60)

    @property
    def _declined_w(self) -> int:
        return self.lot.power_w - self.served_w - self.left_w


@dataclass(frozen=True, eq=False)
class BookedPower:
    """A booking of a flexible contract on a day of T intervals.

    Attributes:
        number: of the booking.
        point: index of its supply point.
        power_w, price_micro_per_mwh: shape (T,); power is not negative.
    """

    number: int
    point: int
    power_w: Integers
    price_micro_per_mwh: Integers


def new_lots(
    booked: Iterable[BookedPower], interval: int, desired_w: Integers, point_window: Integers
) -> tuple[Lot, ...]:
    """Return the lots of what is newly wanted in an interval, by number.

    Args:
        booked: by number, of supply points with a window alone.
        desired_w: shape (G,), new in the interval.
        point_window: shape (G,), intervals after which what is new is due.
    """
    left: dict[int, int] = {}
    lots = []
    for each in booked:
        wished = left.get(each.point, int(desired_w[each.point]))
        power_w = min(int(each.power_w[interval]), wished)
        left[each.point] = wished - power_w
        if power_w:
            price = int(each.price_micro_per_mwh[interval])
            due = int(point_window[each.point])
            lots.append(Lot(each.point, due, each.number, price, power_w))
    return tuple(lots)


def booked_of_waiting(lots: Iterable[Lot], waiting_w: Integers, indivisible: Flags) -> Integers:
    """Return what is booked of what may wait, shape (H + 1, G), in W; row 0 is 0.

    A request that is met whole or not at all is booked whole or counts as not booked.

    Args:
        waiting_w: shape (H + 1, G): row j of what is due after j intervals.
        indivisible: shape (G,).
    """
    booked = np.zeros_like(waiting_w)
    for lot in lots:
        if lot.due:
            booked[lot.due, lot.point] += lot.power_w
    return np.where(indivisible & (booked < waiting_w), 0, booked)


def serve_lots(
    owed: Sequence[Lot],
    new: Sequence[Lot],
    delivered_w: Integers,
    offered_w: Integers,
) -> tuple[LotServed, ...]:
    """Return what came of lots in an interval: those owed, in their order, and then the new ones.

    Args:
        delivered_w, offered_w: shape (H + 1, G), what was delivered and offered of each deadline;
            in row 0 of what is due.
    """
    delivered: dict[tuple[int, int], int] = {}
    offered: dict[tuple[int, int], int] = {}
    served = []
    for number, lot in enumerate((*owed, *new)):
        at = lot.due, lot.point
        given = min(lot.power_w, delivered.get(at, int(delivered_w[at])))
        held_out = min(lot.power_w, offered.get(at, int(offered_w[at])))
        delivered[at] = delivered.get(at, int(delivered_w[at])) - given
        offered[at] = offered.get(at, int(offered_w[at])) - held_out
        served.append(LotServed(lot, number >= len(owed), given, lot.power_w - held_out))
    return tuple(served)


def owed_on(served: Iterable[LotServed]) -> tuple[Lot, ...]:
    """Return the lots that are owed where an interval ends, by deadline and number."""
    lots = (
        replace(each.lot, due=each.lot.due - 1, power_w=each.left_w)
        for each in served
        if each.left_w and each.lot.due
    )
    return tuple(sorted(lots, key=lambda lot: (lot.due, lot.number, lot.point)))
