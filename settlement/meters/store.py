"""Readings in PostgreSQL: appended by COPY, read back as they were known at an instant."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.bulk import read_rows, write_rows
from settlement.meters.digest import (
    StoredFile,
    StoredReading,
    reading_file_digest,
)
from settlement.meters.readings import MeasuredDay, Readings, VectorKey
from settlement.meters.register import DEMAND, GENERATION, MISSING, QUALITY_LETTERS
from settlement.tables import ReadingFileRow, RunRow, TrialRow

READING_TYPES = {
    "market": "text",
    "settlement_day": "date",
    "measure": "text",
    "entity": "text",
    "revision": "int4",
    "values": "int8[]",
    "quality": "text",
    "received_at": "timestamptz",
    "file_id": "uuid",
}
FILE_FIELDS = tuple(StoredFile.__dataclass_fields__)

KNOWN_AT = """
SELECT DISTINCT ON (settlement_day, measure, entity)
       settlement_day, measure, entity, revision, values, quality, received_at, digest
  FROM settlement.reading
 WHERE market = %(market)s AND settlement_day BETWEEN %(first_day)s AND %(last_day)s
   AND received_at <= %(known)s
   AND (%(entities)s::text[] IS NULL OR entity = ANY(%(entities)s::text[]))
 ORDER BY settlement_day, measure, entity, revision DESC
"""
DEMAND_WITH_GENERATION = """
WITH of_units AS (
    SELECT settlement_day, max(received_at) AS received_at FROM settlement.reading
     WHERE market = %(market)s AND settlement_day BETWEEN %(first_day)s AND %(last_day)s
       AND measure = %(generation)s AND received_at <= %(known)s
     GROUP BY settlement_day)
SELECT DISTINCT ON (earlier.settlement_day, earlier.entity)
       earlier.settlement_day, earlier.entity, earlier.values, earlier.quality
  FROM settlement.reading AS later
  JOIN of_units USING (settlement_day)
  JOIN settlement.reading AS earlier USING (market, settlement_day, measure, entity)
 WHERE later.market = %(market)s AND later.settlement_day BETWEEN %(first_day)s AND %(last_day)s
   AND later.measure = %(demand)s
   AND later.received_at > of_units.received_at AND later.received_at <= %(known)s
   AND earlier.received_at <= of_units.received_at
 ORDER BY earlier.settlement_day, earlier.entity, earlier.revision DESC
"""
END_OF_TIME = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, eq=False)
class LatestVector:
    """The latest revision of a day vector, as far as the next one must be compared with it."""

    revision: int
    received_at: dt.datetime
    values: NDArray[np.int64]
    quality: str

    def equals(self, values: NDArray[np.int64], quality: str) -> bool:
        """Return whether another reading says the same."""
        return quality == self.quality and np.array_equal(values, self.values)


def lock_readings(session: Session, market: str) -> None:
    """Wait until no other transaction appends readings to this market, and keep others out.

    Revisions are numbered after what is there; two files at once would take the same number.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"settlement.reading/{market}"},
    )


def last_look(session: Session, market: str) -> dt.datetime | None:
    """Return the latest moment up to which a run or a trial of the market looked, or None."""
    looked = [
        session.scalar(select(func.max(row.known_at)).where(row.market == market))
        for row in (RunRow, TrialRow)
    ]
    return max((moment for moment in looked if moment is not None), default=None)


def files_known_at(session: Session, market: str, known: dt.datetime) -> frozenset[uuid.UUID]:
    """Return the files of readings that a market had accepted by a moment."""
    received = ReadingFileRow.market == market, ReadingFileRow.received_at <= known
    return frozenset(session.scalars(select(ReadingFileRow.id).where(*received)))


def find_file(session: Session, market: str, content_digest: bytes) -> StoredFile | None:
    """Return the accepted file of this content, if the market has received it before."""
    row = session.scalars(
        select(ReadingFileRow).where(
            ReadingFileRow.market == market, ReadingFileRow.content_digest == content_digest
        )
    ).one_or_none()
    return None if row is None else _stored_file(row)


def append_readings(
    session: Session, readings: Sequence[StoredReading], digests: Sequence[bytes]
) -> None:
    """Append the day vectors of a file, each with its digest; the file's own row comes last."""
    rows = (
        (*(getattr(reading, name) for name in READING_TYPES), digest)
        for reading, digest in zip(readings, digests, strict=True)
    )
    write_rows(session, "settlement.reading", READING_TYPES | {"digest": "bytea"}, rows)


def append_files(session: Session, files: Sequence[StoredFile]) -> None:
    """Append files whose readings are stored, in one statement: it takes the lock of the log."""
    if files:
        rows = [{**vars(file), "digest": reading_file_digest(file)} for file in files]
        session.execute(insert(ReadingFileRow), rows)


