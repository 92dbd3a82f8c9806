"""Flexible demand that waits while the price is high: an assumption of a study, exact in integers.

The market maker has no memory: its price is read from tightness alone, interval by interval. Demand
that answers it closes a loop, in which the price of an interval sets a part of the demand of the
next::

    part_t   = min(most, response x max(0, price_{t-1} - reference)), rounded down to ppm
    waits_t  = (new_t + waiting_{t-1}, but what is due) x part_t, each rounded down to Wh
    asked_t  = new_t + waiting_{t-1} - waits_t

What waits is asked for later, within the window of its contract: what arises in interval t, at the
latest in interval t + window. So a price moves energy in time and takes none away. How such a loop
behaves is what `settlement.studies.sweep` asks.

C columns stand side by side: a day has one, a sweep one for each of its cells.
"""

from dataclasses import dataclass

import numpy as np

from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH
from settlement.core.arrays import Flags, Integers

PPM = 1_000_000
MICRO = 1_000_000
NO_PRICE = -HIGHEST_PRICE_MICRO_PER_MWH
"""Above no reference: nobody waits in an interval that has none before it."""


@dataclass(frozen=True, eq=False)
class Answering:
    """How G supply points answer a price in C columns.

    Attributes:
        response_ppm_per_unit: shape (G, C), for each currency unit a MWh above the reference; 0
            where nobody answers.
        reference_micro_per_mwh: shape (G, C).
        most_ppm: shape (G, C).
        window: shape (G,), intervals that what arises may wait; 0 where it is essential.
    """

    response_ppm_per_unit: Integers
    reference_micro_per_mwh: Integers
    most_ppm: Integers
    window: Integers

    @property
    def answers(self) -> Flags:
        """Shape (G, C): who answers at all."""
        answers: Flags = (self.response_ppm_per_unit > 0) & (self.window[:, np.newaxis] > 0)
        return answers

    def part_ppm(self, price_micro_per_mwh: Integers) -> Integers:
        """Return the part of demand that waits at a price, shape (G, C), rounded down.

        Example: 2,000 ppm for each pound above 90 pounds: at 140 pounds 50 x 2,000 = 100,000 ppm,
        a tenth; at 90 pounds or less, nothing.
        """
        above = np.maximum(price_micro_per_mwh - self.reference_micro_per_mwh, 0)
        wanted = self.response_ppm_per_unit * above // MICRO
        part: Integers = np.where(self.answers, np.minimum(wanted, self.most_ppm), 0)
        return part


@dataclass(frozen=True, eq=False)
class Answer:
    """What is asked for in an interval, and what waits after it.

    Attributes:
        asked_wh: shape (G, C), of what is new and of what waited.
        moved_wh: shape (G, C), of what is new, what waits now.
        waiting_wh: shape (L, G, C); row j is due after j intervals more.
    """

    asked_wh: Integers
    moved_wh: Integers
    waiting_wh: Integers


def nothing_waits(longest_window: int, points: int, columns: int) -> Integers:
    """Return what waits where nobody ever waited, shape (L, G, C)."""
    return np.zeros((longest_window, points, columns), dtype=np.int64)


def answer_price(
    answering: Answering,
    waiting_wh: Integers,
    new_wh: Integers,
    price_micro_per_mwh: Integers,
    intervals_left: int | None = None,
) -> Answer:
    """Return what is asked for in an interval that follows one with this price.

    ``new + waiting before = asked + waiting after``, for each supply point to the Wh.

    Args:
        waiting_wh: shape (L, G, C), L at least the longest window.
        new_wh: shape (G, C), not negative.
        price_micro_per_mwh: shape (G, C), of the interval before; `NO_PRICE` where there is none.
        intervals_left: after this one: nothing waits beyond the last; None where none is.
    """
    longest, points, _ = waiting_wh.shape
    rows = np.concatenate([waiting_wh, np.zeros_like(waiting_wh[:1])])
    place = (
        answering.window if intervals_left is None else np.minimum(answering.window, intervals_left)
    )
    everyone = np.arange(points)
    rows[place, everyone] += new_wh
    after = _part_of(rows, answering.part_ppm(price_micro_per_mwh))
    after[0] = 0  # what is due waits no longer
    moved = np.where((place > 0)[:, np.newaxis], np.minimum(after[place, everyone], new_wh), 0)
    return Answer(
        asked_wh=(rows - after).sum(axis=0), moved_wh=moved, waiting_wh=after[1 : longest + 1]
    )


def _part_of(energy_wh: Integers, part_ppm: Integers) -> Integers:
    """Return energy x part // 1,000,000 without passing int64 on the way."""
    whole, rest = np.divmod(energy_wh, PPM)
    part: Integers = whole * part_ppm + rest * part_ppm // PPM
    return part
