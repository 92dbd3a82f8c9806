"""Where each quantity of an interval stands among the columns and rows of the programme."""

import numpy as np

from settlement.dispatch.model import MILLION, DispatchModel, Integers


class Block:
    """The columns and rows of one interval, the same for every interval of a window.

    Attributes:
        stores: numbers of the units that store.
        committed: of the units that have a minimum, and so are on or off.
        ramped: of the units whose ramp is slower than all that is available to them. A unit that
            stores is none: its power follows at once.
        cycles: see `independent_cycles`.
        width, height: how many columns and rows.
    """

    def __init__(self, model: DispatchModel, available_w: Integers) -> None:
        """Lay out the block of a window in which `available_w`, int64[U, T], is available."""
        most_w = available_w.max(axis=1, initial=0)
        self.stores = np.flatnonzero(model.storage_wh > 0)
        self.committed = np.flatnonzero((model.minimum_w > 0) & (most_w > 0))
        ramp_w = model.ramp_w_per_h * model.hours
        self.ramped = np.flatnonzero((ramp_w < most_w) & (model.storage_wh == 0))
        self.cycles = independent_cycles(model)
        self.columns, self.width = _placed(
            {
                "generation": len(model.unit_node),
                "charging": len(self.stores),
                "level": len(self.stores),
                "flow": len(model.line_from),
                "unserved": model.node_count,
                "spilled": model.node_count,
                "excess": model.node_count,
                "on": len(self.committed),
            }
        )
        self.rows, self.height = _placed(
            {
                "balance": model.node_count,
                "cycle": len(self.cycles),
                "storage": len(self.stores),
                "rise": len(self.ramped),
                "fall": len(self.ramped),
                "least": len(self.committed),
                "most": len(self.committed),
            }
        )

    def column(self, name: str, number: int = 0) -> int:
        """Return the column of one quantity, counted from the interval's first."""
        return int(self.columns[name].start) + number

    def row(self, name: str, number: int = 0) -> int:
        """Return the row of one constraint, counted from the interval's first."""
        return int(self.rows[name].start) + number


def _placed(sizes: dict[str, int]) -> tuple[dict[str, slice], int]:
    slices, end = {}, 0
    for name, size in sizes.items():
        slices[name] = slice(end, end + size)
        end += size
    return slices, end


def independent_cycles(model: DispatchModel) -> list[dict[int, float]]:
    """Return a cycle basis as {line: signed reactance}, over the lines that have a reactance.

    A line that closes a cycle is not in the spanning forest; its cycle runs along the line and
    back through the forest. Parallel lines make a cycle of two.
    """
    path: list[dict[int, float]] = [{} for _ in range(model.node_count)]
    tree = list(range(model.node_count))
    cycles = []
    for line in np.flatnonzero(model.reactance_ppm > 0).tolist():
        start, end = int(model.line_from[line]), int(model.line_to[line])
        step = {line: float(model.reactance_ppm[line]) / MILLION}
        if tree[start] == tree[end]:
            cycles.append(_joined((path[start], 1), (step, 1), (path[end], -1)))
            continue
        # Hang the tree of `end` below `start`: every path there now begins with the way to `end`.
        to_end, root = path[end], tree[end]
        for node in range(model.node_count):
            if tree[node] == root:
                path[node] = _joined((path[start], 1), (step, 1), (to_end, -1), (path[node], 1))
                tree[node] = tree[start]
    return cycles


def _joined(*parts: tuple[dict[int, float], int]) -> dict[int, float]:
    total: dict[int, float] = {}
    for part, sign in parts:
        for line, reactance in part.items():
            total[line] = total.get(line, 0.0) + sign * reactance
    return {line: reactance for line, reactance in total.items() if reactance}
