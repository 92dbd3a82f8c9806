"""Measures of inequality by hand, and that two of them disagree only where Lorenz curves cross."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.fairness.inequality import gini_ppm
from settlement.trials.evenness import (
    compared_evenness,
    crossings,
    disagree,
    lorenz,
    measures,
    measures_ppm,
)
from tests.examples import tried

ONE_AND_THREE = [(1, 30), (3, 30)]


def test_measures_by_hand():
    assert measures(ONE_AND_THREE) == {
        "gini": Fraction(1, 4),
        "top tenth": Fraction(1, 5),
        "entropy": Fraction(1, 6),
        "atkinson": Fraction(1, 5),
    }
    assert measures_ppm(ONE_AND_THREE) == {
        "gini_ppm": 250_000, "top_tenth_ppm": 200_000, "entropy_ppm": 166_666,
        "atkinson_ppm": 200_000,
    }  # fmt: skip


def test_where_all_bear_the_same_nothing_is_uneven():
    assert measures([(2, 20), (3, 30)]) == {
        "gini": 0, "top tenth": Fraction(1, 10), "entropy": 0, "atkinson": 0,
    }  # fmt: skip


@pytest.mark.parametrize("groups", [[], [(3, 0)], [(1, 5), (1, -5)]])
def test_of_nothing_nothing_is_said(groups):
    assert set(measures(groups).values()) == {None}
    assert compared_evenness(groups, ONE_AND_THREE) == {
        "verdicts": dict.fromkeys(("gini", "top tenth", "entropy", "atkinson")),
        "crossings_ppm": [],
    }


def test_who_bears_nothing_leaves_one_measure_undefined():
    found = measures([(1, 0), (1, 10)])
    assert found["atkinson"] is None
    assert found["gini"] == Fraction(1, 2)


def test_curves_that_cross_and_measures_that_disagree():
    # Ten households bear 100. Under the law one bears 2, eight 10 and one 18; under the draft five
    # bear 8 and five 12: the lowest bear more, the top less, the middle less and more.
    law = [(1, 2), (8, 80), (1, 18)]
    draft = [(5, 40), (5, 60)]
    of_law, of_draft = measures(law), measures(draft)
    # Gini: pairs differ by 8 (16 times) and by 16 once, over 10 x 100; and by 4, 25 times.
    assert (of_law["gini"], of_draft["gini"]) == (Fraction(144, 1000), Fraction(100, 1000))
    assert (of_law["top tenth"], of_draft["top tenth"]) == (Fraction(18, 100), Fraction(12, 100))
    # The draft's lowest five bear 8, 16, ..., 40 for 2, 12, 22, 32, 42: from the fifth on less; and
    # its lowest six 52 for 52, from there on more.
    assert [*crossings(law, draft)] == [Fraction(4, 10), Fraction(6, 10)]
    assert not disagree(compared_evenness(law, draft)["verdicts"])  # crossing is not enough
    # And a law under which one bears 6 and nine 94/9 each: its top is lower, and its lowest, too.
    other = [(1, 6), (9, 94)]
    assert measures(other)["top tenth"] == Fraction(94, 900) < Fraction(12, 100)
    assert measures(other)["gini"] == Fraction(40, 1000) < Fraction(100, 1000)
    # The lowest tenth bear 6 for 8; the curves meet where 6 + 94/9 (n - 1) = 8 n: n = 20/11.
    assert [*crossings(draft, other)] == [Fraction(2, 11)]
    assert compared_evenness(draft, other) == {
        "verdicts": {
            "gini": "more-even", "top tenth": "more-even", "entropy": "more-even",
            "atkinson": "more-even",
        },
        "crossings_ppm": [181_818],
    }  # fmt: skip


def test_gini_and_the_top_tenth_disagree():
    # Of ten, nine bear 10 and one 30; or five bear 5, four 16.25, and the one at the top 30 still.
    # Then the law's middle falls apart: more uneven by Gini, and one less at the top is more even.
    law, draft = [(9, 90), (1, 30)], [(5, 26), (4, 65), (1, 29)]
    found = compared_evenness(law, draft)
    assert found["verdicts"] == {
        "gini": "less-even", "top tenth": "more-even", "entropy": "less-even",
        "atkinson": "less-even",
    }  # fmt: skip
    assert disagree(found["verdicts"])
    # Nine bear 90 of 120 under the law, 91 under the draft; the lowest five bear less.
    (crossing,) = crossings(law, draft)
    # Where 10 n = 26 + 16.25 (n - 5), n = 55.25 / 6.25 = 8.84 of ten.
    assert crossing == Fraction(884, 1000)


GROUPS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 40)), min_size=1, max_size=8)


@settings(max_examples=tried(80), deadline=None)
@given(GROUPS, GROUPS)
def test_measures_disagree_only_where_curves_cross(law, draft):
    found = compared_evenness(law, draft)
    if disagree(found["verdicts"]):
        assert found["crossings_ppm"]


@settings(max_examples=tried(40), deadline=None)
@given(GROUPS)
def test_measures_against_the_households_one_by_one(groups):
    each = [Fraction(amount, count) for count, amount in groups for _ in range(count)]
    mean = sum(each) / len(each)
    found = measures(groups)
    spread = sum(abs(one - other) for one in each for other in each)
    assert found["gini"] == spread / (2 * len(each) ** 2 * mean)
    assert found["entropy"] == (sum(x * x for x in each) / len(each) / mean**2 - 1) / 2
    assert found["atkinson"] == 1 - len(each) / sum(1 / x for x in each) / mean
    assert int(found["gini"] * 1_000_000 // 1) == gini_ppm(groups)
    left, borne = Fraction(len(each), 10), Fraction(0)
    for one in sorted(each, reverse=True):
        borne += one * min(left, 1)
        left -= min(left, 1)
    assert found["top tenth"] == borne / sum(each)
    assert lorenz(groups)[-1] == (1, 1)
