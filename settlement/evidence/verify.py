"""Check an evidence file of Tallystick: every digest, sum, chain, proof and signature in it.

    python verify.py                 in the folder into which the file was unpacked
    python verify.py FILE.zip        without unpacking it
    python verify.py --key KEY ...   hold the checkpoint to a key that you have from elsewhere
    python verify.py --recompute ... settle the period again too; needs Tallystick to be installed

Python 3.11 or later and its standard library are all it needs: no database, no network. It shares
no code with the programme that wrote the file; README.txt beside it describes every format. It
exits with 0 when everything holds, 1 when anything does not (each finding is printed), 2 when it
was asked in a way that it does not understand.
"""

import argparse
import base64
import csv
import datetime as dt
import hashlib
import importlib
import io
import json
import struct
import sys
import uuid
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Row = dict[str, Any]
Layout = Mapping[str, str]

FORMAT = "tallystick.evidence.1"
MANIFEST = "manifest.json"
RUN = "run.json"
VERSIONS = "law/versions.jsonl"
READING_FILES = "readings/files.csv"
ACCOUNTS = "ledger/accounts.csv"
JOURNALS = "ledger/journals.jsonl"
POSTINGS = "ledger/postings.csv"
JOURNAL_LINKS = "ledger/journal-links.jsonl"
INVOICES = "ledger/invoices.jsonl"
INVOICE_LINES = "ledger/invoice-lines.jsonl"
INVOICE_LINKS = "ledger/invoice-links.jsonl"
OVERLAY = "study/overlay.json"
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a changed file may raise; each becomes a finding."""


# Findings ----------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """Something that does not hold: where, what was expected, and what was found."""

    file: str
    row: str
    expected: str
    found: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.row}" if self.row else self.file
        return f"{place}: expected {self.expected}; found {self.found}"


@dataclass
class Report:
    """Every finding, and how much of each sort was checked."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, file: str, row: str, expected: str, found: object) -> None:
        """Note a finding."""
        self.findings.append(Finding(file, row, expected, shown(found)))

    def equal(self, file: str, row: str, what: str, expected: object, found: object) -> None:
        """Note a finding unless two values are equal."""
        if expected != found:
            self.add(file, row, f"{what} {shown(expected)}", found)

    def count(self, what: str, number: int = 1) -> None:
        """Count what was checked."""
        self.counts[what] = self.counts.get(what, 0) + number

    @contextmanager
    def reading(self, file: str, row: str = "") -> Iterator[None]:
        """Turn what cannot be read into a finding."""
        try:
            yield
        except UNREADABLE as error:
            self.add(file, row, "what can be read", f"{type(error).__name__}: {error}")


def shown(value: object) -> str:
    """Return a value as findings print it."""
    return value.hex() if isinstance(value, bytes) else "nothing" if value is None else str(value)


# Bytes and digests -------------------------------------------------------------------------------

EMPTY_ROOT = hashlib.sha256().digest()
GENESIS = bytes(32)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).digest()


def leaf(data: bytes) -> bytes:
    """Return the leaf hash of RFC 6962."""
    return sha256(b"\x00" + data)


def node(left: bytes, right: bytes) -> bytes:
    """Return the node hash of RFC 6962."""
    return sha256(b"\x01" + left + right)


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962 over leaf hashes, by its own definition.

    Worked with a stack of whole subtrees: two of one size become one of twice that size.
    """
    stack: list[tuple[int, bytes]] = []
    for one in hashes:
        size, digest = 1, one
        while stack and stack[-1][0] == size:
            size, digest = size * 2, node(stack.pop()[1], digest)
        stack.append((size, digest))
    if not stack:
        return EMPTY_ROOT
    _, digest = stack.pop()
    while stack:
        digest = node(stack.pop()[1], digest)
    return digest


def integer(value: object) -> int:
    """Return an integer of JSON, or of a cell of CSV."""
    if type(value) is int:
        return value
    if type(value) is str and value.lstrip("-").isdecimal():
        return int(value)
    raise ValueError(f"{value!r} is no integer")


def string(value: object) -> str:
    """Return a text."""
    if type(value) is not str:
        raise ValueError(f"{value!r} is no text")
    return value


@cache
def moment(text: str) -> dt.datetime:
    """Return the instant of 2024-03-01T09:00:00.000000Z."""
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)


def day_of(text: object) -> dt.date:
    """Return the day of 2024-03-01."""
    return dt.date.fromisoformat(string(text))


def long(number: int) -> bytes:
    """Return an integer as 8 bytes, two's complement, big-endian."""
    return struct.pack(">q", number)


