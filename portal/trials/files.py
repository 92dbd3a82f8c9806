"""A trial as rows of files: exact integers in micro, + is received.

One row a participant and a group: its dimension, its name, and what it receives on each side, with
how far each draft differs from the law. What is withheld has no amount.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from common.one_writing import canonical
from settlement.trials.report import compared, difference_key, sides_of
from settlement.trials.rows import report_rows
from settlement.trials.seen import OwnRows

Report = Mapping[str, Any]
MOST_OF_64_BITS = 2**63 - 1


class FileRow(NamedTuple):
    """One row of a file: what it is about, and the amounts of `columns_of`; None are withheld."""

    dimension: str
    name: str
    amounts: tuple[int | None, ...]


def columns_of(report: Report) -> tuple[str, ...]:
    """Return the names of the amounts of each row."""
    law, *drafts = sides_of(report)
    columns = [f"{law}_micro"]
    for draft in drafts:
        columns += [f"{draft}_micro", difference_key(draft)]
    return tuple(columns)


def whole_rows(report: Report) -> Iterator[FileRow]:
    """Yield every participant and every group of a whole report."""
    columns = columns_of(report)
    for row in report_rows(report):
        yield _row(row.dimension, row.name, row.figures, columns)


def seen_rows(report: Report, own: Sequence[OwnRows]) -> Iterator[FileRow]:
    """Yield what may be known: the reader's own participants, by kind of line, and the groups."""
    columns, sides = columns_of(report), sides_of(report)
    for rows in own:
        yield _row("participant", rows.participant, rows.total, columns)
        for kind, micro in own_kinds(rows, sides).items():
            yield _row(f"kind of {rows.participant}", kind, compared(micro), columns)
    for dimension in sorted(report["groups"]):
        for row in report["groups"][dimension]:
            yield _row(dimension, row["name"], row, columns)


def own_kinds(own: OwnRows, sides: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return what a participant receives by kind of line and side, in order of kind."""
    kinds: dict[str, dict[str, int]] = {}
    for cell in own.cells:
        sums = kinds.setdefault(cell["groups"]["kind"], dict.fromkeys(sides, 0))
        for side in sides:
            sums[side] += cell[f"{side}_micro"]
    return {kind: kinds[kind] for kind in sorted(kinds)}


def _row(dimension: str, name: str, row: Mapping[str, Any], columns: Sequence[str]) -> FileRow:
    return FileRow(dimension, name, tuple(row.get(column) for column in columns))


def as_csv(columns: Sequence[str], rows: Iterator[FileRow]) -> bytes:
    """Return rows as CSV in UTF-8."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["dimension", "name", *columns])
    writer.writerows([row.dimension, row.name, *row.amounts] for row in rows)
    return written.getvalue().encode()


def as_parquet(columns: Sequence[str], rows: Iterator[FileRow]) -> bytes:
    """Return rows as Parquet; amounts as whole numbers of 64 bits, or decimals where one is larger.

    The same rows give the same bytes.
    """
    found = list(rows)
    amounts = [amount for row in found for amount in row.amounts if amount is not None]
    is_large = any(abs(amount) > MOST_OF_64_BITS for amount in amounts)
    kind = pa.decimal128(38) if is_large else pa.int64()
    arrays = [
        pa.array([row.dimension for row in found], pa.string()),
        pa.array([row.name for row in found], pa.string()),
        *(pa.array([row.amounts[place] for row in found], kind) for place in range(len(columns))),
    ]
    sink = io.BytesIO()
    table = pa.table(arrays, names=["dimension", "name", *columns])
    pa.parquet.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()


def as_json(content: dict[str, Any]) -> bytes:
    """Return figures as JSON, in one order however they were stored."""
    return f"{json.dumps(json.loads(canonical(content)), indent=2, ensure_ascii=False)}\n".encode()
