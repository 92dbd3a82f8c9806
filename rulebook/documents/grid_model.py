"""The grid model: nodes, the lines between them, and the holarchy of scarcity layers."""

from typing import ClassVar, Literal

from rulebook.documents.base import (
    LARGEST_INTEGER,
    MILLION,
    Document,
    Identifier,
    Model,
    Slug,
    Text,
    WholeNumber,
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
    rating_w: WholeNumber = described(
        "Rating", "Most power that may flow forward", "W", ge=0, le=HIGHEST_POWER_W
    )
    reverse_rating_w: WholeNumber = described(
        "Reverse rating", "Most power that may flow backward", "W", ge=0, le=HIGHEST_POWER_W
    )
    reactance_ppm: WholeNumber | None = described(
        "Reactance",
        "Reactance per unit; used by the dispatch check, never by settlement",
        "ppm of one per unit",
        default=None,
        ge=1,
        le=LARGEST_INTEGER,
    )
    voltage_kv: WholeNumber = described("Voltage", "Nominal voltage", "kV", ge=1, le=2_000)
    length_m: WholeNumber = described("Length", "Length of the route", "m", ge=0, le=40_000_000)


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


class LossFactor(Model):
    """Energy that is lost in an area, as a part of what is metered there."""

    area: Identifier = described("Area", "Holon of the layer of the energy accounts")
    loss_ppm: WholeNumber = described(
        "Losses", "Energy lost, as a part of the energy named beside it", "ppm", ge=0, le=MILLION
    )
    of: Literal["demand", "generation"] = described(
        "Part of",
        "Metered energy of the area that the losses are a part of; none where it is below zero",
    )


class EnergyAccounts(Model):
    """Areas whose energy is accounted for: generation = demand + losses + imbalance."""

    layer: Slug = described("Layer", "Layer whose holons are the areas")
    losses: tuple[LossFactor, ...] = described(
        "Loss factors", "A factor for every area", min_length=1, max_length=5_000
    )


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
    energy_accounts: EnergyAccounts | None = described(
        "Energy accounts",
        "Areas for which losses and imbalance are accounted; empty where the market is one account "
        "without losses",
        default=None,
    )
