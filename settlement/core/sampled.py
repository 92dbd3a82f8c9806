"""The sampled method: Shapley values of any game, estimated from orders drawn by a seed.

In a random order each unit adds something to those before it; its mean over orders tends to its
Shapley value (Castro, Gómez and Tejada, 2009). Orders come in pairs, each with its reverse, which
evens out who is early and who is late. The values of one order sum to the value of all, so the
shares always do.

The orders are those of Fisher and Yates from the raw 64-bit integers of the PCG64 generator, whose
stream is fixed for a seed: the same inputs give the same shares on any machine. (A remainder of a
64-bit integer favours no place by more than one part in 2**50 or so.)
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.random import PCG64

from settlement.core.arrays import Integers, kernel
from settlement.core.cuts import W_PER_KW
from settlement.core.games import Game
from settlement.core.network import add_supply
from settlement.core.shares import Shares

PAIRS_BETWEEN_LOOKS = 32


@dataclass(frozen=True)
class SampledShares(Shares):
    """Estimated shares; the denominator is the number of orders.

    Attributes:
        standard_error_w: by unit, of its share, in W, rounded up.
        reached_target: whether every standard error is at most the target.
    """

    standard_error_w: tuple[int, ...]
    reached_target: bool


def sampled(
    game: Game, seed: int, most_orders: int = 10_000, target_error_w: int = 0
) -> SampledShares:
    """Return shares estimated from random orders.

    Orders are drawn until the standard error of every unit, looked at after each 64 orders, is at
    most the target, or there are as many as allowed.

    Args:
        seed: not negative; part of the inputs.
        most_orders: at least 4; an odd number is rounded down, as orders come in pairs.
        target_error_w: 0 asks for all the orders allowed, unless they all agree.

    Raises:
        ValueError: no unit, or an argument out of its range.
    """
    if not game.unit_count or seed < 0 or most_orders < 4 or target_error_w < 0:
        raise ValueError("sampling needs a unit, a seed and a target of 0 or more, and 4 orders")
    generator = PCG64(seed)
    places = np.arange(1, game.unit_count + 1, dtype=np.uint64)
    sums = np.zeros(game.unit_count, dtype=object)
    squares = np.zeros(game.unit_count, dtype=object)
    pairs, errors, reached = 0, [0], False
    while pairs < most_orders // 2 and not reached:
        count = min(PAIRS_BETWEEN_LOOKS, most_orders // 2 - pairs)
        draws = generator.random_raw(count * game.unit_count).reshape(count, -1) % places
        added = _pairs_of_orders(game, draws.astype(np.int64)).astype(object)
        sums, squares, pairs = (
            sums + added.sum(axis=0),
            squares + (added**2).sum(axis=0),
            pairs + count,
        )
        if pairs > 1:
            errors = [_error_w(*both, pairs) for both in zip(sums, squares, strict=True)]
            reached = max(errors) <= target_error_w
    return SampledShares(
        tuple(sums),
        2 * pairs,
        game.value_kw(range(game.unit_count)),
        standard_error_w=tuple(errors),
        reached_target=reached,
    )


def _error_w(total: int, squares: int, pairs: int) -> int:
    """Return the standard error, in W, of the mean of half of each of a number of sums of pairs."""
    spread = (pairs * squares - total * total) * W_PER_KW**2
    scale = 4 * pairs * pairs * (pairs - 1)
    whole = isqrt(spread // scale)
    # Up: an error stated too small would meet its target too early.
    return whole if whole * whole * scale == spread else whole + 1


def _pairs_of_orders(game: Game, draws: Integers) -> Integers:
    arcs = game.network.arcs
    return _add_in_orders(
        arcs.first,
        arcs.head,
        arcs.back,
        arcs.rating,
        game.unit_node,
        game.available_kw,
        game.demand_kw,
        draws,
    )


@kernel
def _add_in_orders(
    first: Integers,
    head: Integers,
    back: Integers,
    rating_kw: Integers,
    unit_node: Integers,
    available_kw: Integers,
    demand_kw: Integers,
    draws: Integers,
) -> Integers:
    """Return shape (pairs, U): what each unit adds in an order and in its reverse, together.

    Args:
        draws: shape (pairs, U); the k-th, from 0 to k, says who takes place k of the order.
    """
    units = len(unit_node)
    added = np.zeros(draws.shape, dtype=np.int64)
    order = np.empty(units, dtype=np.int64)
    way = np.empty((2, len(demand_kw)), dtype=np.int64)
    for pair in range(len(draws)):
        for place in range(units):
            order[place] = order[draws[pair, place]]
            order[draws[pair, place]] = place
        for turn in range(2):
            room_kw, unserved_kw = rating_kw.copy(), demand_kw.copy()
            shut = np.zeros(len(demand_kw), dtype=np.bool_)
            for place in range(units):
                unit = order[place] if turn == 0 else order[units - 1 - place]
                added[pair, unit] += add_supply(
                    first,
                    head,
                    back,
                    room_kw,
                    unserved_kw,
                    shut,
                    way,
                    unit_node[unit],
                    available_kw[unit],
                )
    return added
