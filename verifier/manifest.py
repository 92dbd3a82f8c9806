"""The manifest: every file with its size and SHA-256."""

from verifier.archive import MANIFEST, Files, parse_json
from verifier.merkle_tree import sha256
from verifier.report import Report
from verifier.values import Row

FORMAT = "tallystick.evidence.1"


def check_manifest(files: Files, report: Report) -> None:
    """Hold every file to its size and SHA-256; nothing may be missing, added or there twice."""
    names = files.names()
    for name in sorted({name for name in names if names.count(name) > 1}):
        report.add(name, "", "one file of this name", "several")
    listed: dict[str, Row] = {}
    with report.reading(MANIFEST):
        manifest = parse_json(files.read(MANIFEST))
        report.equal(MANIFEST, "format", "the format", FORMAT, manifest["format"])
        listed = {entry["path"]: entry for entry in manifest["files"]}
    for name in sorted(listed.keys() - set(names)):
        report.add(name, "", f"the file, with SHA-256 {listed[name].get('sha256')}", "no file")
    for name in sorted(set(names) - listed.keys() - {MANIFEST}):
        report.add(name, "", "only files that manifest.json lists", "a file that was added")
    for name in sorted(listed.keys() & set(names)):
        with report.reading(name):
            content = files.read(name)
            report.equal(name, "", "size in bytes", listed[name]["bytes"], len(content))
            report.equal(name, "", "SHA-256", listed[name]["sha256"], sha256(content).hex())
    report.count("files as the manifest lists them", len(listed))