def micros(text: object) -> bytes:
    """Return an instant as its microseconds since 1970."""
    return long((moment(string(text)) - EPOCH) // MICROSECOND)


def identity(text: object) -> bytes:
    """Return the 16 bytes of a UUID."""
    found = bytes.fromhex(string(text).replace("-", ""))
    if len(found) != 16:
        raise ValueError(f"{text!r} is no UUID")
    return found


def unhex(text: object) -> bytes:
    """Return the bytes that are written in hexadecimal."""
    return bytes.fromhex(string(text))


def framed(kind: str, value: Any) -> bytes:
    """Return one field: type, length, payload; `kind` is its letter, or L and that of members."""
    if value is None:
        return b"N\x00\x00\x00\x00"
    match kind[0]:
        case "I":
            payload = long(integer(value))
        case "T":
            payload = string(value).encode()
        case "B":
            payload = value if isinstance(value, bytes) else unhex(value)
        case "D":
            payload = day_of(value).isoformat().encode()
        case "M":
            payload = micros(value)
        case "U":
            payload = identity(value)
        case "L":
            payload = b"".join(framed(kind[1:], one) for one in value)
        case _:
            raise ValueError(f"no field is of kind {kind}")
    return kind[0].encode() + struct.pack(">I", len(payload)) + payload


def encoded(tag: str, fields: Iterable[tuple[str, Any]]) -> bytes:
    """Return the bytes of a row: its tag, then its fields as (kind, value)."""
    return framed("T", tag) + b"".join(framed(kind, value) for kind, value in fields)


def fields_of(layout: Layout, row: Row) -> list[tuple[str, Any]]:
    """Return the fields of a row in the order of its layout."""
    return [(kind, row[name]) for name, kind in layout.items()]


def layout(text: str) -> Layout:
    """Return a layout written as `name:kind name:kind`."""
    return dict(pair.split(":", 1) for pair in text.split())


PIN = layout("first_day:D last_day:D instrument:T digest:B")
ACCOUNT = layout("code:T market:T participant:T kind:T subject:T commodity:T")
POSTING = layout("journal_number:I line:I account:T amount:I")
JOURNAL = layout(
    "number:I id:U key:T market:T settlement_day:D run_id:U run_kind:T reason:T posted_at:M "
    "posting_count:I input_digest:B previous_digest:B"
)
INVOICE = layout(
    "series:T number:I id:U kind:T market:T participant:T billing_month:D original:U run_id:U "
    "last_journal_number:I journal_number:I issued_at:M due_on:D currency:T minor_unit_micro:I "
    "amount_micro:I rounding_micro:I net_minor:I tax_category:T tax_rate_ppm:I tax_minor:I "
    "due_minor:I line_count:I previous_digest:B"
)
PARTY = ("legal_name", "tax_identifier", "address_lines", "postcode", "country", "contact_name",
         "contact_email", "iban")  # fmt: skip
STATED = layout(
    " ".join(f"{side}_{name}:T" for side in ("seller", "buyer") for name in PARTY)
    + " tax_note:T payment_term_days:I"
)
"""What the second layout of documents adds to the first."""

LINE_HEAD = (
    "invoice_id:U line:I kind:T subject:T description:T quantity:I quantity_unit:T amount_micro:I "
)
LINE_TAIL = " clauses:LT rule_digests:LB"
LINES = {
    "tallystick.invoice-line.1": layout(LINE_HEAD + LINE_TAIL),
    "tallystick.invoice-line.2": layout(LINE_HEAD + "quality:T estimated_quantity:I" + LINE_TAIL),
    "tallystick.invoice-line.3": layout(
        LINE_HEAD + "quality:T estimated_quantity:I" + LINE_TAIL + " tax_category:T"
    ),
}


def canonical(value: Any) -> str:
    """Return the JSON of RFC 8785 of what documents hold: no number in them has a fraction."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise ValueError(f"{value} has no canonical form")
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        # Keys are in the order of their UTF-16 code units.
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{quoted(key)}:{canonical(value[key])}" for key in keys) + "}"
    raise ValueError(f"{value!r} has no canonical form here")


SHORT_ESCAPES = {
    "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}  # fmt: skip


def quoted(text: str) -> str:
    """Return a text as canonical JSON writes it."""
    text.encode()  # a lone surrogate has no UTF-8, and no canonical form
    return '"' + "".join(
        SHORT_ESCAPES.get(sign) or (f"\\u{ord(sign):04x}" if sign < " " else sign) for sign in text
    ) + '"'  # fmt: skip


# Files -------------------------------------------------------------------------------------------


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
        found = sorted(path.rglob("*"))
        self.found = [one.relative_to(path).as_posix() for one in found if not one.is_dir()]

    def names(self) -> list[str]:
        """Return every name."""
        return self.found

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self.path / name).read_bytes()


class Zip:
    """Evidence as it was exported."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        self.found = [one.filename for one in self.archive.infolist()]

    def names(self) -> list[str]:
        """Return every name."""
        return self.found

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self.archive.read(name)


def no_fraction(text: str) -> Any:
    """Refuse a number of JSON that is no integer."""
    raise ValueError(f"{text} is no integer")


def parsed(content: bytes | str) -> Any:
    """Return the values of a JSON text."""
    return json.loads(content, parse_float=no_fraction, parse_constant=no_fraction)


def json_lines(files: Files, name: str, report: Report) -> Iterator[tuple[str, Row]]:
    """Yield each row of a file of JSON lines, with its place."""
    for number, line in enumerate(text_of(files, name, report).splitlines(), start=1):
        with report.reading(name, f"line {number}"):
            row = parsed(line)
            if type(row) is not dict:
                raise ValueError("a line that is no object")
            yield f"line {number}", row


def csv_rows(files: Files, name: str, report: Report) -> Iterator[tuple[str, Row]]:
    """Yield each row of a CSV file, with its place; an empty cell is None."""
    with report.reading(name):
        rows = csv.DictReader(io.StringIO(text_of(files, name, report), newline=""), strict=True)
        for number, row in enumerate(rows, start=2):
            yield f"line {number}", {key: cell or None for key, cell in row.items()}


def text_of(files: Files, name: str, report: Report) -> str:
    """Return the text of a file; one that is not there is empty, and the manifest says so."""
    if name not in files.names():
        return ""
    with report.reading(name):
        return files.read(name).decode()
    return ""


def vector(cell: object) -> list[int]:
    """Return the integers of a cell, which a space parts."""
    return [integer(number) for number in string(cell).split(" ")]


def packed(numbers: Sequence[int]) -> bytes:
    """Return integers one after the other, 8 bytes each."""
    return struct.pack(f">{len(numbers)}q", *numbers)


def check_manifest(files: Files, report: Report) -> None:
    """Hold every file to its size and SHA-256; nothing may be missing, added or there twice."""
    names = files.names()
    for name in sorted({one for one in names if names.count(one) > 1}):
        report.add(name, "", "one file of this name", "several")
    listed: dict[str, Row] = {}
    with report.reading(MANIFEST):
        manifest = parsed(files.read(MANIFEST))
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


# The law -----------------------------------------------------------------------------------------

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
    for line, row in json_lines(files, VERSIONS, report):
        with report.reading(VERSIONS, line):
            place = f"{line}, version {row['id']}"
            sealed = canonical({name: row[name] for name in VERSION_COLUMNS}).encode()
            found = sha256(VERSION_PREFIX + sealed).hex()
            report.equal(VERSIONS, place, "the row to have row_digest", row["row_digest"], found)
            key = (string(row["instrument"]), string(row["digest"]))
            law.versions.setdefault(key, []).append(row)
            report.count("versions of rules")
    for instrument, digest in law.versions:
        path = document_path(instrument, digest)
        with report.reading(path):
            content = files.read(path)
            body = parsed(content)
            report.equal(path, "", "the digest", digest, sha256(DOCUMENT_PREFIX + content).hex())
            if canonical(body).encode() != content:
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


# The run and its readings ------------------------------------------------------------------------

RUN_LAYOUT = layout(
    "id:U market:T kind:T first_day:D last_day:D known_at:M pins:LB input_digest:B "
    "engine_version:T result_digest:B created_at:M"
)
READING_PREFIX = b"tallystick/reading/1\n"
FILE_PREFIX = b"tallystick/reading-file/1\n"
FILE_NAMESPACE = uuid.UUID("5f6c1f5e-0b0f-5d3c-9f0e-6d3c1a0d7a11")
USED = ("settled", "history", "looked at")
"""Readings that are among the inputs of the run; others were superseded."""
AREA_ACCOUNTS = {"area_losses_wh": "losses", "area_imbalance_wh": "imbalance"}
GENERATION, DEMAND = "metered_generation_wh", "metered_demand_wh"
STUDY_MADE = (
    "study.delivered_wh", "study.generation_wh", "study.nodal_price_micro_per_mwh",
    "study.uniform_price_micro_per_mwh",
)  # fmt: skip
SOME_TIME_ON_THE_DAY = dt.time(10, 59, tzinfo=dt.UTC)
"""An instant of a day that lies on it in every time zone from UTC-10:59 to UTC+13:00."""

Energy = dict[tuple[str, str, str], list[int]]


def pin_bytes(pin: Row) -> bytes:
    """Return the bytes of a pin."""
    return encoded("tallystick.pin.1", fields_of(PIN, pin))


def is_study_pin(pin: Row) -> bool:
    """Return whether a pin names something of a study's own."""
    return string(pin["instrument"]).split("/")[1:2] == ["study"]


def days_of(first: object, last: object) -> list[str]:
    """Return the days from the first to the last."""
    start, end = day_of(first), day_of(last)
    return [(start + dt.timedelta(number)).isoformat() for number in range((end - start).days + 1)]


def check_run(files: Files, law: Law, report: Report) -> Row:
    """Hash the run's row again, and find the rules that it is pinned to."""
    row: Row = {}
    with report.reading(RUN):
        row = parsed(files.read(RUN))
        values = fields_of(RUN_LAYOUT, row | {"pins": [pin_bytes(pin) for pin in row["pins"]]})
        found = leaf(encoded("tallystick.run.1", values)).hex()
        report.equal(RUN, "", "the row to have digest", row["digest"], found)
        report.count("run")
        market_rules = []
        for number, pin in enumerate(row["pins"], start=1):
            place = f"pin {number}, {pin['instrument']}"
            if not is_study_pin(pin):
                check_pin(row, pin, law, place, report)
            if pin["instrument"] == f"{row['market']}/market-rules":
                market_rules += days_of(pin["first_day"], pin["last_day"])
        days = days_of(row["first_day"], row["last_day"])
        if sorted(market_rules) != days:
            report.add(RUN, "pins", "market rules of each day of the run, once", market_rules)
    return row


def check_pin(run: Row, pin: Row, law: Law, place: str, report: Report) -> None:
    """Hold a pin to a version that applied on its days and was recorded when the run looked."""
    versions = law.versions.get((pin["instrument"], pin["digest"]), [])
    if not versions:
        report.add(RUN, place, f"a version with digest {pin['digest']}", None)
        return
    for day in (pin["first_day"], pin["last_day"]):
        instant = dt.datetime.combine(day_of(day), SOME_TIME_ON_THE_DAY)
        if not any(applies(version, instant, moment(run["known_at"])) for version in versions):
            report.add(RUN, place, f"a version in force on {day}, known at {run['known_at']}", None)
    report.count("pins of the run to rules in force")


def applies(version: Row, instant: dt.datetime, known: dt.datetime) -> bool:
    """Return whether a version applied at an instant and was recorded by another."""
    ends = version["valid_to"]
    return (
        moment(version["recorded_from"]) <= known
        and moment(version["valid_from"]) <= instant
        and (ends is None or instant < moment(ends))
    )


def sized(content: bytes) -> bytes:
    """Return bytes with their length before them."""
    return struct.pack(">I", len(content)) + content


def reading_digest(row: Row, values: Sequence[int]) -> bytes:
    """Return the digest of a reading."""
    return sha256(
        READING_PREFIX
        + b"".join(
            sized(string(row[name]).encode())
            for name in ("market", "settlement_day", "measure", "entity")
        )
        + long(integer(row["revision"]))
        + struct.pack(">I", len(values))
        + packed(values)
        + sized(string(row["quality"]).encode())
        + micros(row["received_at"])
        + sized(identity(row["file_id"]))
    )


def file_digest(row: Row) -> bytes:
    """Return the digest of the row of a file of readings."""
    counts = ("row_count", "vector_count", "unchanged_count", "late_day_count")
    return sha256(
        FILE_PREFIX
        + sized(identity(row["id"]))
        + sized(string(row["market"]).encode())
        + sized(string(row["name"]).encode())
        + sized(unhex(row["content_digest"]))
        + micros(row["received_at"])
        + sized(string(row["first_day"]).encode())
        + sized(string(row["last_day"]).encode())
        + b"".join(long(integer(row[name])) for name in counts)
    )


def check_readings(files: Files, run: Row, report: Report) -> tuple[list[bytes], Energy]:
    """Hash every reading again.

    Returns:
        The digests of those that count among the inputs, by day, measure and entity, and what was
        metered of the run's days, 0 where a reading is missing.
    """
    received: dict[str, str] = {}
    for place, row in csv_rows(files, READING_FILES, report):
        with report.reading(READING_FILES, place):
            found = file_digest(row).hex()
            report.equal(READING_FILES, place, "the row to have digest", row["digest"], found)
            name = f"{row['market']}/{row['content_digest']}"
            what = "id, made of market and content_digest,"
            expected = str(uuid.uuid5(FILE_NAMESPACE, name))
            report.equal(READING_FILES, place, what, expected, row["id"])
            received[row["id"]] = row["received_at"]
            report.count("files of readings")
    used: list[bytes] = []
    metered: Energy = {}
    names = (name for name in files.names() if name.startswith("readings/"))
    for name in sorted(set(names) - {READING_FILES}):
        used += check_readings_of_day(files, name, run, received, metered, report)
    return used, metered


def check_readings_of_day(
    files: Files,
    name: str,
    run: Row,
    received: Mapping[str, str],
    metered: Energy,
    report: Report,
) -> list[bytes]:
    """Hash the readings of a day; add what was metered, and return the digests of those used."""
    latest: dict[tuple[str, str], tuple[int, str]] = {}
    used: list[tuple[str, str, bytes]] = []
    day = name.removeprefix("readings/").removesuffix(".csv")
    for line, row in csv_rows(files, name, report):
        with report.reading(name, line):
            place = f"{line}, {row['measure']} {row['entity']} revision {row['revision']}"
            values = vector(row["values"])
            digest = reading_digest(row, values)
            report.equal(name, place, "the row to have digest", row["digest"], digest.hex())
            report.equal(name, place, "settlement_day", day, row["settlement_day"])
            report.equal(name, place, "market", run.get("market"), row["market"])
            sent = received.get(row["file_id"])
            report.equal(name, place, f"received_at of file {row['file_id']}", sent,
                         row["received_at"])  # fmt: skip
            if run and moment(row["received_at"]) > moment(run["known_at"]):
                report.add(name, place, f"known by {run['known_at']}", row["received_at"])
            key = (row["measure"], row["entity"])
            before, role_before = latest.get(key, (0, "superseded"))
            report.equal(name, place, "revision", before + 1, integer(row["revision"]))
            report.equal(name, place, "role of the revision before", "superseded", role_before)
            latest[key] = integer(row["revision"]), row["role"]
            if row["role"] in USED:
                used.append((*key, unhex(row["digest"])))
            if row["role"] == "settled" and row["measure"] in (GENERATION, DEMAND):
                letters = string(row["quality"])
                metered[day, *key] = [
                    0 if letter == "X" else value
                    for letter, value in zip(letters, values, strict=True)
                ]
            report.count("readings")
    for (measure, entity), (_, role) in latest.items():
        if role == "superseded":
            report.add(name, f"{measure} {entity}", "a revision after the superseded one", None)
    return [digest for _, _, digest in sorted(used)]


def check_inputs(
    files: Files, run: Row, readings: Sequence[bytes], made: Sequence[bytes], report: Report
) -> None:
    """Hold the input digest to the pins, the readings and what was made for a study."""
    with report.reading(RUN, "input_digest"):
        pins = sorted(
            run["pins"],
            key=lambda pin: (pin["first_day"], pin["last_day"], pin["instrument"], pin["digest"]),
        )
        leaves = [leaf(pin_bytes(pin)) for pin in pins]
        found = root([*leaves, *readings, *made]).hex()
        what = f"of {len(pins)} pins and {len(readings)} readings, input_digest"
        report.equal(RUN, "input_digest", what, run["input_digest"], found)
        for pin in filter(is_study_pin, pins):
            check_study_pin(files, pin, readings, report)


def check_study_pin(files: Files, pin: Row, readings: Sequence[bytes], report: Report) -> None:
    """Hold a pin of a study's own to the readings, or to its overlay."""
    name = string(pin["instrument"]).rpartition("/")[2]
    if name == "readings":
        found = root(readings)
    else:
        content = files.read(OVERLAY)
        if canonical(parsed(content)).encode() != content:
            report.add(OVERLAY, "", "JSON as RFC 8785 writes it", "another writing")
        found = leaf(encoded("tallystick.overlay.1", [("B", content)]))
    report.equal(RUN, f"pin {pin['instrument']}", "digest", pin["digest"], found.hex())


# Results -----------------------------------------------------------------------------------------

QUANTITIES = {"tariff": ("Wh", "CHARGED-WH"), "subscription": ("days", "CHARGED-DAYS"),
              "fee": ("pieces", "CHARGED-PIECES")}  # fmt: skip
BY_RULE = 10
ESTIMATED_BY_OPERATOR = (1, 4)


@dataclass
class Day:
    """What the results of a day come to: its digest, and totals by measure and entity."""

    digest: bytes
    totals: dict[tuple[str, str], int] = field(default_factory=dict)
    vectors: Energy = field(default_factory=dict)
    made: list[bytes] = field(default_factory=list)


def check_results(files: Files, run: Row, report: Report) -> dict[str, Day]:
    """Hash every result again, and hold them to the digest of the run."""
    days: dict[str, Day] = {}
    with report.reading(RUN):
        expected = days_of(run["first_day"], run["last_day"])
        for day in expected:
            days[day] = check_results_of_day(files, day, report)
        found = root([days[day].digest for day in expected]).hex()
        report.equal(RUN, "result_digest", "of all results, result_digest", run["result_digest"],
                     found)  # fmt: skip
        known = {f"results/{day}.csv" for day in expected}
        for name in files.names():
            if name.startswith("results/") and name not in known:
                report.add(name, "", "results of the run's days", "another file")
    return days


def check_results_of_day(files: Files, day: str, report: Report) -> Day:
    """Hash the results of a day, and keep what the journals must come to."""
    name = f"results/{day}.csv"
    digests: list[bytes] = []
    keys: list[tuple[str, str]] = []
    kept = Day(b"")
    for line, row in csv_rows(files, name, report):
        with report.reading(name, line):
            place = f"{line}, {row['measure']} {row['entity']}"
            digests.append(unhex(row["digest"]))
            measure, entity = key = (string(row["measure"]), string(row["entity"]))
            keys.append(key)
            values = vector(row["values"])
            fields = [("D", day), ("T", measure), ("T", entity), ("B", packed(values))]
            found = leaf(encoded("tallystick.result.1", fields))
            report.equal(name, place, "the row to have digest", row["digest"], found.hex())
            kept.totals[key] = sum(values)
            if measure.partition(".")[0] in ("quality", "estimated"):
                kept.vectors[day, measure, entity] = values
            if measure in STUDY_MADE:
                kept.made.append(digests[-1])
            report.count("results")
    for one, other in pairwise(keys):
        if one >= other:
            report.add(name, " ".join(other), "each measure and entity once, in order", one)
    kept.digest = root(digests)
    return kept


# Journals ----------------------------------------------------------------------------------------


@dataclass
class Ledger:
    """The journals that the evidence holds, with their postings as (account, amount)."""

    commodities: dict[str, str] = field(default_factory=dict)
    journals: dict[int, Row] = field(default_factory=dict)
    postings: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)


