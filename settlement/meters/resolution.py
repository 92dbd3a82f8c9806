"""Readings of another resolution than the interval of the market: told, spread and summed.

What one reading of a meter covers is stated by its registration; without a word it is the interval.
It is energy that meters read. Power is declared, and stands by interval.

    coarser   The energy of a reading is spread evenly over the intervals that it covers, fractions
              of a Wh carried to the next: 10 Wh of an hour are 2, 3, 2 and 3 Wh of its quarters, so
              that they sum to it.
    finer     The energy of the readings of an interval is summed.

A file is of the resolution that its stamps have, and what was stated another is refused: hours that
were sent as readings of their first quarter alone would be taken for gaps, and an estimate of the
other three would be added to energy that was measured whole.
"""

import math

import numpy as np
from numpy.typing import NDArray

from settlement.core.periods import MINUTES_PER_HOUR

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

ENERGY_SUFFIX = "_wh"
LEAST_ON_A_GRID = 3
"""Two readings of a day may stand two intervals apart by chance, as in a correction of them."""

LEAST_OFF_ITS_START = 4
LEAST_MISSING_IN_A_ROW = 4
COARSE_MINUTES = (60, 30, 20, 15, 10, 5)
_PRIMES = (2, 3, 5)
"""By which a coarser resolution can be longer than an interval, times each other: whoever stands on
the grid of four intervals stands on that of two."""


def is_energy(measure: str) -> bool:
    """Return whether a measure counts energy over time; the others are power, which is declared."""
    return measure.endswith(ENERGY_SUFFIX)


def spread_wh(energy_wh: Integers, parts: int) -> Integers:
    """Return int64[T x parts] of T readings of energy, each spread over so many intervals.

    >>> spread_wh(np.array([10, -3, 8]), 4).tolist()
    [2, 3, 2, 3, -1, -1, -1, 0, 2, 2, 2, 2]
    """
    # Whole and rest apart: a value times its part could pass int64.
    whole, rest = np.divmod(energy_wh[:, np.newaxis], parts)
    reached = rest * np.arange(parts + 1) // parts
    return (whole + np.diff(reached, axis=1)).ravel()


def sum_wh(energy_wh: Integers, parts: int) -> Integers:
    """Return int64[T], the sums of every so many of T x parts readings of energy.

    >>> sum_wh(np.array([2, 3, 2, 4]), 2).tolist()
    [5, 6]
    """
    sums: Integers = energy_wh.reshape(-1, parts).sum(axis=1)
    return sums


def on_a_coarser_grid(stated: Flags, minutes: int, least: int = LEAST_ON_A_GRID) -> Flags:
    """Return of which V days all readings stand on the grid of a coarser resolution.

    Args:
        stated: shape (V, T), of which intervals of a day there is a reading.
        minutes: length of an interval.
        least: readings of a day from which it is told.

    A grid that does not begin at midnight, such as that of hours stamped at their half, is told of
    one reading more, as nothing but their distance speaks for it; so is one that divides no hour,
    such as that of three quarters of it.
    """
    count = stated.sum(axis=1)
    found = np.zeros(len(stated), dtype=np.bool_)
    for ratio in _PRIMES:
        is_usual = _is_usual(ratio, minutes)
        for first in range(ratio):
            others = np.delete(stated, np.s_[first::ratio], axis=1)
            enough = count >= (least if is_usual and not first else max(least, LEAST_OFF_ITS_START))
            found |= enough & ~np.any(others, axis=1)
    return found


def hours_of_one_reading(stated: Flags, minutes: int) -> Integers:
    """Return of which V days some part is on a coarser grid, in minutes; 0 where none is.

    Told is a stretch of hours, or other times that a coarser reading covers, each of which has a
    reading of its first interval and none of the others: two of them in a row, and more where each
    lacks so little that gaps could fall so. Hours that do not begin on the clock's hour, such as
    those stamped at their half, are told of one more, as only their distance speaks for them.
    """
    found = np.zeros(len(stated), dtype=np.int64)
    for coarse in COARSE_MINUTES:
        if coarse <= minutes or coarse % minutes:
            continue
        ratio = coarse // minutes
        in_a_row = max(2, -(-LEAST_MISSING_IN_A_ROW // (ratio - 1)))
        for first in range(ratio):
            is_told = _alone_in_a_row(stated[:, first:], ratio, in_a_row + (first > 0))
            found[(found == 0) & is_told] = coarse
    return found


def _alone_in_a_row(stated: Flags, ratio: int, in_a_row: int) -> Flags:
    """Return of which V days so many cells of `ratio` intervals in a row have their first alone."""
    padded: Flags = np.pad(stated, ((0, 0), (0, -stated.shape[1] % ratio)))
    cells: NDArray[np.bool_] = padded.reshape(len(stated), padded.shape[1] // ratio, ratio)
    others: Flags = cells[:, :, 1:]
    alone = cells[:, :, 0] & ~np.any(others, axis=2)
    if alone.shape[1] < in_a_row:
        return np.zeros(len(stated), dtype=np.bool_)
    windows = np.lib.stride_tricks.sliding_window_view(alone, in_a_row, axis=1)
    told: Flags = np.any(np.all(windows, axis=2), axis=1)
    return told


def distance_minutes(stated: Flags, minutes: int) -> int:
    """Return of a day on a coarser grid the minutes between its readings, gaps left out.

    >>> distance_minutes(np.array([1, 0, 1, 0, 0, 0, 1, 0], dtype=bool), 30)
    60
    """
    return math.gcd(*np.diff(np.flatnonzero(stated)).tolist()) * minutes


def once_a_day(stated: Flags, count: Integers) -> Integers:
    """Return int64[V], the same place for days that have their one reading at the same time.

    It is the number of the interval from the end of the day where that is the last, as readings
    stamped at their end have it, and from its beginning elsewhere; below zero for another day.

    Args:
        stated: shape (V, T), of which intervals of a day there is a reading.
        count: int64[V], intervals of each day.
    """
    # A column more, as a file without a usable instant has none.
    first = np.argmax(np.pad(stated, ((0, 0), (0, 1))), axis=1)
    from_end = count - 1 - first
    place = np.where(from_end == 0, stated.shape[1], first)
    return np.where(stated.sum(axis=1) == 1, place, -1)


def _is_usual(prime: int, minutes: int) -> bool:
    """Return whether meters have a resolution of so many intervals: above the hour, 2 and 3."""
    per_hour = MINUTES_PER_HOUR // minutes
    return per_hour % prime == 0 or (per_hour == 1 and prime < 5)
