"""Who is served at which node when there is not enough: weighted max-min fairness on the cuts.

A *claim* is what one group of supply points wants of the network at its node. What can be brought
to sets of nodes (`room`) is submodular, so the claims that can be served together form a
*polymatroid* (Edmonds, 1970). Two facts follow. Every servable vector can be raised to one whose
total is the physical maximum v(all), so fairness never costs served demand: there is no structural
waste. And *progressive filling* (Bertsekas and Gallager, Data Networks, 1992, section 6.5) finds
the one max-min fair vector: raise a level, at which each claim is served ::

    min(wanted, level x weight x wanted)

until a set of nodes can take no more, freeze its claims, go on with the others. So a claim of twice
the weight is served twice the part of what it wants, at whatever nodes the two are, until it is
served in full or a cut holds it back.

Each frozen set has a whole total, and only its split over its claims needs rounding:

    Rounding: every claim is rounded down. What is left of a frozen set's total, less than one unit
    for each claim, is given out in single units in the order of largest remainder, ties to the
    lowest claim, passing over a claim at a node that a cut holds back.

Any whole vector inside a polymatroid can be raised to the maximum inside the box one unit above
(integer bases exist in every such box), so this always ends at exactly v(all), and every claim is
less than one unit from its exact share. All quantities are integers of one unit: W or kW.
"""

from dataclasses import dataclass

from settlement.core.arrays import Integers, integers, require_int64
from settlement.core.room import Claims, Frozen, Room, Spare, sums_at


@dataclass(frozen=True, eq=False)
class ClaimShares:
    """What each claim is served.

    Attributes:
        served: shape (C,), never above what is wanted; its sum is the physical maximum.
        frozen: in the order of freezing, lowest level first; empty where all is served in full.
            The nodes of a set and of those before it are the demand side of the cut that bound.
    """

    served: Integers
    frozen: tuple[Frozen, ...]


def claim_shares(room: Room, node: Integers, wanted: Integers, weight: Integers) -> ClaimShares:
    """Return the weighted max-min fair service of claims in the room that a network has.

    Example: node 0 has supply 6, node 1 is behind a line of 1 from it. Of equal weight, 8 are
    wanted at node 0 and 4 at node 1. The set {1} can have 1, a level of 1/4, and freezes; node 0
    goes on to 5, a level of 5/8. Together 6.

    Args:
        room: what can be brought to every set of nodes.
        node: shape (C,), index of each claim's node.
        wanted: shape (C,), the most each claim is served, not negative.
        weight: shape (C,), above 0.

    Raises:
        ValueError: a negative quantity, a weight that is not above 0, or a node too many.
        OverflowError: quantities too large for exact arithmetic.
        ArithmeticError: the shares do not sum to the physical maximum: a bug, never bad input.
    """
    wanted = integers(wanted, (len(node),), "wanted")
    weight = integers(weight, (len(node),), "weight")
    if len(node) and not 0 <= node.min() <= node.max() < room.node_count:
        raise ValueError("a claim is at a node that the grid does not have")
    _require_fit(room, wanted, weight)
    most = room.most(sums_at(room.node_count, node, wanted))
    if most == wanted.sum():
        return ClaimShares(wanted, ())
    frozen = room.frozen(Claims(node, wanted, weight))
    served, remainders = _rounded_down(frozen, wanted, wanted * weight)
    spare = room.spare(sums_at(room.node_count, node, served))
    for step, rest in zip(frozen, remainders, strict=True):
        _give_out(spare, node, served, step, rest)
    if served.sum() != most:
        raise ArithmeticError("what claims are served does not sum to the physical maximum")
    return ClaimShares(served, frozen)


def _require_fit(room: Room, wanted: Integers, weight: Integers) -> None:
    if wanted.min(initial=0) < 0:
        raise ValueError("what is wanted must not be negative")
    if weight.min(initial=1) < 1:
        raise ValueError("a claim needs a weight above 0")
    pulls = zip(wanted.tolist(), weight.tolist(), strict=True)
    # Twice, because products are compared in halves of 31 bits.
    largest = max(
        room.largest + sum(wanted.tolist()),
        sum(amount * of for amount, of in pulls),
        room.largest * 2,
    )
    require_int64(2 * largest, "what is wanted, by weight, or supply at the nodes")


def _rounded_down(
    frozen: tuple[Frozen, ...], wanted: Integers, pull: Integers
) -> tuple[Integers, list[list[int]]]:
    """Return what claims are served, rounded down, and the remainders of each frozen set."""
    served = wanted.copy()
    remainders = []
    for step in frozen:
        claims = list(step.claims)
        shares = [divmod(of * step.total, step.pull) for of in pull[claims].tolist()]
        served[claims] = [whole for whole, _ in shares]
        remainders.append([remainder for _, remainder in shares])
    return served, remainders


def _give_out(
    spare: Spare, node: Integers, served: Integers, step: Frozen, remainders: list[int]
) -> None:
    """Raise claims of a frozen set by one unit, in place, until its whole total is served."""
    left = step.total - int(served[list(step.claims)].sum())
    # sorted() is stable, so equal remainders keep the order of the claims.
    for position in sorted(range(len(remainders)), key=lambda place: -remainders[place]):
        if not left or not remainders[position]:
            return
        claim = step.claims[position]
        if spare.serve_one(int(node[claim])):
            served[claim] += 1
            left -= 1
