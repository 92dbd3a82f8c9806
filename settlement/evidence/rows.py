"""Rows of the database as the plain text of an evidence file: JSON lines and CSV.

absent      null in JSON, an empty cell in CSV
integer     digits
digest      64 hexadecimal digits
moment      2024-03-01T09:00:00.000000Z
day         2024-03-01
identity    as RFC 9562 writes a UUID
day vector  its integers, a space between them (CSV alone)
"""

import csv
import datetime as dt
import io
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rulebook.versions import instant_text


def plain(value: Any) -> Any:
    """Return a value as JSON holds it.

    >>> plain([b"\\x01", dt.date(2024, 3, 1), None])
    ['01', '2024-03-01', None]
    """
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.datetime):
        return instant_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its values as JSON holds them."""
    return {name: plain(value) for name, value in row.items()}


def json_line(row: Mapping[str, Any]) -> bytes:
    """Return a row as one line of JSON, its columns in their order."""
    return (json.dumps(plain_row(row), ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as JSON lines."""
    return b"".join(map(json_line, rows))


def csv_rows(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return some columns of rows under a line of their names; lines end with a line feed."""
    return _csv(columns, ([row[name] for name in columns] for row in rows))


def csv_table(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Return columns of one length as `csv_rows` does."""
    return _csv(list(columns), zip(*columns.values(), strict=True))


def _csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return " ".join(map(str, value.tolist()))
    return plain(value)
