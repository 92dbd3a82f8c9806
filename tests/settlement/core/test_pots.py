import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.pots import (
    COST_RECOVERY,
    Flexibility,
    Pot,
    Target,
    availability_payments_micro,
    day_costs_micro,
    fuel_payments_micro,
    pot_payments_micro,
    pot_targets_micro,
    regulated_payments_micro,
    target_micro,
)
from tests.settlement.core import reference
from tests.settlement.core.draws import matrix
from tests.settlement.core.reference import as_numbers

DAY = dt.date(2024, 6, 1)
EVERYONE = np.array([True, True])


def test_fuel_is_paid_for_export_only():
    paid = fuel_payments_micro(as_numbers([[1_000, -5_000], [0, 2_000]]), as_numbers([7, 9_000]))
    assert paid.tolist() == [[0, 0], [0, 18]]


def test_regulated_cost_is_flat_and_exact():
    paid = regulated_payments_micro([10, 11], np.array([False, True]), 4)
    assert paid.tolist() == [[0, 0, 0, 0], [3, 3, 3, 2]]


def test_the_target_is_what_is_not_regulated():
    pots = [Pot("adequacy", 600_000, "flat"), Pot("location", 400_000, "flat")]
    regulated = np.array([False, True, False])
    target = target_micro(COST_RECOVERY, DAY, [10, 90, 5], regulated, paid_micro=1_000)
    assert pot_targets_micro(target, pots) == [9, 6]


def test_equalisation_leaves_what_the_benchmark_exceeds_payments_by():
    target = Target("equalisation", 366_000)
    for paid, left in ((400, 600), (1_000, 0), (1_001, 0)):
        assert target_micro(target, DAY, [10], EVERYONE[:1], paid) == left


def test_reserve_is_paid_for_the_time_it_is_held():
    # 1 MW for half an hour at 7 is 3.5: the running sums 3.5, 7, 10.5 are 3, 7, 10.
    paid = availability_payments_micro(as_numbers([[1_000_000] * 3]), 7, 30)
    assert paid.tolist() == [[3, 4, 3]]
    # 1 W for five minutes at 12 million per MW and hour is one millionth.
    assert availability_payments_micro(as_numbers([[1]]), 12_000_000, 5).tolist() == [[1]]


def test_the_flexibility_requirement_is_a_part_of_demand():
    game = Flexibility(as_numbers([60_000, 7_000]), response_minutes=20, requirement_ppm=100_000)
    assert game.requirement_kw(as_numbers([1_009])).tolist() == [100]


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
    timing = data.draw(matrix(1, 5, range(10**7 + 1)))[0]
    shapley = data.draw(matrix(3, 5, (0,), range(10**17 + 1)))
    eligible = data.draw(matrix(1, 3, (0, 1)))[0].astype(bool)
    paid = pot_payments_micro(target, timing, shapley, eligible)
    assert not paid[~eligible].any()
    payable = shapley[eligible].any(axis=0)
    assert sum(map(int, paid.sum(axis=1))) == (target if payable.any() else 0)
    for interval in np.flatnonzero(paid.any(axis=0)):
        shares = [
            int(value) * int(keep)
            for value, keep in zip(shapley[:, interval], eligible, strict=True)
        ]
        expected = reference.apportioned(int(paid[:, interval].sum()), shares)
        assert paid[:, interval].tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("beauty", 1, "flat"), "no such game"),
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