def check_ledger(files: Files, report: Report) -> Ledger:
    """Hash accounts, postings and journals again; each journal balances and follows another."""
    book = Ledger()
    for place, row in csv_rows(files, ACCOUNTS, report):
        with report.reading(ACCOUNTS, place):
            found = leaf(encoded("tallystick.account.1", fields_of(ACCOUNT, row))).hex()
            report.equal(ACCOUNTS, place, "the row to have digest", row["digest"], found)
            book.commodities[row["code"]] = row["commodity"]
            report.count("accounts")
    leaves = check_postings(files, book, report)
    for place, row in json_lines(files, JOURNALS, report):
        with report.reading(JOURNALS, place):
            number = integer(row["number"])
            check_journal(row, leaves.pop(number, []), book, f"journal {number}", report)
    for number in leaves:
        report.add(POSTINGS, f"journal {number}", "a journal that ledger/journals.jsonl holds",
                   None)  # fmt: skip
    check_links(
        files,
        JOURNAL_LINKS,
        journal_layout,
        "postings_root",
        lambda row: integer(row["number"]),
        book.digests,
        report,
    )
    for number, row in book.journals.items():
        before = GENESIS if number == 1 else book.digests.get(number - 1)
        expected = None if before is None else before.hex()
        place = f"journal {number}"
        what = f"the digest of journal {number - 1}, as previous_digest,"
        report.equal(JOURNALS, place, what, expected, row["previous_digest"])
        report.count("links of the chain of journals")
    return book


