"""The exact and the levels method on one game; `clusters` and `sampled` are the other two."""

from dataclasses import dataclass

import numpy as np

from settlement.core.cuts import MAXIMUM_NODES, enumerated_cuts
from settlement.core.games import Game
from settlement.core.holarchy import HolarchyTree
from settlement.core.levels import shapley_levels
from settlement.core.levels_plan import levels_plan
from settlement.core.shapley import denominator, shapley_location
from settlement.core.shares import Shares
from settlement.core.value_table import shapley_of_table

MAXIMUM_UNITS_BY_FLOW = 20
"""The most units of an exact game whose network has too many nodes to enumerate its cuts."""


@dataclass(frozen=True)
class LevelsShares(Shares):
    """Shares of the holarchy-tree game.

    Attributes:
        gap_kw: the value of all in the tree less their value in the network; never negative.
    """

    gap_kw: int


def exact(game: Game) -> Shares:
    """Return the Shapley values of a game, over ``lcm(1..U)``.

    From the network's cuts where it has few nodes, else from a maximum flow for each coalition.

    Raises:
        ValueError: more than 24 units, or more than 20 on a network of more than 20 nodes.
        OverflowError: quantities too large for exact int64 sums.
    """
    units, network = game.unit_count, game.network
    if network.node_count > MAXIMUM_NODES:
        if units > MAXIMUM_UNITS_BY_FLOW:
            raise ValueError(
                f"{units} units on {network.node_count} nodes: beyond {MAXIMUM_NODES} nodes the "
                f"exact method takes {MAXIMUM_UNITS_BY_FLOW} units; use levels or sampled"
            )
        values = game.values_kw([[unit] for unit in range(units)])
        return Shares(tuple(shapley_of_table(values)), denominator(units), int(values[-1]))
    cuts = enumerated_cuts(
        network.node_count,
        network.line_from,
        network.line_to,
        network.rating_kw,
        network.reverse_rating_kw,
    )
    column = np.newaxis
    numerators, value_all = shapley_location(
        cuts, game.unit_node, game.available_kw[:, column], game.demand_kw[:, column]
    )
    return Shares(tuple(numerators[:, 0].tolist()), denominator(units), int(value_all[0]))


def levels(game: Game, tree: HolarchyTree) -> LevelsShares:
    """Return the Winter values of a game along a holarchy over the same nodes.

    The game's network only serves to state the gap; see `levels` for how and for what is refused.
    """
    plan = levels_plan(tree, game.unit_node)
    column = np.newaxis
    numerators, value_all = shapley_levels(
        plan, game.available_kw[:, column], game.demand_kw[:, column]
    )
    value = int(value_all[0])
    return LevelsShares(
        tuple(numerators[:, 0].tolist()),
        plan.denominator,
        value,
        gap_kw=value - game.value_kw(range(game.unit_count)),
    )
