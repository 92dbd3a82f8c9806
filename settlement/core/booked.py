"""What a market online hands a settlement: published prices, and bookings held to the meter.

*Charged price*. By rule, energy that pays the price of its node pays that of the interval ex post,
or the mean of what was published while it ran. Where that is not known from the interval's first
moment to its last, the price ex post stands.

*A booking* is settled twice: the supply point's own lines charge what it takes, as if it had booked
nothing, and a line of the booking holds what was booked to it. In each interval

- *delivered* is what the point took of it, as it settles;
- *refused* is what the meter says that it wished for, and its contract was not served;
- *not taken* is the rest.

With booked price b and charged price c the line of a purchase comes to::

    delivered x (b - c)  -  refused x max(0, c - b)  +  not taken x max(0, b - c)

so what is delivered costs its booked price in all, whoever is refused is given what it costs to buy
anew, and nobody gains by booking what it does not take: its energy counts against it where the
price fell, and for nothing where it rose. For a sale, held to net export, b and c change places;
and what of it is not fed in is bought in its stead, so its c is then the price of what is taken.
By the price of net export, which may rise less, a sale that nobody means would cost less than it
saves whoever books beside it.

Delivered and refused count in the part in which the point's energy pays the price: by
subscription it pays a share of the costs, and no price that a booking could hedge. What is not
taken counts whole, as the grid was kept free for it. Several bookings of one point, one interval
and one side are filled by their number.

What a flexible contract refuses is owed, and served within its window at the price of then: it buys
nothing anew at the price that refused it, and is given nothing here. What was given back before it
began is owed its fall in price, as the market found it, in the interval in which it was given back;
and in its own interval it is held to the charged price, as what is not taken, at the price that it
had fallen to.

Example: booked 100 Wh at 60, charged price 90, all of it dynamic. Of 100 Wh that are wished for 80
are served: 80 x (60 - 90) - 20 x (90 - 60) = -3,000 Wh x micro per MWh. Had 70 been wished for and
served: 70 x -30 + 30 x 0 = -2,100. Had the price been 40 then: 70 x 20 + 30 x 20 = 2,000.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from settlement.core.arrays import Flags, Integers, require_int64
from settlement.core.measure import Measure
from settlement.core.rounding import WH_PER_MWH
from settlement.core.tightness import PPM

EX_POST, PUBLISHED = "ex-post", "published"
CHARGED_PRICES = (EX_POST, PUBLISHED)

BOOKED = "booked_wh"
DELIVERED = "booking_delivered_wh"
REFUSED = "booking_refused_wh"
CHARGE = "charge.booking_micro"

OF_BOOKINGS = (BOOKED, DELIVERED, REFUSED, CHARGE)
"""The results that a booking of a supply point has."""

MEASURES = {
    "charged_price_micro_per_mwh": Measure("node", "charged, where published prices are"),
    "charged_sell_price_micro_per_mwh": Measure("node", "paid for net export, if priced apart"),
    "is_published_price": Measure("market", "1 where it is the mean published, else 0"),
    BOOKED: Measure("booking/point", "energy booked; negative is a sale"),
    DELIVERED: Measure("booking/point", "taken of it; negative is a sale"),
    REFUSED: Measure("booking/point", "wished for of it and not served; negative is a sale"),
    CHARGE: Measure("booking/point", "+ is owed; booked beside charged price"),
}


Table = tuple[str, tuple[str, ...], Integers]
"""Measure, entities, and values of shape (E, T)."""


@dataclass(frozen=True, eq=False)
class Booked:
    """A booking on one day of T intervals.

    Attributes:
        number: of its request among those of the market, from 1.
        point: index of its supply point.
        is_sale: whether it feeds in.
        energy_wh: shape (T,), not negative.
        price_micro_per_mwh: shape (T,), at which it was booked.
        given_back: by interval, what is owed for what was given back in it, in Wh x micro per MWh.
        let_go: by interval, what was booked in it and given back, in Wh, and the price at which it
            is held, in micro per MWh.
    """

    number: int
    point: int
    is_sale: bool
    energy_wh: Integers
    price_micro_per_mwh: Integers
    given_back: Mapping[int, int] = field(default_factory=dict)
    let_go: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def not_taken_at(self, interval: int, buying_micro_per_mwh: int, not_taken_wh: int) -> int:
        """Return what is owed in an interval for what is not taken, or was let go.

        Args:
            buying_micro_per_mwh: charged for what is taken at its node.
            not_taken_wh: of what is booked.

        Returns:
            In Wh x micro per MWh.
        """
        sign = -1 if self.is_sale else 1
        booked = int(self.price_micro_per_mwh[interval])
        return sum(
            energy_wh * max(0, sign * (price - buying_micro_per_mwh))
            for energy_wh, price in ((not_taken_wh, booked), *self.let_go.get(interval, ()))
        )


@dataclass(frozen=True, eq=False)
class OnlineDay:
    """What a market online hands a settlement of a day of T intervals.

    Attributes:
        published_micro_per_mwh, published_sell_micro_per_mwh: shape (N, T), the mean of the price
            at each node over the time that it held, rounded down; 0 where it is not known.
        is_published: shape (T,), whether they are known from end to end.
        bookings: by their number.
    """

    published_micro_per_mwh: Integers
    published_sell_micro_per_mwh: Integers
    is_published: Flags
    bookings: tuple[Booked, ...] = ()


class ChargedPrices(NamedTuple):
    """What energy at each node is charged and net export is paid, shape (N, T), in micro per MWh.

    Attributes:
        is_published: shape (T,), of which intervals it is what was published.
    """

    buying: Integers
    selling: Integers
    is_published: Flags

    def at(self, nodes: Integers) -> tuple[Integers, Integers]:
        """Return both prices at nodes by their indices, shape (G, T) each."""
        return self.buying[nodes], self.selling[nodes]


def charged_prices(
    charged: str, ex_post: Integers, ex_post_sell: Integers, online: OnlineDay | None
) -> ChargedPrices:
    """Return the prices that energy is charged by.

    Args:
        charged: one of `CHARGED_PRICES`.
        ex_post, ex_post_sell: shape (N, T).
        online: of the day; None where nothing was published.
    """
    if charged == EX_POST or online is None:
        return ChargedPrices(ex_post, ex_post_sell, np.zeros(ex_post.shape[1], dtype=np.bool_))
    known = online.is_published
    return ChargedPrices(
        np.where(known, online.published_micro_per_mwh, ex_post),
        np.where(known, online.published_sell_micro_per_mwh, ex_post_sell),
        known,
    )


def charged_price_tables(
    charged: ChargedPrices, nodes: tuple[str, ...], has_sell_curves: bool
) -> list[Table]:
    """Return the results that say by which prices energy was charged, where published are."""
    tables = [("charged_price_micro_per_mwh", nodes, charged.buying)]
    if has_sell_curves:
        tables.append(("charged_sell_price_micro_per_mwh", nodes, charged.selling))
    flags = charged.is_published.astype(np.int64)
    return [*tables, ("is_published_price", ("market",), flags[np.newaxis])]


class Held(NamedTuple):
    """A booking held to the meter, each of shape (T,) and not negative, in Wh."""

    delivered_wh: Integers
    refused_wh: Integers
    not_taken_wh: Integers


def hold_to_meter(
    bookings: Sequence[Booked], metered_wh: Integers, taken_wh: Integers
) -> list[Held]:
    """Return what was delivered of bookings, refused, and not taken, in their order.

    Args:
        bookings: by their number.
        metered_wh, taken_wh: shape (G, T), as the meter says, and as it settles; negative is net
            export. They differ where a contract was not served all that the meter says.
    """
    left: dict[tuple[int, bool], tuple[Integers, Integers]] = {}
    found = []
    for booking in bookings:
        key, sign = (booking.point, booking.is_sale), -1 if booking.is_sale else 1
        wished, served = left.get(key) or (
            np.maximum(sign * metered_wh[booking.point], 0),
            np.maximum(sign * taken_wh[booking.point], 0),
        )
        delivered = np.minimum(booking.energy_wh, served)
        # What was owed is served beside what is wished for: then more is delivered, none refused.
        wished_of_it = np.minimum(booking.energy_wh, wished)
        refused = np.maximum(wished_of_it - delivered, 0)
        left[key] = (wished - wished_of_it, served - delivered)
        found.append(Held(delivered, refused, booking.energy_wh - delivered - refused))
    return found


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
    columns = (
        booking.energy_wh,
        booking.price_micro_per_mwh,
        *held,
        *prices,
        priced_wh,
        taken_wh,
    )
    # In Python's integers: energy x price of a large booking passes 64 bits, and bookings are few.
    running, before = 0, 0
    amounts: list[int] = []
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for interval, row in enumerate(rows):
        _, booked, delivered, refused, not_taken, buying, selling, priced, taken = row
        dearer = selling - booked if booking.is_sale else booked - buying
        hedged = hedged_wh(booking.is_sale, delivered, priced, taken, dynamic_ppm)
        compensated = refused * refused_ppm // PPM
        running += hedged * dearer - compensated * max(-dearer, 0)
        running += booking.not_taken_at(interval, buying, not_taken)
        running += booking.given_back.get(interval, 0)
        amounts.append(running // WH_PER_MWH - before)
        before = running // WH_PER_MWH
    return amounts


def hedged_wh(
    is_sale: bool, delivered_wh: int, priced_wh: int, taken_wh: int, dynamic_ppm: int
) -> int:
    """Return how much of what is delivered pays the price that it was booked beside, in Wh.

    Of a purchase it is the part of all that the point takes that does; of a sale the dynamic part.

    Example: of 80 Wh, where half of all energy is dynamic and a tenth lies above a block that pays
    the price of the node, 0.55 of it: 44 Wh.
    """
    if is_sale:
        return delivered_wh * dynamic_ppm // PPM
    return delivered_wh * priced_wh // (taken_wh * PPM) if delivered_wh else 0


def booking_entity(number: int, point: str) -> str:
    """Return what results call a booking of a supply point.

    >>> booking_entity(7, "N33-P2"), booking_and_point("7/N33-P2")
    ('7/N33-P2', (7, 'N33-P2'))
    """
    return f"{number}/{point}"


def booking_and_point(entity: str) -> tuple[int, str]:
    """Return the number and the supply point of the booking whose results have this entity."""
    number, _, point = entity.partition("/")
    return int(number), point


def booking_tables(
    bookings: Sequence[Booked],
    points: Sequence[str],
    metered_wh: Integers,
    taken_wh: Integers,
    priced_wh: Integers,
    dynamic_ppm: Integers,
    prices: tuple[Integers, Integers],
    is_owed: Flags | None = None,
) -> list[Table]:
    """Return the results of a day's bookings; none where there is none.

    Args:
        bookings: by their number.
        points: ids of the G supply points.
        metered_wh, taken_wh: as `hold_to_meter` takes them.
        priced_wh: shape (G, T), see `booking_charge_micro`.
        dynamic_ppm: shape (G,).
        prices: charged, and paid for net export, at each point, of shape (G, T).
        is_owed: shape (G,), whether what is refused is owed and served later; None: nowhere.

    Raises:
        OverflowError: the sum of all charges could pass int64.
    """
    if not bookings:
        return []
    refused_ppm = dynamic_ppm if is_owed is None else np.where(is_owed, 0, dynamic_ppm)
    held = hold_to_meter(bookings, metered_wh, taken_wh)
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
    return [
        (BOOKED, entities, _signed(bookings, (each.energy_wh for each in bookings))),
        (DELIVERED, entities, _signed(bookings, (each.delivered_wh for each in held))),
        (REFUSED, entities, _signed(bookings, (each.refused_wh for each in held))),
        (CHARGE, entities, _exact(charges)),
    ]


def _exact(charges: Sequence[Sequence[int]]) -> Integers:
    """Return what bookings are charged, shape (B, T), if the sum of all of it is exact, too."""
    require_int64(sum(abs(each) for row in charges for each in row), "energy x price of bookings")
    return np.array(charges, dtype=np.int64)


def _signed(bookings: Sequence[Booked], rows: Iterable[Integers]) -> Integers:
    signed = [-row if each.is_sale else row for each, row in zip(bookings, rows, strict=True)]
    return np.array(signed, dtype=np.int64)
