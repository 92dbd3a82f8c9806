"""The yardstick of the Shapley benchmarks: one linear programme for each coalition, by HiGHS."""

import highspy
import numpy as np

from settlement.core.games import Game


def served_by_arrays(game: Game, members: np.ndarray) -> float:
    """Return what a coalition serves, by a programme laid out straight in HiGHS's own arrays.

    Columns: flow on each line, supply of each unit, demand served at each node. A row a node.
    """
    network = game.network
    lines, units, nodes = len(network.line_from), game.unit_count, network.node_count
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = lines + units + nodes, nodes
    programme.sense_ = highspy.ObjSense.kMaximize
    programme.col_cost_ = np.concatenate([np.zeros(lines + units), np.ones(nodes)])
    programme.col_lower_ = np.concatenate([-network.reverse_rating_kw, np.zeros(units + nodes)])
    supply_kw = np.where(members, game.available_kw, 0)
    programme.col_upper_ = np.concatenate([network.rating_kw, supply_kw, game.demand_kw])
    programme.row_lower_ = programme.row_upper_ = np.zeros(nodes)
    ends = np.stack([network.line_from, network.line_to], axis=1).ravel()
    starts = np.concatenate([np.arange(lines) * 2, 2 * lines + np.arange(units + nodes + 1)])
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = starts
    programme.a_matrix_.index_ = np.concatenate([ends, game.unit_node, np.arange(nodes)])
    programme.a_matrix_.value_ = np.concatenate(
        [np.tile([-1.0, 1.0], lines), np.ones(units), -np.ones(nodes)]
    )
    solver = highspy.Highs()
    solver.silent()
    solver.passModel(programme)
    solver.run()
    return solver.getInfo().objective_function_value


def served_by_expressions(game: Game, members: np.ndarray) -> float:
    """Return what a coalition serves, by a programme written out as the published script has it.

    That script writes a variable, a bound and a balance at a time in a modelling layer, lists each
    line in both directions, and builds everything anew for each coalition. (It does so in Pyomo,
    and starts GLPK as another process; HiGHS's own modelling layer is lighter, so the yardstick is
    the shorter for it.)
    """
    network = game.network
    solver = highspy.Highs()
    solver.silent()
    lines = list(
        zip(
            [*network.line_from.tolist(), *network.line_to.tolist()],
            [*network.line_to.tolist(), *network.line_from.tolist()],
            [*network.rating_kw.tolist(), *network.reverse_rating_kw.tolist()],
            strict=True,
        )
    )
    flow = [solver.addVariable(-rating, rating) for _, _, rating in lines]
    power = [solver.addVariable(0) for _ in range(game.unit_count)]
    served = [solver.addVariable(0) for _ in range(network.node_count)]
    for unit, variable in enumerate(power):
        solver.addConstr(variable <= float(game.available_kw[unit] if members[unit] else 0))
    for node, variable in enumerate(served):
        solver.addConstr(variable <= float(game.demand_kw[node]))
    for node in range(network.node_count):
        inflow = [flow[place] for place, line in enumerate(lines) if line[1] == node]
        outflow = [flow[place] for place, line in enumerate(lines) if line[0] == node]
        supply = [power[unit] for unit in np.flatnonzero(game.unit_node == node)]
        solver.addConstr(solver.qsum(inflow + supply) == solver.qsum([*outflow, served[node]]))
    solver.maximize(solver.qsum(served))
    return solver.getInfo().objective_function_value
