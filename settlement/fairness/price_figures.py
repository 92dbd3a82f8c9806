"""How prices behave over places and intervals: their bounds, their volatility, their steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np

from settlement.core.arrays import Integers

PPM = 1_000_000


@dataclass(frozen=True)
class PriceFigures:
    """Prices of P places in K intervals, each place and interval counting once.

    Attributes:
        lowest_micro_per_mwh, highest_micro_per_mwh: over all places and intervals.
        mean_micro_per_mwh: rounded down.
        volatility_ppm: standard deviation of all P x K prices over their mean, rounded down; None
            where the mean is not above 0.
        largest_step_micro_per_mwh: largest change at one place from one interval to the next.
        intervals: K.
        intervals_at_cap, intervals_at_floor: in which at least one place is there.
        within_bounds: whether every price lies between floor and cap.
    """

    lowest_micro_per_mwh: int
    highest_micro_per_mwh: int
    mean_micro_per_mwh: int
    volatility_ppm: int | None
    largest_step_micro_per_mwh: int
    intervals: int
    intervals_at_cap: int
    intervals_at_floor: int
    within_bounds: bool


def price_figures(
    prices_micro_per_mwh: Integers, floor_micro_per_mwh: int, cap_micro_per_mwh: int
) -> PriceFigures:
    """Return the figures of prices of shape (P, K), P and K at least 1.

    With S the sum and Q the sum of squares of n prices, the standard deviation over the mean is
    ``sqrt(n Q - S^2) / S``, taken exactly.

    Example: prices 10, 10 and 40 have n Q - S^2 = 3 x 1,800 - 3,600 = 1,800 and S = 60: the
    volatility is sqrt(1,800) / 60 = 707,106 ppm, and the largest step is 30.
    """
    prices = prices_micro_per_mwh.ravel().tolist()
    total, squares = sum(prices), sum(price * price for price in prices)
    spread = isqrt((len(prices) * squares - total * total) * PPM * PPM)
    steps = np.abs(np.diff(prices_micro_per_mwh, axis=1))
    return PriceFigures(
        lowest_micro_per_mwh=min(prices),
        highest_micro_per_mwh=max(prices),
        mean_micro_per_mwh=total // len(prices),
        volatility_ppm=spread // total if total > 0 else None,
        largest_step_micro_per_mwh=int(steps.max(initial=0)),
        intervals=prices_micro_per_mwh.shape[1],
        intervals_at_cap=int((prices_micro_per_mwh >= cap_micro_per_mwh).any(axis=0).sum()),
        intervals_at_floor=int((prices_micro_per_mwh <= floor_micro_per_mwh).any(axis=0).sum()),
        within_bounds=floor_micro_per_mwh <= min(prices) and max(prices) <= cap_micro_per_mwh,
    )


def side_by_side(days: Sequence[Integers]) -> Integers:
    """Return the prices of consecutive days, each of shape (P, T), as one of shape (P, K)."""
    return np.concatenate(list(days), axis=1)
