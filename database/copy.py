"""Binary COPY in and out: the day-vector road between numpy and PostgreSQL.

A column is a sequence of Python values, one a row; an `int8[]` column is a sequence of 1-D int64
arrays (a 2-D array will do). Only the types in `TYPES` travel, each in PostgreSQL's documented
binary format (manual, chapter COPY, "Binary Format"); None is NULL.
"""

import datetime as dt
import struct
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

# The signature, no flags, and an extension of no bytes.
HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
NULL = struct.pack("!i", -1)
INT8_OID = 20
# PostgreSQL counts days and microseconds from here.
EPOCH_DATE = dt.date(2000, 1, 1)
EPOCH_INSTANT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
# Sent a megabyte at a time: neither a message a row, nor a year of rows in memory.
FLUSH_BYTES = 1 << 20
# An array's elements, each after its length, in network order: numpy lays out a whole vector at
# once, without a loop in Python.
ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])
ARRAY_HEADER = struct.Struct("!iiiii")

Columns = Mapping[str, Sequence[Any] | np.ndarray]


def copy_in(session: Session, table: str, columns: Columns, types: Mapping[str, str]) -> int:
    """Append rows to `table` (schema.name) and return how many.

    Args:
        session: the caller's session, whose transaction the rows join.
        table: schema-qualified name.
        columns: the values by column name, all of one length.
        types: the type of each column by name, one of `TYPES`.

    Raises:
        ValueError: columns of different lengths, or a type that does not travel.
    """
    names = list(types)
    lengths = {len(columns[name]) for name in names}
    if len(lengths) != 1:
        raise ValueError(f"{table}: columns of different lengths {sorted(lengths)}")
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    encoders = [_codec(types[name])[0] for name in names]
    with _cursor(session) as cursor, cursor.copy(statement) as copy:
        for chunk in _encode([columns[name] for name in names], encoders):
            copy.write(chunk)
    return lengths.pop()


def copy_rows(
    session: Session,
    table: str,
    types: Mapping[str, str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Append rows of scalars and plain lists to `table` (schema.name), all in one statement.

    Unlike an INSERT of many rows, a statement-level trigger sees them all together. psycopg writes
    each row in C, so for scalars this is faster than `copy_in`.

    Args:
        session: the caller's session, whose transaction the rows join.
        table: schema-qualified name.
        types: the type of each column by name, as PostgreSQL calls it.
        rows: the values of each row, in the order of `types`.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, types))
    )
    with _cursor(session) as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(types.values()))
        for row in rows:
            copy.write_row(row)


def copy_out(
    session: Session, query: str, params: Mapping[str, Any], types: Mapping[str, str]
) -> dict[str, list[Any]]:
    """Return the columns of a query, in the order and with the names of `types`.

    `query` is a SELECT with `%(name)s` placeholders; an `int8[]` value comes back as a 1-D
    int64 array.
    """
    decoders = [_codec(kind)[1] for kind in types.values()]
    columns: list[list[Any]] = [[] for _ in types]
    with _cursor(session) as cursor:
        text = cursor.mogrify(query, params)
        with cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT binary)") as copy:
            for row in _read_rows(copy):
                for column, decode, field in zip(columns, decoders, row, strict=True):
                    column.append(None if field is None else decode(field))
    return dict(zip(types, columns, strict=True))


def _cursor(session: Session) -> psycopg.ClientCursor[Any]:
    connection = session.connection().connection.driver_connection
    # COPY takes no parameters, so they are written into its query here, on the client.
    return psycopg.ClientCursor(connection)  # type: ignore[arg-type]  # SQLAlchemy: any driver's


def _encode(
    columns: Sequence[Sequence[Any] | np.ndarray], encoders: Sequence[Callable[[Any], bytes]]
) -> Iterator[bytes]:
    parts = [HEADER]
    size = 0
    field_count = struct.pack("!h", len(columns))
    fields = [
        _frame_fields(column, encode) for column, encode in zip(columns, encoders, strict=True)
    ]
    for row in zip(*fields, strict=True):
        parts.append(field_count)
        parts.extend(row)
        size += sum(map(len, row))
        if size > FLUSH_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    parts.append(TRAILER)
    yield b"".join(parts)


