"""Verification of stored readings and meter files from their rows alone."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from settlement.meters import store
from settlement.meters.digest import (
    ReadingPlace,
    file_identity,
    reading_digest,
    reading_file_digest,
    readings_root,
)

Arrival = tuple[str, dt.datetime]
"""Of which market a reading is, and when it was received."""

RESTORE = "restore it from a backup; a stored reading never changes or goes away"


def verify_readings(session: Session) -> Iterator[Finding]:
    """Hash every stored reading and file again, and find whatever is not as it was written."""
    of_file: defaultdict[uuid.UUID, list[tuple[ReadingPlace, bytes]]] = defaultdict(list)
    came: defaultdict[uuid.UUID, set[Arrival]] = defaultdict(set)
    for reading, digest in store.stored_readings(session):
        place_in_file = (reading.settlement_day, reading.measure, reading.entity)
        of_file[reading.file_id].append((place_in_file, digest))
        came[reading.file_id].add((reading.market, reading.received_at))
        actual = reading_digest(reading)
        if actual != digest:
            place = (
                f"settlement.reading {reading.market} {reading.settlement_day} {reading.measure} "
                f"{reading.entity} revision {reading.revision}"
            )
            yield _changed(place, actual, digest)
    yield from _verify_files(session, of_file, came)
    for file_id, reading_count in store.readings_without_file(session):
        yield Finding(
            "file-of-readings",
            f"settlement.reading_file {file_id}",
            f"gone, and {reading_count} readings name it",
            "every reading came in a file that is stored",
            RESTORE,
        )
    for market, day, measure, entity, highest, count in store.broken_revisions(session):
        yield Finding(
            "revision-gap",
            f"settlement.reading {market} {day} {measure} {entity}",
            f"{count} revisions, the highest {highest}",
            "revisions are numbered from 1 without a gap",
            RESTORE,
        )


def _verify_files(
    session: Session,
    of_file: Mapping[uuid.UUID, Sequence[tuple[ReadingPlace, bytes]]],
    came: Mapping[uuid.UUID, Collection[Arrival]],
) -> Iterator[Finding]:
    """Hold every file to its digest, its identity, and the readings that name it.

    Args:
        session: the caller's session.
        of_file: the readings that name a file, as place and digest.
        came: of which markets they are, and when they were received.
    """
    seen: set[uuid.UUID] = set()
    for file, digest, reading_count in store.stored_files(session):
        place = f"settlement.reading_file {file.market} {file.id} {file.name}"
        if file.id in seen:
            yield Finding(
                "file-twice", place, "the row stands twice", "a file is stored once", RESTORE
            )
        seen.add(file.id)
        actual = reading_file_digest(file)
        if actual != digest:
            yield _changed(place, actual, digest)
        if file.id != file_identity(file.market, file.content_digest):
            yield damage("file-identity", place, "its market and content give another id")
        # When it came decides which runs know it, so no reading may say another time.
        strange = set(came.get(file.id, ())) - {(file.market, file.received_at)}
        for market, received_at in sorted(strange):
            value = f"a reading of it is of {market} and was received at {received_at.isoformat()}"
            yield damage("arrival-of-readings", place, value)
        # Over the stored digests, each held to its reading above: a reading that was changed is
        # one finding, unless its digest was made anew with it.
        root = readings_root(of_file.get(file.id, ()))
        if root != file.readings_root:
            yield Finding(
                "root-of-readings",
                place,
                f"its readings give {root.hex()}",
                f"the file has readings_root {file.readings_root.hex()}",
                RESTORE,
            )
        if reading_count != file.vector_count:
            yield Finding(
                "readings-of-file",
                place,
                f"{reading_count} readings name the file",
                f"{file.vector_count} were stored from it",
                RESTORE,
            )


def _changed(place: str, actual: bytes, digest: bytes) -> Finding:
    return Finding(
        "row-does-not-match-digest",
        place,
        actual.hex(),
        f"the row has digest {digest.hex()}",
        RESTORE,
    )
