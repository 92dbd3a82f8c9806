"""Who is served where a network cannot serve everybody: the same most energy, shared by rule.

Least-cost dispatch says how much of an interval stays unserved; where every MWh not served costs
the same, many ways to share that are optimal, and the one at which a solver ends is no rule. Here
one is chosen among them, for each interval by itself:

1. *the most*: as much as units and network can serve together, whoever gets it;
2. *near first* (where asked for): of those ways, one that carries the least energy over lines, each
   line counted alike. Losses grow with every line on the way, so a MWh served far away costs more
   than one served where it is generated, however little; a dispatch by cost serves the near first;
3. *pro rata*: of the ways that are left, the one by max-min of what each node gets over what it
   asks for. Nodes behind one full line get the same part, and none could get more without another
   of a lower part getting less.

Units give what the caller states, and storage what it was dispatched at: what it holds was decided
by the whole day. The network is that of the dispatch: ratings, and Kirchhoff's laws where lines
have a reactance (see `settlement.dispatch.least_cost`).

The arithmetic is in floats, so what comes out informs and never settles. Max-min by linear
programmes: raise the lowest part as far as it goes, keep the nodes that hold it there, and go on
with the others (D. Bertsekas, R. Gallager, *Data Networks*, 1992, section 6.5.2). That a node holds
it follows from the dual of its row.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from settlement.core.periods import MINUTES_PER_HOUR
from settlement.dispatch.block import independent_cycles
from settlement.dispatch.model import MILLION, DispatchModel, Floats, Integers
from settlement.dispatch.solving import DispatchError, solve_linear

SLACKS_MW = (5e-7, 1e-5, 1e-3)
"""By how much a bound that a programme found is loosened for the next one to hold: half a watt, and
more only where the solver's own tolerance, a tenth of a watt a row, comes to more together."""
NEGLIGIBLE = 1e-4

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Shortage:
    """Intervals in which somebody is left unserved: N nodes, K intervals.

    Attributes:
        asked_wh: int64[N, K], what the supply points of a node take if all are served, with what
            is lost of it; not negative.
        fed_in_wh: int64[N, K], what supply points of the node feed in, not negative. It serves the
            node itself first, so as much of the node is always served.
        supply_wh: int64[N, K], most that can arrive from units of the node, less what its storage
            takes in; negative where that is more.
    """

    asked_wh: Integers
    fed_in_wh: Integers
    supply_wh: Integers


def rationed_wh(model: DispatchModel, shortage: Shortage, *, near_first: bool) -> Integers:
    """Return int64[N, K], what each node gets of what it asks for; see the module.

    Rounding: to the nearest Wh a node and interval, half to even, so all together may be a Wh a
    node more than can be served: whoever uses it dispatches it again.

    Example: N has 100 of supply and asks for 60; S asks for 90 behind a line of 50. Pro rata N gets
    50 and S 50: two thirds of both, 40 and 60, would be more than the line carries. Near first N
    gets 60, and S the 40 that are left.

    Raises:
        DispatchError: HiGHS found no optimum.
    """
    for slack_mw in SLACKS_MW:
        try:
            served_mw = _served_mw(_Programme(model, shortage, slack_mw), near_first)
            break
        except DispatchError:
            if slack_mw == SLACKS_MW[-1]:
                raise
    wh_per_mw = MILLION * model.interval_minutes / MINUTES_PER_HOUR
    served_wh = np.rint(served_mw * wh_per_mw).astype(np.int64)
    return np.clip(served_wh, np.minimum(shortage.fed_in_wh, shortage.asked_wh), shortage.asked_wh)


def _served_mw(programme: "_Programme", near_first: bool) -> Floats:
    programme.keep_most()
    if near_first:
        programme.keep_nearest()
    return programme.raise_lowest()