def _frame_fields(
    column: Sequence[Any] | np.ndarray, encode: Callable[[Any], bytes]
) -> Iterator[bytes]:
    """Yield each field with its length; the same object in rows on end is encoded once."""
    last, framed = None, NULL
    for value in column:
        # By identity: to compare two vectors would cost what encoding one does.
        if value is not last:
            field = b"" if value is None else encode(value)
            framed = NULL if value is None else len(field).to_bytes(4, "big") + field
            last = value
        yield framed


def _read_rows(copy: psycopg.Copy) -> Iterator[list[memoryview | None]]:
    """Yield the fields of each row; libpq hands over one row a message."""
    first = True
    for message in copy:
        data = memoryview(message)
        # The header comes by itself or before the first row, and the trailer as a row of -1 fields.
        offset = len(HEADER) if first else 0
        first = False
        if len(data) <= offset or data[offset : offset + 2] == TRAILER:
            continue
        count = int.from_bytes(data[offset : offset + 2], "big")
        offset += 2
        row: list[memoryview | None] = []
        for _ in range(count):
            length = int.from_bytes(data[offset : offset + 4], "big", signed=True)
            offset += 4
            if length < 0:
                row.append(None)
            else:
                row.append(data[offset : offset + length])
                offset += length
        yield row


def _encode_int8_array(values: Any) -> bytes:
    array = np.asarray(values)
    if array.dtype != np.int64 or array.ndim != 1:
        raise ValueError(f"a day vector is 1-D int64, not {array.ndim}-D {array.dtype}")
    elements = np.empty(array.size, ELEMENT)
    elements["length"] = 8
    elements["value"] = array
    # One dimension, no NULL in it, and the first index is 1, as SQL counts.
    return ARRAY_HEADER.pack(1, 0, INT8_OID, array.size, 1) + elements.tobytes()


def _decode_int8_array(field: memoryview) -> np.ndarray:
    dimensions = int.from_bytes(field[:4], "big")
    if dimensions == 0:
        return np.empty(0, np.int64)
    _, nulls, _, count, _ = ARRAY_HEADER.unpack(field[: ARRAY_HEADER.size])
    if nulls or dimensions != 1:
        raise ValueError("a day vector is 1-D without NULL")
    elements = np.frombuffer(field, ELEMENT, count, ARRAY_HEADER.size)
    # A copy in the machine's order; a view would keep the whole message in memory.
    return elements["value"].astype(np.int64)


def _integer_codec(size: int) -> tuple[Callable[[Any], bytes], Callable[[memoryview], int]]:
    return (
        lambda value: int(value).to_bytes(size, "big", signed=True),
        lambda field: int.from_bytes(field, "big", signed=True),
    )


def _encode_instant(value: dt.datetime) -> bytes:
    return ((value - EPOCH_INSTANT) // MICROSECOND).to_bytes(8, "big", signed=True)


def _decode_instant(field: memoryview) -> dt.datetime:
    return EPOCH_INSTANT + int.from_bytes(field, "big", signed=True) * MICROSECOND


Codec = tuple[Callable[[Any], bytes], Callable[[memoryview], Any]]

TYPES: dict[str, Codec] = {
    "text": (lambda value: value.encode(), lambda field: bytes(field).decode()),
    "bytea": (bytes, bytes),
    "uuid": (lambda value: value.bytes, lambda field: uuid.UUID(bytes=bytes(field))),
    "bool": (lambda value: bytes([value]), lambda field: field[0] == 1),
    "int2": _integer_codec(2),
    "int4": _integer_codec(4),
    "int8": _integer_codec(8),
    "date": (
        lambda value: (value - EPOCH_DATE).days.to_bytes(4, "big", signed=True),
        lambda field: EPOCH_DATE + dt.timedelta(int.from_bytes(field, "big", signed=True)),
    ),
    "timestamptz": (_encode_instant, _decode_instant),
    "int8[]": (_encode_int8_array, _decode_int8_array),
}


def _codec(kind: str) -> Codec:
    try:
        return TYPES[kind]
    except KeyError:
        raise ValueError(f"type {kind} does not travel; use one of {', '.join(TYPES)}") from None
