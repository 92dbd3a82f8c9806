import datetime as dt
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.rounding import annual_to_day, apportion, energy_amounts_micro
from tests.settlement.core import reference
from tests.settlement.core.reference import as_numbers

WEIGHTS = st.lists(st.integers(0, 10**20), min_size=1, max_size=12).filter(any)


@given(st.integers(-(10**25), 10**25), WEIGHTS)
def test_parts_sum_to_the_amount_and_are_within_one_of_their_quota(amount, weights):
    parts = apportion(amount, weights)
    assert sum(parts) == amount
    assert parts == reference.apportioned(amount, weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1
        assert weight or not part


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_negative_amount_is_the_mirror(amount, weights):
    assert apportion(-amount, weights) == [-part for part in apportion(amount, weights)]


def test_ties_go_to_the_lowest_index():
    assert apportion(100, [1, 1, 1]) == [34, 33, 33]
    assert apportion(-100, [1, 1, 1]) == [-34, -33, -33]
    assert apportion(1, [0, 5, 5]) == [0, 1, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [3, -1]])
def test_weights_that_cannot_share_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        apportion(1, weights)


@given(
    st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=50),
    st.integers(-(10**8), 6 * 10**9),
)
def test_running_amounts_are_the_exact_sum_rounded_down(energy, price):
    amounts = energy_amounts_micro(as_numbers(energy), price).tolist()
    exact = 0
    for number, wh in enumerate(energy):
        exact += wh * price
        assert sum(amounts[: number + 1]) == exact // 1_000_000


@given(st.data())
def test_prices_may_change_by_interval_and_row(data):
    wh, price = (
        data.draw(st.lists(st.integers(-(10**9), 10**9), min_size=6, max_size=6)) for _ in "ab"
    )
    amounts = energy_amounts_micro(as_numbers(wh).reshape(2, 3), as_numbers(price).reshape(2, 3))
    for row in range(2):
        exact = sum(wh[3 * row + place] * price[3 * row + place] for place in range(3))
        assert int(amounts[row].sum()) == exact // 1_000_000


def test_the_worked_example():
    assert energy_amounts_micro(as_numbers([300, 300, 300]), 2_500).tolist() == [0, 1, 1]
    assert [annual_to_day(1_000, dt.date(2023, 1, day)) for day in (1, 2, 3)] == [2, 3, 3]


def test_a_product_that_could_pass_int64_is_refused():
    with pytest.raises(OverflowError, match="energy x price"):
        energy_amounts_micro(as_numbers([2**62]), 10**9)
    with pytest.raises(OverflowError, match="energy x price"):
        energy_amounts_micro(as_numbers([-(2**63)]), 10**9)


@given(st.integers(0, 10**16), st.sampled_from([2023, 2024, 2100]))
def test_the_days_of_a_year_sum_to_the_annual_amount(annual, year):
    first = dt.date(year, 1, 1)
    count = (dt.date(year + 1, 1, 1) - first).days
    parts = [annual_to_day(annual, first + dt.timedelta(number)) for number in range(count)]
    assert sum(parts) == annual
    assert max(parts) - min(parts) <= 1


def test_amounts_keep_their_type():
    assert energy_amounts_micro(as_numbers([[1, 2]]), as_numbers([[3], [4]])).dtype == np.int64
