"""What a market online hands a settlement: published prices, and bookings.

*Charged price*. By rule, energy that pays the price of its node pays that of the interval ex post,
or the mean of what was published while it ran. Where that is not known from the interval's first
moment to its last, the price ex post stands.

What comes of a booking is in `booking_lines`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from settlement.core.arrays import Flags, Integers
from settlement.core.measure import Measure

EX_POST, PUBLISHED = "ex-post", "published"
CHARGED_PRICES = (EX_POST, PUBLISHED)

BOOKED = "booked_wh"
DELIVERED = "booking_delivered_wh"
REFUSED = "booking_refused_wh"
LATE = "booking_late_wh"
LATE_PRICE = "booking_late_price_micro_per_mwh"
DECLINED = "booking_declined_wh"
CHARGE = "charge.booking_micro"

OF_EVERY_BOOKING = (BOOKED, DELIVERED, REFUSED, LATE, LATE_PRICE, CHARGE)
"""The results that a booking of a supply point has."""

OF_BOOKINGS = (*OF_EVERY_BOOKING, DECLINED)
"""Those and what it has only where anything of it is declined."""

MEASURES = {
    "charged_price_micro_per_mwh": Measure("node", "charged, where published prices are"),
    "charged_sell_price_micro_per_mwh": Measure("node", "paid for net export, if priced apart"),
    "is_published_price": Measure("market", "1 where it is the mean published, else 0"),
    BOOKED: Measure("booking/point", "energy booked; negative is a sale"),
    DELIVERED: Measure("booking/point", "taken of it; negative is a sale"),
    REFUSED: Measure("booking/point", "wished for of it and not served; negative is a sale"),
    LATE: Measure("booking/point", "served of it that had been refused before"),
    LATE_PRICE: Measure("booking/point", "at which what is late was booked, else 0"),
    DECLINED: Measure("booking/point", "of what had been refused, offered and not taken"),
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

    @property
    def says_anything(self) -> bool:
        """Whether anything is booked on the day, or owed for what was given back."""
        return bool(self.energy_wh.any() or self.given_back or self.let_go)

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
        rows = ((not_taken_wh, booked), *self.let_go.get(interval, ()))
        return fallen(rows, buying_micro_per_mwh, sign)


def fallen(rows: Iterable[tuple[int, int]], price_micro_per_mwh: int, sign: int = 1) -> int:
    """Return energy x what its price lies above another, none of it below 0.

    Args:
        rows: energy and its price.
        sign: -1 where prices that lie below count.

    Returns:
        In Wh x micro per MWh.

    >>> fallen([(100, 60), (20, 30)], 40)
    2000
    """
    return sum(energy * max(0, sign * (price - price_micro_per_mwh)) for energy, price in rows)


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
