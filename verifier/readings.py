"""The readings of the run, and the files in which they came."""

import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from verifier.archive import Files
from verifier.encoding import (
    encode_integer,
    encode_moment,
    encode_uuid,
    pack_integers,
    parse_layout,
    prefix_length,
)
from verifier.merkle_tree import sha256
from verifier.report import Report
from verifier.rows import read_csv_rows
from verifier.values import (
    Row,
    list_days,
    parse_day,
    parse_hex,
    parse_moment,
    parse_vector,
    to_integer,
    to_text,
)

READING_FILES = "readings/files.csv"
READING_PREFIX = b"tallystick/reading/1\n"
FILE_PREFIX = b"tallystick/reading-file/2\n"
FILE_NAMESPACE = uuid.UUID("5f6c1f5e-0b0f-5d3c-9f0e-6d3c1a0d7a11")
READING = parse_layout(
    "market:T settlement_day:D measure:T entity:T revision:I values:V quality:T "
    "received_at:M file_id:U digest:B"
)
READING_FILE = parse_layout(
    "id:U market:T name:T content_digest:B received_at:M first_day:D last_day:D row_count:I "
    "vector_count:I unchanged_count:I late_day_count:I "
    "readings_root:B digest:B"
)
READING_KEY = ("measure", "entity")

GENERATION, DEMAND = "metered_generation_wh", "metered_demand_wh"
Energy = dict[tuple[str, str, str], list[int]]
"""Day vectors by day, measure and entity."""


def reading_digest(row: Row, values: Sequence[int]) -> bytes:
    """Return the digest of a reading."""
    return sha256(
        READING_PREFIX
        + b"".join(
            prefix_length(to_text(row[name]).encode())
            for name in ("market", "settlement_day", "measure", "entity")
        )
        + encode_integer(to_integer(row["revision"]))
        + struct.pack(">I", len(values))
        + pack_integers(values)
        + prefix_length(to_text(row["quality"]).encode())
        + encode_moment(row["received_at"])
        + prefix_length(encode_uuid(row["file_id"]))
    )


def file_digest(row: Row) -> bytes:
    """Return the digest of the row of a file of readings."""
    counts = ("row_count", "vector_count", "unchanged_count", "late_day_count")
    return sha256(
        FILE_PREFIX
        + prefix_length(encode_uuid(row["id"]))
        + prefix_length(to_text(row["market"]).encode())
        + prefix_length(to_text(row["name"]).encode())
        + prefix_length(parse_hex(row["content_digest"]))
        + encode_moment(row["received_at"])
        + prefix_length(to_text(row["first_day"]).encode())
        + prefix_length(to_text(row["last_day"]).encode())
        + b"".join(encode_integer(to_integer(row[name])) for name in counts)
        + prefix_length(parse_hex(row["readings_root"]))
    )


@dataclass
class Readings:
    """The readings of a run.

    Attributes:
        used: the digests of those that count among the inputs, by day, measure and entity.
        metered: what was metered of the run's days, 0 where a reading is missing.
        file_digests: the digests of the files in which they came, by their identities.
    """

    used: list[bytes] = field(default_factory=list)
    metered: Energy = field(default_factory=dict)
    file_digests: dict[str, str] = field(default_factory=dict)


def check_readings(files: Files, run: Row, report: Report) -> Readings:
    """Hash every reading again, and the file in which it came."""
    received: dict[str, str] = {}
    readings = Readings()
    for place, row in read_csv_rows(files, READING_FILES, READING_FILE, ("id",), report):
        with report.reading(READING_FILES, place):
            found = file_digest(row).hex()
            report.equal(READING_FILES, place, "the row to have digest", row["digest"], found)
            name = f"{row['market']}/{row['content_digest']}"
            what = "id, made of market and content_digest,"
            expected = str(uuid.uuid5(FILE_NAMESPACE, name))
            report.equal(READING_FILES, place, what, expected, row["id"])
            received[row["id"]] = row["received_at"]
            readings.file_digests[row["id"]] = row["digest"]
            report.count("files of readings")
    names = (name for name in files.names() if name.startswith("readings/"))
    for name in sorted(set(names) - {READING_FILES}):
        readings.used += check_readings_of_day(files, name, run, received, readings.metered, report)
    return readings


def check_readings_of_day(
    files: Files,
    name: str,
    run: Row,
    received: Mapping[str, str],
    metered: Energy,
    report: Report,
) -> list[bytes]:
    """Hash the readings of a day; add what was metered, and return their digests."""
    used: list[tuple[str, str, bytes]] = []
    day = name.removeprefix("readings/").removesuffix(".csv")
    days = list_days(run["first_day"], run["last_day"]) if run else []
    for line, row in read_csv_rows(files, name, READING, READING_KEY, report):
        with report.reading(name, line):
            place = f"{line}, {row['measure']} {row['entity']} revision {row['revision']}"
            values = parse_vector(row["values"])
            digest = reading_digest(row, values)
            report.equal(name, place, "the row to have digest", row["digest"], digest.hex())
            report.equal(name, place, "settlement_day", day, row["settlement_day"])
            report.equal(name, place, "market", run.get("market"), row["market"])
            sent = received.get(row["file_id"])
            report.equal(name, place, f"received_at of file {row['file_id']}", sent,
                         row["received_at"])  # fmt: skip
            if run and parse_moment(row["received_at"]) > parse_moment(run["known_at"]):
                report.add(name, place, f"known by {run['known_at']}", row["received_at"])
            key = (row["measure"], row["entity"])
            used.append((*key, parse_hex(row["digest"])))
            if day in days and row["measure"] in (GENERATION, DEMAND):
                letters = to_text(row["quality"])
                metered[day, *key] = [
                    0 if letter == "X" else value
                    for letter, value in zip(letters, values, strict=True)
                ]
            report.count("readings")
    with report.reading(name):
        report.equal(name, "", "a day", parse_day(day).isoformat(), day)
    if not used:
        report.add(name, "", "a reading of the day", None)
    # By measure and entity, as the run's input digest has them, whatever the file's order.
    return [digest for _, _, digest in sorted(used)]
