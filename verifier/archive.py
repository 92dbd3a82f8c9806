"""The files of the evidence, in a folder or in a zip, and the rows in them."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from verifier.report import Report
from verifier.values import Row

MANIFEST = "manifest.json"


class Files(Protocol):
    """The files of the evidence, in a folder or in a zip."""

    def names(self) -> list[str]:
        """Return every name, with / between folders; one that stands twice is there twice."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""


class Folder:
    """Evidence that was unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found = [
            found.relative_to(path).as_posix()
            for found in sorted(path.rglob("*"))
            if not found.is_dir()
        ]

    def names(self) -> list[str]:
        """Return every name."""
        return self.found

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self.path.joinpath(name).read_bytes()


class Zip:
    """Evidence as it was exported."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        self.found = [entry.filename for entry in self.archive.infolist()]

    def names(self) -> list[str]:
        """Return every name."""
        return self.found

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self.archive.read(name)


def refuse_fraction(text: str) -> Any:
    """Refuse a number of JSON that is no integer."""
    raise ValueError(f"{text} is no integer")


def parse_json(content: bytes | str) -> Any:
    """Return the values of a JSON text."""
    # A float may round what it reads, and what it rounds can be digested as something else.
    return json.loads(content, parse_float=refuse_fraction, parse_constant=refuse_fraction)


def read_json_lines(files: Files, name: str, report: Report) -> Iterator[tuple[str, Row]]:
    """Yield each row of a file of JSON lines, with its place."""
    for number, line in enumerate(read_text(files, name, report).splitlines(), start=1):
        with report.reading(name, f"line {number}"):
            row = parse_json(line)
            if type(row) is not dict:
                raise ValueError("a line that is no object")
            yield f"line {number}", row


def read_csv_rows(files: Files, name: str, report: Report) -> Iterator[tuple[str, Row]]:
    """Yield each row of a CSV file, with its place; an empty cell is None."""
    with report.reading(name):
        rows = csv.DictReader(io.StringIO(read_text(files, name, report), newline=""), strict=True)
        for number, row in enumerate(rows, start=2):
            yield f"line {number}", {key: cell or None for key, cell in row.items()}


def read_text(files: Files, name: str, report: Report) -> str:
    """Return the text of a file; one that is not there is empty, and the manifest says so."""
    if name not in files.names():
        return ""
    with report.reading(name):
        return files.read(name).decode()
    return ""


def open_evidence(path: Path) -> Files | None:
    """Return the evidence in a folder or in a zip; None where there is none."""
    try:
        if path.joinpath(MANIFEST).is_file():
            return Folder(path)
        return Zip(path) if path.is_file() else None
    except (OSError, zipfile.BadZipFile):
        return None
