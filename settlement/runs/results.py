"""Results as day vectors with digests: what a run publishes, and how two runs are compared.

The digest of a vector is the RFC 6962 leaf hash of its explicit bytes (`ledger.chain`): tag, day,
measure, entity, and the values as big-endian 64-bit integers. A day's digest is the Merkle root
over its vectors in the order of measure and entity; a run's is the Merkle root over its days. The
bytes hold no run identifier, so a replay that finds the same numbers finds the same digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ledger.chain import digests_of_alike, encode
from ledger.tree import leaf_hash, merkle_root
from settlement.core.engine import DayResult

RESULT_TAG = "tallystick.result.1"

VectorKey = tuple[str, str]
"""Measure and entity."""


@dataclass(frozen=True, eq=False)
class ResultVector:
    """One measure of one entity on one day: `values` has one element an interval."""

    day: date
    measure: str
    entity: str
    values: np.ndarray
    digest: bytes


def vector_digest(day: date, measure: str, entity: str, values: np.ndarray) -> bytes:
    """Return the digest of a day vector of results."""
    # Byte order and layout are stated, or the digest would depend on the machine and on strides.
    content = np.ascontiguousarray(values, dtype=">i8").tobytes()
    return leaf_hash(encode(RESULT_TAG, (day, measure, entity, content)))


def vector_digests(
    day: date, measure: str, entities: Sequence[str], values: np.ndarray
) -> list[bytes]:
    """Return of each row of values, shape (E, T), the digest that `vector_digest` gives."""
    rows = np.ascontiguousarray(values, dtype=">i8")
    contents = (row.tobytes() for row in rows)
    return digests_of_alike(RESULT_TAG, (day, measure), zip(entities, contents, strict=True))


def vector_of(day: date, measure: str, entity: str, values: np.ndarray) -> ResultVector:
    """Return a day vector of results with its digest."""
    return ResultVector(day, measure, entity, values, vector_digest(day, measure, entity, values))


def vectors_of(result: DayResult) -> list[ResultVector]:
    """Return a day's results as vectors, ordered by measure and entity."""
    vectors = [
        ResultVector(result.day, table.measure, entity, values, digest)
        for table in result.tables
        for entity, values, digest in zip(
            table.entities,
            table.values,
            vector_digests(result.day, table.measure, table.entities, table.values),
            strict=True,
        )
    ]
    # The day's root depends on the order; by code point, it is what COLLATE "C" reads back.
    return sorted(vectors, key=lambda vector: (vector.measure, vector.entity))


def day_digest(vector_digests: Iterable[bytes]) -> bytes:
    """Return the digest of a day from those of its vectors, in order of measure and entity."""
    return merkle_root(list(vector_digests))


def run_result_digest(day_digests: Sequence[bytes]) -> bytes:
    """Return the digest of a run's results from those of its days, earliest first."""
    return merkle_root(day_digests)


def first_difference(
    day: date,
    stored: Mapping[VectorKey, bytes],
    recomputed: Mapping[VectorKey, bytes],
    table: str = "settlement.result",
) -> str | None:
    """Return where two versions of a day first differ, in words, or None when they agree.

    >>> first_difference(date(2024, 1, 1), {("demand_kw", "market"): b"a"}, {})
    'settlement.result 2024-01-01 demand_kw market: stored, but not recomputed'
    """
    for key in sorted(stored.keys() | recomputed.keys()):
        before, after = stored.get(key), recomputed.get(key)
        if before == after:
            continue
        row = f"{table} {day} {key[0]} {key[1]}"
        if before is None:
            return f"{row}: recomputed, but not stored"
        if after is None:
            return f"{row}: stored, but not recomputed"
        return f"{row}: stored and recomputed values differ"
    return None
