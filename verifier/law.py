"""The law: documents and the versions by which they were published."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

from verifier.archive import Files, parse_json
from verifier.canonical_json import canonical_json
from verifier.encoding import parse_layout
from verifier.merkle_tree import sha256
from verifier.readable import write_readable
from verifier.report import Report
from verifier.rows import check_text, read_json_lines
from verifier.values import Row, parse_moment, to_text

VERSIONS = "law/versions.jsonl"
DOCUMENT_PREFIX = b"tallystick/rulebook/document/1\n"
VERSION_PREFIX = b"tallystick/rulebook/version/2\n"
VERSION = parse_layout(
    "id:U market:T instrument:T kind:T digest:B valid_from:M valid_to:M? recorded_from:M status:T "
    "author:T approver:T approval:T reason:T supersedes:LU origin:U?"
)


DocumentKey = tuple[str, str]
"""A document: its instrument, and its digest in hexadecimal."""


@dataclass
class Law:
    """Every version that was published, and the documents that the evidence holds."""

    bodies: dict[DocumentKey, Row] = field(default_factory=dict)
    versions: dict[DocumentKey, list[Row]] = field(default_factory=dict)


def document_path(instrument: str, digest: str) -> str:
    """Return where a document stands in the file."""
    return f"law/{instrument}/{digest}.json"


def readable_path(instrument: str, digest: str) -> str:
    """Return where the same document stands for reading."""
    return f"law/{instrument}/{digest}.yaml"


def check_law(files: Files, report: Report) -> Law:
    """Hash every version row, and every document that is here, again."""
    law = Law()
    columns = {**VERSION, **parse_layout("row_digest:B")}
    for line, row in read_json_lines(files, VERSIONS, columns, ("id",), report):
        with report.reading(VERSIONS, line):
            place = f"{line}, version {row['id']}"
            sealed = canonical_json({name: row[name] for name in VERSION}).encode()
            found = sha256(VERSION_PREFIX + sealed).hex()
            report.equal(VERSIONS, place, "the row to have row_digest", row["row_digest"], found)
            key = (to_text(row["instrument"]), to_text(row["digest"]))
            law.versions.setdefault(key, []).append(row)
            report.count("versions of rules")
    for name in files.names():
        if name.startswith("law/") and name.endswith(".json"):
            instrument, _, digest = name.removesuffix(".json").removeprefix("law/").rpartition("/")
            with report.reading(name):
                check_body(files, (instrument, digest), law, report)
    return law


def check_body(files: Files, key: DocumentKey, law: Law, report: Report) -> None:
    """Hash a document again, hold it to its versions, and its readable form to it."""
    path, readable = document_path(*key), readable_path(*key)
    content = files.read(path)
    body = parse_json(content)
    report.equal(path, "", "the digest", key[1], sha256(DOCUMENT_PREFIX + content).hex())
    if canonical_json(body).encode() != content:
        report.add(path, "", "JSON as RFC 8785 writes it", "another writing")
    for row in law.versions.get(key, []):
        report.equal(path, "kind", "the kind", row["kind"], body["kind"])
        report.equal(path, "market", "the market", row["market"], body["market"])
    law.bodies[key] = body
    report.count("documents")
    with report.reading(readable):
        check_text(readable, write_readable(body), files.read(readable).decode(), report)
        report.count("readable forms written again from the documents")


def check_needed(files: Files, needed: Collection[DocumentKey], law: Law, report: Report) -> None:
    """Hold the documents to those that the run obeyed or that lines name: all, and no other.

    Args:
        needed: their instruments and digests.
    """
    paths = {path for key in needed for path in (document_path(*key), readable_path(*key))}
    there = {name for name in files.names() if name.startswith("law/")} - {VERSIONS}
    for key in sorted(set(needed) - law.versions.keys()):
        report.add(VERSIONS, "/".join(key), "a version of the document", None)
    for name in sorted(paths - there):
        report.add(name, "", "the file", None)
    for name in sorted(there - paths):
        report.add(name, "", "a document that the run or a line names", "one that none names")


def list_in_force(
    law: Law, market: str, instant: dt.datetime, known: dt.datetime
) -> set[DocumentKey]:
    """Return the documents of a market that applied at an instant, as was known at another.

    A version is known until another names it as replaced.
    """
    recorded = [
        row
        for rows in law.versions.values()
        for row in rows
        if row["market"] == market and parse_moment(row["recorded_from"]) <= known
    ]
    replaced = {identity for row in recorded for identity in row["supersedes"]}
    return {
        (row["instrument"], row["digest"])
        for row in recorded
        if row["id"] not in replaced
        and parse_moment(row["valid_from"]) <= instant
        and (row["valid_to"] is None or instant < parse_moment(row["valid_to"]))
    }
