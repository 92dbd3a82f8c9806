"""Verification of stored readings and meter files from their rows alone."""

import uuid
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.refusals import Finding
from settlement.meters import store
from settlement.meters.digest import (
    reading_digest,
    reading_file_digest,
)

RESTORE = "restore it from a backup; a stored reading never changes or goes away"


def verify_readings(session: Session) -> Iterator[Finding]:
    """Hash every stored reading and file again, and find whatever is not as it was written."""
    for reading, digest in store.stored_readings(session):
        actual = reading_digest(reading)
        if actual != digest:
            place = (
                f"settlement.reading {reading.market} {reading.settlement_day} {reading.measure} "
                f"{reading.entity} revision {reading.revision}"
            )
            yield _changed(place, actual, digest)
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
        if reading_count != file.vector_count:
            yield Finding(
                "readings-of-file",
                place,
                f"{reading_count} readings name the file",
                f"{file.vector_count} were stored from it",
                RESTORE,
            )
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


def _changed(place: str, actual: bytes, digest: bytes) -> Finding:
    return Finding(
        "row-does-not-match-digest",
        place,
        actual.hex(),
        f"the row has digest {digest.hex()}",
        RESTORE,
    )