def check_postings(files: Files, book: Ledger, report: Report) -> dict[int, list[bytes]]:
    """Hash postings again; return their digests by journal."""
    leaves: defaultdict[int, list[bytes]] = defaultdict(list)
    for line, row in csv_rows(files, POSTINGS, report):
        with report.reading(POSTINGS, line):
            number, posting = integer(row["journal_number"]), integer(row["line"])
            place = f"{line}, journal {number} line {posting}"
            leaves[number].append(unhex(row["digest"]))
            book.postings.setdefault(number, []).append((row["account"], integer(row["amount"])))
            found = leaf(encoded("tallystick.posting.1", fields_of(POSTING, row))).hex()
            report.equal(POSTINGS, place, "the row to have digest", row["digest"], found)
            report.equal(POSTINGS, place, "line", len(leaves[number]), posting)
            if row["account"] not in book.commodities:
                report.add(POSTINGS, place, f"account {row['account']} in {ACCOUNTS}", None)
            report.count("postings")
    return leaves


def check_journal(row: Row, leaves: list[bytes], book: Ledger, place: str, report: Report) -> None:
    """Hash a journal again over its postings; each commodity sums to zero."""
    number = integer(row["number"])
    found = sealed(*journal_layout(row), row, root(leaves)).hex()
    report.equal(JOURNALS, place, "the row and its postings to have digest", row["digest"], found)
    report.equal(JOURNALS, place, "posting_count", integer(row["posting_count"]), len(leaves))
    totals: defaultdict[str, int] = defaultdict(int)
    for account, amount in book.postings.get(number, []):
        totals[book.commodities.get(account, "an unknown commodity")] += amount
    for commodity, total in totals.items():
        report.equal(JOURNALS, place, f"the sum of {commodity}", 0, total)
    book.journals[number] = row
    book.digests[number] = unhex(row["digest"])
    report.count("journals that balance")


def sealed(tag: str, columns: Layout, row: Row, rows_root: bytes) -> bytes:
    """Return the digest of a row that closes over the rows it holds."""
    return leaf(encoded(tag, [*fields_of(columns, row), ("B", rows_root)]))


def check_links(
    files: Files,
    name: str,
    layout_of: Callable[[Row], tuple[str, Layout]],
    rows_root: str,
    key_of: Callable[[Row], Any],
    digests: dict[Any, bytes],
    report: Report,
) -> None:
    """Hash the rows that stand before those of the evidence, and add their digests."""
    for place, row in json_lines(files, name, report):
        with report.reading(name, place):
            found = sealed(*layout_of(row), row, unhex(row[rows_root]))
            report.equal(name, place, "the row to have digest", row["digest"], found.hex())
            digests[key_of(row)] = unhex(row["digest"])


def journal_layout(_row: Row) -> tuple[str, Layout]:
    """Return tag and columns of a journal."""
    return "tallystick.journal.1", JOURNAL


@dataclass
class Register:
    """Who answers for units, supply points and charges under the rules of a day."""

    market: str
    currency: str = ""
    units: dict[str, str] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    charges: dict[str, str] = field(default_factory=dict)

    def account(self, commodity: str, owner: str | None, kind: str, subject: str) -> str:
        """Return the code of an account; None owns those of the market."""
        return f"{self.market}:{commodity}:{owner or '-'}:{kind}:{subject}"


