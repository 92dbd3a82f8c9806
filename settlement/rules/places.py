"""Where nodes lie in the layers of a grid."""

from collections.abc import Mapping

from rulebook.documents.grid_model import GridModel
from settlement.rules.compile import compile_grid

Places = Mapping[str, Mapping[str, str]]
"""The part of the grid that a node lies in, by layer and node; the outermost layer comes first."""


def places_of(grid: GridModel) -> Places:
    """Return which holon of each layer holds each node."""
    compiled = compile_grid(grid)
    return {
        layer.name: {
            node: layer.holons[int(holon)]
            for node, holon in zip(compiled.nodes, layer.node_holon, strict=True)
        }
        for layer in compiled.layers
    }
