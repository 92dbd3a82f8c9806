"""Whether anything may be owed where a day begins, whatever was owed some days before.

What a day begins with follows from all that happened since nothing was owed. To find such a moment
without going back for ever, the most that *could* be owed in each set of nodes is carried through
the days instead of what is. It begins with all flexible demand of one window, and in an interval ::

    lacking(B) = desired(B) + most(B) - room(B)
    most(C)   <- min( most(C) + flexible(C), flexible(C) of the last window,
                      max over n in C of max over B with n in B of lacking(B), at least 0 )

Whatever the order of service, what is refused in C is no more than some cut with a node of C lacks.
Where this is 0 everywhere, nothing is owed, for certain. Where a grid has too many nodes for its
sets, or requests are met whole or not at all, the most is carried for each node, and is 0 after an
interval in which the grid can serve all that may be wanted; so it looks back as far or farther.
Whether requests are known beside the meter makes no difference: what is asked for, offered and not
taken is declined, so nobody is owed more than the grid refused.
"""

from collections.abc import Sequence

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.contracts import Contracts
from settlement.core.cuts import subset_sums
from settlement.core.room import Rooms, sums_at
from settlement.core.room_by_cuts import CutRooms


def may_owe(
    rooms: Rooms,
    contracts: Contracts,
    supply_w: Integers,
    desired_w: Integers,
) -> bool:
    """Return whether anything may be owed where a stretch of intervals ends.

    Args:
        rooms: of the grid, in W.
        supply_w: shape (N, T), of the intervals of the stretch.
        desired_w: shape (G, T), new in each.
    """
    window, intervals = contracts.point_window, desired_w.shape[1]
    if not contracts.longest_window:
        return False
    if intervals < contracts.longest_window:
        return True
    nodes = len(contracts.nodes)
    node = contracts.node[contracts.point_group]
    flexible_w = np.where((window > 0)[:, np.newaxis], desired_w, 0)
    # Before the stretch nothing is known, so anything may be owed until a whole window of it is.
    # Of what is met whole or not at all, more may be refused than any cut lacks.
    most: _MostOfSets | _MostOfNodes = _MostOfNodes(rooms)
    if isinstance(rooms, CutRooms) and not contracts.indivisible.any():
        most = _MostOfSets(rooms)
    for interval in range(intervals):
        since = max(interval - contracts.longest_window + 1, 0)
        recent_w = flexible_w[:, since : interval + 1].sum(axis=1)
        desired = sums_at(nodes, node, desired_w[:, interval])
        most.go_on(supply_w[:, interval], desired, sums_at(nodes, node, flexible_w[:, interval]))
        if interval - since + 1 == contracts.longest_window:
            most.hold_to(sums_at(nodes, node, recent_w))
    return bool(most.of.any())


_ANYTHING_W = 2**52
"""More than anybody is owed: 4,500 TW x intervals; 200 nodes of it fit int64."""


class _MostOfSets:
    """The most that may be owed in every set of nodes: `of`, shape (2**N,), in W."""

    def __init__(self, rooms: CutRooms) -> None:
        self._rooms = rooms
        self.of = np.full(1 << rooms.node_count, _ANYTHING_W)
        self.of[0] = 0

    def go_on(self, supply: Integers, desired: Integers, new: Integers) -> None:
        """Go on by an interval, given supply, all that is new and what of it may wait, (N,)."""
        lacking = self.of + subset_sums(desired) - self._rooms.given(supply).of_sets
        refused = [
            max(int(lacking.reshape(-1, 2, 1 << place)[:, 1].max()), 0)
            for place in range(len(supply))
        ]
        self.of = np.minimum(self.of + subset_sums(new), _largest_members(refused))

    def hold_to(self, asked: Integers) -> None:
        """Hold what may be owed to what was asked for in the last window, shape (N,)."""
        self.of = np.minimum(self.of, subset_sums(asked))


class _MostOfNodes:
    """The most that may be owed at every node: `of`, shape (N,), in W; as `_MostOfSets`."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.of = np.full(rooms.node_count, _ANYTHING_W)

    def go_on(self, supply: Integers, desired: Integers, new: Integers) -> None:
        """Nothing is refused, whatever is owed, where all that may be wanted can be served."""
        wanted = self.of + desired
        is_served = self._rooms.given(supply).most(wanted) == wanted.sum()
        self.of = np.zeros_like(self.of) if is_served else self.of + new

    def hold_to(self, asked: Integers) -> None:
        """Hold what may be owed to what was asked for in the last window, shape (N,)."""
        self.of = np.minimum(self.of, asked)


def _largest_members(values: Sequence[int]) -> Integers:
    """Return shape (2**N,): the largest value of the members of every set; 0 of the empty."""
    largest = np.zeros(1, dtype=np.int64)
    for value in values:
        largest = np.concatenate([largest, np.maximum(largest, value)])
    return largest
