"""Cells of a file of readings into arrays: what they say, before any rule is asked."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.refusals import Finding, shown
from settlement.meters.files import Cells, read_cells, row_place
from settlement.meters.names import Names, encoded, names_of
from settlement.meters.register import MISSING

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

DEFAULT_QUALITY = "measured"
EXACT_BELOW = {16: 2**11, 32: 2**24, 64: 2**53}
"""The floats of so many bits that hold every whole number below it. The number itself is left out:
one more than it is written as it, so that it cannot be told what it was."""

MOST_OF_A_CAUSE = 50
"""As many findings of one cause are told one by one as a terminal shows; of more, one tells."""

MOST_TOLD = 100_000
"""Cells of a column that cannot be read; beyond them only their number is told."""

SHOWN_ROWS = 5
THOUSANDS = 3
"""Digits of a group where thousands are parted."""
INT64_LIMIT = 2**63
NO_INSTANT = np.iinfo(np.int64).min
LAST_US = 7_258_118_400_000_000
"""The year 2200; instants from 1970 until then are read."""

_INTEGER = re.compile(r"([+-]?)([0-9]+)(?:[.,](0+))?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class ReadingTable:
    """The readings of a file, R of them.

    Attributes:
        file: name of the file, for findings.
        row: int64[R], number of the row in the file.
        start_us: int64[R], microseconds since 1970 UTC; `NO_INSTANT` where the cell is unusable.
        entity, measure, quality: names as written.
        value: int64[R]; 0 where the cell is unusable, or the reading says that it is missing.
        is_usable: bool[R], whether the value is an integer, or blank because the reading is
            missing. A cell that could not be used has its finding already.
        is_whole: whether every row of the file is here: one with too many cells or too few is not.
    """

    file: str
    row: Integers
    start_us: Integers
    entity: Names
    measure: Names
    quality: Names
    value: Integers
    is_usable: Flags
    is_whole: bool = True

    def place(self, index: int) -> str:
        """Return where the i-th reading stands, as a finding names it."""
        return row_place(self.file, int(self.row[index]))


def read_readings(file: str, content: bytes) -> tuple[ReadingTable | None, list[Finding]]:
    """Return the readings in a file, and a finding for each cell or row that cannot be read.

    Without a table the file as a whole could not be used, and the last findings say why. A cause
    that many cells share is found once.
    """
    cells, findings = read_cells(file, content)
    if cells is None:
        return None, tell_once(findings)
    is_whole = not findings
    start_us = _instants(cells, findings)
    if "quality" in cells.columns:
        quality = names_of(cells.columns["quality"])
        blank_as_default = tuple(name or DEFAULT_QUALITY for name in quality.names)
        quality = Names(blank_as_default, quality.codes)
    else:
        quality = Names((DEFAULT_QUALITY,), np.zeros(len(cells.row), dtype=np.int64))
    is_missing = np.array([name == MISSING for name in quality.names], dtype=bool)[quality.codes]
    value, is_usable = _values(cells, is_missing, findings)
    table = ReadingTable(
        file=file,
        row=cells.row,
        start_us=start_us,
        entity=names_of(cells.columns["entity"]),
        measure=names_of(cells.columns["measure"]),
        quality=quality,
        value=value,
        is_usable=is_usable,
        is_whole=is_whole,
    )
    return table, tell_once(findings)


def tell_once(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings with one in the place of all those of a cause that has more than fifty.

    It is the first of them, and says how many there are and where the first of the others stand.
    """
    of_cause: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        of_cause[finding.code].append(finding)
    told = []
    for finding in findings:
        alike = of_cause[finding.code]
        if len(alike) <= MOST_OF_A_CAUSE:
            told.append(finding)
        elif finding is alike[0]:
            others = ", ".join(each.place.rpartition(" ")[2] for each in alike[1:SHOWN_ROWS])
            last = alike[-1].place.rpartition(" ")[2]
            told.append(
                replace(
                    finding,
                    value=f"{finding.value}, the first of {len(alike):,} of this kind, also in "
                    f"rows {others} and on to {last}",
                )
            )
    return told


def _instants(cells: Cells, findings: list[Finding]) -> Integers:
    column = cells.columns["interval_start"]
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        try:
            whole = column.cast(pa.timestamp("us", tz="UTC"))
        except pa.ArrowInvalid:  # parts of a microsecond: read them as text, to name the rows
            whole = None
        if whole is not None:
            numbers = pc.fill_null(whole.cast(pa.int64()), NO_INSTANT)
            start_us: Integers = numbers.to_numpy().astype(np.int64)
            absurd = (start_us < 0) | (start_us >= LAST_US)
            for index in _told(np.flatnonzero(absurd), "interval_start", cells, findings):
                value = str(int(start_us[index])) + " microseconds since 1970"
                null = start_us[index] == NO_INSTANT
                findings.append(_bad_instant(cells.place(index), "nothing" if null else value))
            return np.where(absurd, NO_INSTANT, start_us)
    names, codes = encoded(column)
    instants = np.array([_instant(name) for name in names], dtype=np.int64)
    start_us = instants[codes] if names else np.empty(0, np.int64)
    unread = np.flatnonzero(start_us == NO_INSTANT)
    for index in _told(unread, "interval_start", cells, findings):
        written = names[int(codes[index])]
        findings.append(_bad_instant(cells.place(index), shown(written) if written else "nothing"))
    return start_us


