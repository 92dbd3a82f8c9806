"""The rows in the files of the evidence: JSON lines and CSV, each in the product's one writing."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from verifier.archive import Files, parse_json, read_text
from verifier.encoding import Layout
from verifier.report import Report
from verifier.values import Row
from verifier.writing import check_columns, check_object, check_values, shorten

QUOTED = re.compile(r'[,"\r\n]')
"""What a cell of CSV is quoted for."""


def check_text(name: str, written: str, text: str, report: Report) -> None:
    """Hold a file to what the product writes for its rows; name the first line that is another."""
    if text == written:
        return
    lines = zip_longest(text.split("\n"), written.split("\n"), fillvalue="")
    for number, (found, expected) in enumerate(lines, start=1):
        if found != expected:
            report.add(name, f"line {number}", f"written as the product does: {shorten(expected)}",
                       shorten(found))  # fmt: skip
            return
    report.add(name, "", "written as the product does, every line ended by a line feed", "another")


@dataclass
class Order:
    """Holds the rows of a file to stand in the order of some columns, each once."""

    name: str
    columns: Sequence[str]
    report: Report
    last: tuple[Any, ...] = ()

    def check(self, place: str, row: Row) -> None:
        """Hold a row to stand behind the one before it."""
        key = tuple(row[column] for column in self.columns)
        if self.last and key <= self.last:
            what = f"each row once, in the order of {' and '.join(self.columns)}"
            self.report.add(self.name, place, what, f"{shorten(key)} behind {shorten(self.last)}")
        self.last = key


def read_json_lines(
    files: Files, name: str, layout: Layout, by: Sequence[str], report: Report
) -> Iterator[tuple[str, Row]]:
    """Yield each row of a file of JSON lines, with its place and in the writing of its layout.

    Args:
        by: the columns in whose order the rows stand, and of which no two have the same values;
            none where something else holds them to their order.
    """
    order = Order(name, by, report)
    text = read_text(files, name, report)
    written: list[str] = []
    # Not splitlines: a text may hold what Unicode calls a line separator.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        place, row = f"line {number}", None
        written.append(line)
        with report.reading(name, place):
            value = parse_json(line)
            written[-1] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            row = check_object(value, layout, name, place, report)
        if row is not None:
            order.check(place, row)
            yield place, row
    check_text(name, "".join(f"{line}\n" for line in written), text, report)


def read_csv_rows(
    files: Files, name: str, layout: Layout, by: Sequence[str], report: Report
) -> Iterator[tuple[str, Row]]:
    """Yield each row of a CSV file as `read_json_lines` does; an empty cell is None."""
    if name not in files.names():
        return
    text = read_text(files, name, report)
    order = Order(name, by, report)
    with report.reading(name):
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(rows, [])
        written = [write_cells(header)]
        usable = check_columns(header, layout, name, "line 1", report)
        for number, cells in enumerate(rows, start=2):
            place = f"line {number}"
            written.append(write_cells(cells))
            if len(cells) != len(header):
                report.add(name, place, f"{len(header)} cells", f"{len(cells)} cells")
            if usable and len(cells) >= len(header):
                found = {column: cell or None for column, cell in zip(header, cells, strict=False)}
                row = check_values(found, layout, name, place, report, cells=True)
                if row is not None:
                    order.check(place, row)
                    yield place, row
        check_text(name, "".join(written), text, report)


def write_cells(cells: Sequence[str]) -> str:
    """Return a line of CSV as the product writes it."""
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if QUOTED.search(cell) else cell for cell in cells
    ) + "\n"  # fmt: skip
