"""The least by which promises must be missed, by a linear programme over the states of a network.

Intervals of one state are one: what can be served in them together is convex. So the programme has
the whole of a term before it, and is an oracle that shares no code with the order of service.
"""

import numpy as np

from settlement.core.tightness import PPM
from tests.settlement.core.contract_programme import Programme
from tests.settlement.core.ieee_cases import Experiment


def least_worst_shortfall_ppm(experiment: Experiment) -> float:
    """Return the least that the worst group's promise - delivered / matured can be.

    Where it is not above 0, all promises can be kept; it is then the slack of all, below 0.
    """
    contracts, counts = experiment.contracts, np.bincount(experiment.state)
    part = counts / counts.sum()
    programme = Programme()
    matured_w = experiment.desired_w[:, : len(part)] @ part
    kept = [
        programme.row(promise * matured / PPM, np.inf)
        for promise, matured in zip(contracts.promise_ppm, matured_w, strict=True)
    ]
    shortfall = [(row, matured / PPM) for row, matured in zip(kept, matured_w, strict=True)]
    programme.column(-1, -PPM, PPM, shortfall)
    for state in np.flatnonzero(part).tolist():
        grid = experiment.grids[state]
        balance = [programme.row(0, 0) for _ in grid.nodes]
        for node, supply in enumerate(experiment.supply_w[:, state]):
            programme.column(0, 0, supply, [(balance[node], 1.0)])
        for start, end, rating in zip(grid.line_from, grid.line_to, grid.rating_w, strict=True):
            programme.column(0, -rating, rating, [(balance[start], -1.0), (balance[end], 1.0)])
        for group, asked in enumerate(experiment.desired_w[:, state]):
            to = balance[contracts.node[group]]
            programme.column(0, 0, asked, [(to, -1.0), (kept[group], part[state])])
    return -programme.most()
