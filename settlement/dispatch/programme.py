"""The linear programme that `settlement.dispatch` states, laid out for HiGHS and solved."""

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from settlement.core.periods import MINUTES_PER_HOUR

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Entries = list[tuple[int, int, float]]

MILLION = 1_000_000
TIE_BREAK_PER_MWH = 1e-5


class DispatchError(RuntimeError):
    """HiGHS found no optimum. The programme always has one, so this is a defect, not an input."""


@dataclass(frozen=True)
class DispatchModel:
    """What stays the same from day to day: U units, N nodes, L lines.

    Attributes:
        node_count: N; nodes are 0 to N-1.
        line_from, line_to: int64[L], node where forward flow enters and leaves.
        rating_w, reverse_rating_w: int64[L], most power forward and backward.
        reactance_ppm: int64[L], per unit x 10^6; 0 where the line has none.
        unit_node: int64[U].
        offer_micro_per_mwh: int64[U].
        storage_wh: int64[U], 0 for a unit that stores nothing.
        round_trip_efficiency_ppm: int64[U], all of the loss taken on charging.
        unserved_micro_per_mwh: penalty for demand not served; above every offer.
        interval_minutes: length of an interval.
    """

    node_count: int
    line_from: Integers
    line_to: Integers
    rating_w: Integers
    reverse_rating_w: Integers
    reactance_ppm: Integers
    unit_node: Integers
    offer_micro_per_mwh: Integers
    storage_wh: Integers
    round_trip_efficiency_ppm: Integers
    unserved_micro_per_mwh: int
    interval_minutes: int


class Block:
    """Where each quantity of one interval stands among the columns and rows of the programme."""

    def __init__(self, model: DispatchModel) -> None:
        self.stores = np.flatnonzero(model.storage_wh > 0)
        self.cycles = _independent_cycles(model)
        sizes = {
            "generation": len(model.unit_node),
            "charging": len(self.stores),
            "level": len(self.stores),
            "flow": len(model.line_from),
            "unserved": model.node_count,
            "spilled": model.node_count,
        }
        self.slices: dict[str, slice] = {}
        self.width = 0
        for name, size in sizes.items():
            self.slices[name] = slice(self.width, self.width + size)
            self.width += size
        self.storage_row = model.node_count + len(self.cycles)
        self.height = self.storage_row + len(self.stores)

    def column(self, name: str, number: int) -> int:
        """Return the column of one quantity, counted from the interval's first."""
        return int(self.slices[name].start) + number


def _independent_cycles(model: DispatchModel) -> list[dict[int, float]]:
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


def programme_of(
    model: DispatchModel,
    block: Block,
    available_w: Integers,
    demand_wh: Integers,
    tie_break_per_mwh: float = TIE_BREAK_PER_MWH,
) -> highspy.HighsLp:
    """Return the programme of one day; columns run by interval, then as `Block` lays them out.

    Args:
        model, available_w, demand_wh: as in `settlement.dispatch.least_cost`.
        block: the layout of the model.
        tie_break_per_mwh: how much dearer each unit is than the one before it; 0 where the prices
            of the programme are what is wanted.
    """
    intervals = available_w.shape[1]
    hours = model.interval_minutes / MINUTES_PER_HOUR
    storage_mwh = model.storage_wh[block.stores] / MILLION
    demand_mw = demand_wh.T / MILLION / hours
    penalty = model.unserved_micro_per_mwh / MILLION
    offers = model.offer_micro_per_mwh / MILLION

    cost = np.zeros(block.width)
    cost[block.slices["generation"]] = offers + tie_break_per_mwh * np.arange(len(offers))
    cost[block.slices["unserved"]] = penalty
    lower = np.zeros((intervals, block.width))
    upper = np.empty((intervals, block.width))
    upper[:, block.slices["generation"]] = available_w.T / MILLION
    upper[:, block.slices["charging"]] = available_w[block.stores].T / MILLION
    upper[:, block.slices["level"]] = storage_mwh
    lower[:, block.slices["flow"]] = -model.reverse_rating_w / MILLION
    upper[:, block.slices["flow"]] = model.rating_w / MILLION
    upper[:, block.slices["unserved"]] = np.maximum(demand_mw, 0)
    upper[:, block.slices["spilled"]] = np.maximum(-demand_mw, 0)
    right = np.zeros((intervals, block.height))
    right[:, : model.node_count] = demand_mw
    if intervals:
        lower[-1, block.slices["level"]] = upper[-1, block.slices["level"]] = storage_mwh / 2
        right[0, block.storage_row :] = storage_mwh / 2

    programme = highspy.HighsLp()
    programme.num_col_ = intervals * block.width
    programme.num_row_ = intervals * block.height
    programme.col_cost_ = np.tile(cost * hours, intervals)
    programme.col_lower_, programme.col_upper_ = lower.ravel(), upper.ravel()
    programme.row_lower_ = programme.row_upper_ = right.ravel()
    _fill_matrix(programme, model, block, intervals)
    return programme


