"""Solves programmes with HiGHS: who is on first, then what everybody gives.

Who is on makes a mixed-integer programme. It is solved to a gap, which is proven for each window:

1. The relaxed programme, in which a unit may be partly on, gives a bound below every cost. In the
   days that are only looked ahead at it stays relaxed throughout.
2. Every unit is on wherever the relaxed programme runs it at all. Where that costs more than the
   bound by at most the gap of what energy costs, it stands: two linear programmes, a twentieth of a
   second for a day of gb12.
3. Else HiGHS branches until it has proven what it holds to be within the gap.

Neither time nor number of nodes ends a search, the gap is fixed, and each run is on one thread
with one seed and no state from an earlier one: equal programme, equal solution.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from settlement.core.arrays import Flags
from settlement.dispatch.model import MILLION, Floats
from settlement.dispatch.programme import Programme

LEAST_GAP = 1e-9
"""As a part of all that the programme costs: what floats of it can tell apart."""
RUNS_MW = 1e-6


class DispatchError(RuntimeError):
    """HiGHS found no optimum. The programme always has one, so this is a defect, not an input."""


@dataclass(frozen=True, eq=False)
class Solution:
    """An optimal solution of a programme for those units on that are on.

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


def solve(programme: Programme, is_on: Flags | None = None) -> Solution:
    """Return the operation of a window.

    Where several optima exist, it is the one at which this release of HiGHS ends.

    Args:
        programme: as `programme_of` lays it out.
        is_on: bool[decided, C], which units with a minimum are on; None to choose it.

    Raises:
        DispatchError: HiGHS found no optimum.
    """
    if not len(programme.block.committed):
        return solve_linear(programme.lp)
    if is_on is not None:
        return _with(programme, is_on)
    relaxed = solve_linear(programme.lp)
    powers = programme.of_columns(relaxed.columns)[: programme.decided]
    powers = powers[:, programme.block.columns["generation"]]
    # What the penalties of unserved demand come to does not count: in a shortage they are many
    # times the cost of energy, and a part of them would hide who should have run.
    part = programme.gap_ppm / MILLION * programme.energy_cost(relaxed.columns)
    gap = max(part, LEAST_GAP * max(1.0, abs(relaxed.cost)))
    # Where a unit falls from power faster than one that is on may, the rounded choice has none.
    rounded = _with_if_any(programme, powers[:, programme.block.committed] > RUNS_MW)
    if rounded is not None and rounded.cost - relaxed.cost <= gap:
        return rounded
    return _with(programme, _branched(programme, gap))


def solve_priced(programme: Programme, is_on: Flags | None = None) -> Solution:
    """Return the operation with the prices of its linear programme, with who is on as it is.

    Who is on is chosen with the tie-break, and then stands; the prices are those without it, so
    that a price is an offer, or what offers make of it. Arguments and errors as in `solve`.
    """
    chosen = programme.on_of(solve(programme, is_on).columns)
    programme.lp.col_cost_ = programme.untied_cost
    return _with(programme, chosen)


def _branched(programme: Programme, gap: float) -> Flags:
    on = programme.on_columns()
    kinds = np.full(programme.lp.num_col_, highspy.HighsVarType.kContinuous)
    kinds[on] = highspy.HighsVarType.kInteger
    programme.lp.integrality_ = kinds.tolist()
    # Presolve takes the relaxation apart, and three times as long on days of gb12.
    options = {"mip_rel_gap": 0.0, "mip_abs_gap": gap, "presolve": "off"}
    try:
        found = _run(programme.lp, options)
    finally:
        programme.lp.integrality_ = []
    return programme.on_of(np.array(found.getSolution().col_value))


def _with_if_any(programme: Programme, is_on: Flags) -> Solution | None:
    try:
        return _with(programme, is_on)
    except DispatchError:
        return None


def _with(programme: Programme, is_on: Flags) -> Solution:
    """Return the operation with those on that are on."""
    lp, on = programme.lp, programme.on_columns()
    lower, upper = np.array(lp.col_lower_), np.array(lp.col_upper_)
    fixed_lower, fixed_upper = lower.copy(), upper.copy()
    fixed_lower[on] = fixed_upper[on] = is_on.ravel()
    lp.col_lower_, lp.col_upper_ = fixed_lower, fixed_upper
    try:
        return solve_linear(programme.lp)
    finally:
        lp.col_lower_, lp.col_upper_ = lower, upper


def solve_linear(lp: highspy.HighsLp) -> Solution:
    """Return the optimum of a linear programme by the simplex method; errors as in `solve`."""
    solver = _run(lp, {"solver": "simplex"})
    found = solver.getSolution()
    return Solution(
        np.array(found.col_value),
        np.array(found.row_dual),
        np.array(found.col_dual),
        float(solver.getInfo().objective_function_value),
    )


def _run(lp: highspy.HighsLp, options: dict[str, Any]) -> highspy.Highs:
    solver = highspy.Highs()
    fixed = {"output_flag": False, "threads": 1, "parallel": "off", "random_seed": 0}
    for option, value in (fixed | options).items():
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    solver.run()
    status = solver.getModelStatus()
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
        raise DispatchError(f"HiGHS ended with {solver.modelStatusToString(status)}")
    return solver
