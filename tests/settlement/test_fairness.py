"""Fairness and price figures by hand, and against slow references."""

import doctest
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.fairness import inequality
from settlement.fairness.inequality import gini_ppm, jain_ppm, lorenz_ppm, spread_ppm
from settlement.fairness.price_figures import price_figures

GROUPS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**12)), min_size=1, max_size=6)


def members(groups):
    return sorted(Fraction(amount, count) for count, amount in groups for _ in range(count))


def test_examples():
    assert doctest.testmod(inequality).failed == 0
    assert gini_ppm([(1, 30), (3, 30)]) == 250_000
    assert lorenz_ppm([(1, 30), (3, 30)])[4] == 333_333
    assert jain_ppm([1, 1, 0]) == 666_666
    assert spread_ppm([80, 100, 120], 100) == 400_000
    assert gini_ppm([(4, 0)]) is None
    assert lorenz_ppm([]) is None
    assert jain_ppm([]) is None
    assert spread_ppm([3], 3) is None


@given(GROUPS)
def test_gini_and_lorenz_are_those_of_every_member_by_itself(groups):
    each = members(groups)
    if not sum(each):
        assert gini_ppm(groups) is None
        return
    pairs = sum(abs(member - other) for member in each for other in each)
    gini = pairs / (2 * len(each) * sum(each))
    assert gini_ppm(groups) == int(gini * 10**6)
    curve = lorenz_ppm(groups)
    assert curve[-1] == 10**6
    assert curve == sorted(curve)
    half, odd = divmod(len(each), 2)
    lowest = sum(each[:half]) + (each[half] / 2 if odd else 0)
    assert curve[4] == int(lowest * 10**6 / sum(each))


@given(GROUPS, st.integers(2, 5))
def test_a_scale_changes_no_index(groups, scale):
    scaled = [(count, amount * scale) for count, amount in groups]
    assert gini_ppm(groups) == gini_ppm(scaled)
    assert lorenz_ppm(groups) == lorenz_ppm(scaled)


def test_price_figures_by_hand():
    found = price_figures(np.array([[10, 10, 40]]), 0, 40)
    assert (found.lowest_micro_per_mwh, found.highest_micro_per_mwh) == (10, 40)
    assert (found.mean_micro_per_mwh, found.volatility_ppm) == (20, 707_106)
    assert found.largest_step_micro_per_mwh == 30
    assert (found.intervals, found.intervals_at_cap, found.intervals_at_floor) == (3, 1, 0)
    assert found.within_bounds
    assert not price_figures(np.array([[10, 41]]), 0, 40).within_bounds
    assert not price_figures(np.array([[10, 40]]), 11, 40).within_bounds
    assert price_figures(np.array([[0, 0]]), 0, 40).volatility_ppm is None


def test_prices_at_the_cap_of_a_country_are_exact():
    prices = np.full((12, 1_488), 6_000_000_000, dtype=np.int64)
    prices[0, 0] = 0
    found = price_figures(prices, 0, 6_000_000_000)
    mean = Fraction(int(prices.astype(object).sum()), prices.size)
    variance = (mean**2 + (prices.size - 1) * (6_000_000_000 - mean) ** 2) / prices.size
    assert found.volatility_ppm == int(float(variance) ** 0.5 / float(mean) * 10**6)
    assert found.intervals_at_floor == 1
