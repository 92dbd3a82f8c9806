"""The cuts of a grid, enumerated once: every way to part the nodes into two sides.

The most demand that supply can serve through a network is a maximum flow, which equals the
smallest cut (Ford and Fulkerson, 1956). With A the nodes on the side of supply::

    served = min over A of [ demand(A) + ratings of lines out of A + supply outside A ]

Demand inside A is served in full; demand outside lives on the supply there and on what the lines
bring from A. A cut is an integer whose bit n is set where node n is in A.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, kernel
from settlement.core.grid import Grid

MAXIMUM_NODES = 20
W_PER_KW = 1000


@dataclass(frozen=True, eq=False)
class Cuts:
    """The constant part of every cut of a grid.

    Attributes:
        node_count: N.
        boundary_kw: shape (2**N,), the sum of ratings of lines from A to outside A, in kW;
            each line's rating is rounded down to a kW before the sum.
    """

    node_count: int
    boundary_kw: Integers


def grid_cuts(grid: Grid) -> Cuts:
    """Enumerate the cuts of a grid.

    Raises:
        ValueError: the grid has more nodes than can be enumerated.
    """
    return enumerated_cuts(
        len(grid.nodes),
        grid.line_from,
        grid.line_to,
        grid.rating_w // W_PER_KW,
        grid.reverse_rating_w // W_PER_KW,
    )


def enumerated_cuts(
    node_count: int,
    line_from: Integers,
    line_to: Integers,
    rating_kw: Integers,
    reverse_rating_kw: Integers,
) -> Cuts:
    """Enumerate the cuts of nodes and lines, each array of shape (L,); as `grid_cuts`."""
    if node_count > MAXIMUM_NODES:
        raise ValueError(
            f"{node_count} nodes: the exact location game has at most {MAXIMUM_NODES}; "
            "merge nodes that no line limits"
        )
    return Cuts(
        node_count, cut_boundaries(node_count, line_from, line_to, rating_kw, reverse_rating_kw)
    )


def cut_boundaries(
    node_count: int,
    line_from: Integers,
    line_to: Integers,
    rating: Integers,
    reverse_rating: Integers,
) -> Integers:
    """Return shape (2**N,): the sum of ratings of lines out of every set of nodes, in their unit.

    Args:
        line_from, line_to: shape (L,), indices of the nodes at a line's ends.
        rating, reverse_rating: shape (L,), in any one unit.
    """
    cut = np.arange(1 << node_count, dtype=np.int64)
    boundary = np.zeros_like(cut)
    lines = zip(line_from, line_to, rating, reverse_rating, strict=True)
    for source, target, forward, backward in lines:
        source_inside, target_inside = cut >> source & 1, cut >> target & 1
        boundary += source_inside * (1 - target_inside) * forward
        boundary += target_inside * (1 - source_inside) * backward
    return boundary


def copperplate_cuts() -> Cuts:
    """Return the cuts of one node without lines: supply and demand meet without a network."""
    return Cuts(1, np.zeros(2, dtype=np.int64))


@kernel
def subset_sums(values: Integers) -> Integers:
    """Return shape (2**K,): the sum of the members of every subset of K values.

    Subset s holds value k where bit k of s is set.
    """
    sums = np.zeros(1 << len(values), dtype=np.int64)
    for bit in range(len(values)):
        half = 1 << bit
        for subset in range(half):
            sums[half + subset] = sums[subset] + values[bit]
    return sums