def register_of(run: Row, day: str, law: Law) -> Register:
    """Return who answers for what on a day, by the documents that the run is pinned to."""
    register = Register(run["market"])
    for pin in run["pins"]:
        if is_study_pin(pin) or not pin["first_day"] <= day <= pin["last_day"]:
            continue
        body = law.bodies[pin["instrument"], pin["digest"]]
        match body["kind"]:
            case "market-rules":
                register.currency = body["currency"]
            case "registration":
                owner = body["participant"]
                register.units |= {one["unit"]: owner for one in body["units"]}
                register.points |= {one["supply_point"]: owner for one in body["supply_points"]}
            case "charge-list":
                charges = [*body["tariffs"], *body["subscriptions"], *body["fees"]]
                register.charges |= {one["code"]: body["owner"] for one in charges}
    return register


def used_wh(day: str, settled: Day, metered: Energy) -> dict[tuple[str, str], int]:
    """Return the day's energy by measure and entity: as metered, or as it was estimated."""
    totals: dict[tuple[str, str], int] = {}
    keys = {key[1:] for key in metered if key[0] == day}
    estimated = {
        (measure.removeprefix("estimated."), entity)
        for _, measure, entity in settled.vectors
        if measure.startswith("estimated.")
    }
    for measure, entity in keys | {key for key in estimated if key[0] in (GENERATION, DEMAND)}:
        estimates = settled.vectors.get((day, f"estimated.{measure}", entity), [])
        codes = settled.vectors.get((day, f"quality.{measure}", entity), [])
        values = metered.get((day, measure, entity)) or [0] * len(estimates)
        totals[measure, entity] = sum(
            estimates[number]
            if number < len(codes)
            and (codes[number] > BY_RULE or codes[number] in ESTIMATED_BY_OPERATOR)
            else value
            for number, value in enumerate(values)
        )
    return totals


def movements(
    register: Register, settled: Day, energy_wh: Mapping[tuple[str, str], int]
) -> dict[str, int]:
    """Return what each account must have moved for a day, by the code of the account."""
    moved: defaultdict[str, int] = defaultdict(int)
    account, money = register.account, register.currency
    passed = {f"{side}.{kind}" for kind in QUANTITIES for side in ("charge", "payment")}
    counted = {f"quantity.{kind}_{unit.lower()}": kind for kind, (unit, _) in QUANTITIES.items()}
    for (measure, entity), total in settled.totals.items():
        kind = measure.removesuffix("_micro")
        code, _, supplier = entity.partition("/")
        if measure in counted:
            kind, commodity = counted[measure], QUANTITIES[counted[measure]][1]
            owner = register.charges[code]
            moved[account(commodity, supplier, f"charge.{kind}", code)] += total
            moved[account(commodity, owner, f"payment.{kind}", code)] -= total
        elif measure in ("over_take_wh", "missed_wh"):
            stated = measure.removesuffix("_wh")
            moved[account("WH", register.points[entity], stated, entity)] += total
            moved[account("WH", None, stated, "market")] -= total
        elif measure in AREA_ACCOUNTS:
            moved[account("WH", None, AREA_ACCOUNTS[measure], entity)] += total
        elif kind == measure:
            continue
        elif kind in passed:
            owner = supplier or register.charges[code]
            moved[account(money, owner, kind, code)] += total if supplier else -total
        elif kind.startswith("charge."):
            moved[account(money, register.points[entity], kind, entity)] += total
        elif kind.startswith("payment."):
            moved[account(money, register.units[entity], kind, entity)] -= total
        elif kind == "equalisation":
            moved[account(money, None, kind, entity)] -= total
    by_area = any(measure in AREA_ACCOUNTS for measure, _ in settled.totals)
    imbalance = account("WH", None, "imbalance", "market")
    for (measure, entity), total in energy_wh.items():
        if measure == GENERATION and entity in register.units:
            moved[account("WH", register.units[entity], "generation", entity)] -= total
            moved[imbalance] += 0 if by_area else total
        elif measure == DEMAND and entity in register.points:
            moved[account("WH", register.points[entity], "demand", entity)] += total
            moved[imbalance] -= 0 if by_area else total
    return moved


def check_posted(
    run: Row,
    law: Law,
    days: Mapping[str, Day],
    metered: Energy,
    book: Ledger,
    report: Report,
) -> None:
    """Hold the journals of each day to the results: what all of them moved is what they say."""
    for number, row in book.journals.items():
        place = f"journal {number}"
        if row["run_id"] != run.get("id"):
            continue
        with report.reading(JOURNALS, place):
            day = string(row["settlement_day"])
            settled = days[day]
            fields = [("U", run["id"]), ("D", day), ("B", settled.digest)]
            found = leaf(encoded("tallystick.day-posting.1", fields)).hex()
            what = f"of the results of {day}, input_digest"
            report.equal(JOURNALS, place, what, row["input_digest"], found)
            report.equal(JOURNALS, place, "the run's market", run["market"], row["market"])
            report.equal(JOURNALS, place, "the run's kind", run["kind"], row["run_kind"])
            posted: defaultdict[str, int] = defaultdict(int)
            for earlier, other in book.journals.items():
                is_of_day = (other["market"], other["settlement_day"]) == (run["market"], day)
                if is_of_day and other["run_id"] is not None and earlier <= number:
                    for account, amount in book.postings.get(earlier, []):
                        posted[account] += amount
            energy_wh = used_wh(day, settled, metered)
            expected = movements(register_of(run, day, law), settled, energy_wh)
            for account in sorted(expected.keys() | posted.keys()):
                what = f"account {account} to have moved, up to this journal of {day},"
                report.equal(JOURNALS, place, what, expected[account], posted[account])
            report.count("sums of accounts that are what the results say", len(expected))


# Invoices ----------------------------------------------------------------------------------------


def document_number(row: Row) -> str:
    """Return the number that is printed on a document."""
    return f"{string(row['series'])}-{integer(row['number']):06d}"


def line_digest(row: Row) -> bytes:
    """Return the digest of a line in the first layout that holds all that it states."""
    if row["tax_category"] is not None:
        tag = "tallystick.invoice-line.3"
    elif row["quality"] is None and row["estimated_quantity"] is None:
        tag = "tallystick.invoice-line.1"
    else:
        tag = "tallystick.invoice-line.2"
    return leaf(encoded(tag, fields_of(LINES[tag], row)))


def invoice_layout(row: Row) -> tuple[str, Layout]:
    """Return tag and columns of a document: the first layout that holds all that it states."""
    if all(row[name] is None for name in STATED):
        return "tallystick.invoice.1", INVOICE
    return "tallystick.invoice.2", {**INVOICE, **STATED}


def half_away(value: int, divisor: int) -> int:
    """Return value / divisor rounded to the nearest integer, halves away from zero."""
    rounded = (2 * abs(value) + divisor) // (2 * divisor)
    return rounded if value >= 0 else -rounded


@dataclass
class Invoice:
    """A document and its lines."""

    row: Row
    lines: list[Row]

    @property
    def untaxed_micro(self) -> int:
        """The sum of the lines that no tax is due on."""
        return sum(one["amount_micro"] for one in self.lines if one["tax_category"] is not None)


