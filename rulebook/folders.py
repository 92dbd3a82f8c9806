"""Documents in files and folders: one file a document, YAML."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from common.refusals import Finding
from rulebook.documents import Document
from rulebook.reading import read_document

LARGEST_FILE_BYTES = 32 * 1024 * 1024
_SUFFIXES = {".yaml", ".yml"}


def read_files(paths: Iterable[Path]) -> tuple[list[tuple[str, Document]], list[Finding]]:
    """Read every file, and every YAML file inside every folder, with the findings of all.

    Returns:
        (place, document) pairs, the place being the file's path, and the findings.
    """
    documents: list[tuple[str, Document]] = []
    findings: list[Finding] = []
    for path in paths:
        files, empty = _files_at(path)
        findings.extend(empty)
        for file in files:
            document, wrong = _read_file(file)
            findings.extend(wrong)
            if document is not None:
                documents.append((str(file), document))
    return documents, findings


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
            str(file),
            "a file that the export does not write",
            "a folder holds the documents of one market at one time, and no others",
            "remove the file, or export to another folder",
        )
        for file in _yaml_files(folder)
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


def _yaml_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.rglob("*") if f.suffix in _SUFFIXES and f.is_file())


def _files_at(path: Path) -> tuple[list[Path], list[Finding]]:
    if not path.is_dir():
        return [path], []
    files = _yaml_files(path)
    if files:
        return files, []
    finding = Finding(
        "empty-folder",
        str(path),
        "no YAML file",
        "a folder holds at least one document",
        "name the folder of a market's documents",
    )
    return [], [finding]


def _read_file(path: Path) -> tuple[Document | None, tuple[Finding, ...]]:
    text, findings = read_text(path)
    return (None, findings) if text is None else read_document(text, str(path))


def read_text(path: Path) -> tuple[str | None, tuple[Finding, ...]]:
    """Return the text of a file that holds a document, or why it cannot be read."""
    try:
        content = path.read_bytes()
        if len(content) > LARGEST_FILE_BYTES:
            problem, remedy = f"{len(content):_} bytes", "split the document"
        else:
            return content.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        problem, remedy = f"byte {error.start} is not UTF-8", "save the file as UTF-8"
    except OSError as error:
        problem, remedy = error.strerror or "it cannot be read", "name a file that can be read"
    finding = Finding(
        "file-not-readable",
        str(path),
        problem,
        f"a document is a file of UTF-8 text of at most {LARGEST_FILE_BYTES:_} bytes",
        remedy,
    )
    return None, (finding,)
