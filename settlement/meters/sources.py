"""Where readings came from: revision, moment and file."""

import datetime as dt

from sqlalchemy.orm import Session

from database.bulk import read_rows
from settlement.meters.readings import ReadingSource

READING_SOURCE_QUERY = """
SELECT DISTINCT ON (reading.measure, reading.entity)
       reading.measure, reading.entity, reading.revision, reading.received_at,
       reading_file.name AS file
  FROM settlement.reading
  JOIN settlement.reading_file ON reading_file.id = reading.file_id
 WHERE reading.market = %(market)s AND reading.settlement_day = %(day)s
   AND reading.received_at <= %(known_at)s
 ORDER BY reading.measure, reading.entity, reading.revision DESC
"""


def reading_sources(
    session: Session, market: str, day: dt.date, known_at: dt.datetime
) -> dict[tuple[str, str], ReadingSource]:
    """Return where the readings of a day came from, as they were known."""
    params = {"market": market, "day": day, "known_at": known_at}
    rows = read_rows(session, READING_SOURCE_QUERY, params)
    return {(measure, entity): ReadingSource(*source) for measure, entity, *source in rows}
