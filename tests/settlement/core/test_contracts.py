"""Contracts: what is remembered of them is exact, and decides by what their promises lack."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contracts import (
    Contracts,
    must_serve,
    nothing_owed,
    weights_ppm,
)
from settlement.core.tightness import PPM
from tests.settlement.core.examples import remembered

ONE = Contracts(
    nodes=("N0",),
    groups=(("N0", "P1"),),
    node=np.array([0]),
    promise_ppm=np.array([990_000]),
    tier_ppm=np.array([2 * PPM]),
    window=np.array([0]),
    indivisible=np.array([False]),
    point_group=np.array([0, 0]),
    least_fulfilment_ppm=100_000,
)

energy = st.integers(0, 10**17)


def test_what_must_be_served_is_what_slack_does_not_cover():
    assert must_serve(ONE, remembered(ONE, (900,), (900,)), [100]) == [90]
    # Delivered in full of 10,000: a slack of 100 of them covers a refusal of 90.
    assert must_serve(ONE, remembered(ONE, (10_000,), (10_000,)), [90]) == [0]
    # Behind already: all that is due must be served, and what is lacking beside is lost.
    assert must_serve(ONE, remembered(ONE, (10_000,), (9_000,)), [90]) == [90]
    whole = dataclasses.replace(ONE, indivisible=np.array([True]))
    assert must_serve(whole, remembered(whole, (900,), (900,)), [100]) == [100]
    assert must_serve(whole, remembered(whole, (10_000,), (10_000,)), [90]) == [0]


@given(energy, st.data(), energy)
def test_whoever_is_served_what_it_must_keeps_the_promise_if_it_was_kept(matured, data, due):
    least = -(-990_000 * matured // PPM)
    delivered = data.draw(st.integers(least, matured))
    (must,) = must_serve(ONE, remembered(ONE, (matured,), (delivered,)), [due])
    assert 0 <= must <= due
    after = remembered(ONE, (matured + due,), (delivered + must,))
    assert after.deficits()[0] <= 0
    if must:  # and not one less
        less = remembered(ONE, (matured + due,), (delivered + must - 1,))
        assert less.deficits()[0] > 0


def test_a_weight_is_the_tier_over_what_was_fulfilled():
    assert weights_ppm(ONE, remembered(ONE, (40,), (30,))).tolist() == [2_666_666]
    assert weights_ppm(ONE, remembered(ONE, (0,), (0,))).tolist() == [2 * PPM]
    assert weights_ppm(ONE, remembered(ONE, (40,), (0,))).tolist() == [20 * PPM]
    assert remembered(ONE, (40,), (30,)).fulfilment_ppm() == (750_000,)


@given(st.lists(st.tuples(energy, energy), max_size=5))
def test_memory_of_a_country_of_years_is_exact(intervals):
    memory = nothing_owed(ONE).memory
    for due, refused in intervals:
        given = max(due - refused, 0)
        memory = memory.after(ONE.promise_ppm, np.array([due]), np.array([given]))
    due = sum(due for due, _ in intervals)
    given = sum(max(due - refused, 0) for due, refused in intervals)
    assert memory == remembered(ONE, (due,), (given,))
    assert memory.deficits() == (990_000 * due - PPM * given,)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("node", [1]),
        ("node", [-1]),
        ("promise_ppm", [PPM + 1]),
        ("promise_ppm", [-1]),
        ("tier_ppm", [0]),
        ("window", [-1]),
        ("window", [7 * 24 * 60 + 1]),
        ("point_group", [0, 1]),
        ("promise_ppm", [0, 0]),
        ("indivisible", [False, False]),
    ],
)
def test_refusals(name, values):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(ONE, **{name: np.array(values)})
    with pytest.raises(ValueError, match="least_fulfilment_ppm"):
        dataclasses.replace(ONE, least_fulfilment_ppm=0)
