"""The manifest: every file with its size and SHA-256."""

from collections import Counter

from verifier.archive import MANIFEST, Files, parse_json
from verifier.encoding import parse_layout
from verifier.merkle_tree import sha256
from verifier.report import Report
from verifier.values import Row
from verifier.writing import check_columns, check_object, check_values

FORMAT = "tallystick.evidence.1"
OPENING = parse_layout("format:T run:U")
FILES_COLUMN = "files"
ENTRY = parse_layout("path:T bytes:I sha256:B")


def check_manifest(files: Files, report: Report) -> tuple[str | None, list[str]]:
    """Hold every file to its size and SHA-256; nothing may be missing, added or there twice.

    Returns:
        The run that the manifest names, and the paths that it lists.
    """
    names = Counter(files.names())
    for name in sorted(name for name, count in names.items() if count > 1):
        report.add(name, "", "one file of this name", "several")
    run: str | None = None
    listed: dict[str, Row] = {}
    with report.reading(MANIFEST):
        run, listed = read_manifest(files, report)
    for name in sorted(listed.keys() - names.keys()):
        report.add(name, "", f"the file, with SHA-256 {listed[name]['sha256']}", "no file")
    for name in sorted(names.keys() - listed.keys() - {MANIFEST}):
        report.add(name, "", "only files that manifest.json lists", "a file that was added")
    for name in sorted(listed.keys() & names.keys()):
        with report.reading(name):
            content = files.read(name)
            report.equal(name, "", "size in bytes", listed[name]["bytes"], len(content))
            report.equal(name, "", "SHA-256", listed[name]["sha256"], sha256(content).hex())
    report.count("files as the manifest lists them", len(listed))
    return run, list(listed)


def read_manifest(files: Files, report: Report) -> tuple[str | None, dict[str, Row]]:
    """Return the run of the manifest, and the files that it lists, by path."""
    stated = parse_json(files.read(MANIFEST))
    columns = {**OPENING, FILES_COLUMN: ""}
    if type(stated) is not dict or not check_columns(
        list(stated), columns, MANIFEST, "manifest", report
    ):
        raise ValueError("a manifest without its columns")
    report.equal(MANIFEST, "format", "the format", FORMAT, stated["format"])
    opening = check_values(stated, OPENING, MANIFEST, "manifest", report, cells=False)
    listed: dict[str, Row] = {}
    for number, entry in enumerate(stated[FILES_COLUMN], start=1):
        place = f"file {number}"
        row = check_object(entry, ENTRY, MANIFEST, place, report)
        if row is None:
            continue
        if row["path"] in listed:
            report.add(MANIFEST, f"{place}, {row['path']}", "each path once", "it again")
        listed[row["path"]] = row
    return opening["run"] if opening else None, listed
