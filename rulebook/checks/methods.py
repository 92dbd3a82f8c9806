"""Checks that the Shapley method of the policy fits the grid and the units registered on it.

A method that cannot settle a market is found here, before it is law, and never by a run.
"""

from collections.abc import Iterator

from common.refusals import Finding, shown
from rulebook.checks.in_force import InForce
from rulebook.documents import AllocationPolicy, GridModel

MOST_UNITS_EXACT = 24
"""Exact Shapley numerators stand over lcm(1..n), which with 24 units still fits the engine."""
MOST_NODES_EXACT = 20
"""Every way to part the nodes in two is valued: a million with 20 nodes."""
MOST_CLUSTERS = 20
"""Every coalition of clusters is valued."""
MOST_BESIDE = 20
"""Every choice of the units and holons directly inside one holon is valued."""
MOST_CHOICES = 1 << 20
"""The most choices around one holon: those beside it and beside each holon that holds it."""

WHOLE_GRID = "the whole grid"
"""What the holons of the outermost layer are directly inside."""


def exact_method_fits(law: InForce) -> Iterator[Finding]:
    """The exact method values every coalition and every cut, which bounds units and nodes."""
    policy = _policy_of(law, "exact")
    if policy is None:
        return
    place = f"{law.place(policy)}: shapley.method"
    units = len(_unit_nodes(law))
    if units > MOST_UNITS_EXACT:
        yield Finding(
            "too-many-units-for-exact",
            place,
            f"{units} units",
            f"the exact method takes at most {MOST_UNITS_EXACT} units",
            "choose levels, clusters or sampled, or register fewer units, joining those that "
            "share a node and a technology",
        )
    nodes = len(law.grid_model.nodes) if law.grid_model is not None else 0
    if nodes > MOST_NODES_EXACT:
        yield Finding(
            "too-many-nodes-for-exact",
            place,
            f"{nodes} nodes",
            f"the exact method takes at most {MOST_NODES_EXACT} nodes",
            "choose levels, clusters or sampled, or merge nodes that no line limits",
        )


def clusters_method_fits(law: InForce) -> Iterator[Finding]:
    """Trunk nodes are of the grid, and the units of a node being a cluster, few nodes have any."""
    policy = _policy_of(law, "clusters")
    if policy is None or policy.shapley.clusters is None:
        return
    if law.grid_model is not None:
        nodes = {node.node for node in law.grid_model.nodes}
        for position, node in enumerate(policy.shapley.clusters.trunk_nodes):
            if node not in nodes:
                yield Finding(
                    "trunk-node-unknown",
                    f"{law.place(policy)}: shapley.clusters.trunk_nodes[{position}]",
                    shown(node),
                    f"a node of {law.place(law.grid_model)}",
                    "correct the name, or publish a grid model that has the node",
                )
    places = len(set(_unit_nodes(law)))
    if places > MOST_CLUSTERS:
        yield Finding(
            "too-many-clusters",
            f"{law.place(policy)}: shapley.method",
            f"units at {places} nodes",
            f"the clusters method takes units at {MOST_CLUSTERS} nodes, as none may merge",
            "choose levels or sampled",
        )


def levels_method_fits(law: InForce) -> Iterator[Finding]:
    """Few units and holons stand beside each other in a holon, and few choices around it."""
    policy = _policy_of(law, "levels")
    if policy is None or law.grid_model is None:
        return
    grid = law.grid_model
    beside = _beside(grid, _unit_nodes(law))
    place = f"{law.place(policy)}: shapley.method"
    for holon, count in beside.items():
        if count > MOST_BESIDE:
            yield Finding(
                "too-many-beside-for-levels",
                place,
                f"{count} units or holons directly inside {holon}",
                f"the levels method takes at most {MOST_BESIDE}",
                "put holons between them, or choose sampled",
            )
    if any(count > MOST_BESIDE for count in beside.values()):
        return
    parent = {holon.holon: holon.parent for holon in grid.holons}
    for holon in beside:
        choices = 1
        for around in _around(holon, parent):
            choices <<= beside.get(around, 1) - 1
        if choices > MOST_CHOICES:
            yield Finding(
                "too-many-choices-for-levels",
                place,
                f"{choices} choices around {holon}",
                f"the levels method takes at most {MOST_CHOICES}",
                "put fewer holons beside each other, or choose sampled",
            )


def _policy_of(law: InForce, method: str) -> AllocationPolicy | None:
    policy = law.allocation_policy
    return policy if policy is not None and policy.shapley.method == method else None


def _unit_nodes(law: InForce) -> list[str]:
    return [unit.node for registration in law.registrations for unit in registration.units]


def _beside(grid: GridModel, unit_nodes: list[str]) -> dict[str, int]:
    """Return how many units, and holons with units, are directly inside each holon with any."""
    parent = {holon.holon: holon.parent for holon in grid.holons}
    inside: dict[str, set[str]] = {}
    for number, node in enumerate(unit_nodes):
        member = f"unit {number}"
        for holon in (node, *_around(node, parent)):
            inside.setdefault(holon, set()).add(member)
            member = holon
    return {holon: len(members) for holon, members in inside.items()}


def _around(holon: str, parent: dict[str, str | None]) -> Iterator[str]:
    """Yield the holons around one, outwards, and the whole grid last; safe in a circle."""
    seen = {holon}
    outer = parent.get(holon)
    while outer is not None and outer not in seen:
        yield outer
        seen.add(outer)
        outer = parent.get(outer)
    yield WHOLE_GRID


METHOD_CHECKS = (exact_method_fits, clusters_method_fits, levels_method_fits)
