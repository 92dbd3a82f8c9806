"""The room of a grid: by its cuts where its nodes are few, else by flows."""

from settlement.core.cuts import grid_cuts
from settlement.core.grid import Grid
from settlement.core.room import Rooms
from settlement.core.room_by_cuts import rooms_by_cuts
from settlement.core.room_by_flow import rooms_by_flow

MOST_NODES_BY_CUTS = 12
"""Beyond this the 2**N cuts of an interval take longer than its flows do."""


def rooms_of(grid: Grid) -> Rooms:
    """Return what answers for the room of a grid in W, each rating rounded down to a kW."""
    if len(grid.nodes) <= MOST_NODES_BY_CUTS:
        return rooms_by_cuts(grid_cuts(grid))
    return rooms_by_flow(grid)