def latest_vectors(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> dict[VectorKey, LatestVector]:
    """Return the latest revision of each day vector of consecutive days."""
    rows = _known_at(session, market, first_day, last_day, END_OF_TIME)
    return {
        (day, measure, entity): LatestVector(revision, received_at, values, quality)
        for day, measure, entity, revision, values, quality, received_at, _ in rows
    }


def readings_known_at(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    known: dt.datetime,
    entities: Sequence[str] | None = None,
) -> Readings:
    """Return the readings of consecutive days, each in its latest revision received by `known`.

    Of some entities where they are named.

    Raises:
        Refused: vectors of one measure and day differ in length, which no ingest writes.
    """
    rows = _known_at(session, market, first_day, last_day, known, entities)
    # Sorted here: the order of entities must not depend on the collation of the server.
    rows.sort(key=itemgetter(0, 1, 2))
    days: dict[dt.date, dict[str, MeasuredDay]] = {}
    for (day, measure), group in groupby(rows, key=itemgetter(0, 1)):
        days.setdefault(day, {})[measure] = _stacked(market, day, measure, list(group))
    return Readings(market, known, days)


def demand_when_generation_was_read(
    session: Session, market: str, first_day: dt.date, last_day: dt.date, known: dt.datetime
) -> dict[tuple[dt.date, str], tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Return demand as it was read before it was corrected, by day and supply point.

    Of those alone that were read by the moment the last reading of generation of their day came,
    and again between then and `known`: shape (T,) of which intervals had a plausible reading, and
    of what it said.
    """
    parameters = {
        "market": market,
        "first_day": first_day,
        "last_day": last_day,
        "known": known,
        "generation": GENERATION,
        "demand": DEMAND,
    }
    gap = QUALITY_LETTERS[MISSING]
    return {
        (day, entity): (
            np.array([letter.isupper() and letter != gap for letter in quality]),
            values,
        )
        for day, entity, values, quality in read_rows(session, DEMAND_WITH_GENERATION, parameters)
    }


def _known_at(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    known: dt.datetime,
    entities: Sequence[str] | None = None,
) -> list[tuple[Any, ...]]:
    parameters = {
        "market": market,
        "first_day": first_day,
        "last_day": last_day,
        "known": known,
        "entities": None if entities is None else list(entities),
    }
    return read_rows(session, KNOWN_AT, parameters)


def _stacked(market: str, day: dt.date, measure: str, rows: list[tuple[Any, ...]]) -> MeasuredDay:
    _, _, entities, revisions, values, quality, _, digests = zip(*rows, strict=True)
    lengths = sorted({len(vector) for vector in values})
    if len(lengths) > 1:
        raise Refused(
            [
                Finding(
                    "ragged-readings",
                    f"settlement.reading {market} {day} {measure}",
                    f"vectors of {', '.join(map(str, lengths))} intervals",
                    "all vectors of a day have one length",
                    "run `manage.py verify`: the stored readings were changed",
                )
            ]
        )
    return MeasuredDay(entities, np.stack(values), quality, revisions, digests)


def stored_readings(session: Session) -> Iterator[tuple[StoredReading, bytes]]:
    """Yield every stored reading with its stored digest; a month of a market is in memory."""
    months = session.execute(
        text(
            "SELECT DISTINCT market, date_trunc('month', settlement_day)::date AS month "
            "FROM settlement.reading ORDER BY market, month"
        )
    ).all()
    names = ", ".join(READING_TYPES)
    for market, month in months:
        rows = read_rows(
            session,
            f"SELECT {names}, digest FROM settlement.reading WHERE market = %(market)s "
            "AND date_trunc('month', settlement_day)::date = %(month)s "
            "ORDER BY settlement_day, measure, entity, revision",
            {"market": market, "month": month},
        )
        for *reading, digest in rows:
            yield StoredReading(*reading), digest


def stored_files(session: Session) -> Iterator[tuple[StoredFile, bytes, int]]:
    """Yield every stored file with its stored digest and how many readings name it."""
    grouped = session.execute(
        text("SELECT file_id, count(*) AS readings FROM settlement.reading GROUP BY file_id")
    )
    counts: dict[uuid.UUID, int] = {row.file_id: row.readings for row in grouped}
    for row in session.scalars(select(ReadingFileRow).order_by(ReadingFileRow.received_at)):
        yield _stored_file(row), row.digest, counts.get(row.id, 0)


def readings_without_file(session: Session) -> list[tuple[uuid.UUID, int]]:
    """Return the files that readings name but that are not there, and how many readings do."""
    rows = session.execute(
        text(
            "SELECT file_id, count(*) FROM settlement.reading WHERE NOT EXISTS "
            "(SELECT FROM settlement.reading_file WHERE id = file_id) "
            "GROUP BY file_id ORDER BY file_id"
        )
    )
    return [(file_id, count) for file_id, count in rows]


def broken_revisions(session: Session) -> list[tuple[str, dt.date, str, str, int, int]]:
    """Return market, day, measure, entity, highest revision and count where revisions have gaps."""
    rows = session.execute(
        text(
            "SELECT market, settlement_day, measure, entity, max(revision), count(*) "
            "FROM settlement.reading GROUP BY market, settlement_day, measure, entity "
            "HAVING max(revision) <> count(*) ORDER BY market, settlement_day, measure, entity"
        )
    )
    return [tuple(row) for row in rows]


def _stored_file(row: ReadingFileRow) -> StoredFile:
    return StoredFile(**{name: getattr(row, name) for name in FILE_FIELDS})
