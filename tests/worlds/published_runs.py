"""Runs that are published and hold nothing, for journals of tests that settle no day."""

import datetime as dt
import uuid
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ledger.causes import Cause, CauseSource
from settlement.runs.run import ENGINE_VERSION
from settlement.tables import RunRow

FIRST_DAY, LAST_DAY = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
PUBLISHED = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def run_of(kind: str) -> uuid.UUID:
    """The run that settles every day of a market under a kind."""
    return uuid.UUID(bytes=sha256(kind.encode()).digest()[:16])


def cause_of(kind: str) -> Cause:
    """What a journal of such a run names."""
    run_id = run_of(kind)
    return Cause(CauseSource.RUN, str(run_id), sha256(run_id.bytes).digest())


def publish_runs(session: Session, market: str, kinds: Iterable[str]) -> None:
    """Publish a run of a market for each kind, of all days of 2024."""
    rows = [
        {
            "id": run_of(kind),
            "market": market,
            "kind": kind,
            "first_day": FIRST_DAY,
            "last_day": LAST_DAY,
            "known_at": PUBLISHED,
            "pins": [],
            "input_digest": bytes(32),
            "engine_version": ENGINE_VERSION,
            "result_digest": bytes(32),
            "created_at": PUBLISHED,
            "digest": cause_of(kind).digest,
        }
        for kind in kinds
    ]
    session.execute(insert(RunRow), rows)
