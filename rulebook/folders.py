"""Documents in files and folders: one file a document, YAML.

Whatever lies in a folder of law is read, or named as left out: law is never passed over in silence.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from common.outside_files import is_too_large, read_outside_file
from common.refusals import Finding
from rulebook.documents import Document
from rulebook.reading import read_document

LARGEST_FILE_BYTES = 32 * 1024 * 1024
MOST_ENTRIES = 10_000
"""Of a folder and all below it; without a bound, `publish /` would read a whole disk first."""

_SUFFIXES = {".yaml", ".yml"}
"""In small letters: machines that make no difference between letters write DORIC.YAML, too."""


class LeftOut(NamedTuple):
    """Something in a folder that is not read as law, and why."""

    place: str
    why: str


@dataclass
class Folder:
    """What lies in a folder and all below it, in the order of names."""

    law: list[Path] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    looked_at: int = 0

    def stop_at(self, entry: Path) -> None:
        """Say that no more is looked at, from an entry on; nothing that was found is judged."""
        self.law, self.left_out = [], []
        self.findings = [
            Finding(
                "folder-too-large",
                place_of(entry),
                f"entry {self.looked_at:,} of the folder",
                f"at most {MOST_ENTRIES:,} files and folders lie in a folder of law",
                "name the folder of a market's documents, not one above it",
            )
        ]


def read_files(paths: Iterable[Path]) -> tuple[list[tuple[str, Document]], list[Finding]]:
    """Read every file, and every YAML file inside every folder, with the findings of all.

    What else lies in a folder is named by `left_out_of`.

    Returns:
        (place, document) pairs, the place being the file's path, and the findings.
    """
    documents: list[tuple[str, Document]] = []
    findings: list[Finding] = []
    for path in paths:
        files, wrong_folders = _files_at(path)
        findings.extend(wrong_folders)
        for file in files:
            document, wrong = _read_file(file)
            findings.extend(wrong)
            if document is not None:
                documents.append((place_of(file), document))
    return documents, findings


def left_out_of(paths: Iterable[Path]) -> list[LeftOut]:
    """Return what lies in folders and is not read as law."""
    return [each for path in paths if _is_folder(path) for each in look_into(path).left_out]


def look_into(folder: Path) -> Folder:
    """Sort what lies in a folder, and in all below it, into what is law and what is not."""
    found = Folder()
    _look_into(folder, found)
    return found


def place_of(path: Path) -> str:
    """Return a path as findings name it; bytes of its name that are no text are written as such."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def file_name(document: Document) -> Path:
    """Return where in a market's folder the document is written.

    `gb12/registration/northwind` is written to `registration/northwind.yaml`.
    """
    return Path(document.instrument.removeprefix(f"{document.market}/") + ".yaml")


def unexpected_files(folder: Path, written: Iterable[Path]) -> list[Finding]:
    """Find YAML files in `folder` that an export would leave beside what it writes."""
    expected = {folder / name for name in written}
    return [
        Finding(
            "file-not-of-this-export",
            place_of(file),
            "a file that the export does not write",
            "a folder holds the documents of one market at one time, and no others",
            "remove the file, or export to another folder",
        )
        for file in (look_into(folder).law if _is_folder(folder) else [])
        if file not in expected
    ]


def write_files(folder: Path, texts: Mapping[Path, str]) -> list[Path]:
    """Write each text at its place in `folder`; a reader never sees a file half-written."""
    written = []
    for name, text in texts.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # No ending of YAML: a crash leaves nothing behind that `publish` would read.
        unfinished = target.with_suffix(".unfinished")
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(target)
        written.append(target)
    return written


def _look_into(folder: Path, found: Folder) -> None:
    try:
        sorted_out = [(entry, _why_left_out(entry)) for entry in sorted(folder.iterdir())]
    except OSError as error:
        found.findings.append(_not_readable(folder, _problem(error), "name a folder you may read"))
        return
    for entry, why in sorted_out:
        found.looked_at += 1
        if found.looked_at > MOST_ENTRIES:
            found.stop_at(entry)
            return
        if why is not None:
            found.left_out.append(LeftOut(place_of(entry), why))
        elif entry.is_dir():
            _look_into(entry, found)
            if found.looked_at > MOST_ENTRIES:
                return
        else:
            found.law.append(entry)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, a folder that is closed: reading it says so
        return False


def _why_left_out(entry: Path) -> str | None:
    """Return why something in a folder of law is not read; None where it is."""
    # Systems and editors hide copies and locks of their own: ._doric.yaml, .#doric.yaml, .git.
    if entry.name.startswith("."):
        return "it is hidden; a name without the dot in front would be read"
    if entry.is_symlink() and not entry.is_file():
        return "it is a link to no file; name the folder that it leads to by itself"
    if entry.is_dir():
        return None
    if not entry.is_file():
        return "it is neither a file nor a folder"
    if entry.suffix.lower() not in _SUFFIXES:
        return "its name does not end in .yaml or .yml"
    return None


def _files_at(path: Path) -> tuple[list[Path], list[Finding]]:
    if not _is_folder(path):
        return [path], []
    found = look_into(path)
    if found.law or found.findings:
        return found.law, found.findings
    names = "".join(f"; left out {each.place}, as {each.why}" for each in found.left_out)
    finding = Finding(
        "empty-folder",
        place_of(path),
        f"no YAML file{names}",
        "a folder holds at least one document",
        "name the folder of a market's documents",
    )
    return [], [finding]


def _read_file(path: Path) -> tuple[Document | None, tuple[Finding, ...]]:
    text, findings = read_text(path)
    return (None, findings) if text is None else read_document(text, place_of(path))


def read_text(path: Path) -> tuple[str | None, tuple[Finding, ...]]:
    """Return the text of a file that holds a document, or why it cannot be read."""
    try:
        return read_outside_file(path, LARGEST_FILE_BYTES).decode("utf-8"), ()
    except UnicodeDecodeError as error:
        problem, remedy = f"byte {error.start} is not UTF-8", "save the file as UTF-8"
    except OSError as error:
        problem = _problem(error)
        remedy = "split the document" if is_too_large(error) else "name a file that can be read"
    return None, (_not_readable(path, problem, remedy),)


def _problem(error: OSError) -> str:
    return error.strerror or "it cannot be read"


def _not_readable(path: Path, problem: str, remedy: str) -> Finding:
    return Finding(
        "file-not-readable",
        place_of(path),
        problem,
        f"a document is a file of UTF-8 text of at most {LARGEST_FILE_BYTES:_} bytes",
        remedy,
    )
