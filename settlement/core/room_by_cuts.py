"""Room from the cuts of a network, every set of nodes enumerated; see `room`.

A set of nodes is an integer whose bit n is set where node n is in it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from settlement.core.arrays import Flags, Integers, kernel
from settlement.core.cuts import W_PER_KW, Cuts, subset_sums
from settlement.core.room import Claims, Frozen, sums_at

_HALF_BITS = 31
_HALF_MASK = (1 << _HALF_BITS) - 1


@dataclass(frozen=True, eq=False)
class CutRooms:
    """A network by its cuts.

    Attributes:
        boundary: shape (2**N,), lines **out of** each set of nodes, as in `Cuts`.
    """

    boundary: Integers

    @property
    def node_count(self) -> int:
        """N, the nodes of the network."""
        return len(self.boundary).bit_length() - 1

    @cached_property
    def most_brought(self) -> int:
        """The most that lines can bring to a set of nodes."""
        return int(self.boundary.max())

    def given(self, supply: Integers) -> "RoomByCuts":
        """Return the room of the network with supply at its nodes, shape (N,), not negative."""
        return RoomByCuts(room_for(self.boundary, supply))

    def serve_all(self, supply: Integers, demand: Integers) -> Flags:
        """Return for each interval whether all of a demand can be served; see `Rooms`."""
        return _all_sets_have_room(self.boundary, np.ascontiguousarray((supply - demand).T))


def rooms_by_cuts(cuts: Cuts) -> CutRooms:
    """Return a grid's rooms in W, from its cuts in kW."""
    return CutRooms(cuts.boundary_kw * W_PER_KW)


@dataclass(frozen=True, eq=False)
class RoomByCuts:
    """Room as one number for every set of nodes.

    Attributes:
        of_sets: shape (2**N,), see `room_for`; not negative.
    """

    of_sets: Integers

    def __post_init__(self) -> None:
        if self.of_sets.min() < 0:
            raise ValueError("room must not be negative")

    @property
    def node_count(self) -> int:
        """N, the nodes of the network."""
        return len(self.of_sets).bit_length() - 1

    @property
    def largest(self) -> int:
        """The most that can be brought to any set of nodes."""
        return int(self.of_sets.max())

    def most(self, demand: Integers) -> int:
        """Return the most of a demand, shape (N,), that can be served."""
        return int((self.of_sets + subset_sums(demand)[::-1]).min())

    def without(self, served: Integers) -> "RoomByCuts":
        """Return the room that is left, given what is served at the nodes, shape (N,)."""
        return RoomByCuts(self.of_sets - subset_sums(served))

    def spare(self, served: Integers) -> "SpareByCuts":
        """Return what could be served beyond what is served at the nodes, shape (N,)."""
        return SpareByCuts(self.of_sets - subset_sums(served))

    def frozen(self, claims: Claims) -> tuple[Frozen, ...]:
        """Return what progressive filling freezes, in order; see `Room`.

        Where the nodes in F are frozen, what is left for others is ``room(F + X) - room(F)``, less
        what is served in full there.
        """
        node, wanted, weight = claims.node, claims.wanted, claims.weight
        nodes, room = self.node_count, self.of_sets
        pull = wanted * weight
        rises = wanted > 0
        full = np.zeros(nodes, dtype=np.int64)  # served in full at nodes that are not frozen
        frozen: list[Frozen] = []
        done = 0
        while rises.any():
            pulls = subset_sums(sums_at(nodes, node[rises], pull[rises]))
            left = room - room[done] - subset_sums(full)
            members = _tightest(left, pulls, done)
            total, of = int(left[done | members]), int(pulls[members])
            heaviest = int(weight[rises].max())
            if total * heaviest >= of:  # at that level the heaviest have all that they want
                capped = rises & (weight == heaviest)
                full += sums_at(nodes, node[capped], wanted[capped])
                rises &= ~capped
                continue
            inside = np.array([members >> place & 1 for place in range(nodes)], dtype=np.bool_)
            stopped = np.flatnonzero(rises & inside[node]).tolist()
            frozen.append(Frozen(tuple(np.flatnonzero(inside).tolist()), tuple(stopped), total, of))
            rises[stopped] = False
            full[inside] = 0
            done |= members
        return tuple(frozen)


@dataclass(frozen=True, eq=False)
class SpareByCuts:
    """What every set of nodes could have beyond what it has.

    Attributes:
        of_sets: shape (2**N,), not negative; changes as more is served.
    """

    of_sets: Integers

    def serve_one(self, node: int) -> bool:
        """Serve one unit more at a node where no set that holds it has all it can."""
        holding = self.of_sets.reshape(-1, 2, 1 << node)[:, 1]
        if holding.min() <= 0:
            return False
        holding -= 1
        return True


def room_for(boundary: Integers, supply: Integers) -> Integers:
    """Return what can be brought to every set of nodes, shape (2**N,).

    Args:
        boundary: shape (2**N,), lines **out of** each set, as in `Cuts`; what leaves the others
            enters the set.
        supply: shape (N,).
    """
    room: Integers = boundary[::-1] + subset_sums(supply)
    return room


@kernel
def _all_sets_have_room(boundary: Integers, left: Integers) -> Flags:
    """Return of each row whether no set of nodes wants more than can be brought to it.

    Args:
        boundary: shape (2**N,), as in `room_for`.
        left: shape (T, N), supply less demand.
    """
    sets = len(boundary)
    found = np.ones(len(left), dtype=np.bool_)
    sums = np.zeros(sets, dtype=np.int64)
    for row in range(len(left)):
        for bit in range(left.shape[1]):
            half = 1 << bit
            for subset in range(half):
                sums[half + subset] = sums[subset] + left[row, bit]
        for members in range(sets):
            if boundary[sets - 1 - members] + sums[members] < 0:
                found[row] = False
                break
    return found


@kernel
def _tightest(left: Integers, pulls: Integers, done: int) -> int:
    """Return, as bits, the largest set of unfrozen nodes that binds at the lowest level.

    Sets that bind at one level are closed under union. Counting down meets their union, the largest
    number of them, before any other.
    """
    free = (len(left) - 1) ^ done
    lowest, lowest_pull, tightest = 0, 0, 0
    members = free
    while members:
        pull = pulls[members]
        room = left[done | members]
        if pull > 0 and (
            lowest_pull == 0 or _compare_products(room, lowest_pull, lowest, pull) < 0
        ):
            lowest, lowest_pull, tightest = room, pull, members
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
