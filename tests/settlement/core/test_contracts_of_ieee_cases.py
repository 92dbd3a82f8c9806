"""Memory keeps promises where they can be kept: the IEEE systems of 14, 57 and 118 buses.

The experiment is stated in `ieee_cases`. Promises are set by the linear programme that knows all
intervals: with a slack of half a per cent, or one per cent above what can be kept. The peak at the
weakest bus is tried on 20 seeds of 192 intervals each; `TALLYSTICK_INTERVALS=5000` tries as many
as the other tests have, in some minutes. (arXiv 2606.17217 has 5,000 intervals, an error of
O(1 / sqrt T), and a peak at the weakest bus 54 % below equal weights, on an experiment of its own.)
"""

import dataclasses
import math
import os
from functools import cache

import numpy as np
import pytest
from numba import config

from settlement.core.tightness import PPM
from tests.settlement.core.ieee_cases import (
    STATES,
    Experiment,
    case_of,
    experiment_of,
    shortfalls_ppm,
)
from tests.settlement.core.promise_programme import least_worst_shortfall_ppm

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of flows: needs JIT")

BUSES = (14, 57, 118)
INTERVALS = 5_000
INTERVALS_OF_A_PEAK = int(os.environ.get("TALLYSTICK_INTERVALS", "192"))
AT = range(STATES, INTERVALS + 1, 4)
SEEDS = (0, 1)
SLACK_PPM = 5_000
TOO_MUCH_PPM = 10_000


@cache
def kept_by_the_programme_ppm(buses: int, seed: int, intervals: int) -> int:
    """By how much all promises must be lower for the programme to keep them, rounded up."""
    return math.ceil(least_worst_shortfall_ppm(experiment_of(buses, seed, intervals)))


def promising(buses: int, seed: int, intervals: int, slack_ppm: int) -> Experiment:
    """All promises moved alike, until the programme keeps them with this slack."""
    experiment = experiment_of(buses, seed, intervals)
    moved = kept_by_the_programme_ppm(buses, seed, intervals) + slack_ppm
    contracts = experiment.contracts
    promises = contracts.promise_ppm - moved
    return experiment._replace(contracts=dataclasses.replace(contracts, promise_ppm=promises))


def by_equal_weights(experiment: Experiment):
    """Contracts without memory: every weight is one, and no promise has a turn of its own."""
    contracts = experiment.contracts
    ones = np.ones_like(contracts.promise_ppm)
    return dataclasses.replace(
        contracts, promise_ppm=0 * ones, tier_ppm=PPM * ones, least_fulfilment_ppm=PPM
    )


def largest_from_there_on(shortfalls: np.ndarray) -> np.ndarray:
    """Of each column, what it does not pass any more."""
    return np.maximum.accumulate(shortfalls[::-1])[::-1]


def slope(shortfalls: np.ndarray) -> float:
    """Of logarithms, at moments evenly apart in them; a shortfall counts as at least 10 ppm."""
    at = np.unique(np.searchsorted(AT, np.geomspace(AT[0], AT[-1], 30)))
    moments = np.log(np.array(AT)[at])
    return float(np.polyfit(moments, np.log(np.maximum(shortfalls[at], 10)), 1)[0])


@pytest.mark.parametrize(
    ("buses", "lines", "load"), [(14, 20, 259.0), (57, 80, 1250.8), (118, 186, 4242.0)]
)
def test_the_base_case_balances_at_every_bus(buses, lines, load):
    case = case_of(buses)
    assert (len(case.load), len(case.flow)) == (buses, lines)
    assert case.load.sum() == pytest.approx(load)
    into = np.zeros(buses)
    np.add.at(into, case.line_to, case.flow)
    np.subtract.at(into, case.line_from, case.flow)
    assert into == pytest.approx(case.load - case.output, abs=1e-6)


@pytest.mark.parametrize("buses", BUSES)
@pytest.mark.parametrize("seed", SEEDS)
def test_shortfalls_fall_as_the_root_of_time_or_faster_where_promises_can_be_kept(buses, seed):
    experiment = promising(buses, seed, INTERVALS, SLACK_PPM)
    assert least_worst_shortfall_ppm(experiment) <= 1 - SLACK_PPM
    of_groups = largest_from_there_on(shortfalls_ppm(experiment, experiment.contracts, AT))
    worst = of_groups.max(axis=1)
    assert worst[0] > 1_000
    assert slope(worst) <= -0.5
    assert np.all(of_groups[-1] <= worst[0] / np.sqrt(AT[-1] / AT[0])), "at each node and product"


@pytest.mark.parametrize("buses", BUSES)
def test_shortfalls_stay_where_promises_cannot_be_kept(buses):
    experiment = promising(buses, SEEDS[0], INTERVALS, -TOO_MUCH_PPM)
    least = least_worst_shortfall_ppm(experiment)
    assert least > TOO_MUCH_PPM - 2
    worst = shortfalls_ppm(experiment, experiment.contracts, AT).max(axis=1)
    assert slope(largest_from_there_on(worst)) > -0.5
    assert worst[-1] >= least - 1, "no order of service can do better than the programme"


@pytest.mark.parametrize("buses", BUSES)
def test_the_peak_at_the_weakest_bus_is_below_that_of_equal_weights(buses):
    """After the first tenth; the weakest is where equal weights fall shortest of a promise.

    So is the peak anywhere.
    """
    at = range(INTERVALS_OF_A_PEAK // 10, INTERVALS_OF_A_PEAK + 1)
    lower = []
    for seed in range(20):
        experiment = promising(buses, seed, INTERVALS_OF_A_PEAK, SLACK_PPM)
        with_memory = shortfalls_ppm(experiment, experiment.contracts, at)
        without = shortfalls_ppm(experiment, by_equal_weights(experiment), at)
        weakest = int(without.max(axis=0).argmax())
        lower.append(
            with_memory[:, weakest].max() < without[:, weakest].max()
            and with_memory.max() < without.max()
        )
    assert all(lower)
