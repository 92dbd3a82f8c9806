"""The prices of a day twice: as they were published while it ran, and ex post of its readings.

Both of every holon and of every node in every interval. Published prices are weighted by the time
that they held: the mean is rounded down, once. An interval counts where its price was known from
its first moment to its last, and where all its readings are there.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from market.core.machine import Cause, Publication
from market.core.online import OnlineMarket
from market.core.pricing import Holons
from market.moments import midnight_us
from settlement.core.arrays import Flags, Integers
from settlement.core.periods import interval_count

US_PER_SECOND = 1_000_000
AT_NODES = "at nodes"
"""Beside the layers: the highest of their prices, which is what a node pays."""


class Apart(NamedTuple):
    """How far published prices of a layer are from those ex post.

    Attributes:
        layer: or `AT_NODES`.
        pairs: of prices that were compared.
        largest: micro per MWh, of either sign; 0 where nothing was compared.
        name, interval: where that was, the first of equals; None where nothing was compared.
        mean: of all, whatever their sign, rounded down.
    """

    layer: str
    pairs: int
    largest_micro_per_mwh: int
    name: str | None
    interval: int | None
    mean_micro_per_mwh: int


@dataclass(frozen=True, eq=False)
class DaySeries:
    """Prices of a day, micro per MWh.

    Attributes:
        names: layer and name of each row: of the H holons, then `AT_NODES` and each of N nodes.
        published: shape (H + N, I), the mean over each interval.
        is_published: shape (I,), whether the price was known for the whole interval.
        ex_post: shape (H + N, I).
        is_ex_post: shape (I,), whether every reading of the interval is there.
    """

    names: tuple[tuple[str, str], ...]
    published: Integers
    is_published: Flags
    ex_post: Integers
    is_ex_post: Flags

    def apart(self) -> list[Apart]:
        """Return how far the series are from one another, by layer and at nodes."""
        both = np.flatnonzero(self.is_published & self.is_ex_post)
        differences = (self.published - self.ex_post)[:, both]
        found = []
        for layer in dict.fromkeys(layer for layer, _ in self.names):
            rows = [row for row, (of, _) in enumerate(self.names) if of == layer]
            found.append(self._apart(layer, rows, both, differences[rows]))
        return found

    def _apart(
        self, layer: str, rows: Sequence[int], intervals: Integers, differences: Integers
    ) -> Apart:
        if not differences.size:
            return Apart(layer, 0, 0, None, None, 0)
        row, column = np.unravel_index(abs(differences).argmax(), differences.shape)
        return Apart(
            layer,
            differences.size,
            int(differences[row, column]),
            self.names[rows[int(row)]][1],
            int(intervals[column]),
            # In Python's integers: a country's month of them is no matter, its prices might be.
            sum(map(abs, differences.ravel().tolist())) // differences.size,
        )


def day_series(
    day: dt.date,
    law: OnlineMarket,
    before: Integers | None,
    publications: Iterable[Publication],
    reached_us: int | None,
    *,
    prices: str = "price_micro_per_mwh",
) -> DaySeries:
    """Return the prices of a day, as they were published and ex post.

    Args:
        day: the local day.
        law: in force on all of it.
        before: prices of all holons when it began, shape (H,); None where nothing was known.
        publications: of moments of the day, in the order of the log.
        reached_us: up to when the market's clock came, until which the last of them holds; None:
            past the end of the day.
        prices: which of those of a publication: of energy taken, or paid for net export.

    Raises:
        ValueError, IndexError: a publication is none of a day of this law.
    """
    holons = Holons(law.model)
    count = interval_count(day, law.zone, law.model.interval_minutes)
    start_us = midnight_us(day, law.zone)
    end_us = start_us + count * law.interval_us
    held = _Held(len(holons) + len(law.model.grid.nodes), count, start_us, law.interval_us)
    ex_post = np.zeros((held.size, count), dtype=np.int64)
    is_ex_post = np.zeros(count, dtype=np.bool_)
    now, since_us = None if before is None else before.copy(), start_us
    for each in publications:
        told: Integers = getattr(each.prices, prices)
        if each.cause is Cause.EX_POST and len(told) != len(holons):
            continue  # by law of other holons, before that of the day was known
        if each.cause is Cause.EX_POST:
            interval = (each.at_us - start_us) // law.interval_us
            if not 0 <= interval < count:
                raise ValueError(f"{day} has no interval {interval}, that is priced ex post")
            ex_post[:, interval] = _with_nodes(holons, told)
            is_ex_post[interval] = True
            continue
        if now is not None and each.at_us > since_us:
            held.hold(_with_nodes(holons, now), since_us, each.at_us)
        since_us = each.at_us
        if each.cause is not Cause.MOVED:
            # At midnight the interval before ends, by the law before: that of other holons.
            now = told.copy() if len(told) == len(holons) else None
        elif now is not None:
            now[each.holons] = told
    if now is not None:
        held.hold(_with_nodes(holons, now), since_us, end_us if reached_us is None else reached_us)
    nodes = ((AT_NODES, node) for node in law.model.grid.nodes)
    return DaySeries((*holons.names, *nodes), held.means(), held.is_whole(), ex_post, is_ex_post)


def _with_nodes(holons: Holons, prices: Integers) -> Integers:
    return np.concatenate([prices, holons.node_prices(prices)[0]])


class _Held:
    """Prices times the time that they held, by interval.

    Seconds and microseconds apart, and each carried on: their product with a price would pass 64
    bits within one interval.
    """

    def __init__(self, size: int, count: int, start_us: int, interval_us: int) -> None:
        self.size, self._count = size, count
        self._start_us, self._interval_us = start_us, interval_us
        self._seconds = np.zeros((size, count), dtype=np.int64)
        self._rest_us = np.zeros((size, count), dtype=np.int64)
        self._held_us = [0] * count

    def hold(self, prices: Integers, from_us: int, to_us: int) -> None:
        """Add that prices, shape (size,), held from one moment to another."""
        while from_us < to_us:
            interval = (from_us - self._start_us) // self._interval_us
            if not 0 <= interval < self._count:
                return
            until_us = min(to_us, self._start_us + (interval + 1) * self._interval_us)
            seconds, rest_us = divmod(until_us - from_us, US_PER_SECOND)
            whole, self._rest_us[:, interval] = np.divmod(
                self._rest_us[:, interval] + prices * rest_us, US_PER_SECOND
            )
            self._seconds[:, interval] += prices * seconds + whole
            self._held_us[interval] += until_us - from_us
            from_us = until_us

    def means(self) -> Integers:
        """Return the mean of each interval, rounded down; where it is not whole, no price."""
        # The rest is less than one, so it moves no quotient that is rounded down.
        return self._seconds // (self._interval_us // US_PER_SECOND)

    def is_whole(self) -> Flags:
        """Return of which intervals the price is known from end to end, shape (I,)."""
        return np.array([held == self._interval_us for held in self._held_us])