def _fill_matrix(
    programme: highspy.HighsLp, model: DispatchModel, block: Block, intervals: int
) -> None:
    rows, columns, values = _repeated(_interval_entries(model, block), block, intervals, 0)
    before = [
        (block.storage_row + number, block.column("level", number), -1.0)
        for number in range(len(block.stores))
    ]
    # The level before an interval stands among the columns of the interval before it.
    more = _repeated(before, block, intervals - 1, 1)
    rows, columns, values = (
        np.concatenate(pair) for pair in zip((rows, columns, values), more, strict=True)
    )
    order = np.lexsort((rows, columns))
    matrix = programme.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.num_col_, matrix.num_row_ = intervals * block.width, intervals * block.height
    counts = np.bincount(columns, minlength=intervals * block.width)
    matrix.start_ = np.concatenate(([0], np.cumsum(counts)))
    matrix.index_ = rows[order]
    matrix.value_ = values[order]


def _interval_entries(model: DispatchModel, block: Block) -> Entries:
    """Return (row, column, value) of one interval, counted from its first row and column."""
    hours = model.interval_minutes / MINUTES_PER_HOUR
    entries: Entries = []
    for unit, node in enumerate(model.unit_node.tolist()):
        entries.append((node, block.column("generation", unit), 1.0))
    for line, (start, end) in enumerate(zip(model.line_from, model.line_to, strict=True)):
        entries.append((int(start), block.column("flow", line), -1.0))
        entries.append((int(end), block.column("flow", line), 1.0))
    for node in range(model.node_count):
        entries.append((node, block.column("unserved", node), 1.0))
        entries.append((node, block.column("spilled", node), -1.0))
    for number, cycle in enumerate(block.cycles):
        for line, reactance in cycle.items():
            entries.append((model.node_count + number, block.column("flow", line), reactance))
    for number, unit in enumerate(block.stores.tolist()):
        row = block.storage_row + number
        efficiency = float(model.round_trip_efficiency_ppm[unit]) / MILLION
        charging = block.column("charging", number)
        entries.append((int(model.unit_node[unit]), charging, -1.0))
        entries.append((row, block.column("level", number), 1.0))
        entries.append((row, charging, -efficiency * hours))
        entries.append((row, block.column("generation", unit), hours))
    return entries


def _repeated(
    entries: Sequence[tuple[int, int, float]], block: Block, times: int, row_shift: int
) -> tuple[Integers, Integers, Floats]:
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    number = np.arange(max(times, 0))[:, None]
    rows = (number + row_shift) * block.height + table[:, 0].astype(np.int64)
    columns = number * block.width + table[:, 1].astype(np.int64)
    return rows.ravel(), columns.ravel(), np.tile(table[:, 2], max(times, 0))


@dataclass(frozen=True, eq=False)
class Solution:
    """An optimal solution of a programme.

    Attributes:
        columns: value of every column.
        row_duals: change of the least cost per unit of each row's right-hand side.
        reduced_costs: change of the least cost per unit that each column is forced up.
        cost: the least cost.
    """

    columns: Floats
    row_duals: Floats
    reduced_costs: Floats
    cost: float


def solve(programme: highspy.HighsLp) -> Solution:
    """Return the optimum; the options are fixed, so equal input, equal output.

    Where several optima or several duals exist, it is the one at which the simplex method of this
    release of HiGHS ends: one thread, fixed seed, no state from an earlier programme.

    Raises:
        DispatchError: HiGHS found no optimum.
    """
    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("parallel", "off"),
        ("solver", "simplex"),
        ("random_seed", 0),
    ):
        solver.setOptionValue(option, value)
    solver.passModel(programme)
    solver.run()
    status = solver.getModelStatus()
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
        raise DispatchError(f"HiGHS ended with {solver.modelStatusToString(status)}")
    found = solver.getSolution()
    return Solution(
        np.array(found.col_value),
        np.array(found.row_dual),
        np.array(found.col_dual),
        float(solver.getInfo().objective_function_value),
    )
