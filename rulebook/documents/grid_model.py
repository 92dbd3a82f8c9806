"""The grid model: nodes, the lines between them, and the holarchy of scarcity layers."""

from typing import ClassVar, Literal

from rulebook.documents.base import (
    LARGEST_INTEGER,
    Document,
    Identifier,
    Model,
    Slug,
    Text,
    Whole,
    described,
)

HIGHEST_POWER_W = 10**13
"""Ten terawatts: more than all the power stations of the world."""


class Node(Model):
    """A place where units and supply points connect."""

    node: Identifier = described("Node", "Short name of the node")
    title: Text = described("Title", "Name of the node in full")


class Line(Model):
    """A line between two nodes, rated each way."""

    line: Identifier = described("Line", "Short name of the line")
    from_node: Identifier = described("From", "Node where forward flow enters the line")
    to_node: Identifier = described("To", "Node where forward flow leaves the line")
    rating_w: Whole = described(
        "Rating", "Most power that may flow forward", "W", ge=0, le=HIGHEST_POWER_W
    )
    reverse_rating_w: Whole = described(
        "Reverse rating", "Most power that may flow backward", "W", ge=0, le=HIGHEST_POWER_W
    )
    reactance_ppm: Whole | None = described(
        "Reactance",
        "Reactance per unit; used by the dispatch check, never by settlement",
        "ppm of one per unit",
        default=None,
        ge=1,
        le=LARGEST_INTEGER,
    )
    voltage_kv: Whole = described("Voltage", "Nominal voltage", "kV", ge=1, le=2_000)
    length_m: Whole = described("Length", "Length of the route", "m", ge=0, le=40_000_000)


class Holon(Model):
    """A part of the grid in one layer: a whole of what lies inside it, a part of its parent."""

    holon: Identifier = described("Holon", "Name of the holon; in the innermost layer, a node")
    layer: Slug = described("Layer", "Layer that the holon belongs to")
    parent: Identifier | None = described(
        "Parent",
        "Holon of the next layer outward that holds this one; empty in the outermost layer",
        default=None,
    )
    title: Text = described("Title", "Name of the holon in full")


class GridModel(Document):
    """Nodes, lines and holons of a market."""

    anchor_prefix: ClassVar[str] = "GM"

    kind: Literal["grid-model"] = described("Kind", "This is a grid model")
    layers: tuple[Slug, ...] = described(
        "Layers", "Scarcity layers, outermost first", min_length=1, max_length=12
    )
    nodes: tuple[Node, ...] = described(
        "Nodes", "Nodes of the grid", min_length=1, max_length=5_000
    )
    lines: tuple[Line, ...] = described("Lines", "Lines of the grid", max_length=20_000)
    holons: tuple[Holon, ...] = described(
        "Holons", "The holarchy, every layer of it", min_length=1, max_length=20_000
    )
