"""Every rounding step of the engine: each is exact in its sum, and none loses a micro."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from settlement.core.arrays import Integers, largest_magnitude, require_int64

WH_PER_MWH = 1_000_000


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount over weights by largest remainder, so that the parts sum to the amount.

    Each part is first rounded down; the units left over go one each to the parts with the
    largest remainder, ties to the lowest index. A negative amount is split as its mirror.

    Example: 100 over weights 1, 1, 1 has quotas of 33 1/3 each; 33 + 33 + 33 leaves 1 unit, all
    remainders tie, so the first gets it: 34, 33, 33. And -100 gives -34, -33, -33.

    Raises:
        ValueError: a weight is negative, or all are zero.
    """
    if amount < 0:
        return [-part for part in apportion(-amount, weights)]
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative and must not all be zero")
    quotas = [amount * weight for weight in weights]
    parts = [quota // total for quota in quotas]
    # Each part lost less than 1, so fewer units are left over than there are parts.
    left_over = amount - sum(parts)
    if left_over:
        remainders = [quota % total for quota in quotas]
        # sorted() is stable, in reverse too, so equal remainders keep the order of their index.
        largest = sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)
        for index in largest[:left_over]:
            parts[index] += 1
    return parts


def round_half_away(values: Integers | np.int64, divisor: int) -> Integers:
    """Return values / divisor rounded to the nearest integer, halves away from zero.

    Example: over 1,000, the values 499, 500 and -500 give 0, 1 and -1.
    """
    # On the magnitude, as // rounds towards minus infinity and -500 would come to 0.
    magnitude = (2 * np.abs(values) + divisor) // (2 * divisor)
    rounded: Integers = np.sign(values) * magnitude
    return rounded


def energy_amounts_micro(energy_wh: Integers, price_micro_per_mwh: Integers | int) -> Integers:
    """Return the amount of money of each interval of a day, in micro.

    The running exact sum of energy x price is rounded down, and an interval gets its step, so
    what one interval loses by rounding the next one gains, and the day's total is the exact
    total rounded down once.

    Args:
        energy_wh: shape (..., T), any sign.
        price_micro_per_mwh: an int, or an array that broadcasts to the shape of the energy.

    Example: 300 Wh at 2,500 micro per MWh is 0.75 micro. Three such intervals have running sums
    0.75, 1.50, 2.25, rounded down 0, 1, 2: the amounts are 0, 1, 1, together 2 = floor(2.25).

    Raises:
        OverflowError: the sum of all amounts could pass int64.
    """
    price = np.asarray(price_micro_per_mwh, dtype=np.int64)
    # Apart: Wh times a price in micro can pass int64 before it is divided.
    whole_mwh, rest_wh = np.divmod(energy_wh, WH_PER_MWH)
    largest_price, largest_mwh = largest_magnitude(price), largest_magnitude(whole_mwh) + 1
    # The sum of all amounts, and the running sum of a row's fractions.
    most = max(energy_wh.size * largest_mwh, energy_wh.shape[-1] * max(largest_mwh, WH_PER_MWH))
    require_int64(most * largest_price, "energy x price of a day")
    running = np.cumsum(whole_mwh * price, axis=-1)
    running += np.cumsum(rest_wh * price, axis=-1) // WH_PER_MWH
    amounts: Integers = np.diff(running, axis=-1, prepend=0)
    return amounts


def annual_to_day(annual: int, day: date) -> int:
    """Return a day's part of an annual amount, spread evenly over the calendar year.

    The running sum is rounded down, so the days of a year sum to the annual amount exactly.

    Example: 1,000 over 2023 (365 days): running sums 2.73, 5.47, 8.21 become 2, 5, 8, so the
    first three days get 2, 3, 3.
    """
    first = date(day.year, 1, 1)
    days = (date(day.year + 1, 1, 1) - first).days
    elapsed = (day - first).days
    return annual * (elapsed + 1) // days - annual * elapsed // days
