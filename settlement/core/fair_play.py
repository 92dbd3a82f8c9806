"""Fair Play: who is served when the physics cannot serve everyone.

Three rules, in this order (arXiv 2512.13871, Sweeney, Shorten, O'Malley, 2025: fair access and
proportional allocation under shortage):

1. Essential requests before flexible ones.
2. Across nodes, max-min fair in the ratio served / desired on the network's cuts; see `max_min`.
3. Inside a node, each supply point's ratio rises with its weight = reliability x 1 / fulfilment,
   where fulfilment = delivered / desired over its history. A point is capped at what it desires,
   and what it leaves is shared out among the others.

Indivisible requests are met whole or not at all, by a lottery over what the rules above would give
them. All power is in whole W; line ratings are those of `Cuts`, whole kW. What is served sums
exactly to v(all), the physical maximum: zero structural waste. (Only an amount
smaller than each indivisible request that waits for it can be left over; it is stated.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from settlement.core.arrays import (
    Flags,
    Integers,
    integers,
    largest_magnitude,
    narrow,
    require_int64,
)
from settlement.core.cuts import W_PER_KW, Cuts, subset_sums
from settlement.core.lottery import draw_winners, lottery_seed, make_drawing
from settlement.core.max_min import Frozen, node_shares, room_for
from settlement.core.rounding import apportion
from settlement.core.tightness import PPM

PRIORITIES = ("essential", "flexible")


@dataclass(frozen=True, eq=False)
class Terms:
    """What the rules say of each supply point, and how they weigh its history.

    Attributes:
        nodes: N ids, for the places of drawings.
        node: shape (G,), index of each supply point's node.
        reliability_ppm: shape (G,), 0 to 10**6, as contracted.
        indivisible: shape (G,), met whole or not at all.
        least_fulfilment_ppm: fulfilment counts as at least this, 1 to 10**6.
    """

    nodes: tuple[str, ...]
    node: Integers
    reliability_ppm: Integers
    indivisible: Flags
    least_fulfilment_ppm: int

    def __post_init__(self) -> None:
        points = (len(self.node),)
        for name in ("node", "reliability_ppm"):
            object.__setattr__(self, name, integers(getattr(self, name), points, name))
        if np.shape(self.indivisible) != points:
            raise ValueError(f"indivisible: shape {np.shape(self.indivisible)}, {points} needed")
        if points[0] and not 0 <= self.node.min() <= self.node.max() < len(self.nodes):
            raise ValueError("a supply point is at a node that the grid does not have")
        if self.reliability_ppm.min(initial=0) < 0 or self.reliability_ppm.max(initial=0) > PPM:
            raise ValueError(f"reliability_ppm: must be 0 to {PPM}")
        if not 1 <= self.least_fulfilment_ppm <= PPM:
            raise ValueError(f"least_fulfilment_ppm: must be 1 to {PPM}")

    @cached_property
    def points_at(self) -> tuple[list[int], ...]:
        """The supply points of each node, ascending."""
        return tuple(np.flatnonzero(self.node == n).tolist() for n in range(len(self.nodes)))


@dataclass(frozen=True, eq=False)
class Shares:
    """What is served in one interval, in W; K priorities, first before second.

    Attributes:
        maximum_w: v(all), the most the network can serve.
        node_served_w: shape (K, N), its sum is ``maximum_w - unused_w``.
        entitlement_w: shape (K, G), never above what is desired; sums to ``node_served_w``.
        unused_w: 0, unless indivisible requests wait for more than is left to them.
        frozen: for each priority, the sets of nodes that the network held back.
    """

    maximum_w: int
    node_served_w: Integers
    entitlement_w: Integers
    unused_w: int
    frozen: tuple[tuple[Frozen, ...], ...]


def weights_ppm(terms: Terms, desired: Integers, delivered: Integers) -> Integers:
    """Return each supply point's weight, shape (G,), at least 1, rounded down.

    ``reliability x 10**6 / max(delivered x 10**6 // desired, least fulfilment)``; a point that
    desired nothing has missed nothing and counts as fulfilled.

    Args:
        desired, delivered: shape (G,), not negative, sums over the history in one unit.

    Example: contracted 990,000 ppm; delivered 30 of 40 desired is a fulfilment of 750,000 ppm, and
    990,000 x 10**6 // 750,000 = 1,320,000 ppm.
    """
    # Months of a country's watts pass int64 in parts per million; Python ints then carry them.
    scaled = narrow(delivered.astype(object) * PPM, largest_magnitude(delivered) * PPM)
    fulfilled = np.where(desired > 0, scaled // np.maximum(desired, 1), PPM)
    weights = terms.reliability_ppm * PPM // np.maximum(fulfilled, terms.least_fulfilment_ppm)
    # At least 1, as a point of weight 0 would never be served in a shortage.
    return np.maximum(weights, 1).astype(np.int64)


def fill_by_weight(amount: int, desired: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Split an amount so that ratios to desire follow weights, none above its desire.

    ``share = min(desired, level x weight x desired)`` with the one level at which shares sum to the
    amount (water filling). Below the cap shares are rounded by `apportion`: down, then single units
    by largest remainder, ties to the lowest index.

    Example: 90 for desires of 40, 60 and 60 with weights 3, 1 and 1. At the level where all is
    shared out the first would get 90 x 120 / 240 = 45, so it is capped at 40, and 25 go to each
    other.

    Args:
        amount: 0 to the sum of desires.
        desired: not negative.
        weights: above 0.
    """
    shares = list(desired)
    pull = [weight * wanted for weight, wanted in zip(weights, desired, strict=True)]
    total = sum(pull)
    # The heaviest reach their cap first: where level x weight >= 1.
    order = sorted(range(len(shares)), key=lambda index: -weights[index])
    capped = 0
    while capped < len(order) and amount * weights[order[capped]] >= total:
        amount -= desired[order[capped]]
        total -= pull[order[capped]]
        capped += 1
    # Back in the order of points: ties of remainders go to the lowest index, not the heaviest.
    if rest := sorted(order[capped:]):
        for index, share in zip(rest, apportion(amount, [pull[i] for i in rest]), strict=True):
            shares[index] = share
    return shares


def fair_shares(
    cuts: Cuts,
    terms: Terms,
    supply_w: Integers,
    desired_w: Integers,
    weights: Integers,
    place: tuple[bytes, str] | None = None,
) -> Shares:
    """Return what every node and supply point is served in one interval.

    Args:
        cuts: the grid's cuts.
        terms: of the supply points.
        supply_w: shape (N,), available supply at each node, not negative.
        desired_w: shape (K, G), a row for each priority, first served first, not negative.
        weights: shape (G,), see `weights_ppm`.
        place: digest of the day's inputs (32 bytes) and the interval in words; the seed of each
            drawing adds the node and the priority to it. Needed where a request is indivisible.

    Raises:
        ValueError: a shape differs, a quantity is negative, or a lottery without a place.
        OverflowError: quantities too large for exact arithmetic.
    """
    desired = integers(desired_w, (len(desired_w), len(terms.node)), "desired_w")
    supply = integers(supply_w, (cuts.node_count,), "supply_w")
    if min(desired.min(initial=0), supply.min(initial=0)) < 0:
        raise ValueError("supply_w and desired_w must not be negative")
    if place is None and terms.indivisible.any():
        raise ValueError("indivisible requests are drawn by lottery: a place is needed")
    most_desired = largest_magnitude(desired) * desired.size
    require_int64(
        2 * (int(cuts.boundary_kw.max()) * W_PER_KW + sum(supply.tolist()) + most_desired),
        "supply and demand of an interval",
    )
    room = room_for(cuts.boundary_kw * W_PER_KW, supply)
    all_desired = _by_node(terms, desired.sum(axis=0))
    maximum = int((room + subset_sums(all_desired)[::-1]).min())
    # No shortage, as in most intervals: everyone gets what it desires, and no cut is searched.
    if maximum == all_desired.sum():
        served = np.array([_by_node(terms, wanted) for wanted in desired])
        return Shares(maximum, served, desired, 0, ((),) * len(desired))
    node_served = np.zeros((len(desired), cuts.node_count), dtype=np.int64)
    entitlement = desired.copy()
    frozen = []
    for rank, wanted in enumerate(desired):
        node_wanted = _by_node(terms, wanted)
        shares = node_shares(room, node_wanted)
        for node in np.flatnonzero(shares.served < node_wanted).tolist():
            points = terms.points_at[node]
            entitlement[rank, points] = _inside_node(
                int(shares.served[node]),
                wanted[points].tolist(),
                weights[points].tolist(),
                terms.indivisible[points].tolist(),
                place and (place[0], f"{place[1]} {terms.nodes[node]} {_name(rank)}"),
            )
        # What whole requests leave over is open to the next priority, at any node it can reach.
        node_served[rank] = _by_node(terms, entitlement[rank])
        room = room - subset_sums(node_served[rank])
        frozen.append(shares.frozen)
    unused = maximum - int(node_served.sum())
    if unused and not terms.indivisible.any():
        raise ArithmeticError("what is served does not sum to the physical maximum")
    return Shares(maximum, node_served, entitlement, unused, tuple(frozen))


def _by_node(terms: Terms, values: Integers) -> Integers:
    sums = np.zeros(len(terms.nodes), dtype=np.int64)
    np.add.at(sums, terms.node, values)
    return sums


def _name(rank: int) -> str:
    return PRIORITIES[rank] if rank < len(PRIORITIES) else str(rank)


def _inside_node(
    amount: int,
    desired: list[int],
    weights: list[int],
    indivisible: list[bool],
    drawn: tuple[bytes, str] | None,
) -> list[int]:
    """Return the shares of a node's points; the indivisible draw for what they got together."""
    shares = fill_by_weight(amount, desired, weights)
    if drawn is None or not any(indivisible):
        return shares
    whole = [index for index, flag in enumerate(indivisible) if flag]
    parts = [index for index, flag in enumerate(indivisible) if not flag]
    met = draw_winners(
        sum(shares[index] for index in whole),
        [desired[index] for index in whole],
        [weights[index] for index in whole],
        make_drawing(lottery_seed(*drawn)),
    )
    for index in whole:
        shares[index] = 0
    for position in met:
        shares[whole[position]] = desired[whole[position]]
    # What no whole request could use goes to those that take any amount.
    wanted = [desired[index] for index in parts]
    left = min(amount - sum(shares[index] for index in whole), sum(wanted))
    for index, share in zip(
        parts, fill_by_weight(left, wanted, [weights[index] for index in parts]), strict=True
    ):
        shares[index] = share
    return shares
