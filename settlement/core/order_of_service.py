"""Who is served in an interval in which the grid cannot serve all: the order of service.

1. **promises**: of what is due, what a group must be served not to fall behind its promise;
2. **due**: the rest of what is due, for which the group has slack;
3. **booked**: of what may wait, what was booked in a market online, the earliest deadline first;
4. **waiting**: what else may wait, the earliest deadline first: what is owed, and what is new and
   flexible, by the interval in which it is due;
5. **left over**: what whole requests could use none of, to those that take any amount, in the order
   above.

What is due is the essential demand of the interval, and what is owed and in its last interval. In
each of these *turns* the grid serves all that it can of what the turn wants, before the next has
any; so together they are served v(all), the most that it can serve of everything that is wanted.
Inside a turn groups share by weighted max-min fairness (`max_min`): weight = tier / fulfilment.
Inside a group, whose members have one memory, each is served the same part; indivisible requests
are met whole or not at all, by a lottery over what their group is served.

The order decides more than the weights do. Deadlines alone refuse as little; but it is the promises
that keep those who were promised most from waiting beside those who were promised less.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.booked_lots import Lot, booked_of_waiting
from settlement.core.contracts import Contracts, ContractState, must_serve, weights_ppm
from settlement.core.lottery import draw_winners, lottery_seed, make_drawing
from settlement.core.max_min import claim_shares
from settlement.core.room import Frozen, Room, sums_at
from settlement.core.rounding import apportion

PROMISES, DUE, BOOKED, WAITING = "promises", "due", "booked", "waiting"
LEFT_OVER = "left over"

LARGEST_SUM = 2**61
"""Of weight x wanted over all groups: products are compared exactly below 2**62."""


@dataclass(frozen=True, eq=False)
class Turn:
    """What one turn of the order served, in W.

    Attributes:
        name: one of `PROMISES`, `DUE`, `BOOKED`, `WAITING`, `LEFT_OVER`.
        due_after: intervals after which what is served is due; 0 of what is due.
        wanted, served: shape (K,), of the groups.
        weight: shape (K,), by which they shared.
        frozen: the sets of nodes that a cut held back, and the groups that stopped with them.
    """

    name: str
    due_after: int
    wanted: Integers
    served: Integers
    weight: Integers
    frozen: tuple[Frozen, ...]


@dataclass(frozen=True, eq=False)
class Service:
    """What is served in one interval, in W, of what is due and of what may wait.

    Attributes:
        due_w: shape (G,), of what is due.
        waiting_w: shape (H + 1, G): row j of what is due after j intervals; row 0 is 0.
        booked_w: shape (H + 1, G), the part of it that was served in the turns of what is booked.
        unused_w: what indivisible requests left over of v(all).
        turns: in their order; empty where all is served.
    """

    due_w: Integers
    waiting_w: Integers
    booked_w: Integers
    unused_w: int
    turns: tuple[Turn, ...]

    @property
    def served_w(self) -> Integers:
        """All that each supply point is served, shape (G,)."""
        served: Integers = self.due_w + self.waiting_w.sum(axis=0)
        return served


@dataclass(frozen=True, eq=False)
class Wanted:
    """What supply points want of an interval, in W.

    Attributes:
        due: shape (G,): essential, and owed in its last interval.
        waiting: shape (H + 1, G): row j is due after j intervals, owed or new; row 0 is 0.
        booked: shape (H + 1, G), the part of it that is booked.
    """

    due: Integers
    waiting: Integers
    booked: Integers

    @property
    def all(self) -> Integers:
        """Shape (G,), everything."""
        every: Integers = self.due + self.waiting.sum(axis=0)
        return every


def wanted_in(
    contracts: Contracts, state: ContractState, desired_w: Integers, new: Sequence[Lot] = ()
) -> Wanted:
    """Return what is wanted of an interval: what is new in it, and what is owed.

    Args:
        desired_w: shape (G,), new in the interval, not negative.
        new: what is booked of it.
    """
    window = contracts.point_window
    # What is owed may be due later than any window of today's, under the law of its own day.
    owed = state.owed
    height = max(len(owed), contracts.longest_window) + 1
    waiting = np.zeros((height, len(window)), dtype=np.int64)
    due = np.where(window == 0, desired_w, 0)
    if len(owed):
        due = due + owed[0]
        waiting[1 : len(owed)] = owed[1:]
    flexible = np.flatnonzero(window > 0)
    waiting[window[flexible], flexible] += desired_w[flexible]
    lots = (*state.lots, *new)
    booked = booked_of_waiting(lots, waiting, contracts.indivisible[contracts.point_group])
    return Wanted(due, waiting, booked)


def serve_in_turns(
    contracts: Contracts,
    state: ContractState,
    wanted: Wanted,
    room: Room,
    place: tuple[bytes, str] | None = None,
) -> Service:
    """Return what is served where the grid cannot serve all that is wanted.

    Args:
        room: what can be brought to every set of nodes.
        place: digest of the day's inputs (32 bytes) and the interval in words; the seed of each
            drawing adds the node, the product and the turn to it. Needed where a request is
            indivisible.

    Raises:
        ValueError: a lottery without a place.
        ArithmeticError: what is served is not v(all): a bug, never bad input.
    """
    if place is None and contracts.indivisible.any():
        raise ValueError("indivisible requests are drawn by lottery: a place is needed")
    turns = _Turns(contracts, fitting(weights_ppm(contracts, state.memory), wanted.all.sum()), room)
    due = contracts.by_group(wanted.due)
    must = np.array(must_serve(contracts, state.memory, due.tolist()), dtype=np.int64)
    served = turns.take(PROMISES, 0, must)
    served = served + turns.take(DUE, 0, due - must)
    given_due = turns.give(served, wanted.due, place, DUE)
    booked = turns.take_and_give(BOOKED, wanted.booked, place)
    waiting = booked + turns.take_and_give(WAITING, wanted.waiting - booked, place)
    if contracts.indivisible.any():
        given_due = given_due + turns.give_left_over(0, wanted.due - given_due)
        for after in np.flatnonzero(wanted.waiting.any(axis=1)).tolist():
            rest = wanted.waiting[after] - waiting[after]
            waiting[after] += turns.give_left_over(after, rest)
    maximum = room.most(sums_at(len(contracts.nodes), *turns.placed(wanted.all)))
    unused = maximum - int(given_due.sum() + waiting.sum())
    if unused and not contracts.indivisible.any():
        raise ArithmeticError("what is served does not sum to the physical maximum")
    return Service(given_due, waiting, booked, unused, tuple(turns.taken))


def fitting(weights: Integers, wanted: int) -> Integers:
    """Return weights, halved together until their products with what is wanted are exact."""
    while int(weights.max(initial=1)) * max(int(wanted), 1) > LARGEST_SUM:
        weights = np.maximum(weights >> 1, 1)
    return weights


class _Turns:
    """The turns of an interval, and the room that each leaves to the next."""

    def __init__(self, contracts: Contracts, weight: Integers, room: Room) -> None:
        self.contracts, self.weight = contracts, weight
        self.room = room  # once what was given so far is taken from it
        self.left = room  # once what was taken so far is taken from it
        self.taken: list[Turn] = []

    def placed(self, of_points: Integers) -> tuple[Integers, Integers]:
        """Return the node of each supply point, and the values."""
        return self.contracts.node[self.contracts.point_group], of_points

    def take(self, name: str, after: int, wanted: Integers) -> Integers:
        """Return what each group is served in a turn, shape (K,)."""
        if not wanted.any():
            return wanted
        node = self.contracts.node
        shares = claim_shares(self.left, node, wanted, self.weight)
        self.taken.append(Turn(name, after, wanted, shares.served, self.weight, shares.frozen))
        self.left = self.left.without(sums_at(len(self.contracts.nodes), node, shares.served))
        return shares.served

    def give(
        self, served: Integers, wanted: Integers, place: tuple[bytes, str] | None, turn: str
    ) -> Integers:
        """Return what each supply point is given, shape (G,), of what its group is served."""
        given = wanted.copy()
        for group in np.flatnonzero(served < self.contracts.by_group(wanted)).tolist():
            points = self.contracts.points_of[group]
            drawn = place and (
                place[0],
                f"{place[1]} {' '.join(self.contracts.groups[group])} {turn}",
            )
            given[points] = _inside_group(
                int(served[group]),
                wanted[points].tolist(),
                drawn if self.contracts.indivisible[group] else None,
            )
        # What whole requests leave over is open to later turns, at any node that it can reach.
        nodes = len(self.contracts.nodes)
        self.room = self.room.without(sums_at(nodes, *self.placed(given)))
        self.left = self.room
        return given

    def take_and_give(
        self, name: str, wanted: Integers, place: tuple[bytes, str] | None
    ) -> Integers:
        """Return what each supply point is given of each deadline in turn, shape (H + 1, G)."""
        given = np.zeros_like(wanted)
        for after in np.flatnonzero(wanted.any(axis=1)).tolist():
            served = self.take(name, after, self.contracts.by_group(wanted[after]))
            given[after] = self.give(served, wanted[after], place, f"{name} {after}")
        return given

    def give_left_over(self, after: int, wanted: Integers) -> Integers:
        """Return what points that take any amount are given of what whole requests left."""
        whole = self.contracts.indivisible[self.contracts.point_group]
        divisible = np.where(whole, 0, wanted)
        served = self.take(LEFT_OVER, after, self.contracts.by_group(divisible))
        return self.give(served, divisible, None, LEFT_OVER)


def _inside_group(amount: int, wanted: list[int], drawn: tuple[bytes, str] | None) -> list[int]:
    """Return the shares of a group's members: the same part each, or whole requests by lottery."""
    if drawn is None:
        return apportion(amount, wanted) if amount else [0] * len(wanted)
    met = draw_winners(amount, wanted, [1] * len(wanted), make_drawing(lottery_seed(*drawn)))
    return [size if index in met else 0 for index, size in enumerate(wanted)]