class _Programme:
    """The linear programme of all intervals together, whose bounds grow tighter step by step.

    Columns of an interval: injection of each node, forward and backward flow of each line, what
    each node gets, and the lowest part. Rows: balance of each node, cycles, what all get, what is
    carried, and of each node what it gets less the lowest part of what it asks for. Power is in MW.
    """

    def __init__(self, model: DispatchModel, shortage: Shortage, slack_mw: float) -> None:
        self._slack_mw = slack_mw
        self._intervals = shortage.asked_wh.shape[1]
        self._nodes, self._lines = model.node_count, len(model.line_from)
        self._cycles = independent_cycles(model)
        mw_per_wh = MINUTES_PER_HOUR / model.interval_minutes / MILLION
        self._asked_mw = shortage.asked_wh.T * mw_per_wh
        fed_in_mw, supply_mw = shortage.fed_in_wh.T * mw_per_wh, shortage.supply_wh.T * mw_per_wh
        nodes, lines = self._nodes, self._lines
        self._injection = slice(0, nodes)
        self._forward = slice(nodes, nodes + lines)
        self._backward = slice(nodes + lines, nodes + 2 * lines)
        self._served = slice(nodes + 2 * lines, 2 * nodes + 2 * lines)
        self._lowest = 2 * nodes + 2 * lines
        self._width = self._lowest + 1
        self._all = nodes + len(self._cycles)
        self._carried = self._all + 1
        self._part = slice(self._carried + 1, self._carried + 1 + nodes)
        self._height = self._carried + 1 + nodes
        kept_mw = np.minimum(fed_in_mw, self._asked_mw)
        self._cost = np.zeros(self._width)
        self._lower = np.zeros((self._intervals, self._width))
        self._upper = np.ones((self._intervals, self._width))
        self._lower[:, self._injection] = np.minimum(supply_mw, 0) + kept_mw
        # What storage takes in was rounded to whole Wh, and a full line may carry a hair less.
        self._upper[:, self._injection] = supply_mw + fed_in_mw + mw_per_wh * (supply_mw < 0)
        self._upper[:, self._forward] = model.rating_w / MILLION
        self._upper[:, self._backward] = model.reverse_rating_w / MILLION
        self._lower[:, self._served] = kept_mw
        self._upper[:, self._served] = self._asked_mw
        self._row_lower = np.zeros((self._intervals, self._height))
        self._row_upper = np.zeros((self._intervals, self._height))
        self._row_upper[:, self._all :] = np.inf
        self._row_lower[:, self._part] = -np.inf
        self._matrix = self._matrix_of(self._entries(model))

    def keep_most(self) -> None:
        """Find the most that all nodes get together, and hold what follows to it."""
        # Twice what carrying it over every line costs below: what is kept is given up for nothing.
        self._cost[self._served] = -2 * (self._lines + 1)
        columns, _ = self._solve()
        self._row_lower[:, self._all] = columns[:, self._served].sum(axis=1) - self._slack_mw

    def keep_nearest(self) -> None:
        """Find the least that lines carry for as much, and hold what follows to it."""
        self._cost[self._forward] = self._cost[self._backward] = 1
        columns, _ = self._solve()
        carried = columns[:, self._forward].sum(axis=1) + columns[:, self._backward].sum(axis=1)
        self._row_upper[:, self._carried] = carried + self._slack_mw

    def raise_lowest(self) -> Floats:
        """Return float[N, K], what each node gets by max-min of its part of what it asks for."""
        self._cost[self._lowest] = -1
        found_mw = np.zeros_like(self._asked_mw)
        rising = self._asked_mw > 0
        while rising.any():
            self._row_lower[:, self._part] = np.where(rising, 0.0, -np.inf)
            self._upper[:, self._lowest] = rising.any(axis=1)
            columns, duals = self._solve()
            lowest = columns[:, self._lowest, np.newaxis]
            above_mw = columns[:, self._served] - lowest * self._asked_mw
            held = _held(rising, lowest, above_mw, duals[:, self._part] * self._asked_mw)
            low, high = self._lower[:, self._served], self._upper[:, self._served]
            at_mw = np.clip(lowest * self._asked_mw, low, high)
            found_mw[held] = at_mw[held]
            low[held] = np.maximum(at_mw - self._slack_mw, low)[held]
            high[held] = at_mw[held]
            rising = rising & ~held
        return found_mw.T

    def _solve(self) -> tuple[Floats, Floats]:
        """Return values of columns and duals of rows, each by interval."""
        programme = highspy.HighsLp()
        programme.num_col_ = self._intervals * self._width
        programme.num_row_ = self._intervals * self._height
        programme.col_cost_ = np.tile(self._cost, self._intervals)
        programme.col_lower_, programme.col_upper_ = self._lower.ravel(), self._upper.ravel()
        programme.row_lower_ = self._row_lower.ravel()
        programme.row_upper_ = self._row_upper.ravel()
        matrix = programme.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kColwise
        matrix.num_col_, matrix.num_row_ = programme.num_col_, programme.num_row_
        matrix.start_, matrix.index_, matrix.value_ = self._matrix
        found = solve_linear(programme)
        return (
            found.columns.reshape(self._intervals, self._width),
            found.row_duals.reshape(self._intervals, self._height),
        )

    def _entries(self, model: DispatchModel) -> Floats:
        """Return (row, column, value) of what is the same in every interval."""
        entries: list[tuple[int, int, float]] = []
        first, back = self._forward.start, self._backward.start
        for node in range(self._nodes):
            served = self._served.start + node
            entries.append((node, node, 1.0))
            entries.append((node, served, -1.0))
            entries.append((self._all, served, 1.0))
            entries.append((self._part.start + node, served, 1.0))
        for line, (start, end) in enumerate(zip(model.line_from, model.line_to, strict=True)):
            for column, sign in ((first + line, 1.0), (back + line, -1.0)):
                entries.append((int(start), column, -sign))
                entries.append((int(end), column, sign))
                entries.append((self._carried, column, 1.0))
        for number, cycle in enumerate(self._cycles):
            for line, reactance in cycle.items():
                entries.append((self._nodes + number, first + line, reactance))
                entries.append((self._nodes + number, back + line, -reactance))
        return np.array(entries, dtype=np.float64).reshape(-1, 3)

    def _matrix_of(self, alike: Floats) -> tuple[Integers, Integers, Floats]:
        """Return starts of columns, rows and values of all intervals, by column."""
        lowest = np.empty((self._intervals, self._nodes, 3))
        lowest[:, :, 0] = self._part.start + np.arange(self._nodes)
        lowest[:, :, 1] = self._lowest
        lowest[:, :, 2] = -self._asked_mw
        every = np.concatenate((np.tile(alike, (self._intervals, 1, 1)), lowest), axis=1)
        number = np.arange(self._intervals)[:, np.newaxis]
        rows = (every[:, :, 0].astype(np.int64) + number * self._height).ravel()
        columns = (every[:, :, 1].astype(np.int64) + number * self._width).ravel()
        order = np.lexsort((rows, columns))
        counts = np.bincount(columns, minlength=self._intervals * self._width)
        starts = np.concatenate(([0], np.cumsum(counts)))
        return starts, rows[order], every[:, :, 2].ravel()[order]


def _held(rising: Flags, lowest: Floats, above_mw: Floats, duals: Floats) -> Flags:
    """Return which of the rising nodes hold the lowest part where it is, each bool[K, N].

    Args:
        rising: nodes that may get a higher part yet.
        lowest: float[K, 1], the lowest part of an interval.
        above_mw: what a node has beyond the lowest part.
        duals: of the row of each node, times what it asks for; of an interval they sum to 1 where
            the lowest part is not 1.
    """
    held: Flags = rising & ((np.abs(duals) > NEGLIGIBLE) | (lowest >= 1 - 1e-9))
    stuck = np.flatnonzero(rising.any(axis=1) & ~held.any(axis=1))
    # Where rounding hides every dual, the node nearest to the lowest part is taken.
    nearest = np.where(rising, above_mw, np.inf)[stuck].argmin(axis=1)
    held[stuck, nearest] = True
    return held
