"""What is owed for energy that was booked and is given back: the fall of its price since.

A booking is a promise, and its price that of the grid with it. Whoever could give it back for
nothing would keep it where the price rises and be rid of it where it falls; and would sell what it
never has, book cheaply beside that sale, and be rid of the sale. So what is given back is held to
the price of that moment as what is not taken is to the charged one: with booked price b, and q the
price at its node once it is given back, ``energy x max(0, b - q)`` for a purchase and
``energy x max(0, q - b)`` for a sale. A change takes out all that has not begun and places it anew:
q is the price once both is done, so what is placed where it was keeps at least its price, and a
change of nothing is owed nothing for.

It is owed in the interval in which it is given back, whenever it was to be had.

Example: 4 kWh are sold at 0 per MWh, as that sale leaves nothing to be brought to the node, and
others book 3 kWh beside it. Given back, the price is 190: 4 x 190 / 1,000 is owed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from market.core.forward import Forward
from market.core.quotes import Placed, Request, Side
from settlement.core.rounding import WH_PER_MWH


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What is owed for what was given back of one interval.

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
    forward: Forward, request: Request, placed: Sequence[Placed], minute: int
) -> Iterator[GivenBack]:
    """Yield what is owed for what was placed, and is given back by now, of a point that there is.

    Where sums are too large to be exact there is no price, and nothing is owed.
    """
    if not placed:
        return
    node, horizon = forward.at(request.point), forward.horizon
    prices = node.with_more(np.zeros(horizon.count, dtype=np.int64))
    is_sale = request.side is Side.SELL
    now = prices.sell_price_micro_per_mwh if is_sale else prices.price_micro_per_mwh
    for each in placed:
        place = (each.start_minute - horizon.first_minute) // horizon.minutes
        if not 0 <= place < horizon.count or node.spare_w[place] < 0:
            continue
        rise = int(now[place]) - each.price_micro_per_mwh
        fall = rise if is_sale else -rise
        if fall > 0:
            yield GivenBack(minute, each.energy_wh, fall)
