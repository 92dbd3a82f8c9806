"""A day dispatched on the terms of the thesis's script, each of which the product's may replace.

Written from what `lmp_execution.py` of sweeneys/phd-work (commit 8c1593c) states in its second
pass, which prices: who is on is given, no unit has a minimum or a ramp, storage begins and ends
half full. Nothing of the product's programme is in it: flows follow bus angles here and a cycle
there. On the script's terms it gives what the script gives; on the product's, what the product
gives without minimum and ramp; so what lies between the two can be said one term at a time.

Power in MW, energy in MWh, money in pounds; U units, N nodes, T intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from settlement.dispatch.model import DispatchModel

MILLION = 1_000_000
SHORT_OF_RESERVE = 1_000
"""For each MW short in an interval, however long that is: so the script counts it."""
SPILLED = 5
"""For each MWh; there is none on the days of the tests."""

Part = tuple[Sequence[int] | np.ndarray, np.ndarray, object]
"""Which rows of a group, the columns that enter them [which, interval], and with what."""


@dataclass(frozen=True)
class Terms:
    """On what terms a day is dispatched; as it stands, on those of the script.

    Attributes:
        lost_load: cost of a MWh not served; None for that of the product, its cap on prices.
        reserve_part: part of what is served that is held in reserve.
        reserve_price: of each MW held for an hour.
        wear: cost of each MWh that storage takes in, and of each that it gives.
        efficiency: of storage as it takes in, and again as it gives; None for the registered one,
            all of it as it takes in.
        export_price: of each MWh that leaves a node on balance.
    """

    lost_load: float | None = 9_999
    reserve_part: float = 0.1
    reserve_price: float = 7.5
    wear: float = 5
    efficiency: float | None = 0.95
    export_price: float = 1


@dataclass(frozen=True, eq=False)
class Operation:
    """A day: gives, takes float[U, T]; price per MWh, unserved float[N, T]."""

    gives: np.ndarray
    takes: np.ndarray
    price: np.ndarray
    unserved: np.ndarray


class Programme:
    """Columns and rows of a linear programme, in tables of numbers [which, interval]."""

    def __init__(self, intervals: int):
        self.intervals = intervals
        self.size, self.height = 0, 0
        self.bounds: list[tuple[np.ndarray, ...]] = []
        self.limits: list[tuple[np.ndarray, ...]] = []
        self.entries: list[tuple[np.ndarray, ...]] = []

    def columns(self, count: int, least=0.0, most=np.inf, cost=0.0) -> np.ndarray:
        numbers = self.size + np.arange(count * self.intervals).reshape(count, self.intervals)
        self.size += numbers.size
        self.bounds.append(tuple(self._spread(count, each) for each in (least, most, cost)))
        return numbers

    def rows(self, count: int, least, most, *parts: Part) -> np.ndarray:
        numbers = self.height + np.arange(count * self.intervals).reshape(count, self.intervals)
        self.height += numbers.size
        self.limits.append(tuple(self._spread(count, each) for each in (least, most)))
        for which, columns, value in parts:
            self.enter(numbers[which], columns, value)
        return numbers

    def enter(self, rows: np.ndarray, columns: np.ndarray, value) -> None:
        values = np.broadcast_to(np.asarray(value, dtype=float), columns.shape)
        self.entries.append(tuple(np.ravel(each) for each in (rows, columns, values)))

    def _spread(self, count: int, value) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, dtype=float), (count, self.intervals)).ravel()

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns and the duals of the rows at the least cost."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.size, self.height
        lp.col_lower_, lp.col_upper_, lp.col_cost_ = map(
            np.concatenate, zip(*self.bounds, strict=True)
        )
        lp.row_lower_, lp.row_upper_ = map(np.concatenate, zip(*self.limits, strict=True))
        rows, columns, values = map(np.concatenate, zip(*self.entries, strict=True))
        order = np.lexsort((rows, columns))
        matrix = lp.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kColwise
        matrix.num_col_, matrix.num_row_ = self.size, self.height
        counts = np.bincount(columns, minlength=self.size)
        matrix.start_ = np.concatenate(([0], np.cumsum(counts)))
        matrix.index_, matrix.value_ = rows[order], values[order]
        solver = highspy.Highs()
        for option, value in {"output_flag": False, "threads": 1, "solver": "simplex"}.items():
            solver.setOptionValue(option, value)
        solver.passModel(lp)
        solver.run()
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        found = solver.getSolution()
        return np.array(found.col_value), np.array(found.row_dual)


class ThesisDay(Programme):
    """The programme of one day."""

    def __init__(
        self, model: DispatchModel, available_w, demand_wh, terms: Terms, may_hold, is_on
    ) -> None:
        """Lay the day out: `may_hold` bool[U] who may hold reserve, `is_on` bool[U, T]."""
        super().__init__(demand_wh.shape[1])
        self.model, self.terms, self.hours = model, terms, model.interval_minutes / 60
        self.available = available_w / MILLION * is_on
        self.demand = demand_wh / MILLION / self.hours
        self.stores, self.holders = np.flatnonzero(model.storage_wh), np.flatnonzero(may_hold)
        self.into = model.round_trip_efficiency_ppm[self.stores, np.newaxis] / MILLION
        self.out = np.ones_like(self.into)
        if terms.efficiency is not None:
            self.into = self.out = np.full_like(self.into, terms.efficiency)
        wear = np.where(model.storage_wh > 0, terms.wear, 0)
        offer = (model.offer_micro_per_mwh / MILLION + wear)[:, np.newaxis] * self.hours
        self.gives = self.columns(len(offer), most=self.available, cost=offer)
        self.takes = self.columns(
            len(self.stores), most=self.available[self.stores], cost=terms.wear * self.hours
        )
        lost_load = terms.lost_load or model.unserved_micro_per_mwh / MILLION
        self.unserved = self.columns(
            model.node_count, most=np.maximum(self.demand, 0), cost=lost_load * self.hours
        )
        self.balance = self._network()
        level = self._storage()
        if terms.reserve_part:
            self._reserve(level)

    def _network(self) -> np.ndarray:
        """Flows within their ratings, as angles drive them; returns the rows of the balance."""
        model, nodes = self.model, self.model.node_count
        start, end = model.line_from, model.line_to
        flow = self.columns(
            len(start),
            least=-model.reverse_rating_w[:, np.newaxis] / MILLION,
            most=model.rating_w[:, np.newaxis] / MILLION,
        )
        free = np.where(np.arange(nodes) > 0, np.inf, 0)[:, np.newaxis]
        angle = self.columns(nodes, least=-free, most=free)
        reactance = model.reactance_ppm[:, np.newaxis] / MILLION
        lines = np.arange(len(start))
        self.rows(
            len(start), 0, 0, (lines, flow, reactance), (lines, angle[end], -1),
            (lines, angle[start], 1),
        )  # fmt: skip
        spilled = self.columns(nodes, cost=SPILLED * self.hours)
        exported = self.columns(nodes, cost=self.terms.export_price * self.hours)
        every = np.arange(nodes)
        self.rows(nodes, 0, np.inf, (every, exported, 1), (start, flow, -1), (end, flow, 1))
        return self.rows(
            nodes, self.demand, self.demand,
            (model.unit_node, self.gives, 1), (model.unit_node[self.stores], self.takes, -1),
            (start, flow, -1), (end, flow, 1), (every, self.unserved, 1), (every, spilled, -1),
        )  # fmt: skip

    def _storage(self) -> np.ndarray:
        """Half full before the first interval and after the last; returns the levels' columns."""
        full = np.repeat(
            self.model.storage_wh[self.stores, np.newaxis] / MILLION, self.intervals, 1
        )
        least, begins = np.zeros_like(full), np.zeros_like(full)
        begins[:, 0] = full[:, 0] / 2
        most = full.copy()
        least[:, -1] = most[:, -1] = full[:, -1] / 2
        level = self.columns(len(full), least=least, most=most)
        every = np.arange(len(full))
        rows = self.rows(
            len(full), begins, begins, (every, level, 1),
            (every, self.takes, -self.into * self.hours),
            (every, self.gives[self.stores], self.hours / self.out),
        )  # fmt: skip
        self.enter(rows[:, 1:], level[:, :-1], -1)
        return level

    def _reserve(self, level: np.ndarray) -> None:
        """A part of what is served is held by what those give less than they could.

        A store that takes in holds that too, as it may stop, up to what its level lasts for.
        """
        terms, holders = self.terms, self.holders
        held = self.columns(len(holders), cost=terms.reserve_price * self.hours)
        short = self.columns(1, cost=SHORT_OF_RESERVE)
        wanted = terms.reserve_part * np.maximum(self.demand.sum(axis=0), 0)
        self.rows(
            1, wanted, np.inf, ([0] * len(holders), held, 1), ([0], short, 1),
            ([0] * len(self.unserved), self.unserved, terms.reserve_part),
        )  # fmt: skip
        of_stores, every = np.searchsorted(holders, self.stores), np.arange(len(holders))
        self.rows(
            len(holders), -np.inf, self.available[holders], (every, held, 1),
            (every, self.gives[holders], 1), (of_stores, self.takes, -1),
        )  # fmt: skip
        stores = np.arange(len(self.stores))
        self.rows(
            len(stores), -np.inf, 0, (stores, held[of_stores], 1),
            (stores, level, -self.out / self.hours),
        )  # fmt: skip

    def operation(self) -> Operation:
        """Return the day at the least cost; the price is the dual of each node's balance."""
        columns, duals = self.solve()
        takes = np.zeros_like(self.available)
        takes[self.stores] = columns[self.takes]
        return Operation(
            columns[self.gives], takes, duals[self.balance] / self.hours, columns[self.unserved]
        )
