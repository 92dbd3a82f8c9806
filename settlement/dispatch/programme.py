"""The programme that `settlement.dispatch.least_cost` states, laid out for HiGHS."""

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from settlement.core.arrays import Flags
from settlement.dispatch.block import Block
from settlement.dispatch.limits import Limits, least_mw, limits_of
from settlement.dispatch.model import MILLION, DispatchModel, FleetState, Floats, Integers

TIE_BREAK_PER_MWH = 1e-5
HALF = 2
HALF_ON = 0.5

Entries = tuple[Integers, Integers, Floats]
"""Row, column and value of entries of the matrix."""


@dataclass(frozen=True, eq=False)
class Programme:
    """A window of T intervals as a programme.

    Columns and rows run by interval, then as the block lays them out; after the last interval
    come, of each unit that stores, how much its level is short of and beyond what it is to be,
    and the row that says so.

    Attributes:
        block: the layout of an interval.
        intervals: T.
        decided: of how many of them it is decided who is on; in those after, which are looked
            ahead at, a unit may be partly on.
        lp: the programme without its whole numbers: a unit may be partly on.
        untied_cost: the cost of each column without the tie-break.
        gap_ppm: how far above the least the choice of who is on may be.
    """

    block: Block
    intervals: int
    decided: int
    lp: highspy.HighsLp
    untied_cost: Floats
    gap_ppm: int

    def on_columns(self) -> Integers:
        """Return the columns that are 0 or 1, in order."""
        first = np.arange(self.decided)[:, np.newaxis] * self.block.width
        return np.asarray(first + np.arange(self.block.width)[self.block.columns["on"]]).ravel()

    def on_of(self, columns: Floats) -> Flags:
        """Return bool[decided, C], which units with a minimum are on in a solution."""
        on = self.of_columns(columns)[: self.decided, self.block.columns["on"]]
        return np.asarray(on > HALF_ON)

    def energy_cost(self, columns: Floats) -> float:
        """Return what generation costs in a solution, without any penalty."""
        energy = self.block.columns["generation"]
        costs = self.of_columns(np.array(self.lp.col_cost_))[:, energy]
        return float((costs * self.of_columns(columns)[:, energy]).sum())

    def of_columns(self, values: Floats) -> Floats:
        """Return float[T, width] of the values of all columns."""
        return values[: self.intervals * self.block.width].reshape(self.intervals, -1)

    def of_rows(self, values: Floats) -> Floats:
        """Return float[T, height] of the values of all rows."""
        return values[: self.intervals * self.block.height].reshape(self.intervals, -1)

    def worth_of_limits(self, row_duals: Floats) -> dict[str, Floats]:
        """Return float[U, T] each: what ramp and minimum add to what one more MW of a unit costs.

        By the columns of generation: cost less the duals of their rows x the entries there.
        """
        matrix, block = self.lp.a_matrix_, self.block
        starts, rows = np.array(matrix.start_), np.array(matrix.index_)
        of_column = np.repeat(np.arange(self.lp.num_col_), np.diff(starts))
        kind = np.full(block.height, -1)
        for name, rule in (("rise", 0), ("fall", 0), ("least", 1), ("most", 1)):
            kind[block.rows[name]] = rule
        within = rows < self.intervals * block.height
        rule_of = np.where(within, kind[rows % block.height], -1) if block.height else rows
        worth = -np.array(matrix.value_) * row_duals[rows]
        return {
            name: self.of_columns(
                np.bincount(
                    of_column[rule_of == rule],
                    weights=worth[rule_of == rule],
                    minlength=self.lp.num_col_,
                ).astype(np.float64)
            )[:, block.columns["generation"]].T
            for rule, name in enumerate(("ramp", "minimum"))
        }


def programme_of(
    model: DispatchModel,
    available_w: Integers,
    demand_wh: Integers,
    before: FleetState | None = None,
    ends_wh: Integers | None = None,
    decided: int | None = None,
) -> Programme:
    """Return the programme of a window.

    Args:
        model, available_w, demand_wh, before: as in `settlement.dispatch.least_cost`.
        ends_wh: int64[U], what a unit that stores is to hold at the end; None for half of what it
            can.
        decided: see `Programme`; None for all intervals.
    """
    intervals = available_w.shape[1]
    block = Block(model, available_w)
    stores = len(block.stores)
    full_mwh = model.storage_wh[block.stores] / MILLION
    end_mwh = full_mwh / HALF if ends_wh is None else ends_wh[block.stores] / MILLION
    lower, upper = _column_bounds(model, block, available_w, demand_wh)
    limits = limits_of(model, block, available_w, before)
    least, most = _row_bounds(model, block, demand_wh, before, limits)
    costs = [
        _all_costs(model, block, intervals, tie_break) for tie_break in (TIE_BREAK_PER_MWH, 0.0)
    ]

    lp = highspy.HighsLp()
    lp.num_col_ = intervals * block.width + 2 * stores
    lp.num_row_ = intervals * block.height + stores
    lp.col_cost_ = costs[0]
    lp.col_lower_ = np.concatenate((lower.ravel(), np.zeros(2 * stores)))
    lp.col_upper_ = np.concatenate((upper.ravel(), np.tile(full_mwh, 2)))
    lp.row_lower_ = np.concatenate((least.ravel(), end_mwh))
    lp.row_upper_ = np.concatenate((most.ravel(), end_mwh))
    _fill_matrix(lp, _entries(model, block, available_w, limits))
    decides = intervals if decided is None else decided
    return Programme(block, intervals, decides, lp, costs[1], model.gap_ppm)


