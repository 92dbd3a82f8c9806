"""Files of readings, CSV or Parquet, into columns of cells.

Both formats have a row a reading, in any order, with the columns

    interval_start   instant at which the interval begins, with its offset: 2024-01-01T00:00Z
    entity           unit, supply point or sub-meter
    measure          metered_generation_wh, available_w or reserve_w of a unit; metered_demand_wh
                     or desired_wh of a supply point; sub_metered_wh of a sub-meter
    value            integer, in the unit that ends the measure's name
    quality          measured, estimated, or missing with a blank for its value, where the rules
                     accept it; the column may be absent and a cell blank: measured

Other columns are ignored. Rows are counted from 1; the header of a CSV is not counted and a blank
line is, so that row n stands on line n + 1. What else is read as CSV, and from which compressed
files, says `settlement.meters.unpacking`.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from common.refusals import Finding, shown
from settlement.meters.unpacking import (
    MOST_UNPACKED_BYTES,
    SEPARATORS,
    UnusableFileError,
    read_csv_text,
    unpack,
    unreadable,
)

REQUIRED_COLUMNS = ("interval_start", "entity", "measure", "value")
KNOWN_COLUMNS = (*REQUIRED_COLUMNS, "quality")
PARQUET_MAGIC = b"PAR1"
MOST_ROWS = 16_000_000
"""A month of ten thousand meters has fifteen million; each takes some hundred bytes until it is
checked, and a file of some kilobytes can state billions of equal ones."""
ROW_BYTES = 64
"""Of a row as it is read: a text, three codes of names, and a number."""
MOST_TIMES = 200
"""How many times larger a file may get as it is read; real readings get ten times as large."""
FREE_BYTES = 64_000_000
"""What any file may take, however small it is: a year of one meter that measured nothing."""
BATCH_ROWS = 100_000
LONGEST_ROW_BYTES = 2**20
"""Of a row of CSV, which is read in blocks of so many."""
_STRADDLING = "straddl"

_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_null,  # a column of nothing but blanks
)


@dataclass(frozen=True, eq=False)
class Cells:
    """The known columns of a file by name, R cells each, and the row number int64[R] of each."""

    file: str
    row: NDArray[np.int64]
    columns: dict[str, pa.ChunkedArray]

    def place(self, index: int) -> str:
        """Return where the cells of the i-th reading stand, as a finding names it."""
        return row_place(self.file, int(self.row[index]))


def row_place(file: str, row: int) -> str:
    """Return a row of a file as findings name it."""
    return f"{file} row {row}"


def read_cells(file: str, content: bytes) -> tuple[Cells | None, list[Finding]]:
    """Return the cells of a file, and a finding for each row that has too many or too few.

    The format is told from the bytes: Parquet begins with PAR1, all else is CSV. When the file as
    a whole cannot be used there are no cells, and the last findings say why.
    """
    findings: list[Finding] = []
    try:
        content = unpack(file, content)
        if not content.strip():
            raise UnusableFileError(_empty(file))
        if content.startswith(PARQUET_MAGIC):
            cells = _parquet_cells(file, content)
        else:
            cells = _csv_cells(file, content, findings)
        if not len(cells.row) and not findings:
            raise UnusableFileError(_empty(file))
    except UnusableFileError as unusable:
        return None, [*findings, *unusable.findings]
    return cells, findings


def _parquet_cells(file: str, content: bytes) -> Cells:
    try:
        schema = pa.parquet.read_schema(io.BytesIO(content))
        names = _wanted(file, schema.names)
        source = pa.parquet.ParquetFile(
            io.BytesIO(content),
            page_checksum_verification=True,
            # A text that all rows share stays one text: written out it could fill the memory.
            read_dictionary=[each for each in names if _is_text(schema.field(each).type)],
        )
        _require_readable(file, source, len(content))
        table = _bounded_table(file, source, names, len(content))
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(
            file, shown(str(error)), "a complete Parquet file", "export the file again"
        ) from error
    wrong = [
        finding for name in names for finding in _column_type(file, name, table.column(name).type)
    ]
    if wrong:
        raise UnusableFileError(*wrong)
    return Cells(
        file, np.arange(1, table.num_rows + 1), {name: table.column(name) for name in names}
    )


def _require_readable(file: str, source: Any, file_bytes: int) -> None:
    """Refuse a file that would fill the memory by what it states, before any of it is read."""
    metadata = source.metadata
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    stated_bytes = sum(group.total_byte_size for group in groups)
    size_bytes = max(stated_bytes, metadata.num_rows * ROW_BYTES)
    _require_bounded(file, metadata.num_rows, size_bytes, file_bytes)


def _bounded_table(file: str, source: Any, names: list[str], file_bytes: int) -> pa.Table:
    """Read a file piece by piece, counting: what it states of itself proves nothing."""
    batches, rows, size_bytes = [], 0, 0
    for batch in source.iter_batches(batch_size=BATCH_ROWS, columns=names):
        batches.append(batch)
        rows += batch.num_rows
        size_bytes += batch.nbytes
        _require_bounded(file, rows, size_bytes, file_bytes)
    if not batches:
        return source.read(columns=names)
    return pa.Table.from_batches(batches)


def _require_bounded(file: str, rows: int, size_bytes: int, file_bytes: int) -> None:
    """Refuse what is too large, or unfolds as no file of readings does."""
    most_bytes = min(MOST_UNPACKED_BYTES, max(FREE_BYTES, MOST_TIMES * file_bytes))
    if rows > MOST_ROWS or size_bytes > most_bytes:
        raise unreadable(
            file,
            f"{rows:,} rows of {size_bytes:,} bytes when unpacked, from {file_bytes:,}",
            f"at most {MOST_ROWS:,} rows and {most_bytes:,} bytes when unpacked",
            "send it in parts, a month each",
        )


def _is_text(of_column: pa.DataType) -> bool:
    return bool(pa.types.is_string(of_column) or pa.types.is_large_string(of_column))


def _column_type(file: str, name: str, of_column: pa.DataType) -> Iterator[Finding]:
    """Yield a finding where the type of a column of Parquet can hold no such cells."""
    of_cell = of_column.value_type if pa.types.is_dictionary(of_column) else of_column
    if any(is_kind(of_cell) for is_kind in _TEXTS):
        return
    if name == "interval_start":
        if pa.types.is_timestamp(of_cell) and of_cell.tz is not None:
            return
        limit, remedy = "timestamps with a time zone, or text", "write timestamps in UTC"
    elif name == "value":
        if any(is_kind(of_cell) for is_kind in _NUMBERS):
            return
        limit, remedy = "one whole number a row", "write the column as int64"
    else:
        if pa.types.is_integer(of_cell):
            return
        limit, remedy = "one name a row", "write the column as text"
    yield Finding("column-type", f"{file} column {name}", shown(str(of_column)), limit, remedy)


def _csv_cells(file: str, content: bytes, findings: list[Finding]) -> Cells:
    text = read_csv_text(file, content, KNOWN_COLUMNS)
    # A row of CSV can be a line of commas, of which a gibibyte holds hundreds of millions.
    lines = text.content.count(b"\n")
    if lines > MOST_ROWS:
        raise unreadable(
            file, f"{lines:,} lines", f"at most {MOST_ROWS:,}", "send it in parts, a month each"
        )
    ragged: list[int] = []

    def skip(line: Any) -> str:
        ragged.append(line.number - 1)
        findings.append(
            Finding(
                "ragged-row",
                row_place(file, line.number - 1),
                f"{line.actual_columns} cells",
                f"{line.expected_columns} cells, as in the header",
                f"write every cell of the row, and quote a cell that holds a "
                f"{SEPARATORS[text.separator]}",
            )
        )
        return "skip"

    try:
        table = pa.csv.read_csv(
            io.BytesIO(text.content + b"\n"),  # a header alone is a table only if it ends
            # One thread: only then does the handler learn the number of the line.
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=LONGEST_ROW_BYTES),
            parse_options=pa.csv.ParseOptions(
                delimiter=text.separator, invalid_row_handler=skip, ignore_empty_lines=False
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(KNOWN_COLUMNS, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        raise _unreadable_csv(file, str(error)) from error
    names = _wanted(file, table.column_names)
    rows = np.arange(1, table.num_rows + len(ragged) + 1)
    rows = np.setdiff1d(rows, np.array(ragged, dtype=np.int64))
    blank = np.ones(table.num_rows, dtype=bool)
    for name in names:
        blank &= pc.equal(table.column(name), "").to_numpy(zero_copy_only=False)
    kept = pa.array(~blank)
    return Cells(file, rows[~blank], {name: table.column(name).filter(kept) for name in names})


def _unreadable_csv(file: str, words: str) -> UnusableFileError:
    if _STRADDLING not in words:
        return unreadable(file, shown(words), "CSV with a header", "export the file again")
    # The reader's own words are of its blocks, and of no row.
    return unreadable(
        file,
        "a longer row, or a quote that is not closed",
        f"a row of at most {LONGEST_ROW_BYTES:,} bytes",
        "close the quote, or part the rows",
    )


def _wanted(file: str, present: list[str]) -> list[str]:
    missing = [name for name in REQUIRED_COLUMNS if name not in present]
    twice = [name for name in KNOWN_COLUMNS if present.count(name) > 1]
    if missing or twice:
        wrong = [f"no column {name}" for name in missing]
        wrong += [f"column {name} more than once" for name in twice]
        raise UnusableFileError(
            Finding(
                "columns",
                f"{file} header",
                ", ".join(wrong),
                f"each of {', '.join(REQUIRED_COLUMNS)} once, and quality at most once",
                "name the columns so; names are case-sensitive",
            )
        )
    return [name for name in KNOWN_COLUMNS if name in present]


def _empty(file: str) -> Finding:
    return Finding(
        "empty-file", file, "no readings", "at least one reading", "send the file that holds them"
    )
