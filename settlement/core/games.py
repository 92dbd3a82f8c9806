"""What a coalition of units is worth: the demand it can serve, in kW.

*Location*: served through the network. *Adequacy*: served as if there were none,
``min(supply, demand)``. *Flexibility*: what members can add in time, up to a requirement. The
last two are the first on a grid of one node. A value is a maximum flow, which is the smallest cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, integers, largest_magnitude, require_int64
from settlement.core.network import Network, copperplate, served_by_groups, smallest_cut
from settlement.core.periods import MINUTES_PER_HOUR


@dataclass(frozen=True)
class BindingCut:
    """The reason for a coalition's value: the smallest cut.

    Attributes:
        served_kw: the value of the coalition.
        supply_side: indices of the nodes whose demand is served in full. Where several cuts are
            smallest, the one with the fewest nodes, which is inside the side of every other.
    """

    served_kw: int
    supply_side: tuple[int, ...]


def ramp_deliverable_w(
    available_w: Integers, ramp_w_per_h: Integers, response_minutes: int
) -> Integers:
    """Return what each unit can add within the response time, in W, rounded down.

    Args:
        available_w: shape (U, ...), the most that a unit can reach, not negative.
        ramp_w_per_h: of a shape that broadcasts to it, how fast a unit can change, not negative.
        response_minutes: the response time.

    The flexibility game, ``v(S) = min(sum of these over S, requirement)``, is the adequacy game
    of these with the requirement as demand: see `Game.flexibility`.

    Raises:
        OverflowError: a ramp so fast that its product with the time passes int64.
    """
    require_int64(largest_magnitude(ramp_w_per_h) * response_minutes, "ramp within the time")
    return np.minimum(available_w, ramp_w_per_h * response_minutes // MINUTES_PER_HOUR)


@dataclass(frozen=True, eq=False)
class Game:
    """One interval's game: what a coalition of units can serve through a network.

    Attributes:
        network: of N nodes.
        unit_node: shape (U,), index of each unit's node.
        available_kw: shape (U,), not negative.
        demand_kw: shape (N,), not negative.
    """

    network: Network
    unit_node: Integers
    available_kw: Integers
    demand_kw: Integers

    def __post_init__(self) -> None:
        units, nodes = (len(self.unit_node),), (self.network.node_count,)
        for name, shape in (("unit_node", units), ("available_kw", units), ("demand_kw", nodes)):
            object.__setattr__(self, name, integers(getattr(self, name), shape, name))
        if not np.all((self.unit_node >= 0) & (self.unit_node < self.network.node_count)):
            raise ValueError("a unit is at a node that the network does not have")
        if min(self.available_kw.min(initial=0), self.demand_kw.min(initial=0)) < 0:
            raise ValueError("available_kw and demand_kw must not be negative")
        require_int64(sum(self.available_kw.tolist()) + sum(self.demand_kw.tolist()), "a game's kW")

    @classmethod
    def adequacy(cls, available_kw: Integers, demand_kw: int) -> "Game":
        """Return the copperplate game, ``v(S) = min(supply of S, demand)``."""
        one_node = np.zeros(len(available_kw), dtype=np.int64)
        return cls(copperplate(), one_node, available_kw, np.array([demand_kw], dtype=np.int64))

    @classmethod
    def flexibility(cls, deliverable_kw: Integers, requirement_kw: int) -> "Game":
        """Return the ramp game, ``v(S) = min(what S can add in time, requirement)``.

        Args:
            deliverable_kw: shape (U,), by `ramp_deliverable_w`, in kW.
            requirement_kw: what the market must be able to add within the time.
        """
        return cls.adequacy(deliverable_kw, requirement_kw)

    @property
    def unit_count(self) -> int:
        """How many units play."""
        return len(self.unit_node)

    def value_kw(self, coalition: Iterable[int]) -> int:
        """Return the most demand that a coalition of units can serve."""
        return self.binding_cut(coalition).served_kw

    def binding_cut(self, coalition: Iterable[int]) -> BindingCut:
        """Return a coalition's value with the cut that limits it."""
        members = np.array(sorted(set(coalition)), dtype=np.int64)
        supply_kw = np.zeros(self.network.node_count, dtype=np.int64)
        np.add.at(supply_kw, self.unit_node[members], self.available_kw[members])
        return BindingCut(*smallest_cut(self.network, supply_kw, self.demand_kw))

    def values_kw(self, groups: Sequence[Sequence[int]]) -> Integers:
        """Return shape (2**K,): the value of every set of K groups of units.

        Set s holds group k, and with it all of its units, where bit k of s is set.
        """
        group_kw = np.zeros((len(groups), self.network.node_count), dtype=np.int64)
        for group, members in enumerate(groups):
            chosen = np.array(members, dtype=np.int64)
            np.add.at(group_kw[group], self.unit_node[chosen], self.available_kw[chosen])
        return served_by_groups(self.network, group_kw, self.demand_kw)
