"""Ranges of days: what holds for all days of a year is said once."""

import datetime as dt

import pytest

from rulebook.days import day_ranges, ranges_alike

FIRST = dt.date(2024, 1, 1)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


@pytest.mark.parametrize(
    ("days", "ranges"),
    [
        ([], []),
        ([0], [(0, 0)]),
        (range(366), [(0, 365)]),
        ([0, 1, 3, 7, 8], [(0, 1), (3, 3), (7, 8)]),
    ],
)
def test_days_that_follow_one_another_are_a_range(days, ranges):
    found = list(day_ranges(map(day, days)))
    assert found == [(day(first), day(last)) for first, last in ranges]


def test_what_is_said_of_all_days_is_said_once_and_what_differs_apart():
    said = [(day(number), what) for number in range(366) for what in ("II", "SF")]
    assert ranges_alike(said) == [(day(0), day(365), "II"), (day(0), day(365), "SF")]
    differing = [(day(0), "II"), (day(1), "SF"), (day(2), "II"), (day(3), "II"), (day(5), "II")]
    assert ranges_alike(differing) == [
        (day(0), day(0), "II"),
        (day(1), day(1), "SF"),
        (day(2), day(3), "II"),
        (day(5), day(5), "II"),
    ]