def _told(wrong: Integers, column: str, cells: Cells, findings: list[Finding]) -> list[int]:
    """Return the places of wrong cells that are told one by one, and find how many there are more.

    Each finding takes some hundred bytes, so that a file of nothing else would fill the memory.
    """
    if len(wrong) > MOST_TOLD:
        findings.append(
            Finding(
                "too-many-wrong",
                f"{cells.file} column {column}",
                f"{len(wrong):,} cells that cannot be read",
                f"the first {MOST_TOLD:,} are told",
                "put those right that are told, and send the file again",
            )
        )
    told: list[int] = wrong[:MOST_TOLD].tolist()
    return told


def _instant(written: str) -> int:
    """Return microseconds since 1970 UTC, or NO_INSTANT if the text is no instant with offset."""
    try:
        instant = dt.datetime.fromisoformat(written.strip())
    except ValueError:
        return int(NO_INSTANT)
    if instant.tzinfo is None:
        return int(NO_INSTANT)
    us = (instant - _EPOCH) // _MICROSECOND
    return us if 0 <= us < LAST_US else int(NO_INSTANT)


def _bad_instant(place: str, value: str) -> Finding:
    return Finding(
        "interval-start",
        place,
        value,
        "interval_start is an instant from 1970 to 2199 with its offset from UTC",
        "write it as 2024-01-01T00:00Z",
    )


def _values(cells: Cells, is_missing: Flags, findings: list[Finding]) -> tuple[Integers, Flags]:
    """Return value[R] and is_usable[R]; a reading that is missing has a blank for its value."""
    column = cells.columns["value"]
    if pa.types.is_dictionary(column.type) and not pa.types.is_string(column.type.value_type):
        column = column.cast(column.type.value_type)
    value, has_value, is_blank = _numbers(column)
    is_usable = np.where(is_missing, is_blank, has_value)
    for index in _told(np.flatnonzero(~is_usable), "value", cells, findings):
        # One by one: a text may be long, and stand in every row.
        cell, place = column[index].as_py(), cells.place(index)
        if is_missing[index]:
            findings.append(_value_of_missing(place, str(cell)))
        elif pa.types.is_floating(column.type) and cell is not None and _is_rounded(cell, column):
            findings.append(_inexact(place, cell, column.type))
        else:
            findings.append(_bad_value(place, str(cell)))
    return np.where(is_missing, 0, value), is_usable


def _is_rounded(written: float, column: pa.ChunkedArray) -> bool:
    return EXACT_BELOW[column.type.bit_width] <= abs(written) < np.inf


def _inexact(place: str, written: float, of_float: pa.DataType) -> Finding:
    bits = of_float.bit_width
    return Finding(
        "inexact-float",
        place,
        f"{written:,.0f}",
        f"below {EXACT_BELOW[bits]:,}, from where float{bits} rounds whole numbers",
        "write the column as int64, from the numbers as they were metered",
    )


def _numbers(column: pa.ChunkedArray) -> tuple[Integers, Flags, Flags]:
    """Return the integers of a column, where there are any, and where a cell is blank."""
    if pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type):
        has_value = column.is_valid().to_numpy().astype(bool)
        value = pc.fill_null(column.cast(pa.int64()), 0).to_numpy().astype(np.int64)
        return value, has_value, ~has_value
    if pa.types.is_floating(column.type):
        floats = column.cast(pa.float64()).to_numpy()
        with np.errstate(invalid="ignore"):
            is_exact = np.abs(floats) < EXACT_BELOW[column.type.bit_width]
            has_value = (floats == np.floor(floats)) & is_exact
        return np.where(has_value, floats, 0).astype(np.int64), has_value, np.isnan(floats)
    names, codes = encoded(column)
    read = _whole_decimal if pa.types.is_decimal(column.type) else _integer
    integers = [read(name) for name in names]
    known = np.array([number is not None for number in integers], dtype=bool)
    blank = np.array([not name.strip() for name in names], dtype=bool)
    value = np.array([number or 0 for number in integers], dtype=np.int64)
    return value[codes], known[codes], blank[codes]


def _value_of_missing(place: str, written: str) -> Finding:
    return Finding(
        "missing-with-value",
        place,
        shown(written),
        "a reading of quality missing has no value",
        "leave the cell blank, or give the quality that the value has",
    )


def _integer(written: str) -> int | None:
    """Return the whole number that a text means, None where it means none or more than one.

    pandas writes whole numbers with `.0` as soon as one of them is missing, and a German Excel with
    `,0`. Before exactly three zeros the mark may as well part thousands, so that `1.000` has two
    meanings, and none after four digits: nobody parts thousands there alone.
    """
    found = _INTEGER.fullmatch(written.strip())
    if found is None:
        return None
    sign, digits, zeros = found.groups()
    if zeros is not None and len(zeros) == THOUSANDS and len(digits) <= THOUSANDS:
        return None
    return _in_64_bits(sign + digits)


def _whole_decimal(written: str) -> int | None:
    """Return the whole number of a decimal, whose mark is a point; None where it has a part."""
    digits, _, part = written.partition(".")
    return None if part.strip("0") or not digits else _in_64_bits(digits)


def _in_64_bits(digits: str) -> int | None:
    if len(digits) > 20:
        return None
    number = int(digits)
    return number if -INT64_LIMIT <= number < INT64_LIMIT else None


def _bad_value(place: str, written: str) -> Finding:
    if written in ("", "None"):
        return Finding(
            "missing-value", place, "nothing", "every reading has a value", "fill in the reading"
        )
    if written.lower() == "nan":
        return Finding(
            "not-a-number", place, "NaN", "value is an integer", "send the reading, or an estimate"
        )
    return Finding(
        "not-an-integer",
        place,
        shown(written),
        "value is an integer of at most 64 bits",
        "write the whole number of Wh or W, without separators",
    )
