"""What flexible energy would be placed, and at which price: a quote.

A *request* is for energy, at most so much power at once, inside a window, at a price limit: the
highest for which it is bought, or the lowest for which it is sold. A quote places it in whole
intervals of the window that are to come:

1. An interval could carry the most that power, energy and the room over the node allow. A
   purchase has room until a holon over its node needs all that can be brought to it; a sale, as
   any net export, is bounded by no line. It is held to net export when it settles, so it has what
   its power leaves once it has covered what the point is to take itself.
2. Its tightness and price are those with that most included; where the price is beyond the limit
   it is not used.
3. Those that are left are filled, each up to its most, until the energy is placed. A purchase
   takes the least tight first, then the cheapest, then the earliest; a sale the tightest, the
   dearest, the earliest. So the last may be filled in part, at a price that is no worse.

Energy is in whole Wh. An interval of m minutes is carried at 60/m W for each Wh, a whole number, so
nothing is rounded: power and room count down to a multiple of it, and the energy placed is exactly
the energy asked for.

Example: 5 kWh at 3,000 W at most, half-hours of which the least tight has room for 2,501 W and the
next for more than enough: 1,250 Wh at 2,500 W, then 1,500 Wh at 3,000 W, twice where there is a
third, and the last 750 Wh at 1,500 W.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from market.core.events import Event
from market.core.forward import MINUTE_US, Forward, Horizon
from market.core.grid_state import MOST_W
from settlement.core.arrays import Flags, Integers

MOST_SALE_W = 10**10
"""Of one supply point in an interval: what is sold is bounded by no room, and what nobody means is
owed for. Ten gigawatts are more than any feeds in, and sums of many are exact yet."""
MOST_WAITING = 24
"""Requests of one supply point: each that waits is tried again whenever anything eases."""
MOST_WINDOW_MINUTES = 7 * 24 * 60
"""A week, as the longest window of a product."""
MOST_PRICE_MICRO_PER_MWH = 10**11
"""As the highest price of the rules, either way."""
LAST_MINUTE = 2**32
"""Of moments that are read: beyond the year 9999."""


class Side(StrEnum):
    """Which way energy goes."""

    BUY = "buy"
    SELL = "sell"


class Reason(StrEnum):
    """Why something is not had."""

    SHORT = "short"
    """There is not enough room over the node."""
    MANY = "too many wait"
    """It is short, and as many requests of its supply point wait as may."""
    PRICE = "beyond the price limit"
    """There is room, but not at that price."""
    WINDOW = "window too short"
    """The intervals of the window that are to come cannot carry the energy at that power."""
    OWN = "taken by the point itself"
    """The point is to take as much as it would feed in: nothing of it is net export."""
    HORIZON = "beyond the horizon"
    """The window begins after the intervals that are quoted."""
    BEGUN = "begun"
    """It is in intervals that have begun."""
    SUPPLIER = "supplier changed"
    """By the law that came another supplies the point, or nobody."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        point: the supply point.
        product: of the contract under which it is asked.
        side: whether energy is bought or sold.
        energy_wh: above 0.
        power_w: the most at once, above 0.
        earliest_minute, latest_minute: the window, in minutes since 1970-01-01T00:00Z.
        limit_micro_per_mwh: the highest price to buy at, the lowest to sell at.
    """

    point: str
    product: str
    side: Side
    energy_wh: int
    power_w: int
    earliest_minute: int
    latest_minute: int
    limit_micro_per_mwh: int

    @classmethod
    def of(cls, event: Event) -> "Request | None":
        """Return what a `request` asks for; None where it cannot be read."""
        if len(event.words) != 2 or event.words[1] not in tuple(Side) or not event.words[0]:
            return None
        nothing = cls(event.entity, event.words[0], Side(event.words[1]), 0, 0, 0, 0, 0)
        return nothing.changed(event.numbers)

    def changed(self, numbers: tuple[int, ...]) -> "Request | None":
        """Return it with other numbers; None where they cannot be read."""
        if len(numbers) != 5:
            return None
        energy_wh, power_w, earliest, latest, limit = numbers
        if not (0 < energy_wh <= MOST_W and 0 < power_w <= MOST_W):
            return None
        if not 0 <= earliest < latest <= min(LAST_MINUTE, earliest + MOST_WINDOW_MINUTES):
            return None
        if abs(limit) > MOST_PRICE_MICRO_PER_MWH:
            return None
        return replace(
            self,
            energy_wh=energy_wh,
            power_w=power_w,
            earliest_minute=earliest,
            latest_minute=latest,
            limit_micro_per_mwh=limit,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """Energy in one interval.

    Attributes:
        start_minute: of the interval, in minutes since 1970.
        minutes: its length.
        power_w: 60/minutes for each Wh.
        energy_wh: above 0.
        price_micro_per_mwh: with this energy included.
    """

    start_minute: int
    minutes: int
    power_w: int
    energy_wh: int
    price_micro_per_mwh: int

    @property
    def end_minute(self) -> int:
        """The end of the interval."""
        return self.start_minute + self.minutes

    def has_begun(self, by_us: int) -> bool:
        """Whether the interval has begun by a moment."""
        return self.start_minute * MINUTE_US <= by_us


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request would be given.

    Attributes:
        placed: energy in intervals, by their start; part of what was asked where there is a reason.
        reason: why not all is placed; None where all is.
    """

    placed: tuple[Placed, ...]
    reason: Reason | None = None

    @property
    def energy_wh(self) -> int:
        """All that is placed."""
        return sum(each.energy_wh for each in self.placed)


