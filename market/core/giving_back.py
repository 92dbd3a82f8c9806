"""What comes of energy that was booked and is given back before it began.

A booking is a promise, and its price that of the grid with it. Whoever could give it back for
nothing would keep it where the price rises and be rid of it where it falls; and would sell what it
never has, book cheaply beside that sale, and be rid of the sale. With booked price b, and q the
price at its node once all is given back, or placed anew:

*Let go*. What a cancellation, or a change, takes out of an interval is owed ``energy x max(0, b -
q)`` at once, and is held to the price c that is charged there, as what is not taken, at the lower
of b and q (`settlement.core.booked`): together the fall of b to the lower of q and c. By q alone it
would be an option still, as a load that runs for a minute moves the price of all hours to come; by
c alone, whoever sells or buys between giving back and the interval would set what it pays. A sale
is bought back: q and c are prices of what is taken, and ``energy x max(0, q - b)`` is owed.

*Moved*. What a change places where it was costs at least what it did: its fall to q is owed at
once, and from then on it is booked at q; for a sale q is what is paid for net export. So a change
of nothing is owed nothing for.

*Ended*. Who supplies the point no more has no line there on the day: what is to come, and what was
let go and is to come, is owed its fall to q, on the last day that was its own, and no more.

Example: 4 kWh are sold at 0 per MWh, as that sale leaves nothing to be brought to the node, and
others book 3 kWh beside it. Given back, the price is 190: 4 x 190 / 1,000 is owed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from market.core.forward import MINUTE_US, Forward
from market.core.quotes import Placed, Request, Side
from settlement.core.rounding import WH_PER_MWH


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What is owed at once for energy of one interval that is given back, moved or ended.

    Attributes:
        minute: at which it was, in minutes since 1970.
        energy_wh: that was booked in the interval until then.
        fall_micro_per_mwh: of the price since it was booked, above 0; for a sale its rise.
    """

    minute: int
    energy_wh: int
    fall_micro_per_mwh: int

    @property
    def owed_micro(self) -> int:
        """What it comes to, rounded down."""
        return self.energy_wh * self.fall_micro_per_mwh // WH_PER_MWH


def given_back(
    forward: Forward,
    request: Request,
    node: str,
    minute: int,
    placed: Sequence[Placed],
    *,
    is_moved: bool = False,
) -> tuple[tuple[GivenBack, ...], tuple[Placed, ...]]:
    """Return what is owed at once for what was placed at a node, and that as it is held from now.

    Where there is no price nothing is owed at once: at no node, beyond the horizon, or where sums
    are too large to be exact.

    Args:
        node: of the point when it was asked, where law knows the point no more.
        is_moved: whether it was placed anew where it was.
    """
    seen = forward.seen_from(request.point, node) if placed else None
    if seen is None:
        return (), tuple(placed)
    owed: list[GivenBack] = []
    held: list[Placed] = []
    horizon = forward.horizon
    prices = seen.with_more(np.zeros(horizon.count, dtype=np.int64))
    is_sale = request.side is Side.SELL
    is_paid = is_sale and is_moved
    now = prices.sell_price_micro_per_mwh if is_paid else prices.price_micro_per_mwh
    for each in placed:
        # What begins with the law that ends it is of the interval before the first to come.
        place = max((each.start_minute - horizon.first_minute) // horizon.minutes, 0)
        if place >= horizon.count or seen.spare_w[place] < 0:
            held.append(each)
            continue
        rise = int(now[place]) - each.price_micro_per_mwh
        fall = max(rise if is_sale else -rise, 0)
        if fall:
            owed.append(GivenBack(minute, each.energy_wh, fall))
        price = each.price_micro_per_mwh + (fall if is_sale else -fall)
        held.append(replace(each, price_micro_per_mwh=price))
    return tuple(owed), tuple(held)


def moved_and_let_go(
    gave: Sequence[Placed], placed: Sequence[Placed]
) -> tuple[list[Placed], list[Placed]]:
    """Return what of energy that gave way is placed where it was, and what left its interval.

    Args:
        gave: what gave way.
        placed: what is placed in its stead.
    """
    moved, let_go = [], []
    for each in gave:
        stays_wh = min(each.energy_wh, sum(_within(each, other) for other in placed))
        moved.append(_part(each, stays_wh))
        let_go.append(_part(each, each.energy_wh - stays_wh))
    return [each for each in moved if each.energy_wh], [each for each in let_go if each.energy_wh]


def _within(gave: Placed, placed: Placed) -> int:
    """Return what is placed in the time of what gave way, by law of whatever intervals, in Wh."""
    ends = min(gave.end_minute, placed.end_minute)
    shared = max(ends - max(gave.start_minute, placed.start_minute), 0)
    return placed.energy_wh * shared // placed.minutes


def _part(placed: Placed, energy_wh: int) -> Placed:
    return replace(placed, energy_wh=energy_wh, power_w=energy_wh * 60 // placed.minutes)


def parted(placed: Sequence[Placed], at_us: int) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """Return what begins before a moment, and what begins then or later."""
    before = tuple(each for each in placed if each.start_minute * MINUTE_US < at_us)
    return before, tuple(each for each in placed if each not in before)
