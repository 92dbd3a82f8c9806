"""The least that must be refused, by a linear programme that knows the whole future.

Every request may be served in its interval or, where it is flexible, in the intervals of its
window, through a network with lines. It is an oracle: it shares no code with the order of service,
and it may look ahead, which the order may not.
"""

from collections.abc import Iterator
from itertools import count

import highspy
import numpy as np

W_PER_MW = 1_000_000


def least_refused_w(lines, supply_w, essential_w, flexible_w) -> float:
    """Return the least total of refused power over all intervals, in W.

    Args:
        lines: (from, to, rating in W), both directions alike.
        supply_w: shape (N, T).
        essential_w: shape (N, T), served in its interval or never.
        flexible_w: by window in intervals, shape (N, T) each.
    """
    nodes, intervals = supply_w.shape
    programme = Programme()
    balance = [[programme.row(0, 0) for _ in range(nodes)] for _ in range(intervals)]
    for interval in range(intervals):
        at = balance[interval]
        for node in range(nodes):
            programme.column(0, 0, supply_w[node, interval], [(at[node], 1.0)])
            programme.column(1, 0, essential_w[node, interval], [(at[node], -1.0)])
        for start, end, rating in lines:
            programme.column(0, -rating, rating, [(at[start], -1.0), (at[end], 1.0)])
    for window, asked_w in flexible_w.items():
        for node, interval in np.argwhere(asked_w > 0).tolist():
            asked = asked_w[node, interval]
            request = programme.row(0, asked)
            for later in range(interval, min(interval + window + 1, intervals)):
                programme.column(1, 0, asked, [(balance[later][node], -1.0), (request, 1.0)])
    wanted = int(essential_w.sum()) + sum(int(asked.sum()) for asked in flexible_w.values())
    return wanted - programme.most()


class Programme:
    """Columns and rows of a programme as they are named, in MW."""

    def __init__(self) -> None:
        self.costs, self.lower, self.upper = [], [], []
        self.rows: list[tuple[float, float]] = []
        self.starts, self.index, self.value = [0], [], []

    def row(self, least: float, most: float) -> int:
        self.rows.append((least / W_PER_MW, most / W_PER_MW))
        return len(self.rows) - 1

    def column(self, gain: float, least: float, most: float, entries) -> None:
        self.costs.append(-gain)
        self.lower.append(least / W_PER_MW)
        self.upper.append(most / W_PER_MW)
        for row, value in entries:
            self.index.append(row)
            self.value.append(value)
        self.starts.append(len(self.index))

    def most(self) -> float:
        """Solve, and return the most that is gained, in W."""
        programme = highspy.HighsLp()
        programme.num_col_, programme.num_row_ = len(self.costs), len(self.rows)
        programme.col_cost_ = np.array(self.costs)
        programme.col_lower_, programme.col_upper_ = np.array(self.lower), np.array(self.upper)
        programme.row_lower_ = np.array([least for least, _ in self.rows])
        programme.row_upper_ = np.array([most for _, most in self.rows])
        matrix = programme.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kColwise
        matrix.num_col_, matrix.num_row_ = programme.num_col_, programme.num_row_
        matrix.start_ = np.array(self.starts)
        matrix.index_, matrix.value_ = np.array(self.index), np.array(self.value)
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.passModel(programme)
        solver.run()
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return -float(solver.getInfo().objective_function_value) * W_PER_MW


def episodes(is_active: np.ndarray, margin: int) -> Iterator[range]:
    """Yield the stretches of intervals in which something is refused or owed.

    Each with a margin after it, in which what it refused could be served; what overlaps is one.
    """
    begun = None
    for interval in count():
        near = is_active[max(interval - margin, 0) : interval + 1].any()
        if near and begun is None:
            begun = interval
        if (not near or interval >= len(is_active)) and begun is not None:
            yield range(begun, min(interval, len(is_active)))
            begun = None
        if interval >= len(is_active):
            return
