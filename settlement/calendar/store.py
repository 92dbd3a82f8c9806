"""What the calendar asks of PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.calendar.following import PostedDay
from settlement.calendar.late import Arrival

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
VECTORS_BY_DAY = """
SELECT settlement_day, measure, count(*), count(*) FILTER (WHERE quality ~ '[^ME]')
  FROM (SELECT DISTINCT ON (settlement_day, measure, entity) settlement_day, measure, quality
          FROM settlement.reading
         WHERE market = :market AND received_at <= :known
         ORDER BY settlement_day, measure, entity, revision DESC) AS latest
 GROUP BY settlement_day, measure
"""
ARRIVALS = """
SELECT reading.settlement_day, reading_file.id, reading_file.name,
       (reading.received_at AT TIME ZONE :zone)::date AS received_on,
       count(*) FILTER (WHERE revision = 1), count(*) FILTER (WHERE revision > 1), posted.run_kind
  FROM (SELECT DISTINCT ON (settlement_day) settlement_day, run_kind, known_at
          FROM ledger.journal JOIN settlement.run ON run.id = journal.run_id
         WHERE journal.market = :market
         ORDER BY settlement_day, number DESC) AS posted
  JOIN settlement.reading ON reading.settlement_day = posted.settlement_day
   AND reading.market = :market
   AND reading.received_at > posted.known_at AND reading.received_at <= :known
  JOIN settlement.reading_file ON reading_file.id = reading.file_id
 GROUP BY reading.settlement_day, reading_file.id, reading_file.name, received_on, posted.run_kind
 ORDER BY reading.settlement_day, received_on, reading_file.name
"""
LAST_POSTED = """
SELECT DISTINCT ON (settlement_day) settlement_day, run_kind, known_at
  FROM ledger.journal JOIN settlement.run ON run.id = journal.run_id
 WHERE journal.market = :market
 ORDER BY settlement_day, number DESC
"""
LAST_RECEIVED = """
SELECT settlement_day, max(received_at) FROM settlement.reading
 WHERE market = :market AND received_at > :after AND received_at <= :known
   AND measure = ANY (:measures)
 GROUP BY settlement_day
"""
LAW_CHANGED = """
WITH days AS (
    SELECT day::date AS day, day AT TIME ZONE :zone AS begins
      FROM generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), '1 day') AS day),
versions AS (
    SELECT days.day, version.instrument, version.digest, version.recorded
      FROM days JOIN rulebook.version ON version.market = :market AND version.valid @> days.begins
     WHERE version.kind = ANY (:kinds))
SELECT day, max(moment)
  FROM (SELECT day, lower(recorded) AS moment FROM versions AS began
         WHERE NOT EXISTS (
               SELECT FROM versions AS before
                WHERE before.day = began.day AND before.instrument = began.instrument
                  AND before.digest = began.digest
                  AND upper(before.recorded) = lower(began.recorded))
         UNION ALL
        SELECT day, upper(recorded) FROM versions AS ended
         WHERE NOT EXISTS (
               SELECT FROM versions AS later
                WHERE later.day = ended.day AND later.instrument = ended.instrument
                  AND later.digest = ended.digest
                  AND lower(later.recorded) = upper(ended.recorded))) AS changed
 WHERE moment > :after AND moment <= :known
 GROUP BY day
"""
"""A version that takes the place of an equal one, as where another day's law changed, is none."""


def readings_after_seals(session: Session) -> list[tuple[str, dt.date, str, str, int]]:
    """Return market, day, measure, entity and revision of readings that came to a sealed day."""
    return [tuple(row) for row in session.execute(text(READINGS_AFTER_SEALS))]


def law_after_seals(session: Session) -> list[tuple[uuid.UUID, str, dt.date]]:
    """Return the versions that changed the law of a sealed day: version, market, first such day."""
    return [tuple(row) for row in session.execute(text(LAW_AFTER_SEALS))]


class PostedRun(NamedTuple):
    """A run kind that is posted for a settlement day."""

    day: dt.date
    kind: str
    run_id: uuid.UUID
    posted_at: dt.datetime


def days_with_readings(session: Session, market: str, known: dt.datetime) -> list[dt.date]:
    """Return the settlement days of which any reading was known, in order."""
    query = (
        "SELECT DISTINCT settlement_day FROM settlement.reading "
        "WHERE market = :market AND received_at <= :known ORDER BY settlement_day"
    )
    return list(session.execute(text(query), {"market": market, "known": known}).scalars())


def vectors_by_day(
    session: Session, market: str, known: dt.datetime
) -> dict[tuple[dt.date, str], tuple[int, int]]:
    """Return how many vectors a day and measure have, and how many are not plainly measured."""
    rows = session.execute(text(VECTORS_BY_DAY), {"market": market, "known": known})
    return {(day, measure): (vectors, doubtful) for day, measure, vectors, doubtful in rows}


def posted_runs(session: Session, market: str) -> list[PostedRun]:
    """Return what is posted of every settlement day of a market, in order of posting."""
    query = (
        "SELECT settlement_day, run_kind, run_id, posted_at FROM ledger.journal "
        "WHERE market = :market AND run_id IS NOT NULL ORDER BY number"
    )
    return [PostedRun(*row) for row in session.execute(text(query), {"market": market})]


def unposted_runs(session: Session, market: str) -> list[tuple[str, dt.date, dt.date]]:
    """Return kind, first and last day of the runs of a market that are settled and not posted."""
    query = (
        "SELECT kind, first_day, last_day FROM settlement.run WHERE market = :market "
        "AND kind <> 'study' AND NOT EXISTS "
        "(SELECT FROM ledger.journal WHERE journal.run_id = run.id)"
    )
    return [tuple(row) for row in session.execute(text(query), {"market": market})]


def arrivals(session: Session, market: str, known: dt.datetime, zone: str) -> list[Arrival]:
    """Return the readings that came after the last posted run of their day looked, by file."""
    params = {"market": market, "known": known, "zone": zone}
    return [Arrival(*row) for row in session.execute(text(ARRIVALS), params)]


def last_posted(session: Session, market: str) -> list[PostedDay]:
    """Return the last posted run of each settlement day of a market, by day."""
    return [PostedDay(*row) for row in session.execute(text(LAST_POSTED), {"market": market})]


def last_received(
    session: Session,
    market: str,
    measures: Sequence[str],
    *,
    after: dt.datetime,
    known: dt.datetime,
) -> dict[dt.date, dt.datetime]:
    """Return when the last reading of some measures came between two moments, by settlement day."""
    params = {"market": market, "measures": list(measures), "after": after, "known": known}
    rows = session.execute(text(LAST_RECEIVED), params)
    return {day: moment for day, moment in rows}  # noqa: C416 - of rows, which are no pairs to mypy


def law_last_changed(
    session: Session,
    market: str,
    kinds: Sequence[str],
    days: tuple[dt.date, dt.date],
    zone: str,
    *,
    after: dt.datetime,
    known: dt.datetime,
) -> dict[dt.date, dt.datetime]:
    """Return when the law of days last became another between two moments, by settlement day.

    Args:
        kinds: of the documents that are asked about.
        days: the first and the last.
        zone: of the market, whose midnight a day's law is that of.
    """
    params = {
        "market": market,
        "kinds": list(kinds),
        "first": days[0],
        "last": days[1],
        "zone": zone,
        "after": after,
        "known": known,
    }
    rows = session.execute(text(LAW_CHANGED), params)
    return {day: moment for day, moment in rows}  # noqa: C416 - of rows, which are no pairs to mypy
