"""The law: documents and the versions by which they were published."""

from dataclasses import dataclass, field

from verifier.archive import Files, parse_json, read_json_lines
from verifier.canonical_json import canonical_json
from verifier.merkle_tree import sha256
from verifier.report import Report
from verifier.values import Row, to_text

VERSIONS = "law/versions.jsonl"
DOCUMENT_PREFIX = b"tallystick/rulebook/document/1\n"
VERSION_PREFIX = b"tallystick/rulebook/version/1\n"
VERSION_COLUMNS = (
    "id", "market", "instrument", "kind", "digest", "valid_from", "valid_to", "recorded_from",
    "status", "author", "approver", "reason", "supersedes", "origin",
)  # fmt: skip


@dataclass
class Law:
    """The rules that the evidence holds, by instrument and digest in hexadecimal."""

    bodies: dict[tuple[str, str], Row] = field(default_factory=dict)
    versions: dict[tuple[str, str], list[Row]] = field(default_factory=dict)


def document_path(instrument: str, digest: str) -> str:
    """Return where a document stands in the file."""
    return f"law/{instrument}/{digest}.json"


def check_law(files: Files, report: Report) -> Law:
    """Hash every document and every version row again."""
    law = Law()
    for line, row in read_json_lines(files, VERSIONS, report):
        with report.reading(VERSIONS, line):
            place = f"{line}, version {row['id']}"
            sealed = canonical_json({name: row[name] for name in VERSION_COLUMNS}).encode()
            found = sha256(VERSION_PREFIX + sealed).hex()
            report.equal(VERSIONS, place, "the row to have row_digest", row["row_digest"], found)
            key = (to_text(row["instrument"]), to_text(row["digest"]))
            law.versions.setdefault(key, []).append(row)
            report.count("versions of rules")
    for instrument, digest in law.versions:
        path = document_path(instrument, digest)
        with report.reading(path):
            content = files.read(path)
            body = parse_json(content)
            report.equal(path, "", "the digest", digest, sha256(DOCUMENT_PREFIX + content).hex())
            if canonical_json(body).encode() != content:
                report.add(path, "", "JSON as RFC 8785 writes it", "another writing")
            for row in law.versions[instrument, digest]:
                report.equal(path, "kind", "the kind", row["kind"], body["kind"])
                report.equal(path, "market", "the market", row["market"], body["market"])
            law.bodies[instrument, digest] = body
            report.count("documents")
    known = {document_path(*key) for key in law.versions} | {VERSIONS}
    for name in files.names():
        if name.startswith("law/") and name not in known and not name.endswith(".yaml"):
            report.add(name, "", "a document that a version names", "one that none names")
    return law
