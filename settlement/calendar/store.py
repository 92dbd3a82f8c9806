"""What the calendar asks of PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid

from sqlalchemy import text
from sqlalchemy.orm import Session

READINGS_AFTER_SEALS = """
SELECT reading.market, reading.settlement_day, reading.measure, reading.entity, reading.revision
  FROM settlement.reading
  JOIN ledger.seal USING (market, settlement_day)
 WHERE reading.received_at > seal.sealed_at
 ORDER BY 1, 2, 3, 4, 5
"""
LAW_AFTER_SEALS = """
SELECT version.id, seal.market, min(seal.settlement_day)
  FROM rulebook.version
  JOIN ledger.seal ON seal.market = version.market
   AND version.valid && tstzrange(seal.begins_at, seal.ends_at)
   AND lower(version.recorded) > seal.sealed_at
 WHERE NOT EXISTS (
       SELECT FROM rulebook.version AS before
        WHERE before.instrument = version.instrument AND before.digest = version.digest
          AND lower(before.recorded) <= seal.sealed_at
          AND before.valid @> tstzrange(seal.begins_at, seal.ends_at) * version.valid)
 GROUP BY version.id, seal.market
 ORDER BY version.id
"""


def readings_after_seals(session: Session) -> list[tuple[str, dt.date, str, str, int]]:
    """Return market, day, measure, entity and revision of readings that came to a sealed day."""
    return [tuple(row) for row in session.execute(text(READINGS_AFTER_SEALS))]


def law_after_seals(session: Session) -> list[tuple[uuid.UUID, str, dt.date]]:
    """Return the versions that changed the law of a sealed day: version, market, first such day."""
    return [tuple(row) for row in session.execute(text(LAW_AFTER_SEALS))]
