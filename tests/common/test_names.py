"""Names in the order in which people read them."""

import itertools

import pytest

from common.names import in_natural_order


@pytest.mark.parametrize(
    "ordered",
    [
        ["G1", "G2", "G10", "G11"],
        ["2", "10", "G1"],
        ["N1-N9", "N1-N10", "N2-N1"],
        ["G01", "G1"],
        ["G", "G1", "wind"],
        [],
    ],
)
def test_numbers_in_names_count_whatever_order_they_come_in(ordered):
    for shuffled in itertools.permutations(ordered):
        assert in_natural_order(shuffled) == ordered
