"""The manifest: every file with its kind, size and SHA-256; nothing else may be there."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from verifier.archive import MANIFEST, Files, parse_json
from verifier.encoding import parse_layout
from verifier.kinds import KINDS, PARTICIPANT_KINDS, Kind, kind_of
from verifier.merkle_tree import sha256
from verifier.report import Report
from verifier.rows import check_text
from verifier.values import Row
from verifier.writing import check_columns, check_object, check_values

RUN_FORMAT = "tallystick.evidence.2"
PARTICIPANT_FORMAT = "tallystick.participant-evidence.2"
FORMATS = {
    RUN_FORMAT: (parse_layout("format:T run:U"), KINDS),
    PARTICIPANT_FORMAT: (parse_layout("format:T market:T participant:T"), PARTICIPANT_KINDS),
}
"""What a manifest states of what it is about, and the kinds of its files, by its format."""

FILES_COLUMN = "files"
ENTRY = parse_layout("path:T kind:T bytes:I sha256:B")


def check_manifest(files: Files, report: Report) -> tuple[Row, list[str]]:
    """Hold every file to its size and SHA-256; nothing may be missing, added or there twice.

    Returns:
        What the manifest says that the evidence is of, nothing where it cannot be read, and the
        paths that it lists.
    """
    names = Counter(files.names())
    for name in sorted(name for name, count in names.items() if count > 1):
        report.add(name, "", "one file of this name", "several")
    stated: Row = {}
    listed: dict[str, Row] = {}
    with report.reading(MANIFEST):
        stated, listed = read_manifest(files, report)
    for name in sorted(listed.keys() - names.keys()):
        report.add(name, "", f"the file, with SHA-256 {listed[name]['sha256']}", "no file")
    for name in sorted(names.keys() - listed.keys() - {MANIFEST}):
        report.add(name, "", "only files that manifest.json lists", "a file that was added")
    for name in sorted(listed.keys() & names.keys()):
        with report.reading(name):
            content = files.read(name)
            report.equal(name, "", "size in bytes", listed[name]["bytes"], len(content))
            report.equal(name, "", "SHA-256", listed[name]["sha256"], sha256(content).hex())
    _, kinds = FORMATS[stated.get("format", RUN_FORMAT)]
    check_kinds(names.keys() | listed.keys(), listed, kinds, report)
    report.count("files as the manifest lists them", len(listed))
    return stated, list(listed)


def check_kinds(
    names: Iterable[str], listed: Mapping[str, Row], kinds: Mapping[str, Kind], report: Report
) -> None:
    """Hold each file to a kind of the format: where it lies says what it is, and must be said."""
    missing = {kind.place for kind in kinds.values() if kind.is_one and kind.is_required}
    for name in sorted(missing.difference(names)):
        report.add(name, "", "the file", None)
    for name in sorted(names):
        kind = kind_of(name, kinds)
        if kind is None:
            report.add(name, "", "only files that the evidence format knows",
                       "one that it does not know")  # fmt: skip
        elif name in listed:
            report.equal(MANIFEST, name, "kind", kind, listed[name]["kind"])


def write_manifest(stated: Row) -> str:
    """Return the manifest as the product writes it."""
    return json.dumps(stated, indent=1) + "\n"


def read_manifest(files: Files, report: Report) -> tuple[Row, dict[str, Row]]:
    """Return what the manifest says that the evidence is of, and the files by path."""
    text = files.read(MANIFEST).decode()
    stated = parse_json(text)
    if type(stated) is not dict or stated.get("format") not in FORMATS:
        raise ValueError(f"a manifest of none of the formats {', '.join(FORMATS)}")
    layout, _ = FORMATS[stated["format"]]
    if not check_columns(list(stated), {**layout, FILES_COLUMN: ""}, MANIFEST, "manifest", report):
        raise ValueError("a manifest without its columns")
    check_text(MANIFEST, write_manifest(stated), text, report)
    opening = check_values(stated, layout, MANIFEST, "manifest", report, cells=False)
    listed: dict[str, Row] = {}
    for number, entry in enumerate(stated[FILES_COLUMN], start=1):
        place = f"file {number}"
        row = check_object(entry, ENTRY, MANIFEST, place, report)
        if row is None:
            continue
        if row["path"] <= max(listed, default=""):
            report.add(MANIFEST, f"{place}, {row['path']}", "each path once, in order", "another")
        listed[row["path"]] = row
    return opening or {}, listed
