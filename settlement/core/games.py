"""What a coalition of units is worth: the demand it can serve, in kW.

Two games. *Location*: served through the network. *Adequacy*: served as if there were none,
``min(supply, demand)``. The second is the first on a grid of one node.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.cuts import Cuts, subset_sums


@dataclass(frozen=True)
class BindingCut:
    """The reason for a coalition's value: the smallest cut.

    Attributes:
        served_kw: the value of the coalition.
        supply_side: indices of the nodes whose demand is served in full. Where several cuts are
            smallest, the one that comes first as an integer, which is the smallest such side.
    """

    served_kw: int
    supply_side: tuple[int, ...]


def served_kw(
    cuts: Cuts,
    unit_node: Integers,
    available_kw: Integers,
    demand_kw: Integers,
    coalition: Iterable[int],
) -> int:
    """Return the most demand that a coalition of units can serve, in kW.

    Args:
        unit_node: shape (U,), index of each unit's node.
        available_kw: shape (U,), not negative.
        demand_kw: shape (N,), not negative.
        coalition: indices of the member units.
    """
    return binding_cut(cuts, unit_node, available_kw, demand_kw, coalition).served_kw


def binding_cut(
    cuts: Cuts,
    unit_node: Integers,
    available_kw: Integers,
    demand_kw: Integers,
    coalition: Iterable[int],
) -> BindingCut:
    """Return a coalition's value with the cut that limits it; arguments as in `served_kw`."""
    members = np.array(sorted(set(coalition)), dtype=np.int64)
    supply_kw = np.zeros(cuts.node_count, dtype=np.int64)
    np.add.at(supply_kw, unit_node[members], available_kw[members])
    cut_kw = cuts.boundary_kw + subset_sums(demand_kw - supply_kw) + supply_kw.sum()
    smallest = int(cut_kw.argmin())
    inside = tuple(node for node in range(cuts.node_count) if smallest >> node & 1)
    return BindingCut(int(cut_kw[smallest]), inside)


def adequacy_kw(available_kw: Integers, demand_kw: Integers, coalition: Iterable[int]) -> int:
    """Return a coalition's value without a network: the smaller of its supply and all demand."""
    supply = sum(int(available_kw[unit]) for unit in set(coalition))
    return min(supply, int(demand_kw.sum()))
