"""What trials of periods that share days tell together: no more than one of what lies between."""

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.trials.beside import MOVED, Told, beside, told_names, withheld_beside
from settlement.trials.public import public_part
from tests.settlement.test_public_trials import cell, report

TEXT, OTHER_TEXT = ({"name": "draft", "digest": digit * 64} for digit in "ab")


def tried(amounts, draft=TEXT, more=1):
    """Return a trial in which each of some participants is charged so much, and more by a draft."""
    cells = [
        cell(f"p{n:02}", amount, amount + more, kind="charge.a", layer_inner=f"i{n % 2}")
        for n, amount in enumerate(amounts)
        if amount
    ]
    whole = report(cells)
    whole["public"] = public_part(whole)
    return Told(uuid.uuid4(), [draft], whole)


MONTH = [100] * 12
QUARTER = [300] * 12


def test_a_month_beside_its_quarter_tells_what_a_trial_of_the_rest_would():
    month, quarter = tried(MONTH), tried(QUARTER)
    assert {"charges_micro", "equalisation_micro", "layer inner: i0"} <= told_names(month.report)
    assert withheld_beside(quarter, month) == [MOVED]
    # Another text moves others; the law is one in both.
    assert withheld_beside(tried(QUARTER, OTHER_TEXT), month) == []


def test_what_one_makes_up_between_them_is_told_by_neither():
    month = tried(MONTH)
    # In the other two months the first is charged as much as all others, and no sum tells so.
    quarter = tried([100 + 24 * 50, *(150 for _ in range(11))])
    assert told_names(quarter.report) & told_names(month.report)
    withheld = withheld_beside(quarter, month)
    assert {"charges_micro", "equalisation_micro", "kind: charge.a"} & told_names(
        month.report
    ) <= set(withheld)
    assert withheld == withheld_beside(month, quarter), "which is longer is all one"
    assert beside(quarter, [month]) == [{"trial": str(month.id), "withheld": withheld}]


def test_of_few_who_were_there_in_the_rest_alone_nothing_is_told():
    month, quarter = tried(MONTH), tried([*MONTH[:9], 107, 107, 107])
    common = told_names(month.report) & told_names(quarter.report)
    assert common
    of_nobody = {"payments_micro"}
    assert set(withheld_beside(quarter, month)) - {MOVED} == common - of_nobody


def test_the_same_days_have_nothing_between_them():
    assert withheld_beside(tried(MONTH), tried(MONTH)) == []
    assert beside(tried(MONTH), []) == []


def test_a_trial_of_an_earlier_release_tells_nothing_to_subtract():
    silent = tried(MONTH)
    del silent.report["public"]
    assert withheld_beside(tried(QUARTER), silent) == []


AMOUNTS = st.lists(st.integers(0, 400), min_size=5, max_size=12)


@settings(max_examples=60)
@given(AMOUNTS, AMOUNTS)
def test_a_sum_that_both_tell_is_large_between_them(one, other):
    first, second = tried(one), tried(other)
    withheld = set(withheld_beside(first, second))
    if "charges_micro" in told_names(first.report) & told_names(second.report) - withheld:
        longest = max(len(one), len(other))
        pairs = zip(*([*each, *[0] * (longest - len(each))] for each in (one, other)), strict=True)
        between = sorted((abs(a - b) for a, b in pairs if a != b), reverse=True)
        assert not between or (len(between) >= 5 and between[0] * 2 <= sum(between))