def _all_costs(
    model: DispatchModel, block: Block, intervals: int, tie_break_per_mwh: float
) -> Floats:
    stores = len(block.stores)
    hourly = _costs(model, block, tie_break_per_mwh)
    # To end with more than was to be is worth nothing; with less is avoided wherever it can be.
    short = np.full(stores, model.unserved_micro_per_mwh / MILLION)
    beyond = np.full(stores, tie_break_per_mwh)
    return np.concatenate((np.tile(hourly * model.hours, intervals), short, beyond))


def _costs(model: DispatchModel, block: Block, tie_break_per_mwh: float) -> Floats:
    """Return the cost of each column of an interval, each unit dearer than the one before it."""
    offers = model.offer_micro_per_mwh / MILLION
    cost = np.zeros(block.width)
    cost[block.columns["generation"]] = offers + tie_break_per_mwh * np.arange(len(offers))
    for name in ("unserved", "excess"):
        cost[block.columns[name]] = model.unserved_micro_per_mwh / MILLION
    return cost


def _column_bounds(
    model: DispatchModel, block: Block, available_w: Integers, demand_wh: Integers
) -> tuple[Floats, Floats]:
    available_mw, demand_mw = available_w.T / MILLION, demand_wh.T / MILLION / model.hours
    lower = np.zeros((len(available_mw), block.width))
    upper = np.full_like(lower, np.inf)
    at = block.columns
    upper[:, at["generation"]] = available_mw
    upper[:, at["charging"]] = available_mw[:, block.stores]
    upper[:, at["level"]] = model.storage_wh[block.stores] / MILLION
    lower[:, at["flow"]] = -model.reverse_rating_w / MILLION
    upper[:, at["flow"]] = model.rating_w / MILLION
    upper[:, at["unserved"]] = np.maximum(demand_mw, 0)
    upper[:, at["spilled"]] = np.maximum(-demand_mw, 0)
    upper[:, at["on"]] = 1
    return lower, upper


def _row_bounds(
    model: DispatchModel,
    block: Block,
    demand_wh: Integers,
    before: FleetState | None,
    limits: Limits,
) -> tuple[Floats, Floats]:
    intervals = demand_wh.shape[1]
    least = np.zeros((intervals, block.height))
    least[:, block.rows["balance"]] = demand_wh.T / MILLION / model.hours
    if intervals:
        level_wh = model.storage_wh / HALF if before is None else before.level_wh
        least[0, block.rows["storage"]] = level_wh[block.stores] / MILLION
    most = least.copy()
    for name in ("rise", "fall", "most"):
        least[:, block.rows[name]] = -np.inf
    most[:, block.rows["least"]] = np.inf
    has_no_minimum = ~np.isin(block.ramped, block.committed)
    # A unit with a minimum has its limits on the left, by whether it is on (`_ramps`).
    most[:, block.rows["rise"]] = np.where(has_no_minimum, limits.rise, limits.start)
    most[:, block.rows["fall"]] = np.where(has_no_minimum, limits.fall, limits.stop)
    if intervals and limits.before is None:
        most[0, block.rows["rise"]] = most[0, block.rows["fall"]] = np.inf
    elif intervals and limits.before is not None:
        was_on = has_no_minimum | (limits.before > 0)
        rise = np.where(was_on, limits.rise[0], limits.start[0])
        most[0, block.rows["rise"]] = limits.before + rise
        most[0, block.rows["fall"]] -= limits.before
    return least, most


def _entries(
    model: DispatchModel, block: Block, available_w: Integers, limits: Limits
) -> list[Entries]:
    intervals = available_w.shape[1]
    before = [
        (block.row("storage", number), block.column("level", number), -1.0)
        for number in range(len(block.stores))
    ]
    entries = [
        _repeated(_interval_entries(model, block), block, intervals, 0),
        # The level before an interval stands among the columns of the interval before it.
        _repeated(before, block, intervals - 1, 1),
        *_minimums(model, block, available_w),
        *_ramps(block, limits),
    ]
    stores = np.arange(len(block.stores))
    row = intervals * block.height + stores
    short = intervals * block.width + stores
    if intervals:
        level = (intervals - 1) * block.width + block.column("level") + stores
        entries.append((row, level, np.ones(len(stores))))
    entries.append((row, short, np.ones(len(stores))))
    entries.append((row, short + len(stores), -np.ones(len(stores))))
    return entries


