"""Rows of a file of events that a market is told: CSV with a header, or one JSON object a line."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.refusals import Finding, shown
from settlement.meters.files import row_place
from settlement.meters.unpacking import (
    SEPARATORS,
    UnusableFileError,
    read_csv_text,
    unpack,
    unreadable,
)

MOST_ROWS = 50_000
"""They are handed in together, all or none: the market takes nobody else's in between."""
FIELDS = (
    "at",
    "kind",
    "entity",
    "power_w",
    "rating_w",
    "reverse_rating_w",
    "interval_start",
    "measure",
    "value",
    "quality",
    "revision",
    "key",
)
"""What a row may say; which of it, its kind tells."""
JSON_ARRAY = (
    "one JSON array",
    "one JSON object a line, or CSV with a header",
    "write each object on a line of its own, without the brackets and the commas between them",
)
"""No column of CSV begins with its bracket."""
_MOST_DIGITS = 100


@dataclass(frozen=True)
class Row:
    """What one row says.

    Attributes:
        place: file and row, as a finding names it.
        fields: those that say something: texts, and from JSON numbers, lists and others, too.
    """

    place: str
    fields: Mapping[str, Any]


def read_rows(file: str, content: bytes) -> tuple[list[Row], list[Finding]]:
    """Return the rows of a file, and what is wrong with how it is written.

    What begins with a brace is JSON, all else CSV; either as it is, or in gzip or zip.
    """
    findings: list[Finding] = []
    try:
        content = unpack(file, content)
        first = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if first == b"[":
            raise unreadable(file, *JSON_ARRAY)
        is_json = first == b"{"
        read = _json_rows if is_json else _csv_rows
        rows = list(read(file, content, findings)) if content.strip() else []
        if not rows and not findings:
            raise unreadable(file, "nothing", "a row for each event", "write the events")
    except UnusableFileError as unusable:
        return [], [*findings, *unusable.findings]
    return rows, findings


def _json_rows(file: str, content: bytes, findings: list[Finding]) -> Iterator[Row]:
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise unreadable(file, shown(str(error)), "text in UTF-8", "save it as UTF-8") from error
    _require_few(file, len(lines))
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = row_place(file, number)
        try:
            said = json.loads(line, object_pairs_hook=_without_repeats, parse_int=_whole)
            if not isinstance(said, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError) as error:
            limit = "one JSON object a line, which gives each field once"
            value = shown(_amiss(error))
            findings.append(Finding("event-line", place, value, limit, _remedy(line)))
            continue
        findings += _unknown(place, said)
        yield Row(place, {name: value for name, value in said.items() if value is not None})


def _amiss(error: Exception) -> str:
    """Return what is wrong with a line; its row is told beside, and its place in it by column."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at column {error.colno}"
    return str(error) if isinstance(error, ValueError) else "nested too deep"


def _remedy(line: str) -> str:
    line = line.strip()
    if line.endswith("},"):
        return "leave out the comma after the object"
    if line.startswith("{") and line.endswith("}"):
        is_trailing = line[:-1].rstrip().endswith(",")
        return "leave out the comma before the last brace" if is_trailing else "write it again"
    return "write the whole object on this line, from its first brace to its last"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        raise ValueError("a field more than once")
    return said


def _whole(written: str) -> int:
    # Beyond 4,300 digits Python reads none, and says so in words about itself.
    if len(written) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(written):,} digits")
    return int(written)


def _csv_rows(file: str, content: bytes, findings: list[Finding]) -> Iterator[Row]:
    text = read_csv_text(file, content, FIELDS)
    _require_few(file, text.content.count(b"\n"))
    reader = csv.reader(
        io.StringIO(text.content.decode(), newline=""), delimiter=text.separator, strict=True
    )
    try:
        header, *lines = list(reader) or [[]]
    except csv.Error as error:
        limit, remedy = "CSV with a header", "export the file again"
        raise unreadable(file, shown(str(error)), limit, remedy) from error
    header = [name.strip() for name in header]
    _require_columns(file, header)
    for number, cells in enumerate(lines, start=1):
        if not any(map(str.strip, cells)):
            continue
        place = row_place(file, number)
        if len(cells) != len(header):
            findings.append(_ragged(place, cells, header, text.separator))
            continue
        said = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        yield Row(place, {name: cell for name, cell in said.items() if cell})


def _require_few(file: str, rows: int) -> None:
    if rows > MOST_ROWS:
        raise unreadable(file, f"{rows:,} rows", f"at most {MOST_ROWS:,}", "split it by hours")


def _require_columns(file: str, header: Sequence[str]) -> None:
    place = f"{file} header"
    wrong = [*_unknown(place, header)]
    wrong += [
        Finding("columns", place, f"{header.count(name)} columns {name}", limit, "correct the name")
        for name, limit in (("at", "one such column"), ("kind", "one such column"))
        if not header.count(name)
    ]
    wrong += [
        Finding("columns", place, f"column {shown(name)} more than once", "once", "leave one")
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if wrong:
        raise UnusableFileError(*wrong)


def _unknown(place: str, names: Sequence[str] | Mapping[str, Any]) -> Iterator[Finding]:
    limit = f"{', '.join(FIELDS[:-1])} or {FIELDS[-1]}"
    for name in names:
        if name not in FIELDS:
            yield Finding("event-field", place, shown(name), limit, "correct the name of the field")


def _ragged(place: str, cells: Sequence[str], header: Sequence[str], separator: str) -> Finding:
    return Finding(
        "ragged-row",
        place,
        f"{len(cells)} cells",
        f"{len(header)} cells, as in the header",
        f"write every cell of the row, and quote a cell that holds a {SEPARATORS[separator]}",
    )
