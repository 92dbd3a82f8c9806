from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.charges import (
    BASES,
    RETURNED_TO,
    Charging,
    dynamic_charges_micro,
    returned_micro,
    subscription_shares_micro,
)
from tests.settlement.core.reference import as_numbers

MILLION = 1_000_000


def charging(dynamic_ppm, weights=None, **rules) -> Charging:
    weights = weights or [1] * len(dynamic_ppm)
    return Charging(as_numbers(dynamic_ppm), as_numbers([w * MILLION for w in weights]), **rules)


def shares(cost, demand, how, *, is_fuel=True):
    return subscription_shares_micro(
        as_numbers(cost), as_numbers(demand), how, is_fuel=is_fuel
    ).tolist()


def test_cost_is_shared_by_energy_taken_and_net_export_bears_none():
    how = charging([0, 0, 0])
    assert shares([100, 11], [[1, 5], [2, -4], [-3, 5]], how) == [[33, 6], [67, 0], [0, 5]]


def test_a_cost_that_nobody_can_share_is_left():
    assert shares([100, 100], [[0, -1], [0, 0]], charging([0, 0])) == [[0, 0], [0, 0]]


def test_the_example_of_the_docstring():
    how = charging([MILLION, 0, 0], [1, 1, 2])
    demand = [[1], [1], [1]]
    assert shares([90], demand, how, is_fuel=False) == [[0], [20], [40]]
    assert shares([90], demand, how, is_fuel=True) == [[0], [30], [30]]


def test_by_the_day_a_point_bears_the_same_part_of_every_interval():
    how = charging([0, 0], non_fuel_basis="day")
    demand = [[3, 0], [0, 1]]
    assert shares([100, 100], demand, how, is_fuel=False) == [[75, 75], [25, 25]]
    assert shares([100, 100], demand, how, is_fuel=True) == [[100, 0], [0, 100]]


def test_a_mixed_point_subscribes_with_its_remaining_part():
    how = charging([250_000, 0])
    assert shares([800], [[4], [4]], how) == [[300], [400]]


def test_weights_of_nothing_do_not_lose_the_cost():
    how = charging([0, 0], [0, 1])
    assert shares([100], [[5], [0]], how, is_fuel=False) == [[100], [0]]


@given(
    st.lists(
        st.tuples(
            st.integers(-5, 50),
            st.sampled_from([0, 1, 333_333, MILLION]),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 10**9),
    st.sampled_from(BASES),
    st.booleans(),
)
def test_subscribed_cost_is_the_part_of_subscribed_energy(points, cost, basis, is_fuel):
    demand = [[energy, energy // 2] for energy, _, _ in points]
    how = charging([ppm for _, ppm, _ in points], [w for _, _, w in points], non_fuel_basis=basis)
    found = subscription_shares_micro(
        as_numbers([cost, cost]), as_numbers(demand), how, is_fuel=is_fuel
    )
    assert (found >= 0).all()
    for interval in range(2):
        taken = [max(row[interval], 0) for row in demand]
        part = sum(
            Fraction(wh * (MILLION - ppm), MILLION)
            for wh, (_, ppm, _) in zip(taken, points, strict=True)
        )
        exact = cost * part / sum(taken) if any(taken) else 0
        assert abs(int(found[:, interval].sum()) - exact) < 1


def test_dynamic_points_pay_and_are_paid_the_price():
    price, demand = as_numbers([[4, 4]]), as_numbers([[2_000_000, -1_000_000]])
    for ppm, expected in ((MILLION, [8, -4]), (250_000, [2, -1]), (0, [0, 0])):
        assert dynamic_charges_micro(price, price, demand, as_numbers([ppm])).tolist() == [expected]


def test_net_export_is_paid_the_sell_price_and_nothing_else_is():
    buy, sell = as_numbers([[9, 9, 9]]), as_numbers([[5, 5, 5]])
    demand, whole = as_numbers([[2_000_000, -1_000_000, 0]]), as_numbers([MILLION])
    assert dynamic_charges_micro(buy, sell, demand, whole).tolist() == [[18, -5, 0]]


@pytest.mark.parametrize(
    ("returned_to", "expected"),
    [
        ("nobody", [[0, 0], [0, 0], [0, 0]]),
        ("everyone", [[-40, 20], [-40, 20], [-40, 20]]),
        ("subscription", [[-60, 30], [-60, 30], [0, 0]]),
        ("dynamic", [[0, 0], [-60, 30], [-60, 30]]),
    ],
)
def test_the_account_returns_by_energy_of_the_day(returned_to, expected):
    how = charging([0, 500_000, MILLION], returned_to=returned_to)
    demand = as_numbers([[3, 0], [0, 3], [1, 2]])
    assert returned_micro(as_numbers([120, -60]), demand, how).tolist() == expected


def test_nothing_is_returned_to_those_who_took_nothing():
    how = charging([0, MILLION], returned_to="dynamic")
    assert not returned_micro(as_numbers([120]), as_numbers([[3], [-1]]), how).any()


@pytest.mark.parametrize(
    "change",
    [
        {"dynamic_ppm": as_numbers([MILLION + 1])},
        {"dynamic_ppm": as_numbers([-1])},
        {"capacity_weight_ppm": as_numbers([-1])},
        {"non_fuel_basis": "month"},
        {"returned_to": "me"},
    ],
)
def test_what_charging_refuses(change):
    with pytest.raises(ValueError, match=r"must|one of"):
        replace(charging([0]), **change)


def test_the_words_are_those_of_the_documents():
    assert set(RETURNED_TO) == {"nobody", "everyone", "subscription", "dynamic"}
    assert np.array_equal(charging([0, 5, MILLION]).subscribes, [True, True, False])
    assert np.array_equal(charging([0, 5, MILLION]).is_dynamic, [False, True, True])
