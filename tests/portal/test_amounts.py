"""Quantities and money as text: exact, so that they can be read back."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from common.quantities import MINUS
from portal import amounts

INTEGERS = st.integers(-(2**63), 2**63 - 1)


def read_back(text: str, digits: int) -> int:
    plain = text.replace(MINUS, "-").replace(",", "").replace("£", "")
    whole, _, part = plain.partition(".")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole)) * 10**digits + int(part.ljust(digits, "0") or 0))


def test_examples_in_docstrings_hold():
    results = doctest.testmod(amounts)
    assert results.attempted
    assert not results.failed


@given(INTEGERS)
def test_money_is_exact(micro):
    pence, below = amounts.money_parts(micro, "GBP")
    assert read_back(pence + below, 6) == micro


@given(INTEGERS)
def test_energy_is_exact(wh):
    mwh, below = amounts.energy_parts(wh)
    assert read_back(mwh + below, 6) == wh
