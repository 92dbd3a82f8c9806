"""The holarchy as a tree: the holarchy-tree game, and who stands beside whom in an order.

The *holarchy-tree game* keeps only the boundaries of holons: each holon joins its parent by one
edge, rated at the sum of the lines that cross its boundary. Every cut of the tree is at least the
cut of the network with the same nodes on the side of supply, so a coalition is never worth less
in the tree than in the network; the difference is the *gap*.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, integers
from settlement.core.grid import Grid
from settlement.core.network import Network, network_of


@dataclass(frozen=True, eq=False)
class HolarchyTree:
    """Holons from the root down, each before the holons inside it.

    Attributes:
        parent: shape (H,), the holon around each; -1 for the root, which is the first.
        out_kw: shape (H,), the sum of ratings of lines from a holon to outside it; 0 for the root.
        in_kw: shape (H,), the sum of ratings of lines into it from outside.
        node_holon: shape (N,), the innermost holon of each node, which takes its demand and, with
            it, the units of the node.
    """

    parent: Integers
    out_kw: Integers
    in_kw: Integers
    node_holon: Integers

    def __post_init__(self) -> None:
        holons = len(self.parent)
        for name in ("parent", "out_kw", "in_kw"):
            object.__setattr__(self, name, integers(getattr(self, name), (holons,), name))
        nodes = (len(self.node_holon),)
        object.__setattr__(self, "node_holon", integers(self.node_holon, nodes, "node_holon"))
        inner = self.parent[1:]
        if not holons or self.parent[0] != -1 or np.any(inner < 0):
            raise ValueError("the first holon, and no other, is the root")
        if not np.all(inner < np.arange(1, holons)):
            raise ValueError("a holon comes before the one around it")
        if not np.all((self.node_holon >= 0) & (self.node_holon < holons)):
            raise ValueError("a node is in a holon that the tree does not have")

    @property
    def network(self) -> Network:
        """The tree as a network of H nodes: the relaxation that the tree game is played on."""
        return Network(
            len(self.parent),
            np.arange(1, len(self.parent)),
            self.parent[1:],
            self.out_kw[1:],
            self.in_kw[1:],
        )

    def demand_kw(self, node_demand_kw: Integers) -> Integers:
        """Return demand by holon, shape (H, ...), from demand by node, shape (N, ...)."""
        demand = np.zeros((len(self.parent), *node_demand_kw.shape[1:]), dtype=np.int64)
        np.add.at(demand, self.node_holon, node_demand_kw)
        return demand


def holarchy_tree(
    network: Network, parents: Sequence[int], node_holon: Sequence[int]
) -> HolarchyTree:
    """Return the tree of a network's holons.

    Args:
        network: whose lines rate the boundaries.
        parents: for each holon the holon around it, which must come before it; -1 for the first.
        node_holon: for each node its innermost holon.
    """
    out_kw, in_kw = [0] * len(parents), [0] * len(parents)
    lines = zip(
        network.line_from.tolist(),
        network.line_to.tolist(),
        network.rating_kw.tolist(),
        network.reverse_rating_kw.tolist(),
        strict=True,
    )
    around = [_holons_around(parents, holon) for holon in range(len(parents))]
    for source, target, rating, reverse_rating in lines:
        left, entered = around[node_holon[source]], around[node_holon[target]]
        for holon in left - entered:
            out_kw[holon] += rating
            in_kw[holon] += reverse_rating
        for holon in entered - left:
            out_kw[holon] += reverse_rating
            in_kw[holon] += rating
    return HolarchyTree(*(_array(values) for values in (parents, out_kw, in_kw, node_holon)))


def tree_of_layers(grid: Grid) -> HolarchyTree:
    """Return the tree of a grid's layers under one root; a holon of the last holds its nodes."""
    parents, before = [-1], np.zeros(len(grid.nodes), dtype=np.int64)
    for layer in grid.layers:
        here = len(parents) + layer.node_holon
        around = dict(zip(here.tolist(), before.tolist(), strict=True))
        parents += [around[len(parents) + holon] for holon in range(len(layer.holons))]
        before = here
    return holarchy_tree(network_of(grid), parents, before.tolist())


def without_limits(tree: HolarchyTree) -> HolarchyTree:
    """Return the same holons with no limit between them: the tree on which adequacy is played."""
    no_limit = np.full(len(tree.parent), UNLIMITED_KW, dtype=np.int64)
    no_limit[0] = 0
    return HolarchyTree(tree.parent, no_limit, no_limit, tree.node_holon)


UNLIMITED_KW = 10**12
"""More than any market's supply or demand: a thousand terawatts would be 10**12 kW."""


def _holons_around(parents: Sequence[int], holon: int) -> set[int]:
    around = set()
    while holon > 0:
        around.add(holon)
        holon = parents[holon]
    return around


def _array(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)
