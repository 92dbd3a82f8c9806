"""Result digests: every part of a vector counts, and a difference is named."""

import datetime as dt
import hashlib
import struct
from math import lcm

import numpy as np
import pytest
from sqlalchemy import text

from ledger.tree import merkle_root
from settlement.core.engine import DayResult, ResultTable
from settlement.runs.results import (
    day_digest,
    first_difference,
    run_result_digest,
    vector_digest,
    vector_digests,
    vectors_of,
)
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import RESETTLED, correct_tiny, ingest_tiny, publish_tiny, settle_tiny

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


@pytest.mark.parametrize("entities", [(), ("market",), ("Zürich", "B-home", "a:b")])
def test_the_digests_of_a_table_are_those_of_its_vectors(entities):
    wide = np.arange(-12, 12, dtype=np.int64).reshape(8, 3)
    values = wide.T[: len(entities)]
    expected = [vector_digest(DAY, "m", *vector) for vector in zip(entities, values, strict=True)]
    assert vector_digests(DAY, "m", entities, values) == expected


def result_of(*tables: ResultTable) -> DayResult:
    return DayResult(DAY, tables)


def test_vectors_come_in_the_order_of_measure_and_entity():
    values = np.array([[1, 2], [3, 4]])
    later = ResultTable("b_kw", ("Z", "A"), values)
    earlier = ResultTable("a_kw", ("market",), values[:1])
    vectors = vectors_of(result_of(later, earlier))
    assert [(v.measure, v.entity) for v in vectors] == [
        ("a_kw", "market"),
        ("b_kw", "A"),
        ("b_kw", "Z"),
    ]
    assert [v.values.tolist() for v in vectors] == [[1, 2], [3, 4], [1, 2]]
    swapped = vectors_of(result_of(earlier, later))
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


def settle_twice(session):
    publish_tiny(session)
    ingest_tiny(session)
    runs = [settle_tiny(session)]
    correct_tiny(session)
    return [*runs, settle_tiny(session, "SF", RESETTLED)]


@pytest.fixture
def two_runs(world_of):
    """Runs before and after a correction, posted."""
    return world_of(settle_twice)[1]


@pytest.fixture
def session(world_of):
    with rolled_back(world_of(settle_twice)[0]) as opened:
        yield opened


def stored(session, run) -> dict[str, np.ndarray]:
    """Return the sum over entities of each measure of a run, all its intervals in a row."""
    rows = session.execute(
        text(
            "SELECT measure, array_agg(total::bigint ORDER BY settlement_day, interval) FROM ("
            " SELECT measure, settlement_day, interval, sum(value) AS total"
            " FROM settlement.result, unnest(values) WITH ORDINALITY AS t(value, interval)"
            " WHERE run_id = :run GROUP BY measure, settlement_day, interval) AS sums "
            "GROUP BY measure"
        ),
        {"run": run.id},
    )
    return {measure: np.array(totals) for measure, totals in rows}


def test_in_every_interval_charges_are_payments_and_equalisation(session, two_runs):
    for run in two_runs:
        sums = stored(session, run)
        charges, payments = (
            sum(values for measure, values in sums.items() if measure.startswith(kind))
            for kind in ("charge.", "payment.")
        )
        assert charges.shape == (3 * 48,)
        assert (payments > 0).all()
        assert np.array_equal(charges, payments + sums["equalisation_micro"])
        assert np.any(sums["equalisation_micro"] != 0)


def test_in_every_interval_shapley_values_sum_to_the_value_of_all(session, two_runs):
    denominator = lcm(*range(1, 5))
    for run in two_runs:
        sums = stored(session, run)
        for game in ("adequacy", "location"):
            assert np.array_equal(sums[f"shapley_{game}"], sums[f"value_{game}_kw"] * denominator)
            assert (sums[f"value_{game}_kw"] > 0).all()
        assert np.any(sums["value_location_kw"] < sums["value_adequacy_kw"])


def test_every_journal_balances_in_money_and_in_energy(session, two_runs):
    rows = session.execute(
        text(
            "SELECT number, commodity, sum(amount) FROM ledger.journal "
            "JOIN ledger.posting ON journal_number = number "
            "JOIN ledger.account ON code = account GROUP BY number, commodity"
        )
    ).all()
    assert {commodity for _, commodity, _ in rows} == {"GBP", "WH"}
    assert len(rows) == 2 * 3 * len(two_runs)
    assert all(total == 0 for _, _, total in rows)


def test_every_result_is_of_a_day_s_length_and_of_a_known_measure(session, two_runs):
    rows = session.execute(
        text("SELECT DISTINCT measure, cardinality(values) FROM settlement.result")
    ).all()
    assert {length for _, length in rows} == {48}
    assert {measure for measure, _ in rows} == {
        "tightness_ppm",
        "price_micro_per_mwh",
        "deliverable_w",
        "node_price_micro_per_mwh",
        "binding_layer",
        "shapley_adequacy",
        "shapley_location",
        "value_adequacy_kw",
        "value_location_kw",
        "demand_kw",
        "equalisation_micro",
        "charge.dynamic_micro",
        *(
            f"{side}.{component}_micro"
            for side in ("payment", "charge")
            for component in ("fuel", "regulated", "adequacy", "location")
        ),
    }
