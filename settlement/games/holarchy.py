"""The holarchy of a GAME.json, in any of the ways people write a tree.

1. Nested, names outside in, lists of node ids inside:
   ``{"north": {"coast": ["N0", "N1"]}, "south": ["N2"]}``. A node may be written as the name of a
   list of its units.
2. As a tree of objects: ``{"holon": "north", "children": [{"holon": "coast", "children": [..]}]}``,
   or a list of them.
3. By parent: ``{"N0": "coast", "coast": "north", "north": null}``.
4. As a list of holons, as in a grid model: ``[{"holon": "coast", "parent": "north"}, ...]``, or
   that list as ``{"holons": [...]}``.
5. By path, outermost first: ``{"N0": ["north", "coast"], "N1": ["north", "coast"]}``, for nodes or
   for units.

`id` and `name` may stand for `holon`. Every node is in the holarchy once, as a holon of its own or,
where units are listed straight inside a holon, through its units. What has no parent is inside one
system.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Refuse = Callable[[str, str, object, str, str], None]

ROOT = 0


@dataclass(frozen=True)
class GameHolarchy:
    """The holon around each holon, the root first with -1, and the innermost holon of each node."""

    parents: tuple[int, ...]
    node_holon: tuple[int, ...]


def flat_holarchy(node_count: int) -> GameHolarchy:
    """Return the holarchy in which every node is a holon of one system."""
    return GameHolarchy((-1, *[ROOT] * node_count), tuple(range(1, node_count + 1)))


def read_holarchy(
    document: object, nodes: Mapping[str, int], unit_node: Mapping[str, int], refuse: Refuse
) -> GameHolarchy:
    """Return the holarchy of a game; what is wrong with it goes to refuse."""
    tree = _Tree(nodes, unit_node, refuse)
    if isinstance(document, dict) and isinstance(document.get("holons"), list):
        document = document["holons"]
    if isinstance(document, dict) and all(_is_name(around) for around in document.values()):
        tree.by_parent("holarchy", document)
    elif isinstance(document, dict) and tree.are_paths(document):
        tree.by_path("holarchy", document)
    elif isinstance(document, list) and any(
        isinstance(entry, dict) and "parent" in entry for entry in document
    ):
        tree.by_parent("holarchy", tree.relations(document))
    else:
        tree.nested("holarchy", document, ROOT)
    return tree.finished()


def _name_of(holon: object) -> object:
    """Return the name that an object gives a holon, None where it gives none."""
    if not isinstance(holon, dict):
        return None
    return next((holon[key] for key in ("holon", "id", "name") if key in holon), None)


def _is_name(value: object) -> bool:
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


class _Tree:
    def __init__(
        self, nodes: Mapping[str, int], unit_node: Mapping[str, int], refuse: Refuse
    ) -> None:
        self.nodes, self.unit_node, self.refuse = nodes, unit_node, refuse
        self.parents = [-1]
        self.holon_of: dict[str, int] = {}

    def add_holon(self, path: str, name: str, around: int) -> int:
        """Add a holon inside another; one named for a node takes that node."""
        self.parents.append(around)
        holon = len(self.parents) - 1
        if name in self.nodes:
            self.put(path, name, holon)
        return holon

    def put(self, path: str, node: str, holon: int) -> None:
        """Say that a node is in a holon; it can be in one only."""
        if self.holon_of.setdefault(node, holon) != holon:
            self.refuse(
                "two-holons", path, node, "a node is in one holon", "list it or its units once"
            )

    def add_member(self, path: str, name: str, around: int) -> None:
        """Add a node as a holon of its own, or a unit straight into a holon."""
        if name in self.nodes:
            self.add_holon(path, name, around)
        elif name in self.unit_node and self.nodes:
            node = next(named for named, at in self.nodes.items() if at == self.unit_node[name])
            self.put(path, node, around)
        else:
            self.refuse(
                "unknown-id", path, name, "a node or unit of the game", "correct or remove it"
            )

    def nested(self, path: str, document: Any, around: int) -> None:
        if isinstance(document, dict) and isinstance(document.get("children"), list):
            name = _name_of(document)
            if name is None or not _is_name(name):
                self.not_a_tree(path, document)
                return
            holon = self.add_holon(path, str(name), around)
            self.nested(f"{path}.children", document["children"], holon)
        elif isinstance(document, dict):
            for name, inner in document.items():
                holon = self.add_holon(f"{path}.{name}", name, around)
                if inner is not None:
                    self.nested(f"{path}.{name}", inner, holon)
        elif isinstance(document, list):
            for number, entry in enumerate(document):
                if isinstance(entry, dict):
                    self.nested(f"{path}[{number}]", entry, around)
                elif entry is None or not _is_name(entry):
                    self.not_a_tree(f"{path}[{number}]", entry)
                else:
                    self.add_member(f"{path}[{number}]", str(entry), around)
        elif document is not None and _is_name(document):
            self.add_member(path, str(document), around)
        else:
            self.not_a_tree(path, document)

    def not_a_tree(self, path: str, document: object) -> None:
        self.refuse(
            "not-a-holarchy",
            path,
            document,
            "nested objects with lists of node ids, or each holon with its parent",
            "write it in one of these forms",
        )

    def relations(self, holons: list[Any]) -> dict[str, Any]:
        """Return parents by name from a list of holons."""
        parents: dict[str, Any] = {}
        for number, entry in enumerate(holons):
            path = f"holarchy[{number}]"
            name = _name_of(entry)
            if name is None or not _is_name(name) or not _is_name(entry.get("parent")):
                self.not_a_tree(path, entry)
            elif str(name) in parents:
                self.refuse("repeated-id", path, name, "a holon is listed once", "remove one")
            else:
                parents[str(name)] = entry.get("parent")
        return parents

    def by_parent(self, path: str, parents: Mapping[str, Any]) -> None:
        """Add holons given as name to parent, the outermost first."""
        placed: dict[str, int] = {}
        around_of = {
            name: None if parent is None else str(parent) for name, parent in parents.items()
        }
        for name in around_of:
            self._place(path, name, around_of, placed)

    def _place(
        self, path: str, name: str, around_of: Mapping[str, str | None], placed: dict[str, int]
    ) -> None:
        chain: list[str] = []
        at: str | None = name
        while at is not None and at not in placed:
            if at in chain:
                self.refuse(
                    "holon-in-itself", f"{path}.{at}", at, "no holon is inside itself", "correct"
                )
                break
            chain.append(at)
            at = around_of.get(at)
        for holon in reversed(chain):
            outer = around_of.get(holon)
            around = ROOT if outer is None else placed.get(outer, ROOT)
            if holon in self.unit_node and holon not in self.nodes:
                self.add_member(f"{path}.{holon}", holon, around)
            else:
                placed[holon] = self.add_holon(f"{path}.{holon}", holon, around)

    def are_paths(self, document: Mapping[str, Any]) -> bool:
        """Return whether every node or unit that is named is given the names around it."""
        return all(
            (name in self.nodes or name in self.unit_node)
            and isinstance(around, list)
            and all(_is_name(holon) and str(holon) not in self.unit_node for holon in around)
            for name, around in document.items()
        )

    def by_path(self, path: str, paths: Mapping[str, Any]) -> None:
        """Add what is given as name to path; holons are told apart by their whole path."""
        placed: dict[tuple[str, ...], int] = {(): ROOT}
        for name, around in paths.items():
            names = tuple(str(holon) for holon in around if holon is not None)
            for depth in range(1, len(names) + 1):
                if names[:depth] not in placed:
                    outer = placed[names[: depth - 1]]
                    placed[names[:depth]] = self.add_holon(
                        f"{path}.{name}", names[depth - 1], outer
                    )
            if not names or names[-1] != name:
                self.add_member(f"{path}.{name}", name, placed[names])

    def finished(self) -> GameHolarchy:
        """Return the holarchy; every node must have found its place."""
        for node in self.nodes:
            if node and node not in self.holon_of:
                self.refuse(
                    "node-without-holon", "holarchy", node, "every node is in a holon", "list it"
                )
        return GameHolarchy(
            tuple(self.parents), tuple(self.holon_of.get(node, ROOT) for node in self.nodes)
        )
