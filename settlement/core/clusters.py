"""The clusters method of the published thesis: shares between clusters, split by availability.

Clusters are made anew for each interval. To begin with, the units at one node are a cluster. Two
clusters merge when

1. they have the same nearest trunk node,
2. some node of one is at most `hop_limit` lines from some node of the other, and
3. for some unit of each, the smallest rating on the shortest path between them is at least the
   larger of the two units' availability,

until no two can. A cluster that grows can still merge with whatever it could merge with before,
so the order of merging does not matter. Of several shortest paths the one with the largest
smallest rating counts, and of several nearest trunk nodes the one named first: the published
script leaves both to chance.

The clusters are the players of an exact game; a cluster's share is split over its units in
proportion to their availability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np

from settlement.core.arrays import Flags, Integers, kernel
from settlement.core.games import Game
from settlement.core.network import Network, served_by_groups
from settlement.core.shapley import denominator
from settlement.core.shares import Shares
from settlement.core.value_table import shapley_of_table

MAXIMUM_CLUSTERS = 20
FAR = 2**63 - 1
"""The distance between nodes that no line joins, and the rating of a path without a line."""


@dataclass(frozen=True)
class ClusterShares(Shares):
    """Shares by unit, with the clusters behind them.

    Attributes:
        clusters: indices of the units of each cluster, by their first unit.
        cluster_numerators: each cluster's share, over `cluster_denominator`.
        cluster_denominator: ``lcm(1..C)``.
        coalition_values_kw: the value of every set of clusters, by bits.
    """

    clusters: tuple[tuple[int, ...], ...]
    cluster_numerators: tuple[int, ...]
    cluster_denominator: int
    coalition_values_kw: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What clustering needs to know of a network, worked out once.

    Attributes:
        is_near: shape (N, N), the nodes share their nearest trunk node and are few lines apart.
        path_kw: shape (N, N), the smallest rating on the shortest path, 0 where there is none.
    """

    is_near: Flags
    path_kw: Integers


def neighbourhood(network: Network, trunk_nodes: Sequence[int], hop_limit: int) -> Neighbourhood:
    """Return the neighbourhood of a network, with line ratings as they are.

    Args:
        trunk_nodes: indices; the first named is the nearest where several are.
        hop_limit: the most lines between two clusters that merge.
    """
    nodes = network.node_count
    direct_kw = np.zeros((nodes, nodes), dtype=np.int64)
    joined = np.zeros((nodes, nodes), dtype=np.bool_)
    for start, end, rating_kw in (
        (network.line_from, network.line_to, network.rating_kw),
        (network.line_to, network.line_from, network.reverse_rating_kw),
    ):
        np.add.at(direct_kw, (start, end), rating_kw)
        joined[start, end] = joined[end, start] = True
    hops, path_kw = _shortest_paths(joined, np.minimum(direct_kw, direct_kw.T))
    trunk = np.full(nodes, -1, dtype=np.int64)
    nearest = np.full(nodes, FAR, dtype=np.int64)
    for node in trunk_nodes:
        trunk = np.where(hops[node] < nearest, node, trunk)
        nearest = np.minimum(nearest, hops[node])
    same_trunk = (trunk[:, None] == trunk) & (trunk >= 0)
    return Neighbourhood(is_near=same_trunk & (hops <= min(hop_limit, nodes)), path_kw=path_kw)


def _shortest_paths(joined: Flags, direct_kw: Integers) -> tuple[Integers, Integers]:
    """Return lines between nodes, and the smallest rating of the widest path of so few lines."""
    nodes = len(joined)
    hops, path_kw = np.full((nodes, nodes), FAR), np.zeros((nodes, nodes), dtype=np.int64)
    for start in range(nodes):
        hops[start, start], path_kw[start, start] = 0, FAR
        reached, distance = [start], 0
        while reached:
            distance += 1
            beyond = np.flatnonzero(joined[reached].any(axis=0) & (hops[start] == FAR))
            for node in beyond:
                before = [reached_node for reached_node in reached if joined[reached_node, node]]
                widest = np.minimum(path_kw[start, before], direct_kw[before, node]).max()
                path_kw[start, node] = widest
            hops[start, beyond] = distance
            reached = beyond.tolist()
    return hops, path_kw


