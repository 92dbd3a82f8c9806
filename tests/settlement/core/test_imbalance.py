"""What makes up the residual of a day: the parts by hand, and that they always sum to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.imbalance import BOUNDS, Imbalance, shortage_parts


def integers(*values):
    return np.array(values, dtype=np.int64)


def lacking(*of_intervals):
    return integers(*of_intervals).T


def test_the_example_of_the_docstring():
    parts = shortage_parts(integers(100), lacking([10, 12, 90, 90]), 0)
    assert parts == Imbalance(
        beyond_grid_wh=-10, beyond_with_losses_wh=-2, beyond_stores_wh=-78, idle_wh=-10
    )


CASES = [
    ("a surplus is no shortage", [-30], [[9, 9, 9, 9]], Imbalance(surplus_wh=30)),
    ("no more than is short", [50], [[10, 60, 90, 90]], Imbalance(-10, -40)),
    ("a bound takes nothing back", [50], [[10, 8, 20, 20]], Imbalance(-10, 0, -10, 0, -30)),
    ("as little as rounding", [4, -4], [[4, 4, 4, 4]] * 2, Imbalance()),
    ("rounding of one side", [3], [[3, 3, 3, 3]], Imbalance(rounding_wh=-3)),
    ("rounding beside a bound", [50], [[0, 0, 0, 47]], Imbalance(0, 0, 0, -47, rounding_wh=-3)),
    ("each interval alone", [50, -50], [[50] * 4, [0] * 4], Imbalance(-50, surplus_wh=50)),
]


@pytest.mark.parametrize(
    ("short", "bounds", "parts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_parts_by_hand(short, bounds, parts):
    assert shortage_parts(integers(*short), lacking(*bounds), 4) == parts


@given(
    st.lists(st.tuples(st.integers(-1_000, 1_000), *[st.integers(0, 1_500)] * BOUNDS), min_size=1),
    st.integers(0, 60),
)
def test_parts_sum_to_what_is_lacking_and_none_but_the_surplus_is_positive(day, most_rounding):
    short, *bounds = np.array(day, dtype=np.int64).T
    parts = shortage_parts(short, np.array(bounds), most_rounding)
    assert parts.total_wh == -int(short.sum())
    assert parts.surplus_wh >= 0
    assert abs(parts.rounding_wh) <= most_rounding * len(day)
    for part in ("grid", "with_losses", "stores", "ramps"):
        assert getattr(parts, f"beyond_{part}_wh") <= 0
    assert parts.idle_wh <= 0
