"""The run: its row, the law that it is pinned to, and the digest of its inputs."""

import datetime as dt
import json
from collections.abc import Sequence

from verifier.archive import Files, parse_json
from verifier.canonical_json import canonical_json
from verifier.encoding import encode_row, parse_layout, select_fields
from verifier.law import Law, list_in_force
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.report import Report
from verifier.rows import check_text
from verifier.values import Row, list_days, parse_day, parse_moment, to_text
from verifier.writing import check_columns, check_object, check_values

RUN = "run.json"
OVERLAY = "study/overlay.json"
CONTRACTS = "contracts.json"
READINGS = "readings"
PIN = parse_layout("first_day:D last_day:D instrument:T digest:B")
RUN_LAYOUT = parse_layout(
    "id:U market:T kind:T first_day:D last_day:D known_at:M pins:LB input_digest:B "
    "engine_version:T result_digest:B created_at:M"
)
ENGINE_VERSIONS = ("1", "2", "3")
"""Every version of the engine that a release had."""

SOME_TIME_ON_THE_DAY = dt.time(10, 59, tzinfo=dt.UTC)
"""An instant of a day that lies on it in every time zone from UTC-10:59 to UTC+13:00."""


def encode_pin(pin: Row) -> bytes:
    """Return the bytes of a pin."""
    return encode_row("tallystick.pin.1", select_fields(PIN, pin))


def is_study_pin(pin: Row) -> bool:
    """Return whether a pin names something of a study's own."""
    return to_text(pin["instrument"]).split("/")[1:2] == ["study"]


def name_of_study_pin(pin: Row) -> str:
    """Return what of a study's own a pin names: its readings, or its overlay."""
    return to_text(pin["instrument"]).rpartition("/")[2]


def read_run(files: Files, report: Report) -> Row:
    """Return the run's row, and the pins in it, in the writing of their layouts."""
    text = files.read(RUN).decode()
    stated = parse_json(text)
    check_text(RUN, write_run(stated), text, report)
    return read_run_row(stated, RUN, "", report)


def write_run(stated: object) -> str:
    """Return the line of a run as the product writes it."""
    return json.dumps(stated, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_run_row(stated: Row, file: str, line: str, report: Report) -> Row:
    """Return a run's row, and the pins in it, in the writing of their layouts.

    Args:
        line: where it stands, with a comma and a blank behind it; nothing where it stands alone.
    """
    columns = {**RUN_LAYOUT, **parse_layout("digest:B")}
    if type(stated) is not dict or not check_columns(
        list(stated), columns, file, f"{line}run", report
    ):
        raise ValueError("a run without its columns")
    pins = [
        check_object(pin, PIN, file, f"{line}pin {number}", report)
        for number, pin in enumerate(stated["pins"], start=1)
    ]
    # The pins are objects: of their bytes the digest is made.
    row = check_values(stated | {"pins": []}, columns, file, f"{line}run", report, cells=False)
    if row is None or None in pins:
        raise ValueError("a run with values that cannot be read")
    if row["engine_version"] not in ENGINE_VERSIONS:
        what = f"a version of the engine that a release had, {', '.join(ENGINE_VERSIONS)},"
        report.add(file, f"{line}engine_version", what, row["engine_version"])
    return row | {"pins": pins}


def run_digest(row: Row) -> str:
    """Return the digest of a run's row."""
    values = select_fields(RUN_LAYOUT, row | {"pins": [encode_pin(pin) for pin in row["pins"]]})
    return leaf_hash(encode_row("tallystick.run.1", values)).hex()


def check_run(files: Files, law: Law, report: Report) -> Row:
    """Hash the run's row again, and find the rules that it is pinned to."""
    row: Row = {}
    with report.reading(RUN):
        row = read_run(files, report)
        report.equal(RUN, "", "the row to have digest", row["digest"], run_digest(row))
        report.notes.append(
            "That results follow from law and readings is not checked here: `manage.py recompute` "
            f"of a release with version {row['engine_version']} of the engine settles them again"
        )
        report.count("run")
        for day in list_days(row["first_day"], row["last_day"]):
            check_law_of_day(row, day, law, report)
    return row


def check_law_of_day(run: Row, day: str, law: Law, report: Report) -> None:
    """Hold the pins of a day to the law in force on it, as the run knew it: all, and no other."""
    pinned = sorted(
        (to_text(pin["instrument"]), to_text(pin["digest"]))
        for pin in run["pins"]
        if not is_study_pin(pin) and pin["first_day"] <= day <= pin["last_day"]
    )
    instant = dt.datetime.combine(parse_day(day), SOME_TIME_ON_THE_DAY)
    in_force = list_in_force(law, run["market"], instant, parse_moment(run["known_at"]))
    for key in sorted(in_force.difference(pinned)):
        report.add(RUN, f"pins, {day}", f"{'/'.join(key)}, which was in force", None)
    for key in pinned:
        if key not in in_force or pinned.count(key) > 1:
            report.add(RUN, f"pins, {day}", "what was in force, once", "/".join(key))
    report.count("pins of the run to the rules in force, day by day", len(pinned))


def check_inputs(
    files: Files,
    run: Row,
    readings: Sequence[bytes],
    handed: Sequence[bytes],
    made: Sequence[bytes],
    report: Report,
) -> None:
    """Hold the input digest to the pins, the readings and what was made for a study.

    Where the run begins with contracts, what they begin with is one more reading; and so is what
    a market online handed over of each day.
    """
    with report.reading(RUN, "input_digest"):
        pins = sorted(
            run["pins"],
            key=lambda pin: (pin["first_day"], pin["last_day"], pin["instrument"], pin["digest"]),
        )
        leaves = [leaf_hash(encode_pin(pin)) for pin in pins]
        readings = [*readings, *contract_leaf(files, report), *handed]
        found = merkle_root([*leaves, *readings, *made]).hex()
        what = f"of {len(pins)} pins and {len(readings)} readings, input_digest"
        report.equal(RUN, "input_digest", what, run["input_digest"], found)
        own = [pin for pin in pins if is_study_pin(pin)]
        for pin in own:
            check_study_pin(files, pin, readings, report)
        if OVERLAY in files.names() and not any(name_of_study_pin(pin) != READINGS for pin in own):
            report.add(OVERLAY, "", "no overlay, as the run is pinned to none,", "one")


def contract_leaf(files: Files, report: Report) -> list[bytes]:
    """Return the leaf of what contracts begin with, among a run's inputs; none where none shares.

    A file too many, or one that is missing, gives another input_digest than the run's.
    """
    if CONTRACTS not in files.names():
        return []
    content = files.read(CONTRACTS)
    if canonical_json(parse_json(content)).encode() != content:
        report.add(CONTRACTS, "", "JSON as RFC 8785 writes it", "another writing")
    return [leaf_hash(encode_row("tallystick.contracts.1", [("B", content)]))]


def check_study_pin(files: Files, pin: Row, readings: Sequence[bytes], report: Report) -> None:
    """Hold a pin of a study's own to the readings, or to its overlay."""
    if name_of_study_pin(pin) == READINGS:
        found = merkle_root(readings)
    else:
        content = files.read(OVERLAY)
        if canonical_json(parse_json(content)).encode() != content:
            report.add(OVERLAY, "", "JSON as RFC 8785 writes it", "another writing")
        found = leaf_hash(encode_row("tallystick.overlay.1", [("B", content)]))
    report.equal(RUN, f"pin {pin['instrument']}", "digest", pin["digest"], found.hex())
