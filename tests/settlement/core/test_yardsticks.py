"""What the benchmarks measure themselves against computes the same numbers."""

import numpy as np
import pytest

from benchmarks.example_games import great_britain
from benchmarks.figures import Result
from benchmarks.programmes import served_by_arrays, served_by_expressions


@pytest.mark.parametrize("served", [served_by_arrays, served_by_expressions])
def test_programmes_serve_what_the_game_says(served):
    game = great_britain(1)
    for members in np.random.default_rng(4).integers(0, 2, (12, game.unit_count)) > 0:
        # The programme written as the published script has it counts every line twice.
        counted = great_britain(1 if served is served_by_arrays else 2)
        expected = counted.value_kw(np.flatnonzero(members).tolist())
        assert served(game, members) == pytest.approx(expected, abs=0.01)


def test_a_result_is_met_at_its_target_and_says_why_it_was_not_measured():
    assert Result("time", 5, 5, at_most=True).met
    assert not Result("ratio", 4, 5, at_most=False).met
    missing = Result("time", None, 5, True, "no data")
    assert missing.as_dict() == {
        "name": "time",
        "value": None,
        "target": 5,
        "met": None,
        "reason": "no data",
    }
    assert "not measured: no data" in str(missing)