def check_invoices(files: Files, law: Law, book: Ledger, report: Report) -> list[Invoice]:
    """Hash documents and lines again; hold their sums, and each series to its chain."""
    lines: defaultdict[str, list[Row]] = defaultdict(list)
    known_digests = {digest for _, digest in law.versions}
    for line, row in json_lines(files, INVOICE_LINES, report):
        with report.reading(INVOICE_LINES, line):
            place = f"{line}, invoice {row['invoice_id']} line {row['line']}"
            lines[row["invoice_id"]].append(row)
            report.equal(INVOICE_LINES, place, "the row to have digest", row["digest"],
                         line_digest(row).hex())  # fmt: skip
            for digest in row["rule_digests"]:
                if digest not in known_digests:
                    report.add(INVOICE_LINES, place, f"the rule {digest} in {VERSIONS}", None)
            report.count("lines of documents")
    found: list[Invoice] = []
    digests: dict[tuple[str, int], bytes] = {}
    for place, row in json_lines(files, INVOICES, report):
        with report.reading(INVOICES, place):
            own = lines.pop(row["id"], [])
            name = document_number(row)
            leaves = [unhex(one["digest"]) for one in own]
            digest = sealed(*invoice_layout(row), row, root(leaves))
            what = "the row and its lines to have digest"
            report.equal(INVOICES, name, what, row["digest"], digest.hex())
            report.equal(INVOICES, name, "line numbers", list(range(1, row["line_count"] + 1)),
                         [one["line"] for one in own])  # fmt: skip
            digests[row["series"], row["number"]] = unhex(row["digest"])
            found.append(Invoice(row, own))
            report.count("documents that participants got")
    for identity_ in lines:
        report.add(INVOICE_LINES, f"invoice {identity_}", f"a document of {INVOICES}", None)
    check_links(
        files,
        INVOICE_LINKS,
        invoice_layout,
        "lines_root",
        lambda row: (row["series"], row["number"]),
        digests,
        report,
    )
    for invoice in found:
        with report.reading(INVOICES, document_number(invoice.row)):
            check_invoice_link(invoice.row, digests, report)
            check_closing(invoice.row, book, report)
    check_sums(found, report)
    return found


def check_invoice_link(row: Row, digests: Mapping[tuple[str, int], bytes], report: Report) -> None:
    """Hold a document to the one before it in its series."""
    number = integer(row["number"])
    before = GENESIS if number == 1 else digests.get((row["series"], number - 1))
    expected = None if before is None else before.hex()
    what = "the digest of the document before, as previous_digest,"
    report.equal(INVOICES, document_number(row), what, expected, row["previous_digest"])
    report.count("links of the chains of documents")


def check_closing(row: Row, book: Ledger, report: Report) -> None:
    """Hold the journal of a document's rounding and tax to the document."""
    name = document_number(row)
    tax_micro = row["tax_minor"] * row["minor_unit_micro"]
    family = string(row["series"]).removeprefix(f"{row['market']}-")
    expected: list[tuple[str, int]] = []
    for kind, subject, amount in (
        ("rounding", family, row["rounding_micro"]),
        ("tax", row["tax_category"], tax_micro),
    ):
        for owner, moved in ((row["participant"], amount), ("-", -amount)):
            if moved:
                code = f"{row['market']}:{row['currency']}:{owner}:{kind}:{subject}"
                expected.append((code, moved))
    number = row["journal_number"]
    if number is None:
        report.equal(INVOICES, name, "no rounding or tax without a journal", [], expected)
        return
    journal = book.journals.get(number)
    if journal is None:
        report.add(INVOICES, name, f"its journal {number} in {JOURNALS}", None)
        return
    place = f"journal {number}"
    report.equal(JOURNALS, place, "the key of its document", name, journal["key"])
    report.equal(JOURNALS, place, f"the rounding and tax of {name}", expected,
                 book.postings.get(number, []))  # fmt: skip
    pairs = b"".join(pair_field(*pair) for pair in expected)
    found = leaf(framed("T", "tallystick.document-posting.1") + framed("T", name) + pairs).hex()
    report.equal(JOURNALS, place, f"of {name}, input_digest", journal["input_digest"], found)
    report.count("journals of rounding and tax")


def pair_field(account: str, amount: int) -> bytes:
    """Return the field of a list that holds an account and an amount."""
    payload = framed("T", account) + framed("I", amount)
    return b"L" + struct.pack(">I", len(payload)) + payload


def check_sums(invoices: Sequence[Invoice], report: Report) -> None:
    """Add up lines, rounding, net, tax and due, document by document of a month."""
    billed: defaultdict[tuple[str, ...], tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for one in sorted(invoices, key=lambda one: (one.row["series"], one.row["number"])):
        row, name = one.row, document_number(one.row)
        with report.reading(INVOICES, name):
            minor = row["minor_unit_micro"]
            key = (row["participant"], row["billing_month"], row["series"], row["currency"])
            micro, net, untaxed = billed[key]
            amount = sum(line["amount_micro"] for line in one.lines)
            report.equal(INVOICES, name, "amount_micro, the sum of its lines,", amount,
                         row["amount_micro"])  # fmt: skip
            report.equal(INVOICES, name, "net_minor, amount and rounding,",
                         row["amount_micro"] + row["rounding_micro"],
                         row["net_minor"] * minor)  # fmt: skip
            rounded = half_away(micro + amount, minor) - net
            report.equal(INVOICES, name, "net_minor, rounded once on all that is billed,", rounded,
                         row["net_minor"])  # fmt: skip
            untaxed_now = untaxed + one.untaxed_micro
            untaxed_minor = half_away(untaxed_now, minor) - half_away(untaxed, minor)
            tax = half_away((row["net_minor"] - untaxed_minor) * row["tax_rate_ppm"], 1_000_000)
            report.equal(INVOICES, name, "tax_minor", tax, row["tax_minor"])
            report.equal(INVOICES, name, "due_minor, net and tax,",
                         row["net_minor"] + row["tax_minor"], row["due_minor"])  # fmt: skip
            if row["payment_term_days"] is not None:
                issued = moment(row["issued_at"]).date()
                due_on = issued + dt.timedelta(row["payment_term_days"])
                report.equal(INVOICES, name, "due_on", due_on.isoformat(), row["due_on"])
            billed[key] = (micro + amount, net + row["net_minor"], untaxed_now)
            report.count("totals of documents")


def check_billed(invoices: Sequence[Invoice], book: Ledger, report: Report) -> None:
    """Hold the lines of each participant's documents to what its money accounts moved."""
    order = lambda one: (  # noqa: E731
        one.row["market"],
        one.row["participant"],
        one.row["billing_month"],
        one.row["last_journal_number"],
    )
    last: dict[tuple[str, str, str], int] = {}
    for (market, participant, month, up_to), group in groupby(sorted(invoices, key=order), order):
        documents = list(group)
        names = ", ".join(document_number(one.row) for one in documents)
        with report.reading(INVOICES, names):
            after = last.get((market, participant, month), 0)
            last[market, participant, month] = up_to
            billed: defaultdict[str, int] = defaultdict(int)
            for one in documents:
                owner = f"{market}:{one.row['currency']}:{participant}"
                for line in one.lines:
                    billed[f"{owner}:{line['kind']}:{line['subject']}"] += line["amount_micro"]
            moved = moved_money(book, market, participant, month, after, up_to)
            for account in sorted(billed.keys() | moved.keys()):
                what = f"account {account} billed as journals {after + 1} to {up_to} moved it,"
                report.equal(INVOICES, names, what, moved[account], billed[account])
            report.count("accounts billed as the journals moved them", len(moved))


def moved_money(
    book: Ledger, market: str, participant: str, month: str, after: int, up_to: int
) -> defaultdict[str, int]:
    """Return what a participant's money accounts moved for days of a month, in some journals."""
    moved: defaultdict[str, int] = defaultdict(int)
    for number, row in book.journals.items():
        day = row["settlement_day"]
        if row["market"] != market or day is None or day[:7] != month[:7]:
            continue
        if after < number <= up_to:
            for account, amount in book.postings.get(number, []):
                commodity, owner = account.split(":")[1:3]
                if owner == participant and commodity != "WH" and "CHARGED-" not in commodity:
                    moved[account] += amount
    return moved


# Ed25519, as RFC 8032 section 5.1 has it ----------------------------------------------------------

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)

Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates X, Y, Z, T: x = X/Z, y = Y/Z, x * y = T/Z."""

NEUTRAL: Point = (0, 1, 1, 0)


def point_sum(one: Point, other: Point) -> Point:
    """Return the sum of two points."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * one[3] * other[3] * CURVE_D % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def point_times(factor: int, point: Point) -> Point:
    """Return a point added to itself `factor` times."""
    total = NEUTRAL
    while factor:
        if factor & 1:
            total = point_sum(total, point)
        point = point_sum(point, point)
        factor >>= 1
    return total


