"""Many rows at once, in and out: the day-vector road between numpy and PostgreSQL.

psycopg moves every column in PostgreSQL's binary format, in C. Here it only learns that an
`int8[]` is a 1-D int64 array of numpy, which it would else make a list of Python integers.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from sqlalchemy.orm import Session

INT8_OID = 20
INT8_ARRAY_OID = 1016
# An array's elements, each after its length, in network order: numpy lays out a whole vector at
# once, without a loop in Python (PostgreSQL's source, array_send).
ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])
# Dimensions, whether there are NULLs, type of the elements, their number, and the first index.
HEADER = struct.Struct("!iiiii")


class _VectorDumper(Dumper):
    """Writes a 1-D int64 array as `int8[]`."""

    format = Format.BINARY
    oid = INT8_ARRAY_OID

    def dump(self, obj: Any) -> bytes:
        if obj.dtype != np.int64 or obj.ndim != 1:
            raise ValueError(f"a day vector is 1-D int64, not {obj.ndim}-D {obj.dtype}")
        elements = np.empty(obj.size, ELEMENT)
        elements["length"] = 8
        elements["value"] = obj
        return HEADER.pack(1, 0, INT8_OID, obj.size, 1) + elements.tobytes()


class _VectorLoader(Loader):
    """Reads `int8[]` as a 1-D int64 array."""

    format = Format.BINARY

    def load(self, data: Any) -> np.ndarray:
        field = memoryview(data)
        if int.from_bytes(field[:4], "big") == 0:
            return np.empty(0, np.int64)
        dimensions, nulls, _, count, _ = HEADER.unpack_from(field)
        if nulls or dimensions != 1:
            raise ValueError("a day vector is 1-D without NULL")
        elements = np.frombuffer(field, ELEMENT, count, HEADER.size)
        # A copy in the machine's order; a view would keep the whole answer in memory.
        return elements["value"].astype(np.int64)


def write_rows(
    session: Session,
    table: str,
    types: Mapping[str, str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Append rows to `table` (schema.name), all in one COPY.

    Unlike an INSERT of many rows, a statement-level trigger sees them all together.

    Args:
        session: the caller's session, whose transaction the rows join.
        table: schema-qualified name.
        types: the type of each column by name, as PostgreSQL calls it.
        rows: the values of each row, in the order of `types`; an `int8[]` is a 1-D int64 array, or
            a row of a 2-D one.

    Raises:
        ValueError: an array of another kind.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, types))
    )
    with _cursor(session) as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(types.values()))
        for row in rows:
            copy.write_row(row)


def read_rows(session: Session, query: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query; an `int8[]` value comes as a 1-D int64 array.

    `query` is a SELECT with `%(name)s` placeholders.

    Raises:
        ValueError: a stored array has more dimensions than one, or a NULL in it.
    """
    with _cursor(session) as cursor:
        return cursor.execute(query.encode(), params).fetchall()


def _cursor(session: Session) -> psycopg.Cursor[Any]:
    return vector_cursor(driver_connection(session))


def driver_connection(session: Session) -> psycopg.Connection[Any]:
    """Return psycopg's connection below a session, whose transaction what is done by it joins."""
    return session.connection().connection.driver_connection  # type: ignore[return-value]  # SQLAlchemy: any driver's


def vector_cursor(connection: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """Return a cursor that moves arrays of `int8` as 1-D int64 arrays, all in binary format."""
    cursor = connection.cursor(binary=True)
    register_vectors(cursor)
    return cursor


def register_vectors(cursor: psycopg.Cursor[Any] | psycopg.ServerCursor[Any]) -> None:
    """Let a cursor move arrays of `int8` as vectors, and no other of its connection."""
    # Of this cursor alone: elsewhere an array stays the list that SQLAlchemy expects.
    cursor.adapters.register_dumper(np.ndarray, _VectorDumper)
    cursor.adapters.register_loader(INT8_ARRAY_OID, _VectorLoader)
