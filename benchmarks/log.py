"""Speed of proofs: a log of a million leaves, in a database of its own that is dropped afterwards.

The leaves are written directly, without the facts that they would be of; a proof asks for nothing
but leaves and tiles. The yardstick is the reading of one leaf by its index.
"""

import datetime as dt
import itertools
import random
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from benchmarks.figures import Figure, Result, median_ns
from benchmarks.server import scratch_database
from database.session import transaction
from ledger.log.checkpoints import prove_consistency, prove_inclusion, publish_checkpoint
from ledger.log.note import Signer
from ledger.log.tables import LogLeaf

LEAVES = 1_000_000
HALF = LEAVES // 2
PROOFS = 200
LIMIT_MS = 50
NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
SOURCE = "ledger.journal"
APPEND = """
    INSERT INTO ledger.log_leaf (index, source, key, digest, leaf_hash)
    SELECT number, :source, number::text, sha256(int8send(number)),
        ledger.log_leaf_hash(:source, number::text, sha256(int8send(number)))
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS number
"""


def figures() -> list[Figure]:
    """Return the times of both proofs beside the reading of one leaf."""
    inclusion_ns, consistency_ns, yardstick_ns = _measured()
    return [
        Figure("inclusion in a log of a million leaves", inclusion_ns, yardstick_ns),
        Figure("consistency of half a million and a million", consistency_ns, yardstick_ns),
    ]


def results() -> list[Result]:
    """Return both times against their targets."""
    inclusion_ns, consistency_ns, _ = _measured()
    return [
        Result(f"{name}, ms", round(nanoseconds / 1e6, 2), LIMIT_MS, at_most=True)
        for name, nanoseconds in (
            ("proof of inclusion in a log of a million leaves", inclusion_ns),
            ("proof of consistency of half a million and a million", consistency_ns),
        )
    ]


@cache
def _measured() -> tuple[int, int, int]:
    """Return median nanoseconds: a proof of inclusion, one of consistency, one leaf read."""
    with scratch_database("log_benchmark") as made:
        with transaction(made) as session:
            sizes = _grow(session)
        with transaction(made) as session:
            places = random.Random(1).sample(range(HALF), PROOFS)
            turns = itertools.cycle(places)
            inclusion = _timed(lambda: prove_inclusion(session, SOURCE, str(next(turns))))
            consistency = _timed(lambda: prove_consistency(session, *sizes))
            leaf = select(LogLeaf.leaf_hash)
            yardstick = _timed(
                lambda: session.execute(leaf.where(LogLeaf.index == next(turns))).scalar_one()
            )
    return inclusion, consistency, yardstick


def _grow(session: Session) -> tuple[int, int]:
    """Append a million leaves with a checkpoint at half; return the sizes of both checkpoints."""
    session.execute(text("ALTER TABLE ledger.log_leaf DISABLE TRIGGER only_by_facts"))
    signer = Signer("benchmark.localhost/log", Ed25519PrivateKey.generate())
    _append(session, 0, HALF)
    half = publish_checkpoint(session, signer, NOW).checkpoint.size
    _append(session, half + 1, LEAVES)
    return half, publish_checkpoint(session, signer, NOW).checkpoint.size


def _append(session: Session, first: int, end: int) -> None:
    session.execute(text(APPEND), {"source": SOURCE, "first": first, "last": end - 1})


def _timed(work: Callable[[], object]) -> int:
    return median_ns(work, PROOFS)
