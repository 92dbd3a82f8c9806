"""Result digests: every part of a vector counts, and a difference is named."""

import datetime as dt
import hashlib
import struct

import numpy as np
import pytest

from ledger.tree import merkle_root
from settlement.core.engine import DayResult, ResultTable
from settlement.results import (
    day_digest,
    first_difference,
    run_result_digest,
    vector_digest,
    vectors_of,
)

DAY = dt.date(2024, 1, 1)
VALUES = np.array([1, -2, 3], dtype=np.int64)


def field(letter: str, content: bytes) -> bytes:
    return letter.encode() + len(content).to_bytes(4, "big") + content


def test_the_digest_of_a_vector_is_that_of_its_documented_bytes():
    """Written out by hand: a change of these bytes would unprove every published digest."""
    written = (
        field("T", b"tallystick.result.1")
        + field("D", b"2024-01-01")
        + field("T", b"charge.fuel_micro")
        + field("T", b"B-home")
        + field("B", struct.pack(">qqq", 1, -2, 3))
    )
    expected = hashlib.sha256(b"\x00" + written).digest()
    assert vector_digest(DAY, "charge.fuel_micro", "B-home", VALUES) == expected


@pytest.mark.parametrize(
    "other",
    [
        (DAY + dt.timedelta(days=1), "demand_kw", "market", VALUES),
        (DAY, "demand_k", "market", VALUES),
        (DAY, "demand_kw", "marke", VALUES),
        (DAY, "demand_kwmarket", "", VALUES),
        (DAY, "demand_kw", "market", VALUES[::-1]),
        (DAY, "demand_kw", "market", VALUES[:2]),
        (DAY, "demand_kw", "market", VALUES + np.array([0, 0, 1])),
    ],
)
def test_every_part_counts(other):
    assert vector_digest(*other) != vector_digest(DAY, "demand_kw", "market", VALUES)


def test_memory_layout_does_not_count():
    wide = np.arange(12, dtype=np.int64).reshape(3, 4)
    expected = vector_digest(DAY, "m", "e", np.array([1, 5, 9]))
    assert vector_digest(DAY, "m", "e", wide[:, 1]) == expected
    assert vector_digest(DAY, "m", "e", wide[:, 1].astype(">i8")) == expected


def result_of(*tables: ResultTable) -> DayResult:
    return DayResult(DAY, tables)


def test_vectors_come_in_the_order_of_measure_and_entity():
    values = np.array([[1, 2], [3, 4]])
    one = ResultTable("b_kw", ("Z", "A"), values)
    two = ResultTable("a_kw", ("market",), values[:1])
    vectors = vectors_of(result_of(one, two))
    assert [(v.measure, v.entity) for v in vectors] == [
        ("a_kw", "market"),
        ("b_kw", "A"),
        ("b_kw", "Z"),
    ]
    assert [v.values.tolist() for v in vectors] == [[1, 2], [3, 4], [1, 2]]
    swapped = vectors_of(result_of(two, one))
    assert [v.digest for v in swapped] == [v.digest for v in vectors]


def test_a_run_is_the_tree_over_its_days_in_order():
    digests = [bytes([number]) * 32 for number in range(3)]
    assert day_digest(iter(digests)) == merkle_root(digests)
    assert run_result_digest(digests) == merkle_root(digests)
    assert run_result_digest(digests) != run_result_digest(digests[::-1])


@pytest.mark.parametrize(
    ("stored", "recomputed", "words"),
    [
        ({}, {}, None),
        ({("a", "1"): b"x"}, {("a", "1"): b"x"}, None),
        (
            {("a", "1"): b"x", ("b", "1"): b"x"},
            {("a", "1"): b"x", ("b", "1"): b"y"},
            "settlement.result 2024-01-01 b 1: stored and recomputed values differ",
        ),
        (
            {("a", "2"): b"x", ("a", "1"): b"x"},
            {},
            "settlement.result 2024-01-01 a 1: stored, but not recomputed",
        ),
        (
            {},
            {("c", "1"): b"x"},
            "settlement.result 2024-01-01 c 1: recomputed, but not stored",
        ),
    ],
)
def test_the_first_difference_is_named(stored, recomputed, words):
    assert first_difference(DAY, stored, recomputed) == words
