"""The network: nodes, rated lines, and the layers of holons that nest over the nodes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from settlement.core.arrays import Integers, integers


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of the holarchy: every node belongs to exactly one of its holons.

    Attributes:
        name: the layer's name, such as ``system`` or ``zone``.
        holons: ids, sorted.
        node_holon: shape (N,), the index of each node's holon.
    """

    name: str
    holons: tuple[str, ...]
    node_holon: Integers

    def __post_init__(self) -> None:
        node_holon = integers(self.node_holon, np.shape(self.node_holon), f"layer {self.name}")
        if node_holon.ndim != 1 or set(node_holon.tolist()) != set(range(len(self.holons))):
            raise ValueError(f"layer {self.name}: each holon needs a node, each node one holon")
        object.__setattr__(self, "node_holon", node_holon)

    def sums(self, values: Integers) -> Integers:
        """Return the sum over each holon's nodes, shape (H, T), of values of shape (N, T)."""
        sums = np.zeros((len(self.holons), values.shape[1]), dtype=np.int64)
        np.add.at(sums, self.node_holon, values)
        return sums


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes joined by lines with a rating in each direction, under layers outermost first.

    Attributes:
        nodes: N ids, sorted.
        line_from, line_to: shape (L,), indices of the nodes at a line's ends.
        rating_w: shape (L,), the most power a line carries from ``line_from`` to ``line_to``.
        reverse_rating_w: shape (L,), the most it carries the other way.
        layers: outermost first; each nests inside the one before.
    """

    nodes: tuple[str, ...]
    line_from: Integers
    line_to: Integers
    rating_w: Integers
    reverse_rating_w: Integers
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        lines = (len(self.line_from),)
        for name in ("line_from", "line_to", "rating_w", "reverse_rating_w"):
            object.__setattr__(self, name, integers(getattr(self, name), lines, name))
        ends = np.concatenate([self.line_from, self.line_to])
        if not self.nodes or not np.all((ends >= 0) & (ends < len(self.nodes))):
            raise ValueError("a line ends at a node that the grid does not have")
        if np.any(self.rating_w < 0) or np.any(self.reverse_rating_w < 0):
            raise ValueError("a line has a negative rating; use 0 for a line out of service")
        for layer in self.layers:
            if len(layer.node_holon) != len(self.nodes):
                raise ValueError(f"layer {layer.name}: it does not place every node")
        for outer, inner in pairwise(self.layers):
            if not _nests(inner.node_holon, outer.node_holon):
                raise ValueError(f"layer {inner.name}: a holon spans two holons of {outer.name}")

    def boundary_w(self, layer: Layer) -> Integers:
        """Return shape (H,): the sum of ratings of lines into each holon from outside it, in W."""
        source, target = layer.node_holon[self.line_from], layer.node_holon[self.line_to]
        crosses = source != target
        boundary = np.zeros(len(layer.holons), dtype=np.int64)
        np.add.at(boundary, target[crosses], self.rating_w[crosses])
        np.add.at(boundary, source[crosses], self.reverse_rating_w[crosses])
        return boundary


def _nests(inner: Integers, outer: Integers) -> bool:
    pairs = set(zip(inner.tolist(), outer.tolist(), strict=True))
    return len(pairs) == len(set(inner.tolist()))
