"""What comes of bookings by the meter, and what their lines come to.

*A booking* is settled twice: the supply point's own lines charge what it takes, as if it had booked
nothing, and a line of the booking holds what was booked to it. In each interval

- *delivered* is what the point took of it, as it settles;
- *refused* is what the meter says that it wished for, and its contract was not served;
- *not taken* is the rest;

and of what was refused of it before, by a contract whose window was open (`booked_lots`), *late* is
what is served in an interval, and *declined* what is offered in it and not taken. With booked price
b and charged price c the line of a purchase comes to::

    delivered x (b - c)  -  refused x max(0, c - b)  +  not taken x max(0, b - c)
    +  late x (b - c)  +  declined x max(0, b - c)

so what is delivered costs its booked price in all, whenever it is served; who is refused what is
essential is given what it costs to buy anew; and nobody gains by booking what it does not take: its
energy counts against it where the price fell, and for nothing where it rose. For a sale, held to
net export, b and c change places; and what of it is not fed in is bought in its stead, so its c is
then the price of what is taken. By the price of net export, which may rise less, a sale that nobody
means would cost less than it saves whoever books beside it.

Delivered, late and refused count in the part in which the point's energy pays the price: by
subscription it pays a share of the costs, and no price that a booking could hedge. What is not
taken counts whole, as the grid was kept free for it. Several bookings of one point, one interval
and one side are filled by their number.

What a flexible contract refuses is owed, and served within its window at the price at which it was
booked: it buys nothing anew, and is given nothing where it was refused. Of several prices of what
is late in one interval the mean by energy counts, rounded down. It is owed and not a choice: who
declines it where it is offered pays the fall of its price, as for all that is not taken, or a wish
too large would be an option that costs nothing. Where a point feeds in while it is served late,
what is late of it costs it what less net export would have been paid, and is held to that price.

What was given back before it began is owed its fall in price, as the market found it, in the
interval in which it was given back; and in its own interval it is held to the charged price, as
what is not taken, at the price that it had fallen to.

Example: booked 100 Wh at 60, charged price 90, all of it dynamic. Of 100 Wh that are wished for 80
are served: 80 x (60 - 90) - 20 x (90 - 60) = -3,000 Wh x micro per MWh. Had 70 been wished for and
served: 70 x -30 + 30 x 0 = -2,100. Had the price been 40 then: 70 x 20 + 30 x 20 = 2,000.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from settlement.core.arrays import Flags, Integers, require_int64
from settlement.core.booked import (
    BOOKED,
    CHARGE,
    DECLINED,
    DELIVERED,
    LATE,
    LATE_PRICE,
    REFUSED,
    Booked,
    Table,
    booking_entity,
    fallen,
)
from settlement.core.booked_lots import LotServed
from settlement.core.rounding import WH_PER_MWH
from settlement.core.tightness import PPM


class Held(NamedTuple):
    """A booking held to the meter, each of shape (T,) and not negative, in Wh.

    Attributes:
        late_wh: served of what had been refused before.
        late_price_micro_per_mwh: at which that was booked, the mean by energy; 0 where nothing is.
        declined: by interval, of what had been refused before the energy that was offered and not
            taken, in Wh, and the price at which it was booked, in micro per MWh.
    """

    delivered_wh: Integers
    refused_wh: Integers
    not_taken_wh: Integers
    late_wh: Integers
    late_price_micro_per_mwh: Integers
    declined: Mapping[int, tuple[tuple[int, int], ...]] = MappingProxyType({})

    @property
    def by_interval(self) -> tuple[Integers, ...]:
        """All of it that is an array, in order."""
        return self[:5]

    @property
    def declined_wh(self) -> Integers:
        """Shape (T,), what is declined."""
        declined = np.zeros_like(self.late_wh)
        for interval, rows in self.declined.items():
            declined[interval] = sum(energy_wh for energy_wh, _ in rows)
        return declined


class Flexible(NamedTuple):
    """What Fair Play says of flexible contracts on a day of T intervals.

    Attributes:
        is_owed: shape (G,), whether what is refused is owed, and served later.
        lots: T entries, what came of what is booked.
        interval_minutes: length of an interval.
    """

    is_owed: Flags
    lots: Sequence[Sequence[LotServed]]
    interval_minutes: int


def hold_to_meter(
    bookings: Sequence[Booked],
    metered_wh: Integers,
    taken_wh: Integers,
    flexible: Flexible | None = None,
) -> list[Held]:
    """Return what was delivered of bookings, refused, and not taken, in their order.

    Args:
        bookings: by their number.
        metered_wh, taken_wh: shape (G, T), as the meter says, and as it settles; negative is net
            export. They differ where a contract was not served all that the meter says.
        flexible: what Fair Play says of flexible contracts, of which what is refused is owed; None
            where there are none.
    """
    lots = _LotsOfDay(flexible, metered_wh.shape[1])
    left: dict[tuple[int, bool], tuple[Integers, Integers]] = {}
    found = []
    for booking in bookings:
        key, sign = (booking.point, booking.is_sale), -1 if booking.is_sale else 1
        late = 0 if booking.is_sale else lots.late_at(booking.point)
        wished, served = left.get(key) or (
            np.maximum(sign * metered_wh[booking.point], 0),
            np.maximum(sign * taken_wh[booking.point] - late, 0),
        )
        # What was owed is served beside what is wished for: then more is delivered, none refused.
        wished_of_it = np.minimum(booking.energy_wh, wished)
        if flexible is not None and flexible.is_owed[booking.point] and not booking.is_sale:
            refused = np.minimum(lots.refused_of(booking.number), booking.energy_wh)
            delivered = np.minimum(booking.energy_wh - refused, served)
        else:
            delivered = np.minimum(booking.energy_wh, served)
            refused = np.maximum(wished_of_it - delivered, 0)
        left[key] = (wished - wished_of_it, served - delivered)
        not_taken = booking.energy_wh - delivered - refused
        late_of, declined = lots.late_of(booking.number), lots.declined_of(booking.number)
        found.append(Held(delivered, refused, not_taken, *late_of, declined))
    return found


class _LotsOfDay:
    """What was refused and late of bookings, by number, and late at supply points; (T,) each."""

    def __init__(self, flexible: Flexible | None, intervals: int) -> None:
        self._nothing = np.zeros(intervals, dtype=np.int64)
        self._refused, self._late = dict[int, Integers](), dict[int, Integers]()
        self._late_of_point, self._worth = dict[int, Integers](), dict[int, list[int]]()
        self._declined = dict[int, dict[int, tuple[tuple[int, int], ...]]]()
        if flexible is None:
            return
        for interval, lots in enumerate(flexible.lots):
            for each in lots:
                self._add(interval, each, flexible.interval_minutes)

    def _add(self, interval: int, served: LotServed, minutes: int) -> None:
        number, point = served.lot.number, served.lot.point
        if served.is_new:
            self._row(self._refused, number)[interval] += served.refused_wh(minutes)
            return
        late_wh = served.late_wh(minutes)
        self._row(self._late, number)[interval] += late_wh
        self._row(self._late_of_point, point)[interval] += late_wh
        # In Python's integers, as energy x price may pass int64.
        worth = self._worth.setdefault(number, [0] * len(self._nothing))
        worth[interval] += late_wh * served.lot.price_micro_per_mwh
        if declined_wh := served.declined_wh(minutes):
            rows = self._declined.setdefault(number, {})
            row = declined_wh, served.lot.price_micro_per_mwh
            rows[interval] = (*rows.get(interval, ()), row)

    def _row(self, rows: dict[int, Integers], key: int) -> Integers:
        return rows.setdefault(key, self._nothing.copy())

    def refused_of(self, number: int) -> Integers:
        """Return what was refused of a booking in its intervals, rounded up."""
        return self._refused.get(number, self._nothing)

    def late_at(self, point: int) -> Integers:
        """Return what was late at a supply point, of all its bookings."""
        return self._late_of_point.get(point, self._nothing)

    def late_of(self, number: int) -> tuple[Integers, Integers]:
        """Return what was late of a booking, and the mean price at which it was booked."""
        late_wh = self._late.get(number, self._nothing)
        worth = self._worth.get(number, [])
        mean = [each // wh if wh else 0 for each, wh in zip(worth, late_wh.tolist(), strict=False)]
        return late_wh, np.array(mean or self._nothing, dtype=np.int64)

    def declined_of(self, number: int) -> Mapping[int, tuple[tuple[int, int], ...]]:
        """Return what was declined of a booking, see `Held`."""
        return self._declined.get(number, {})


def booking_charge_micro(
    booking: Booked,
    held: Held,
    prices: tuple[Integers, Integers],
    priced_wh: Integers,
    taken_wh: Integers,
    dynamic_ppm: int,
    refused_ppm: int,
) -> list[int]:
    """Return what the line of a booking comes to, in each of T intervals, + is owed.

    The running exact sum is rounded down, and an interval gets its step, as
    `rounding.energy_amounts_micro` does. Parts of energy are whole Wh, rounded down.

    Args:
        booking: and as it was `held` to the meter.
        prices: shape (T,), charged, and paid for net export, at its node.
        priced_wh: shape (T,), in Wh x ppm, what of the energy taken pays that price.
        taken_wh: shape (T,), of the point as it settles; negative is net export.
        dynamic_ppm: the part of the point's energy that pays a price at all.
        refused_ppm: the part of what is refused that is given what it costs to buy anew.
    """
    # In Python's integers: energy x price of a large booking passes 64 bits, and bookings are few.
    rows = booking.price_micro_per_mwh, *held.by_interval
    of_booking = zip(*(row.tolist() for row in rows), strict=True)
    of_point = zip(*(row.tolist() for row in (*prices, priced_wh, taken_wh)), strict=True)
    running, before = 0, 0
    amounts: list[int] = []
    for interval, (own, at_point) in enumerate(zip(of_booking, of_point, strict=True)):
        booked, delivered, refused, not_taken, late, late_price = own
        buying, selling, priced, taken = at_point
        dearer = selling - booked if booking.is_sale else booked - buying
        hedged = hedged_wh(booking.is_sale, delivered, priced, taken, dynamic_ppm)
        compensated = refused * refused_ppm // PPM
        running += hedged * dearer - compensated * max(-dearer, 0)
        running += booking.not_taken_at(interval, buying, not_taken)
        running += booking.given_back.get(interval, 0)
        running += fallen(held.declined.get(interval, ()), buying)
        for energy, price, is_fed_in in late_parts(late, taken, buying, selling):
            hedged = hedged_wh(is_fed_in, energy, priced, taken, dynamic_ppm)
            running += hedged * (late_price - price)
        amounts.append(running // WH_PER_MWH - before)
        before = running // WH_PER_MWH
    return amounts


def late_parts(
    late_wh: int, taken_wh: int, buying_micro_per_mwh: int, selling_micro_per_mwh: int
) -> tuple[tuple[int, int, bool], ...]:
    """Return the parts of what is late that are not 0: taken, and fed in less.

    Each is its energy in Wh, the price that it costs, in micro per MWh, and which of the two it is.

    Example: 50 Wh would have been fed in and 30 are served late: the point feeds in 20, taken -20,
    and 30 Wh cost what they would have been paid. Had it fed in 10, 20 Wh would cost the price of
    what is taken.
    """
    taken_of_it = min(late_wh, max(taken_wh, 0))
    parts = (
        (taken_of_it, buying_micro_per_mwh, False),
        (late_wh - taken_of_it, selling_micro_per_mwh, True),
    )
    return tuple(part for part in parts if part[0])


def hedged_wh(
    is_sale: bool, delivered_wh: int, priced_wh: int, taken_wh: int, dynamic_ppm: int
) -> int:
    """Return how much of what is delivered pays the price that it was booked beside, in Wh.

    Of a purchase it is the part of all that the point takes that does; of a sale the dynamic part.

    Example: of 80 Wh, where half of all energy is dynamic and a tenth lies above a block that pays
    the price of the node, 0.55 of it: 44 Wh.
    """
    # What is late is rounded up, so that a Wh of it may be of an interval that rounds it down.
    if is_sale or taken_wh <= 0:
        return delivered_wh * dynamic_ppm // PPM
    return delivered_wh * priced_wh // (taken_wh * PPM)


def booking_tables(
    bookings: Sequence[Booked],
    points: Sequence[str],
    metered_wh: Integers,
    taken_wh: Integers,
    priced_wh: Integers,
    dynamic_ppm: Integers,
    prices: tuple[Integers, Integers],
    flexible: Flexible | None = None,
) -> list[Table]:
    """Return the results of a day's bookings; none of one of which nothing is of the day.

    Args:
        bookings: by their number.
        points: ids of the G supply points.
        metered_wh, taken_wh: as `hold_to_meter` takes them.
        priced_wh: shape (G, T), see `booking_charge_micro`.
        dynamic_ppm: shape (G,).
        prices: charged, and paid for net export, at each point, of shape (G, T).
        flexible: as `hold_to_meter` takes it.

    Raises:
        OverflowError: the sum of all charges could pass int64.
    """
    refused_ppm = dynamic_ppm if flexible is None else np.where(flexible.is_owed, 0, dynamic_ppm)
    all_held = hold_to_meter(bookings, metered_wh, taken_wh, flexible)
    told = [
        (booking, each)
        for booking, each in zip(bookings, all_held, strict=True)
        if booking.says_anything or each.late_wh.any() or each.declined
    ]
    if not told:
        return []
    bookings, held = [booking for booking, _ in told], [each for _, each in told]
    charges = [
        booking_charge_micro(
            booking,
            each,
            (prices[0][booking.point], prices[1][booking.point]),
            priced_wh[booking.point],
            taken_wh[booking.point],
            int(dynamic_ppm[booking.point]),
            int(refused_ppm[booking.point]),
        )
        for booking, each in zip(bookings, held, strict=True)
    ]
    entities = tuple(booking_entity(each.number, points[each.point]) for each in bookings)
    tables = [
        (BOOKED, entities, _signed(bookings, (each.energy_wh for each in bookings))),
        (DELIVERED, entities, _signed(bookings, (each.delivered_wh for each in held))),
        (REFUSED, entities, _signed(bookings, (each.refused_wh for each in held))),
        (LATE, entities, np.array([each.late_wh for each in held])),
        (LATE_PRICE, entities, np.array([each.late_price_micro_per_mwh for each in held])),
        (CHARGE, entities, _exact(charges)),
    ]
    if chosen := [row for row, each in enumerate(held) if each.declined]:
        declined = np.array([held[row].declined_wh for row in chosen])
        tables.append((DECLINED, tuple(entities[row] for row in chosen), declined))
    return tables


def _exact(charges: Sequence[Sequence[int]]) -> Integers:
    """Return what bookings are charged, shape (B, T), if the sum of all of it is exact, too."""
    require_int64(sum(abs(each) for row in charges for each in row), "energy x price of bookings")
    return np.array(charges, dtype=np.int64)


def _signed(bookings: Sequence[Booked], rows: Iterable[Integers]) -> Integers:
    signed = [-row if each.is_sale else row for each, row in zip(bookings, rows, strict=True)]
    return np.array(signed, dtype=np.int64)
