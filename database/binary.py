"""Statements that are asked hundreds of times a second, in PostgreSQL's binary format, by hand.

psycopg finds out anew with every statement how each value is written, and each list by a loop of
its own; of a function of twenty lists that takes longer than the server does. Here who asks says of
what type each value is, and hands over its bytes; the connection, the waiting and the errors are
psycopg's.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import numpy as np
import psycopg
from psycopg import errors, generators
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

BYTEA, INT8, INT4, TEXT, DATE, MOMENT = 17, 20, 23, 25, 1082, 1184
LISTS = {BYTEA: 1001, INT4: 1007, TEXT: 1009, INT8: 1016, DATE: 1182, MOMENT: 1185}
"""The type of a list, by that of its elements (`pg_type.dat`)."""

_BINARY = 1
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_EPOCH_DAY = _EPOCH.date().toordinal()
_MICROSECOND = dt.timedelta(microseconds=1)
# Of an array: its dimensions, whether there are NULLs, the type of its elements; then how many
# there are, and the first index. Each element follows its length (`array_send`).
_EMPTY = struct.Struct("!iii")
_HEADER = struct.Struct("!iiiii")
_LENGTH = struct.Struct("!i")
_NUMBER = struct.Struct("!q")
_ELEMENTS = {
    INT4: np.dtype([("length", ">i4"), ("value", ">i4")]),
    INT8: np.dtype([("length", ">i4"), ("value", ">i8")]),
}


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement of one answer, and the types of its values, `$1` being the first.

    It is prepared once in each connection that commits by itself. In a transaction of the caller's
    it is not: where one is rolled back, psycopg lets go of all that is prepared.
    """

    name: bytes
    query: bytes
    types: tuple[int, ...]
    _prepared: "WeakSet[psycopg.Connection[Any]]" = field(default_factory=WeakSet)

    def ask(self, connection: psycopg.Connection[Any], values: Sequence[bytes | None]) -> PGresult:
        """Return the answer, whose fields are in the binary format, too.

        Args:
            connection: in which psycopg begins a transaction where there is none, unless it commits
                by itself.
            values: as the functions of this module write them.

        Raises:
            psycopg.Error: as psycopg raises it.
        """
        asking, formats = connection.pgconn, (_BINARY,) * len(values)
        is_idle = asking.transaction_status == TransactionStatus.IDLE
        if is_idle and connection.autocommit:
            try:
                return self._ask_prepared(connection, values, formats)
            except errors.InvalidSqlStatementName:  # it was let go of, and so did nothing
                self._prepared.discard(connection)
                return self._ask_prepared(connection, values, formats)
        if is_idle:
            connection.execute(b"SELECT")
        asking.send_query_params(self.query, values, self.types, formats, _BINARY)
        return self._answer(connection)

    def _ask_prepared(
        self,
        connection: psycopg.Connection[Any],
        values: Sequence[bytes | None],
        formats: Sequence[int],
    ) -> PGresult:
        asking = connection.pgconn
        if connection not in self._prepared:
            asking.send_prepare(self.name, self.query, self.types)
            self._answer(connection)
            self._prepared.add(connection)
        asking.send_query_prepared(self.name, values, formats, _BINARY)
        return self._answer(connection)

    def _answer(self, connection: psycopg.Connection[Any]) -> PGresult:
        result: PGresult = connection.wait(generators.execute(connection.pgconn))[-1]
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise errors.error_from_result(result, connection.info.encoding)
        return result


def rows(result: PGresult) -> Iterator[list[Any]]:
    """Yield the fields of each row of an answer, as bytes; None of a NULL."""
    columns = range(result.nfields)
    for row in range(result.ntuples):
        yield [result.get_value(row, column) for column in columns]


def write_number(value: int) -> bytes:
    """Return an `int8`."""
    return _NUMBER.pack(value)


def write_day(value: dt.date) -> bytes:
    """Return a `date`."""
    return _LENGTH.pack(value.toordinal() - _EPOCH_DAY)


def write_moment(value: dt.datetime) -> bytes:
    """Return a `timestamptz`."""
    return _NUMBER.pack((value - _EPOCH) // _MICROSECOND)


def write_list(kind: int, elements: Sequence[bytes]) -> bytes:
    """Return elements that are written already as a list of them."""
    if not elements:
        return _EMPTY.pack(0, 0, kind)
    parts = [_HEADER.pack(1, 0, kind, len(elements), 1)]
    for element in elements:
        parts += (_LENGTH.pack(len(element)), element)
    return b"".join(parts)


def write_texts(texts: Iterable[str]) -> bytes:
    """Return a `text[]`, for a connection that speaks UTF-8."""
    return write_list(TEXT, [text.encode() for text in texts])


def write_vector(kind: int, vector: np.ndarray) -> bytes:
    """Return integers, shape (N,), as `int4[]` or `int8[]`: laid out at once, without a loop.

    Raises:
        ValueError: they are not 1-D, or not of 64 bits.
    """
    if vector.dtype != np.int64 or vector.ndim != 1:
        raise ValueError(f"a vector is 1-D int64, not {vector.ndim}-D {vector.dtype}")
    elements = np.empty(vector.size, _ELEMENTS[kind])
    elements["length"] = _ELEMENTS[kind]["value"].itemsize
    elements["value"] = vector
    return _HEADER.pack(1, 0, kind, vector.size, 1) + elements.tobytes()


def read_number(value: bytes) -> int:
    """Return an integer of any length."""
    return int.from_bytes(value, "big", signed=True)


def read_day(value: bytes) -> dt.date:
    """Return a `date`.

    Raises:
        ValueError, OverflowError: it is infinite, or of no year from 1 to 9999.
    """
    return dt.date.fromordinal(read_number(value) + _EPOCH_DAY)


def read_moment(value: bytes) -> dt.datetime:
    """Return a `timestamptz`.

    Raises:
        OverflowError: it is infinite, or of no year from 1 to 9999.
    """
    return _EPOCH + dt.timedelta(microseconds=read_number(value))


def read_list(value: bytes) -> list[bytes]:
    """Return the elements of a list, as they are written.

    Raises:
        ValueError: one is NULL, or it has more dimensions than one.
    """
    place, elements = _HEADER.size, []
    for _ in range(_count(value)):
        (length,) = _LENGTH.unpack_from(value, place)
        place += _LENGTH.size + length
        elements.append(value[place - length : place])
    return elements


def read_numbers(value: bytes) -> tuple[int, ...]:
    """Return an `int8[]`.

    Raises:
        ValueError: one is NULL, or it has more dimensions than one.
    """
    count = _count(value)
    return struct.unpack_from("!" + "iq" * count, value, _HEADER.size)[1::2] if count else ()


def _count(value: bytes) -> int:
    """Return how many elements a list has."""
    dimensions, nulls, _ = _EMPTY.unpack_from(value)
    if dimensions == 0:
        return 0
    if dimensions != 1 or nulls:
        raise ValueError("a list has one dimension, and no NULL in it")
    return int(_LENGTH.unpack_from(value, _EMPTY.size)[0])
