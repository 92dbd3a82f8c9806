"""Who is served at which node when there is not enough: weighted max-min fairness on the cuts.

Demands s can be served together exactly if, for every set of nodes B ::

    s(B) <= supply(B) + ratings of lines into B

(maximum flow = minimum cut; Ford and Fulkerson, 1956). The right-hand side is submodular, so these
vectors form a *polymatroid* (Edmonds, 1970). Two facts follow. Every servable vector can be raised
to one whose total is the physical maximum v(all), so fairness never costs served demand: there is
no structural waste. And *progressive filling* (Bertsekas and Gallager, Data Networks, 1992, section
6.5) finds the one max-min fair vector: raise the ratio served / weight of all nodes together until
a set of nodes can take no more, freeze that set, go on with the others.

Once the nodes in F are frozen their supply is used up, so what is left for others is
``most(F + X) - most(F)``, where most(B) is the most that can be served to B alone. Each frozen set
therefore has a whole total, and only its split over its nodes needs rounding:

    Rounding: every node is rounded down. What is left of a frozen set's total, less than one unit
    for each node, is given out in single units in the order of largest remainder, ties to the
    lowest node, passing over a node that a cut holds back.

Any whole vector inside a polymatroid can be raised to the maximum inside the box one unit above
(integer bases exist in every such box), so this always ends at exactly v(all), and every node is
less than one unit from its exact share. All quantities are integers of one unit: W or kW.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, integers, kernel, require_int64
from settlement.core.cuts import subset_sums

_HALF_BITS = 31
_HALF_MASK = (1 << _HALF_BITS) - 1


@dataclass(frozen=True)
class Frozen:
    """A set of nodes that stopped rising together.

    Attributes:
        nodes: indices, ascending.
        total: what they are served together.
        weight: sum of their weights; ``total / weight`` is their ratio, rising from set to set.
    """

    nodes: tuple[int, ...]
    total: int
    weight: int


@dataclass(frozen=True, eq=False)
class NodeShares:
    """What each node is served.

    Attributes:
        served: shape (N,), never above demand; its sum is the physical maximum.
        frozen: in the order of freezing, lowest ratio first; empty where all is served in full.
            The nodes of a set and of those before it are the demand side of the cut that bound.
    """

    served: Integers
    frozen: tuple[Frozen, ...]


def most_servable(room: Integers, demand: Integers) -> Integers:
    """Return the most of a demand that can be served at every set of nodes, shape (2**N,).

    ``most(B) = min over C inside B of [ room(C) + demand(B without C) ]``; the last entry, for all
    nodes, is v(all).

    Args:
        room: shape (2**N,), what supply inside each set of nodes and lines into it can bring; set B
            is the integer whose bit n is set where node n is in B.
        demand: shape (N,), not negative.
    """
    most = room.copy()
    for node, wanted in enumerate(demand.tolist()):
        pairs = most.reshape(-1, 2, 1 << node)
        np.minimum(pairs[:, 1], pairs[:, 0] + wanted, out=pairs[:, 1])
    return most


def binding_members(room: Integers, demand: Integers, held: Sequence[int]) -> tuple[int, ...]:
    """Return the part of a set of nodes on the demand side of the cut that limits it, ascending.

    The members C inside B at which ``most(B) = room(C) + demand(B without C)``; the smallest such
    set as an integer. Demand in the rest of B is served in full.

    Args:
        room, demand: as in `most_servable`.
        held: the nodes of B, ascending.
    """
    nodes = list(held)
    # Position s is the part of B that holds its node k where bit k of s is set.
    parts = subset_sums(np.array([1 << node for node in nodes], dtype=np.int64))
    most = room[parts] + subset_sums(demand[nodes])[::-1]
    smallest = int(parts[most.argmin()])
    return tuple(node for node in nodes if smallest >> node & 1)


def room_for(boundary: Integers, supply: Integers) -> Integers:
    """Return what can be brought to every set of nodes, shape (2**N,).

    Args:
        boundary: shape (2**N,), lines **out of** each set, as in `Cuts`; what leaves the others
            enters the set.
        supply: shape (N,).
    """
    room: Integers = boundary[::-1] + subset_sums(supply)
    return room


def node_shares(room: Integers, demand: Integers, weight: Integers | None = None) -> NodeShares:
    """Return the weighted max-min fair service of nodes under a network's cuts.

    Example: node 0 has supply 6 and demand 8, node 1 has demand 4 behind a line of 1. The set {1}
    can have 1, a ratio of 1/4, and freezes; node 0 goes on to 5, a ratio of 5/8. Together 6.

    Args:
        room: shape (2**N,), see `room_for`.
        demand: shape (N,), the most each node is served.
        weight: shape (N,), above 0 where there is demand; by default the demand, so that the ratio
            is served / demand.

    Raises:
        ValueError: a negative quantity, or demand without weight.
        OverflowError: quantities too large for exact arithmetic.
        ArithmeticError: the shares do not sum to the physical maximum: a bug, never bad input.
    """
    demand = integers(demand, (len(room).bit_length() - 1,), "demand")
    weight = demand if weight is None else integers(weight, demand.shape, "weight")
    _require_fit(room, demand, weight)
    most = most_servable(room, demand)
    if most[-1] == demand.sum():
        return NodeShares(demand, ())
    return _fill(most, np.where(demand > 0, weight, 0))


def _require_fit(room: Integers, demand: Integers, weight: Integers) -> None:
    if min(room.min(), demand.min(), weight.min()) < 0:
        raise ValueError("room, demand and weight must not be negative")
    if np.any((demand > 0) & (weight == 0)):
        raise ValueError("a node with demand needs a weight above 0")
    # Twice, because products are compared in halves of 31 bits.
    largest = max(int(room.max()) + sum(demand.tolist()), sum(weight.tolist()))
    require_int64(2 * largest, "demand, weight or supply at the nodes")


def _fill(most: Integers, weight: Integers) -> NodeShares:
    """Freeze one set after another, then round each down and give out what is left of it."""
    weights = subset_sums(weight)
    served = np.zeros_like(weight)
    frozen: list[Frozen] = []
    remainders: list[list[int]] = []
    done = 0
    while weights[done] < weights[-1]:
        members = _tightest(most, weights, done)
        step = Frozen(
            tuple(node for node in range(len(weight)) if members >> node & 1),
            int(most[done | members] - most[done]),
            int(weights[done | members] - weights[done]),
        )
        shares = [divmod(int(weight[node]) * step.total, step.weight) for node in step.nodes]
        served[list(step.nodes)] = [whole for whole, _ in shares]
        remainders.append([remainder for _, remainder in shares])
        frozen.append(step)
        done |= members
    slack = most - subset_sums(served)
    for step, rest in zip(frozen, remainders, strict=True):
        _give_out(slack, served, step, rest)
    if served.sum() != most[-1]:
        raise ArithmeticError("what nodes are served does not sum to the physical maximum")
    return NodeShares(served, tuple(frozen))


def _give_out(slack: Integers, served: Integers, step: Frozen, remainders: list[int]) -> None:
    """Raise nodes of a frozen set by one unit, in place, until its whole total is served."""
    left = step.total - int(served[list(step.nodes)].sum())
    # sorted() is stable, so equal remainders keep the order of the nodes.
    for position in sorted(range(len(remainders)), key=lambda place: -remainders[place]):
        if not left or not remainders[position]:
            return
        node = step.nodes[position]
        holding = slack.reshape(-1, 2, 1 << node)[:, 1]
        if holding.min() > 0:
            holding -= 1
            served[node] += 1
            left -= 1


@kernel
def _tightest(most: Integers, weights: Integers, done: int) -> int:
    """Return, as bits, the largest set of unfrozen nodes that binds at the lowest ratio.

    Sets that bind at one ratio are closed under union. Counting down meets their union, the largest
    number of them, before any other.
    """
    free = (len(most) - 1) ^ done
    lowest, lowest_weight, tightest = 0, 0, 0
    members = free
    while members:
        weight = weights[done | members] - weights[done]
        room = most[done | members] - most[done]
        first = lowest_weight == 0 and weight > 0
        if first or _compare_products(room, lowest_weight, lowest, weight) < 0:
            lowest, lowest_weight, tightest = room, weight, members
        # Steps down through every subset of the free nodes, and through nothing else.
        members = (members - 1) & free
    return tightest


@kernel
def _compare_products(a: int, b: int, c: int, d: int) -> int:
    """Return the sign of ``a x b - c x d`` for factors of 0 to 2**62 - 1, exactly.

    In W, a product of demand and weight passes int64; so each is built in halves of 31 bits.
    """
    low = (a & _HALF_MASK) * (b & _HALF_MASK)
    cross = (a >> _HALF_BITS) * (b & _HALF_MASK) + (a & _HALF_MASK) * (b >> _HALF_BITS)
    cross += low >> _HALF_BITS
    high = (a >> _HALF_BITS) * (b >> _HALF_BITS) + (cross >> _HALF_BITS)
    rest = ((cross & _HALF_MASK) << _HALF_BITS) + (low & _HALF_MASK)

    low = (c & _HALF_MASK) * (d & _HALF_MASK)
    cross = (c >> _HALF_BITS) * (d & _HALF_MASK) + (c & _HALF_MASK) * (d >> _HALF_BITS)
    cross += low >> _HALF_BITS
    high -= (c >> _HALF_BITS) * (d >> _HALF_BITS) + (cross >> _HALF_BITS)
    rest -= ((cross & _HALF_MASK) << _HALF_BITS) + (low & _HALF_MASK)
    if high != 0:
        return 1 if high > 0 else -1
    if rest != 0:
        return 1 if rest > 0 else -1
    return 0