def is_same_point(one: Point, other: Point) -> bool:
    """Return whether two writings are of one point."""
    return (one[0] * other[2] - other[0] * one[2]) % PRIME == 0 and (
        one[1] * other[2] - other[1] * one[2]
    ) % PRIME == 0


def point_of(content: bytes) -> Point | None:
    """Return the point that 32 bytes write, or None."""
    number = int.from_bytes(content, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(content) != 32 or y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return (x, y, 1, x * y % PRIME)


BASE = point_of((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature of 64 bytes over a message is of the holder of a public key."""
    key, commitment = point_of(public_key), point_of(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or BASE is None:
        return False
    if len(signature) != 64 or scalar >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(hashed, "little") % ORDER
    right = point_sum(commitment, point_times(challenge, key))
    return is_same_point(point_times(scalar, BASE), right)


# The log ------------------------------------------------------------------------------------------

KEYS = "log/keys.txt"
CHECKPOINT = "log/checkpoint.txt"
PROOFS = "log/proofs.jsonl"
EARLIER = "log/earlier-checkpoints.jsonl"
ED25519 = b"\x01"
SIGNATURE_START = "\u2014 "

Fact = tuple[str, str, str]
"""Table, key there, and digest in hexadecimal."""


class Key(NamedTuple):
    """A public key under the name of its log."""

    name: str
    key_id: bytes
    public_key: bytes


class Checkpoint(NamedTuple):
    """What a signed note states, and who says to have signed it: (name, key ID, signature)."""

    origin: str
    size: int
    root: bytes
    body: str
    signatures: list[tuple[str, bytes, bytes]]


class Trusted(NamedTuple):
    """What the reader has from elsewhere: keys of the log, and a checkpoint of it."""

    keys: tuple[Key, ...] = ()
    checkpoint: Checkpoint | None = None


NOTHING_TRUSTED = Trusted()


def key_of(text: str) -> Key:
    """Return a verifier key from name+ID+base64, as C2SP signed-note has it."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded_key = rest.partition("+")
    content = base64.b64decode(encoded_key, validate=True)
    expected = sha256(name.encode() + b"\n" + content)[:4]
    if len(content) != 33 or content[:1] != ED25519 or expected.hex() != key_id:
        raise ValueError(f"{text.strip()[:100]!r} is no verifier key of Ed25519")
    return Key(name, expected, content[1:])


def checkpoint_of(note: str) -> Checkpoint:
    """Return what a note of C2SP tlog-checkpoint states; its signatures are still to be checked."""
    stated, _, signed = note.partition("\n\n")
    origin, size, encoded_root = stated.split("\n")
    hashed = base64.b64decode(encoded_root, validate=True)
    if not size.isdecimal() or str(int(size)) != size or len(hashed) != 32 or not origin:
        raise ValueError("a note that states no origin, size and root")
    signatures = []
    for line in signed.removesuffix("\n").split("\n"):
        name, _, encoded_signature = line.removeprefix(SIGNATURE_START).partition(" ")
        content = base64.b64decode(encoded_signature, validate=True)
        if not line.startswith(SIGNATURE_START) or len(content) != 68:
            raise ValueError(f"{line[:100]!r} is no signature line")
        signatures.append((name, content[:4], content[4:]))
    return Checkpoint(origin, int(size), hashed, stated + "\n", signatures)


def risen(place: int, last: int) -> tuple[int, int]:
    """Climb past the levels at which the right edge of a tree has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def inclusion_root(index: int, size: int, hashed: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the root to which a leaf hash and its proof lead (RFC 9162 section 2.1.3.2)."""
    place, last = index, size - 1
    if not 0 <= place <= last:
        return None
    for sibling in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            hashed = node(sibling, hashed)
            place, last = risen(place, last)
        else:
            hashed = node(hashed, sibling)
        place, last = place >> 1, last >> 1
    return hashed if last == 0 else None


def consistency_roots(
    old_size: int, size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Return the old and the new root to which a proof leads (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= size:
        return None
    if old_size == size:
        return None if proof else (old_root, old_root)
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not hashes:
        return None
    old = new = hashes[0]
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    for hashed in hashes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node(hashed, old), node(hashed, new)
            place, last = risen(place, last)
        else:
            new = node(new, hashed)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


def check_log(files: Files, facts: Sequence[Fact], trusted: Trusted, report: Report) -> None:
    """Prove every fact to be in the log that the checkpoint signs."""
    checkpoint: Checkpoint | None = None
    stated: list[Key] = []
    with report.reading(KEYS):
        stated = [key_of(line) for line in text_of(files, KEYS, report).splitlines()]
        for key in trusted.keys:
            if key not in stated:
                report.add(KEYS, "", f"the key {key.name} that was given", "others")
    with report.reading(CHECKPOINT):
        checkpoint = checkpoint_of(text_of(files, CHECKPOINT, report))
        check_signature(CHECKPOINT, checkpoint, trusted.keys or stated, report)
    if checkpoint is None:
        return
    check_proofs(files, checkpoint, facts, report)
    known = check_earlier(files, checkpoint, [*trusted.keys, *stated], report)
    if trusted.checkpoint is not None:
        check_known(trusted.checkpoint, known, report)
    report.notes.append(
        f"Checkpoint of {checkpoint.origin}: {checkpoint.size} leaves, root {checkpoint.root.hex()}"
    )
    if not trusted.keys:
        report.notes.append(
            "Its key is the one in the file: hold it to the one that the operator publishes "
            f"elsewhere, by --key\n  {text_of(files, KEYS, report).strip()}"
        )


def check_signature(file: str, checkpoint: Checkpoint, keys: Sequence[Key], report: Report) -> None:
    """Hold a checkpoint to a key of its log; no signature under a known key may be wrong."""
    signed = False
    for name, key_id, signature in checkpoint.signatures:
        for key in keys:
            if (key.name, key.key_id) == (name, key_id):
                holds = is_signed(key.public_key, checkpoint.body.encode(), signature)
                report.equal(file, f"signature of {name}", "that it holds:", True, holds)
                signed = signed or (holds and name == checkpoint.origin)
    if not signed:
        names = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys) or "no key"
        report.add(file, "", f"a signature of the log by {names}", "none that holds")
    report.count("signatures of checkpoints")


def check_proofs(
    files: Files, checkpoint: Checkpoint, facts: Sequence[Fact], report: Report
) -> None:
    """Hold every fact to its proof, and every proof to the root of the checkpoint."""
    wanted = {(source, key): digest for source, key, digest in facts}
    proven: set[tuple[str, str]] = set()
    for line, row in json_lines(files, PROOFS, report):
        with report.reading(PROOFS, line):
            place = f"{line}, {row['source']} {row['key']}"
            fact = (string(row["source"]), string(row["key"]))
            if fact in proven:
                report.add(PROOFS, place, "one proof of a fact", "another")
            proven.add(fact)
            expected = wanted.get(fact, "of a row in this evidence")
            report.equal(PROOFS, place, "digest", expected, row["digest"])
            fields = [("T", fact[0]), ("T", fact[1]), ("B", row["digest"])]
            hashed = leaf(encoded("tallystick.leaf.1", fields))
            proof = [unhex(one) for one in row["hashes"]]
            led = inclusion_root(integer(row["index"]), checkpoint.size, hashed, proof)
            report.equal(PROOFS, place, "to lead to the checkpoint's root", checkpoint.root, led)
            report.count("facts proven to be in the log")
    for source, key in sorted(wanted.keys() - proven):
        report.add(PROOFS, f"{source} {key}", "a proof that the log holds it", None)


def check_earlier(
    files: Files, checkpoint: Checkpoint, keys: Sequence[Key], report: Report
) -> dict[int, bytes]:
    """Prove each earlier checkpoint's log to be the beginning of this one; return all roots."""
    known = {checkpoint.size: checkpoint.root}
    for line, row in json_lines(files, EARLIER, report):
        with report.reading(EARLIER, line):
            earlier = checkpoint_of(string(row["note"]))
            place = f"{line}, checkpoint of {earlier.size} leaves"
            report.equal(EARLIER, place, "origin", checkpoint.origin, earlier.origin)
            check_signature(EARLIER, earlier, keys, report)
            proof = [unhex(one) for one in row["hashes"]]
            led = consistency_roots(earlier.size, checkpoint.size, earlier.root, proof)
            if led != (earlier.root, checkpoint.root):
                report.add(EARLIER, place, "a proof that leads to both roots", "one that does not")
            known[earlier.size] = earlier.root
            report.count("earlier checkpoints that this one extends")
    return known


def check_known(given: Checkpoint, known: Mapping[int, bytes], report: Report) -> None:
    """Hold the evidence to a checkpoint that the reader had before."""
    expected = known.get(given.size)
    if expected is None:
        sizes = f"one of the {len(known)} checkpoints in the evidence"
        report.add(EARLIER, "--checkpoint", sizes, f"one of {given.size} leaves")
    else:
        what = f"root of {given.size} leaves"
        report.equal(EARLIER, "--checkpoint", what, given.root, expected)


def facts_of(law: Law, run: Row, book: Ledger, invoices: Sequence[Invoice]) -> list[Fact]:
    """Return every fact of the evidence that the log must hold."""
    return [
        *(
            ("rulebook.version", row["id"], row["row_digest"])
            for rows in law.versions.values()
            for row in rows
        ),
        *([("settlement.run", row["id"], row["digest"]) for row in (run,) if row]),
        *(("ledger.journal", str(number), row["digest"]) for number, row in book.journals.items()),
        *(("ledger.invoice", document_number(one.row), one.row["digest"]) for one in invoices),
    ]


# What to do when it is asked ---------------------------------------------------------------------


def check(files: Files, report: Report, trusted: Trusted = NOTHING_TRUSTED) -> None:
    """Check everything that the evidence holds."""
    check_manifest(files, report)
    law = check_law(files, report)
    run = check_run(files, law, report)
    readings, metered = check_readings(files, run, report)
    days = check_results(files, run, report)
    made = [digest for day in days.values() for digest in day.made]
    check_inputs(files, run, readings, made, report)
    book = check_ledger(files, report)
    check_posted(run, law, days, metered, book, report)
    invoices = check_invoices(files, law, book, report)
    check_billed(invoices, book, report)
    with report.reading(PROOFS):
        check_log(files, facts_of(law, run, book, invoices), trusted, report)


def recompute(path: Path, report: Report) -> None:
    """Settle the period again with the product, and hold every result to what came out."""
    try:
        product = importlib.import_module("settlement.evidence.recompute")
    except ImportError as error:
        remedy = "run verify.py with the product's Python, and name its folder by --product"
        report.add(str(path), "--recompute", f"Tallystick to be installed ({remedy})", str(error))
        return
    with report.reading(str(path), "--recompute"):
        count, differences = product.recompute(path)
        report.count("results that came out the same when they were settled again", count)
        for file, row, expected, found in differences:
            report.add(file, row, expected, found)


def evidence_at(path: Path) -> Files | None:
    """Return the evidence in a folder or in a zip; None where there is none."""
    try:
        if (path / MANIFEST).is_file():
            return Folder(path)
        return Zip(path) if path.is_file() else None
    except (OSError, zipfile.BadZipFile):
        return None


def parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    made = argparse.ArgumentParser(
        prog="verify.py",
        description="Check an evidence file of Tallystick from its bytes alone.",
        epilog="Exit status: 0 everything holds, 1 something does not, 2 not understood.",
    )
    made.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=Path(__file__).resolve().parent,
        help="the zip, or the folder into which it was unpacked; default: the folder of verify.py",
    )
    made.add_argument(
        "--key",
        action="append",
        default=[],
        help="verifier key of the log, or a file with such keys, that you have from elsewhere",
    )
    made.add_argument(
        "--checkpoint",
        type=Path,
        help="a checkpoint of the log that you have from before: the log must extend it",
    )
    made.add_argument(
        "--recompute",
        action="store_true",
        help="settle the period again from the rules and readings in the file; needs Tallystick",
    )
    made.add_argument(
        "--product", type=Path, help="folder of Tallystick, for --recompute; default: as installed"
    )
    made.add_argument("--json", action="store_true", help="print the outcome as JSON")
    return made


def trusted_of(options: argparse.Namespace) -> Trusted:
    """Return what the reader has from elsewhere."""
    texts = [Path(one).read_text() if Path(one).is_file() else one for one in options.key]
    note = options.checkpoint and options.checkpoint.read_text(encoding="utf-8")
    return Trusted(
        tuple(key_of(line) for text in texts for line in text.split()),
        checkpoint_of(note) if note else None,
    )


def printed(report: Report, path: Path, *, as_json: bool) -> None:
    """Print what was checked and what was found."""
    if as_json:
        outcome = {
            "holds": not report.findings,
            "checked": report.counts,
            "notes": report.notes,
            "findings": [finding._asdict() for finding in report.findings],
        }
        print(json.dumps(outcome, indent=2))
        return
    print(f"Checked {path}:")
    for what, count in report.counts.items():
        print(f"{count:>10,} {what}")
    for note in report.notes:
        print(note)
    if not report.findings:
        print("Everything holds.")
        return
    print(f"{len(report.findings)} findings:", file=sys.stderr)
    for finding in report.findings:
        print(f"  {finding}", file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    """Check what the command line names, print the outcome, and return the exit status."""
    options = parser().parse_args(arguments)
    files = evidence_at(options.path)
    if files is None:
        print(f"{options.path}: no evidence: name its zip, or the folder that holds its "
              "manifest.json", file=sys.stderr)  # fmt: skip
        return 2
    try:
        trusted = trusted_of(options)
    except UNREADABLE as error:
        print(f"--key or --checkpoint cannot be read: {error}", file=sys.stderr)
        return 2
    report = Report()
    check(files, report, trusted)
    if options.recompute:
        if options.product is not None:
            sys.path.insert(0, str(options.product))
        recompute(options.path, report)
    printed(report, options.path, as_json=options.json)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
