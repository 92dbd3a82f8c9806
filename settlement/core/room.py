"""What can be brought to the nodes of a network together: what max-min fairness asks of one.

Demands s at the nodes can be served together exactly if, for every set of nodes B ::

    s(B) <= room(B) = supply(B) + ratings of lines into B

(maximum flow = minimum cut; Ford and Fulkerson, 1956). Where nodes are few, the room of every set
is enumerated (`room_by_cuts`); where they are many, it is asked of flows (`room_by_flow`). Both
answer the same to the last unit. All quantities are whole numbers of one unit: W or kW.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from settlement.core.arrays import Flags, Integers


@dataclass(frozen=True, eq=False)
class Claims:
    """What groups of supply points want of a network, C claims.

    Attributes:
        node: shape (C,), index of each claim's node.
        wanted: shape (C,), the most each claim is served, not negative.
        weight: shape (C,), above 0.
    """

    node: Integers
    wanted: Integers
    weight: Integers


@dataclass(frozen=True)
class Frozen:
    """Nodes that a cut holds back together, and the claims that stopped rising with them.

    Attributes:
        nodes: indices, ascending.
        claims: indices, ascending; those at these nodes that are not served in full.
        total: what these claims are served together.
        pull: sum of their weight x wanted; ``total / pull`` is their level, rising from set to set.
    """

    nodes: tuple[int, ...]
    claims: tuple[int, ...]
    total: int
    pull: int


class Spare(Protocol):
    """What a network could serve beyond what it does; it changes as more is served."""

    def serve_one(self, node: int) -> bool:
        """Serve one unit more at a node where the network can; return whether it can."""


class Room(Protocol):
    """What can be brought to every set of nodes, once what is served already is taken from it."""

    @property
    def node_count(self) -> int:
        """N, the nodes of the network."""

    @property
    def largest(self) -> int:
        """A bound of what can be brought to any set of nodes."""

    def most(self, demand: Integers) -> int:
        """Return the most of a demand, shape (N,), that can be served."""

    def frozen(self, claims: Claims) -> tuple[Frozen, ...]:
        """Return what progressive filling freezes, in order; empty where all is served in full.

        A level rises from 0, and each claim is served ``min(wanted, level x weight x wanted)``.
        Where a set of nodes can have no more, its claims that are not served in full stop; where
        several can at one level, the largest, which is their union. Nodes without such claims that
        can have no more stop with the next set that does.
        """

    def without(self, served: Integers) -> "Room":
        """Return the room that is left, given what is served at the nodes, shape (N,)."""

    def spare(self, served: Integers) -> Spare:
        """Return what could be served beyond what is served at the nodes, shape (N,)."""


class Rooms(Protocol):
    """A network whose supply is not told yet."""

    @property
    def node_count(self) -> int:
        """N, the nodes of the network."""

    @property
    def most_brought(self) -> int:
        """A bound of what lines can bring to any set of nodes."""

    def given(self, supply: Integers) -> Room:
        """Return the room of a network with supply at its nodes, shape (N,), not negative."""

    def serve_all(self, supply: Integers, demand: Integers) -> Flags:
        """Return for each interval whether all of a demand can be served, shape (T,).

        Args:
            supply, demand: shape (N, T), not negative.
        """


def sums_at(nodes: int, node: Integers, values: Integers) -> Integers:
    """Return shape (N,): the sum of the values at each node."""
    sums = np.zeros(nodes, dtype=np.int64)
    np.add.at(sums, node, values)
    return sums
