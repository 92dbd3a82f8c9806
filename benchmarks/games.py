"""Speed of the four Shapley methods on one interval and one core, against other ways to do it.

The yardsticks are taken in the same run: one linear programme for each coalition, as HiGHS solves
it, and the package shapley-numba on a glove game. Values are medians. Run alone with
``python -m benchmarks.games``.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import numpy as np

from benchmarks.example_games import (
    NODES,
    TRUNK_NODES,
    great_britain,
    great_britain_network,
    reliability_test_system,
)
from benchmarks.figures import Figure, Result, median_ns
from benchmarks.programmes import served_by_arrays, served_by_expressions
from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.cuts import subset_sums
from settlement.core.games import Game
from settlement.core.levels import shapley_levels
from settlement.core.levels_plan import levels_plan
from settlement.core.methods import exact
from settlement.core.sampled import sampled
from settlement.core.value_table import shapley_of_table

PROGRAMMES = 256
GLOVES = 20
HOP_LIMIT = 2


def figures() -> list[Figure]:
    """Return the time of each method on the 12-node case, beside one pass over all coalitions."""
    game = great_britain(3)
    demand_kw = int(game.demand_kw.sum())
    yardstick = median_ns(lambda: np.minimum(subset_sums(game.available_kw), demand_kw).sum())
    number = _clusters_of(game)
    work = {
        "exact, 21 units, one interval": lambda: exact(game),
        "clusters, 21 units, one interval": lambda: clusters(game, number),
        "sampled, 21 units, 1,000 orders": lambda: sampled(game, seed=1, most_orders=1000),
    }
    return [Figure(name, median_ns(call), yardstick) for name, call in work.items()]


def results() -> list[Result]:
    """Return every figure that has a target."""
    return [*exact_results(), clusters_result(), glove_result(), levels_result()]


def exact_results() -> list[Result]:
    game = great_britain(3)
    work_ns = median_ns(lambda: exact(game))
    members = np.random.default_rng(1).integers(0, 2, (PROGRAMMES, game.unit_count)) > 0
    programme_ns = median(
        _timed(lambda served=served: served_by_arrays(game, served)) for served in members
    )
    ratio = programme_ns * 2**game.unit_count / work_ns
    return [
        Result("exact, gb12, 21 units, one interval, one core: ms", work_ns / 1e6, 50, True),
        Result(
            "exact, gb12: times faster than one linear programme a coalition",
            round(ratio),
            100_000,
            False,
        ),
    ]


def clusters_result() -> Result:
    game = great_britain(2)
    work_ns = median_ns(lambda: clusters(game, _clusters_of(game)), runs=200)
    number = _clusters_of(game)
    coalitions = [
        np.array([chosen >> cluster & 1 for cluster in number.tolist()])
        for chosen in range(1 << (int(number.max()) + 1))
    ]
    programmes_ns = median_ns(
        lambda: [served_by_expressions(game, members) for members in coalitions], runs=5
    )
    return Result(
        "clusters, gb12: times faster than one linear programme a coalition",
        round(programmes_ns / work_ns),
        500,
        False,
    )


def glove_result() -> Result:
    """Compare a game of 10 left and 10 right gloves, the making of its values included."""
    name = "exact, 20-player glove game: time as a share of shapley-numba's"
    left = np.repeat([1, 0], GLOVES // 2)
    work_ns = median_ns(
        lambda: shapley_of_table(np.minimum(subset_sums(left), subset_sums(1 - left)))
    )
    try:
        from shapley_numba.examples.games import GloveGame
        from shapley_numba.shapley import shapley
    except ImportError:
        return Result(name, None, 1, True, "shapley-numba is not installed")
    theirs = GloveGame(GLOVES // 2)
    yardstick = median_ns(lambda: shapley(theirs, GLOVES))
    return Result(name, work_ns / yardstick, 1, True)


def levels_result() -> Result:
    name = "levels, rts_gmlc, 158 units, one interval, one core: ms"
    try:
        game, tree = reliability_test_system()
    except FileNotFoundError as missing:
        return Result(name, None, 100, True, f"no data: {missing.filename or missing}")
    plan = levels_plan(tree, game.unit_node)
    available, demand = game.available_kw[:, np.newaxis], game.demand_kw[:, np.newaxis]
    work_ns = median_ns(lambda: shapley_levels(plan, available, demand))
    return Result(name, work_ns / 1e6, 100, True)


def _clusters_of(game: Game) -> np.ndarray:
    return clusters_of(_NEAR, game.unit_node, game.available_kw)


_NEAR = neighbourhood(
    great_britain_network(1), [NODES.index(node) for node in TRUNK_NODES], HOP_LIMIT
)


def _timed(work: Callable[[], object]) -> int:
    start = perf_counter_ns()
    work()
    return perf_counter_ns() - start


def main() -> None:
    """Print every figure and result, one a line."""
    for line in (*figures(), *results()):
        print(line)


if __name__ == "__main__":
    main()
