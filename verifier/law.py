"""The law: documents and the versions by which they were published."""

from dataclasses import dataclass, field

from verifier.archive import Files, parse_json
from verifier.canonical_json import canonical_json
from verifier.encoding import parse_layout
from verifier.merkle_tree import sha256
from verifier.report import Report
from verifier.rows import read_json_lines
from verifier.values import Row, to_text

VERSIONS = "law/versions.jsonl"
DOCUMENT_PREFIX = b"tallystick/rulebook/document/1\n"
VERSION_PREFIX = b"tallystick/rulebook/version/1\n"
VERSION = parse_layout(
    "id:U market:T instrument:T kind:T digest:B valid_from:M valid_to:M? recorded_from:M status:T "
    "author:T approver:T reason:T supersedes:LU origin:U?"
)


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
    columns = {**VERSION, **parse_layout("row_digest:B")}
    for line, row in read_json_lines(files, VERSIONS, columns, report):
        with report.reading(VERSIONS, line):
            place = f"{line}, version {row['id']}"
            sealed = canonical_json({name: row[name] for name in VERSION}).encode()
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
    known = {VERSIONS}
    for key in law.versions:
        path = document_path(*key)
        known |= {path, path.removesuffix("json") + "yaml"}
    for name in sorted(known - set(files.names())):
        report.add(name, "", "the file", None)
    for name in files.names():
        if name.startswith("law/") and name not in known:
            report.add(name, "", "a document that a version names", "one that none names")
    return law
