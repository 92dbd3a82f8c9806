"""The files of the evidence, in a folder or in a zip."""

import json
from pathlib import Path
from typing import Any, Protocol

from verifier.report import UNREADABLE, Report
from verifier.writing import shorten
from verifier.zip_file import MOST_BYTES_OF_A_FILE, MOST_FILES, Zip

MANIFEST = "manifest.json"


class Files(Protocol):
    """The files of the evidence, in a folder or in a zip."""

    def names(self) -> list[str]:
        """Return every name, with / between folders."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""


class Folder:
    """Evidence that was unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[str] = []
        for found in path.rglob("*"):
            if not found.is_dir() or found.is_symlink():
                self.found.append(found.relative_to(path).as_posix())
            if len(self.found) > MOST_FILES:
                raise ValueError(f"a folder with more than {MOST_FILES:,} files")
        self.found.sort()

    def names(self) -> list[str]:
        """Return every name."""
        return self.found

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        path = self.path.joinpath(name)
        # A link may lead anywhere, and of a pipe or a device nobody knows the end.
        if path.is_symlink() or not path.is_file():
            raise ValueError("no file, but a link or a device")
        if path.stat().st_size > MOST_BYTES_OF_A_FILE:
            raise ValueError(f"more than {MOST_BYTES_OF_A_FILE:,} bytes")
        return path.read_bytes()


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
    """Return the evidence in a folder or in a zip; None where there is none.

    Raises:
        ValueError: there is a file, and it is no zip as evidence is written.
    """
    if path.joinpath(MANIFEST).is_file():
        return Folder(path)
    if not path.is_file():
        return None
    try:
        return Zip(path)
    except UNREADABLE as error:
        raise ValueError(reason_of_zip(error)) from None


def reason_of_zip(error: BaseException) -> str:
    """Return in words why a zip could not be read."""
    return str(error) if isinstance(error, ValueError) else "it is cut off, or no zip"