def _interval_entries(model: DispatchModel, block: Block) -> list[tuple[int, int, float]]:
    """Return (row, column, value) of what is the same in every interval."""
    hours = model.hours
    # On balance: where a unit takes energy in, its area feeds in so much less to lose a part of.
    arriving = 1 - model.loss_ppm / MILLION
    entries: list[tuple[int, int, float]] = []
    for unit, node in enumerate(model.unit_node.tolist()):
        entries.append((node, block.column("generation", unit), float(arriving[unit])))
    for line, (start, end) in enumerate(zip(model.line_from, model.line_to, strict=True)):
        entries.append((int(start), block.column("flow", line), -1.0))
        entries.append((int(end), block.column("flow", line), 1.0))
    for node in range(model.node_count):
        entries.append((node, block.column("unserved", node), 1.0))
        entries.append((node, block.column("spilled", node), -1.0))
        entries.append((node, block.column("excess", node), -1.0))
    for number, cycle in enumerate(block.cycles):
        for line, reactance in cycle.items():
            entries.append((block.row("cycle", number), block.column("flow", line), reactance))
    for number, unit in enumerate(block.stores.tolist()):
        row = block.row("storage", number)
        efficiency = float(model.round_trip_efficiency_ppm[unit]) / MILLION
        charging = block.column("charging", number)
        entries.append((int(model.unit_node[unit]), charging, -float(arriving[unit])))
        entries.append((row, block.column("level", number), 1.0))
        entries.append((row, charging, -efficiency * hours))
        entries.append((row, block.column("generation", unit), hours))
    return entries


def _minimums(model: DispatchModel, block: Block, available_w: Integers) -> list[Entries]:
    """A unit gives its least where it is on, at most what is available, and nothing where off."""
    units, number = block.committed, np.arange(len(block.committed))
    grid = _Grid(block, available_w.shape[1])
    least = least_mw(model, units, available_w)
    most = available_w[units].T / MILLION
    return [
        grid.entries("least", number, "generation", units, np.ones_like(least)),
        grid.entries("least", number, "on", number, -least),
        grid.entries("most", number, "generation", units, np.ones_like(most)),
        grid.entries("most", number, "on", number, -most),
    ]


def _ramps(block: Block, limits: Limits) -> list[Entries]:
    """Power less that before is at most the rise, before less power at most the fall.

    Of a unit that is on or off:  rise of power <= start - (start - rise) x on before,
                                  fall of power <= stop - (stop - fall) x on.
    """
    units, number = block.ramped, np.arange(len(block.ramped))
    grid = _Grid(block, len(limits.rise))
    one = np.ones_like(limits.rise)
    place = np.searchsorted(block.committed, units)
    on_off = np.flatnonzero(np.isin(units, block.committed))
    switch = place[on_off]
    slower_start = (limits.start - limits.rise)[:, on_off]
    slower_stop = (limits.stop - limits.fall)[:, on_off]
    return [
        grid.entries("rise", number, "generation", units, one),
        grid.entries("rise", number, "generation", units, -one, before=True),
        grid.entries("rise", on_off, "on", switch, slower_start, before=True),
        grid.entries("fall", number, "generation", units, -one),
        grid.entries("fall", number, "generation", units, one, before=True),
        grid.entries("fall", on_off, "on", switch, slower_stop),
    ]


class _Grid:
    """Makes entries of all intervals of a block."""

    def __init__(self, block: Block, intervals: int) -> None:
        self.block = block
        self.interval = np.arange(intervals)[:, np.newaxis]

    def entries(
        self,
        row: str,
        row_number: Integers,
        column: str,
        column_number: Integers,
        values: Floats,
        *,
        before: bool = False,
    ) -> Entries:
        """Return entries of values of shape (T, n); `before`: columns of the interval before."""
        rows = self.interval * self.block.height + self.block.row(row) + row_number
        columns = self.interval * self.block.width + self.block.column(column) + column_number
        if before:
            rows, columns, values = rows[1:], columns[1:] - self.block.width, values[1:]
        return rows.ravel(), columns.ravel(), values.ravel()


def _repeated(
    entries: Sequence[tuple[int, int, float]], block: Block, times: int, row_shift: int
) -> Entries:
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    number = np.arange(max(times, 0))[:, np.newaxis]
    rows = (number + row_shift) * block.height + table[:, 0].astype(np.int64)
    columns = number * block.width + table[:, 1].astype(np.int64)
    return rows.ravel(), columns.ravel(), np.tile(table[:, 2], max(times, 0))


def _fill_matrix(lp: highspy.HighsLp, entries: list[Entries]) -> None:
    rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    stated = values != 0
    rows, columns, values = rows[stated], columns[stated], values[stated]
    order = np.lexsort((rows, columns))
    matrix = lp.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.num_col_, matrix.num_row_ = lp.num_col_, lp.num_row_
    counts = np.bincount(columns, minlength=lp.num_col_)
    matrix.start_ = np.concatenate(([0], np.cumsum(counts)))
    matrix.index_ = rows[order]
    matrix.value_ = values[order]
