"""Quantities as text: exact, so that they can be read back."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from common import quantities

INTEGERS = st.integers(-(2**63), 2**63 - 1)


def read_back(text: str, digits: int) -> int:
    plain = text.replace(quantities.MINUS, "-").replace(",", "").replace("£", "")
    whole, _, part = plain.partition(".")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole)) * 10**digits + int(part.ljust(digits, "0") or 0))


def test_examples_in_docstrings_hold():
    results = doctest.testmod(quantities)
    assert results.attempted
    assert not results.failed


@given(INTEGERS, st.integers(0, 9))
def test_scaling_is_exact(value, digits):
    assert read_back(quantities.scaled(value, digits), digits) == value
