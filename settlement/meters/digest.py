"""The bytes that identify a stored reading (version 1) and a stored file of readings (version 2).

A digest is SHA-256 over a prefix that names kind and version, then every column of the row but the
digest itself, each in a fixed form:

    text       4 bytes length in bytes, then UTF-8
    day        its ISO form, as text
    integer    8 bytes, two's complement
    instant    microseconds since 1970-01-01T00:00Z, as an integer
    bytes      4 bytes length, then the bytes
    vector     4 bytes count, then the elements as integers

All numbers are big-endian. Lengths stand before what varies, so no two rows share their bytes.

The digest of a file covers its readings by `readings_root`: the Merkle root (RFC 6962) over their
digests, in the order of day, measure and entity, texts by code point.
"""

import datetime as dt
import hashlib
import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger.tree import merkle_root

READING_PREFIX = b"tallystick/reading/1\n"
FILE_PREFIX = b"tallystick/reading-file/2\n"
ReadingPlace = tuple[dt.date, str, str]
"""Day, measure and entity: a file has one reading of each."""

FILE_NAMESPACE = uuid.UUID("5f6c1f5e-0b0f-5d3c-9f0e-6d3c1a0d7a11")

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class StoredReading:
    """A row of `settlement.reading`, without its digest."""

    market: str
    settlement_day: dt.date
    measure: str
    entity: str
    revision: int
    values: NDArray[np.int64]
    quality: str
    received_at: dt.datetime
    file_id: uuid.UUID


@dataclass(frozen=True)
class StoredFile:
    """A row of `settlement.reading_file`, without its digest."""

    id: uuid.UUID
    market: str
    name: str
    content_digest: bytes
    received_at: dt.datetime
    first_day: dt.date
    last_day: dt.date
    row_count: int
    vector_count: int
    unchanged_count: int
    late_day_count: int
    readings_root: bytes


def content_digest(content: bytes) -> bytes:
    """Return the SHA-256 of a file's bytes, as `sha256sum` prints it."""
    return hashlib.sha256(content).digest()


def file_identity(market: str, content: bytes) -> uuid.UUID:
    """Return the id of a file of readings: the same content in a market has the same id.

    `content` is the digest of the file. The id is of RFC 9562 version 5, so equal files received at
    equal instants give equal reading digests on any machine.
    """
    return uuid.uuid5(FILE_NAMESPACE, f"{market}/{content.hex()}")


def reading_digest(reading: StoredReading) -> bytes:
    """Return the digest of one row of `settlement.reading`, over every column."""
    # Over received_at too: when a reading became known decides which runs rest on it.
    parts = (
        READING_PREFIX,
        _text(reading.market),
        _text(reading.settlement_day.isoformat()),
        _text(reading.measure),
        _text(reading.entity),
        _integer(reading.revision),
        struct.pack("!I", len(reading.values)),
        reading.values.astype(">i8").tobytes(),
        _text(reading.quality),
        _instant(reading.received_at),
        _bytes(reading.file_id.bytes),
    )
    return hashlib.sha256(b"".join(parts)).digest()


def reading_file_digest(file: StoredFile) -> bytes:
    """Return the digest of one row of `settlement.reading_file`, over every column."""
    parts = (
        FILE_PREFIX,
        _bytes(file.id.bytes),
        _text(file.market),
        _text(file.name),
        _bytes(file.content_digest),
        _instant(file.received_at),
        _text(file.first_day.isoformat()),
        _text(file.last_day.isoformat()),
        _integer(file.row_count),
        _integer(file.vector_count),
        _integer(file.unchanged_count),
        _integer(file.late_day_count),
        _bytes(file.readings_root),
    )
    return hashlib.sha256(b"".join(parts)).digest()


def readings_root(readings: Iterable[tuple[ReadingPlace, bytes]]) -> bytes:
    """Return the root over the readings of a file, given as place and digest, in any order."""
    return merkle_root([digest for _, digest in sorted(readings)])


def _text(value: str) -> bytes:
    return _bytes(value.encode())


def _bytes(value: bytes) -> bytes:
    return struct.pack("!I", len(value)) + value


def _integer(value: int) -> bytes:
    return struct.pack("!q", value)


def _instant(value: dt.datetime) -> bytes:
    return _integer((value - _EPOCH) // _MICROSECOND)
