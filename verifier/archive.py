"""The files of the evidence, in a folder or in a zip."""

import json
import zipfile
from pathlib import Path
from typing import Any, Protocol

from verifier.report import UNREADABLE, Report
from verifier.writing import shorten

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


def refuse_repetition(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object, of which none has the key of another."""
    found: dict[str, Any] = {}
    for key, value in members:
        if key in found:
            raise ValueError(f"the key {shorten(key)} twice in one object")
        found[key] = value
    return found


def parse_json(content: bytes | str) -> Any:
    """Return the values of a JSON text."""
    # A float may round what it reads, and of two members of one key a reader shows another.
    return json.loads(
        content,
        object_pairs_hook=refuse_repetition,
        parse_float=refuse_fraction,
        parse_constant=refuse_fraction,
    )


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
    except UNREADABLE:
        return None
