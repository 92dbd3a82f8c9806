"""Exact Shapley values of any game of up to 24 players, from the table of its values.

A coalition is an integer whose bit k is set where player k is a member; the table holds its value
at that index. The same sum as in `shapley`, with each coalition visited once. Values too large
for int64 sums are split in parts that are not: a Shapley value is linear in the game.
"""

import numpy as np

from settlement.core.arrays import INT64_LIMIT, Integers, kernel, largest_magnitude
from settlement.core.coalition_sums import add_up_by_member
from settlement.core.shapley import MAXIMUM_UNITS, denominator, size_weights


def shapley_of_table(values: Integers) -> list[int]:
    """Return the numerators over ``denominator(n)`` of the n players of a game.

    Args:
        values: shape (2**n,), int64, by coalition; any game with ``values[0] == 0``.

    The numerators are Python ints and sum to the value of all players x ``denominator(n)``.

    Raises:
        ValueError: the length is not a power of two up to 2**24, or no one has a value.
    """
    players = len(values).bit_length() - 1
    if len(values) != 1 << players or not 1 <= players <= MAXIMUM_UNITS:
        raise ValueError(f"{len(values)} values: a table has 2**n, n from 1 to {MAXIMUM_UNITS}")
    if values[0]:
        raise ValueError(f"a coalition of no one is worth {values[0]}: it must be worth 0")
    # Weights of one size before and at each size sum to less than 8 lcm over all coalitions.
    bits = (INT64_LIMIT // (8 * denominator(players))).bit_length() - 1
    if largest_magnitude(values) < 1 << bits:
        return _numerators(values, players)
    high = shapley_of_table(values >> bits)
    low = _numerators(values & ((1 << bits) - 1), players)
    return [(left << bits) + right for left, right in zip(high, low, strict=True)]


def _numerators(values: Integers, players: int) -> list[int]:
    numerators = np.empty(players, dtype=np.int64)
    everything = int(_weigh(values, size_weights(players), numerators))
    return [numerator - everything for numerator in numerators.tolist()]


@kernel
def _weigh(values: Integers, weights: Integers, numerators: Integers) -> int:
    """Write sums over the coalitions that hold each player; return what is to be taken off all."""
    sizes = np.zeros(len(values), dtype=np.uint8)
    for player in range(len(numerators)):
        bit = 1 << player
        for coalition in range(bit):
            sizes[coalition + bit] = sizes[coalition] + 1
    both = weights.copy()
    for size in range(1, len(both)):  # as rows added whole take numba five seconds to compile
        both[size] += weights[size - 1]
    weighted = np.empty(len(values), dtype=np.int64)
    everything = 0
    for coalition in range(len(values)):
        weighted[coalition] = both[sizes[coalition]] * values[coalition]
        everything += weights[sizes[coalition]] * values[coalition]
    add_up_by_member(weighted, numerators)
    return everything