def clusters_of(near: Neighbourhood, unit_node: Integers, available_kw: Integers) -> Integers:
    """Return shape (U,): the number of each unit's cluster, in the order of their first units."""
    return _numbered(_merged(near.is_near, near.path_kw, unit_node, available_kw), unit_node)


@kernel
def _merged(
    is_near: Flags, path_kw: Integers, unit_node: Integers, available_kw: Integers
) -> Integers:
    """Return shape (N,): a node of the cluster of each node with units; a cluster has one name."""
    # In loops: numba took eight seconds to compile the same as expressions of whole arrays.
    nodes = len(is_near)
    # Some pair of units has a path wide enough where the smallest unit at either node has one.
    smallest, cluster_of = np.empty(nodes, dtype=np.int64), np.empty(nodes, dtype=np.int64)
    for node in range(nodes):
        smallest[node], cluster_of[node] = FAR, node
    for unit in range(len(unit_node)):
        smallest[unit_node[unit]] = min(smallest[unit_node[unit]], available_kw[unit])
    places, count = np.empty(nodes, dtype=np.int64), 0
    for node in range(nodes):
        if smallest[node] < FAR:
            places[count] = node
            count += 1
    places = places[:count]
    near, wide = is_near.copy(), np.zeros((nodes, nodes), dtype=np.bool_)
    for left in places:
        for right in places:
            wide[left, right] = path_kw[left, right] >= max(smallest[left], smallest[right])
    again = True
    while again:
        again = False
        for left in places:
            for right in places:
                if (
                    left < right
                    and cluster_of[left] == left
                    and cluster_of[right] == right
                    and near[left, right]
                    and wide[left, right]
                ):
                    for node in range(nodes):
                        if cluster_of[node] == right:
                            cluster_of[node] = left
                    _join(near, left, right)
                    _join(wide, left, right)
                    again = True
    return cluster_of


@kernel
def _join(table: Flags, left: np.int64, right: np.int64) -> None:
    """Let the row and the column of one cluster hold those of another too."""
    for node in range(len(table)):
        table[left, node] |= table[right, node]
    for node in range(len(table)):
        table[node, left] |= table[node, right]


@kernel
def _numbered(cluster_of: Integers, unit_node: Integers) -> Integers:
    number = np.full(len(cluster_of), -1, dtype=np.int64)
    found = np.empty(len(unit_node), dtype=np.int64)
    count = 0
    for unit in range(len(unit_node)):
        cluster = cluster_of[unit_node[unit]]
        if number[cluster] < 0:
            number[cluster] = count
            count += 1
        found[unit] = number[cluster]
    return found


def clusters(game: Game, number: Integers) -> ClusterShares:
    """Return the shares of a game between clusters, split inside by availability.

    Args:
        game: of the units; its network says what is served and may have other ratings than the
            one that clusters form on.
        number: shape (U,), by `clusters_of`.

    A cluster without availability has no share to split, as it adds nothing.

    Raises:
        ValueError: no unit, or more than 20 clusters.
    """
    place = number.tolist()
    count = max(place, default=-1) + 1
    if not 1 <= count <= MAXIMUM_CLUSTERS:
        raise ValueError(f"{count} clusters: the clusters method takes 1 to {MAXIMUM_CLUSTERS}")
    cluster_kw = np.zeros((count, game.network.node_count), dtype=np.int64)
    np.add.at(cluster_kw, (number, game.unit_node), game.available_kw)
    values = served_by_groups(game.network, cluster_kw, game.demand_kw)
    numerators = shapley_of_table(values)
    # 1 for an empty cluster only keeps the division defined: its members get 0 parts of 0.
    supply = [max(1, kw) for kw in cluster_kw.sum(axis=1).tolist()]
    common = lcm(*supply)
    per_kw = [part * (common // kw) for part, kw in zip(numerators, supply, strict=True)]
    members: list[list[int]] = [[] for _ in range(count)]
    for unit, cluster in enumerate(place):
        members[cluster].append(unit)
    return ClusterShares(
        tuple(
            per_kw[cluster] * kw
            for cluster, kw in zip(place, game.available_kw.tolist(), strict=True)
        ),
        common * denominator(count),
        int(values[-1]),
        clusters=tuple(map(tuple, members)),
        cluster_numerators=tuple(numerators),
        cluster_denominator=denominator(count),
        coalition_values_kw=tuple(values.tolist()),
    )
