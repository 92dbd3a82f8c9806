import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.pots import (
    Pot,
    day_costs_micro,
    fuel_payments_micro,
    pot_payments_micro,
    pot_targets_micro,
    regulated_payments_micro,
)
from tests.settlement.core import reference
from tests.settlement.core.examples import matrix
from tests.settlement.core.reference import as_numbers

EVERYONE = np.array([True, True])


def test_fuel_is_paid_for_export_only():
    paid = fuel_payments_micro(as_numbers([[1_000, -5_000], [0, 2_000]]), as_numbers([7, 9_000]))
    assert paid.tolist() == [[0, 0], [0, 18]]


def test_regulated_cost_is_flat_and_exact():
    paid = regulated_payments_micro([10, 11], np.array([False, True]), 4)
    assert paid.tolist() == [[0, 0, 0, 0], [3, 3, 3, 2]]


def test_the_target_is_what_is_not_regulated():
    pots = [Pot("adequacy", 600_000, "flat"), Pot("location", 400_000, "flat")]
    assert pot_targets_micro([10, 90, 5], np.array([False, True, False]), pots) == [9, 6]


def test_day_costs_follow_the_calendar():
    assert day_costs_micro(as_numbers([366, 0]), dt.date(2024, 12, 31)) == [1, 0]


def test_an_interval_without_a_share_gets_nothing():
    shapley = as_numbers([[1, 0, 3], [1, 0, 0]])
    paid = pot_payments_micro(100, as_numbers([1, 1, 1]), shapley, EVERYONE)
    assert paid.tolist() == [[25, 0, 50], [25, 0, 0]]


def test_timing_without_weight_is_flat():
    shapley = as_numbers([[1, 0, 3], [1, 0, 0]])
    paid = pot_payments_micro(100, as_numbers([0, 7, 0]), shapley, EVERYONE)
    assert paid.tolist() == [[25, 0, 50], [25, 0, 0]]


def test_what_cannot_be_paid_moves_nothing():
    shapley = as_numbers([[5, 5], [0, 0]])
    paid = pot_payments_micro(100, as_numbers([1, 1]), shapley, np.array([False, True]))
    assert not paid.any()


@given(st.integers(0, 10**18), st.data())
def test_a_pot_is_paid_whole_by_shares(target, data):
    timing = as_numbers(data.draw(st.lists(st.integers(0, 10**7), min_size=5, max_size=5)))
    shapley = data.draw(matrix(3, 5, st.one_of(st.just(0), st.integers(0, 10**17))))
    eligible = np.array(data.draw(st.lists(st.booleans(), min_size=3, max_size=3)))
    paid = pot_payments_micro(target, timing, shapley, eligible)
    assert not paid[~eligible].any()
    payable = shapley[eligible].any(axis=0)
    assert sum(map(int, paid.sum(axis=1))) == (target if payable.any() else 0)
    for interval in np.flatnonzero(paid.any(axis=0)):
        shares = [
            int(one) * int(keep) for one, keep in zip(shapley[:, interval], eligible, strict=True)
        ]
        expected = reference.apportioned(int(paid[:, interval].sum()), shares)
        assert paid[:, interval].tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flexibility", 1, "flat"), "no such game"),
        (("location", 1, "hourly"), "timing"),
        (("location", -1, "flat"), "weight"),
        (("location", 1_000_001, "flat"), "weight"),
    ],
)
def test_a_pot_that_cannot_be_shared_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pot(*arguments)


def test_a_game_not_played_may_have_weight_zero():
    assert Pot("flexibility", 0, "flat").weight_ppm == 0