def quote(forward: Forward, request: Request, *, whole: bool = False) -> Quote:
    """Return what a request would be given now; nothing moves by this.

    Args:
        forward: knows the supply point.
        whole: whether a part is of no use, so that where it is short nothing is placed.
    """
    horizon = forward.horizon
    if request.earliest_minute >= horizon.end_minute:
        return Quote((), Reason.HORIZON)
    per_wh = 60 // horizon.minutes
    most_wh = min(request.power_w // per_wh, request.energy_wh)
    if _intervals(horizon, request) * most_wh < request.energy_wh:
        return Quote((), Reason.WINDOW)
    node, window = forward.at(request.point), _window(horizon, request)
    is_sale = request.side is Side.SELL
    room_w = _sale_room_w(forward, request) if is_sale else node.room_w
    carried_wh = np.where(window, np.minimum(room_w // per_wh, most_wh), 0)
    if is_sale:
        carried_wh[node.spare_w < 0] = 0
    is_short = int(carried_wh.sum()) < request.energy_wh
    if is_short and is_sale and _takes_itself(forward, request, window):
        return Quote((), Reason.OWN)
    if is_short and whole:
        return Quote((), Reason.SHORT)
    sign = -1 if is_sale else 1
    prices = node.with_more(sign * carried_wh * per_wh)
    price = prices.sell_price_micro_per_mwh if is_sale else prices.price_micro_per_mwh
    usable = (carried_wh > 0) & (sign * price <= sign * request.limit_micro_per_mwh)
    order = np.lexsort((sign * price, sign * prices.tightness_ppm))
    filled_wh = _filled(carried_wh, order[usable[order]], request.energy_wh)
    # What the last interval carries is less than was priced.
    prices = node.with_more(sign * filled_wh * per_wh)
    price = prices.sell_price_micro_per_mwh if is_sale else prices.price_micro_per_mwh
    placed = tuple(
        Placed(
            horizon.first_minute + place * horizon.minutes,
            horizon.minutes,
            int(filled_wh[place]) * per_wh,
            int(filled_wh[place]),
            int(price[place]),
        )
        for place in np.flatnonzero(filled_wh).tolist()
    )
    if int(filled_wh.sum()) == request.energy_wh:
        return Quote(placed)
    return Quote(placed, Reason.SHORT if is_short else Reason.PRICE)


def power_in(horizon: Horizon, placed: Iterable[Placed], *, is_sale: bool) -> dict[int, int]:
    """Return the power of what is placed, in W, by the place of each interval in a horizon.

    Where the law in force has intervals of another length, each holds its part of the time: rounded
    up where energy is bought, down where it is sold, of each that is placed alone, so that what is
    taken out is what was put in.
    """
    power_w: dict[int, int] = {}
    for each in placed:
        place = max((each.start_minute - horizon.first_minute) // horizon.minutes, 0)
        start = horizon.first_minute + place * horizon.minutes
        while start < each.end_minute and place < horizon.count:
            shared = min(each.end_minute, start + horizon.minutes) - max(start, each.start_minute)
            more_w = shared * each.power_w
            whole_w = -(more_w // horizon.minutes) if is_sale else -(-more_w // horizon.minutes)
            power_w[place] = power_w.get(place, 0) + whole_w
            start, place = start + horizon.minutes, place + 1
    return power_w


def _intervals(horizon: Horizon, request: Request) -> int:
    """Return how many whole intervals of the window are to come, within the horizon or after."""
    # The first that begins then or later, counted from one that begins with the horizon.
    wait = -(-(request.earliest_minute - horizon.first_minute) // horizon.minutes)
    first = horizon.first_minute + wait * horizon.minutes
    first = max(first, horizon.first_minute)
    return max((request.latest_minute - first) // horizon.minutes, 0)


def _window(horizon: Horizon, request: Request) -> Flags:
    """Return which intervals of the horizon lie in the window, shape (T,)."""
    starts = horizon.starts
    inside: Flags = (starts >= request.earliest_minute) & (
        starts + horizon.minutes <= request.latest_minute
    )
    return inside


def _sale_room_w(forward: Forward, request: Request) -> Integers:
    """Return how much a supply point may sell, shape (T,).

    That is until its sum passes `MOST_SALE_W`, and what its power leaves once its own use is
    covered.

    Example: 5 kW of a home that is to take 0.5 kW: it may sell 4.5 kW.
    """
    until_w = forward.booked_at_w(request.point) + MOST_SALE_W
    left_w = request.power_w - np.maximum(forward.net_w(request.point), 0)
    room_w: Integers = np.maximum(np.minimum(until_w, left_w), 0)
    return room_w


def _takes_itself(forward: Forward, request: Request, window: Flags) -> bool:
    """Return whether a point is to take anything itself in a window."""
    return bool((forward.net_w(request.point)[window] > 0).any())


def _filled(carried_wh: Integers, order: Integers, energy_wh: int) -> Integers:
    """Return what each interval is filled with, in an order, until the energy is placed."""
    before = np.cumsum(carried_wh[order]) - carried_wh[order]
    filled = np.zeros_like(carried_wh)
    filled[order] = np.clip(energy_wh - before, 0, carried_wh[order])
    return filled
