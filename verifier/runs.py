"""The run: its row, the law that it is pinned to, and the digest of its inputs."""

import datetime as dt
import json
from collections.abc import Sequence

from verifier.archive import Files, parse_json
from verifier.canonical_json import canonical_json
from verifier.encoding import encode_row, parse_layout, select_fields
from verifier.law import Law
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.report import Report
from verifier.rows import check_text
from verifier.values import Row, list_days, parse_day, parse_moment, to_text
from verifier.writing import check_columns, check_object, check_values

RUN = "run.json"
OVERLAY = "study/overlay.json"
PIN = parse_layout("first_day:D last_day:D instrument:T digest:B")
RUN_LAYOUT = parse_layout(
    "id:U market:T kind:T first_day:D last_day:D known_at:M pins:LB input_digest:B "
    "engine_version:T result_digest:B created_at:M"
)
SOME_TIME_ON_THE_DAY = dt.time(10, 59, tzinfo=dt.UTC)
"""An instant of a day that lies on it in every time zone from UTC-10:59 to UTC+13:00."""


def encode_pin(pin: Row) -> bytes:
    """Return the bytes of a pin."""
    return encode_row("tallystick.pin.1", select_fields(PIN, pin))


def is_study_pin(pin: Row) -> bool:
    """Return whether a pin names something of a study's own."""
    return to_text(pin["instrument"]).split("/")[1:2] == ["study"]


def read_run(files: Files, report: Report) -> Row:
    """Return the run's row, and the pins in it, in the writing of their layouts."""
    text = files.read(RUN).decode()
    stated = parse_json(text)
    check_text(RUN, json.dumps(stated, ensure_ascii=False, separators=(",", ":")) + "\n", text,
               report)  # fmt: skip
    columns = {**RUN_LAYOUT, **parse_layout("digest:B")}
    if type(stated) is not dict or not check_columns(list(stated), columns, RUN, "run", report):
        raise ValueError("a run without its columns")
    pins = [
        check_object(pin, PIN, RUN, f"pin {number}", report)
        for number, pin in enumerate(stated["pins"], start=1)
    ]
    # The pins are objects: of their bytes the digest is made.
    row = check_values(stated | {"pins": []}, columns, RUN, "run", report, cells=False)
    if row is None or None in pins:
        raise ValueError("a run with values that cannot be read")
    return row | {"pins": pins}


def check_run(files: Files, law: Law, report: Report) -> Row:
    """Hash the run's row again, and find the rules that it is pinned to."""
    row: Row = {}
    with report.reading(RUN):
        row = read_run(files, report)
        values = select_fields(RUN_LAYOUT, row | {"pins": [encode_pin(pin) for pin in row["pins"]]})
        found = leaf_hash(encode_row("tallystick.run.1", values)).hex()
        report.equal(RUN, "", "the row to have digest", row["digest"], found)
        report.count("run")
        market_rules = []
        for number, pin in enumerate(row["pins"], start=1):
            place = f"pin {number}, {pin['instrument']}"
            if not is_study_pin(pin):
                check_pin(row, pin, law, place, report)
            if pin["instrument"] == f"{row['market']}/market-rules":
                market_rules += list_days(pin["first_day"], pin["last_day"])
        days = list_days(row["first_day"], row["last_day"])
        if sorted(market_rules) != days:
            report.add(RUN, "pins", "market rules of each day of the run, once", market_rules)
    return row


def check_pin(run: Row, pin: Row, law: Law, place: str, report: Report) -> None:
    """Hold a pin to a version that applied on its days and was recorded when the run looked."""
    versions = law.versions.get((pin["instrument"], pin["digest"]), [])
    if not versions:
        report.add(RUN, place, f"a version with digest {pin['digest']}", None)
        return
    # First and last are enough, as the validity of a version has no hole.
    for day in (pin["first_day"], pin["last_day"]):
        instant = dt.datetime.combine(parse_day(day), SOME_TIME_ON_THE_DAY)
        if not any(
            is_in_force(version, instant, parse_moment(run["known_at"])) for version in versions
        ):
            report.add(RUN, place, f"a version in force on {day}, known at {run['known_at']}", None)
    report.count("pins of the run to rules in force")


def is_in_force(version: Row, instant: dt.datetime, known: dt.datetime) -> bool:
    """Return whether a version applied at an instant and was recorded by another."""
    ends = version["valid_to"]
    return (
        parse_moment(version["recorded_from"]) <= known
        and parse_moment(version["valid_from"]) <= instant
        and (ends is None or instant < parse_moment(ends))
    )


def check_inputs(
    files: Files, run: Row, readings: Sequence[bytes], made: Sequence[bytes], report: Report
) -> None:
    """Hold the input digest to the pins, the readings and what was made for a study."""
    with report.reading(RUN, "input_digest"):
        pins = sorted(
            run["pins"],
            key=lambda pin: (pin["first_day"], pin["last_day"], pin["instrument"], pin["digest"]),
        )
        leaves = [leaf_hash(encode_pin(pin)) for pin in pins]
        found = merkle_root([*leaves, *readings, *made]).hex()
        what = f"of {len(pins)} pins and {len(readings)} readings, input_digest"
        report.equal(RUN, "input_digest", what, run["input_digest"], found)
        for pin in filter(is_study_pin, pins):
            check_study_pin(files, pin, readings, report)


def check_study_pin(files: Files, pin: Row, readings: Sequence[bytes], report: Report) -> None:
    """Hold a pin of a study's own to the readings, or to its overlay."""
    name = to_text(pin["instrument"]).rpartition("/")[2]
    if name == "readings":
        found = merkle_root(readings)
    else:
        content = files.read(OVERLAY)
        if canonical_json(parse_json(content)).encode() != content:
            report.add(OVERLAY, "", "JSON as RFC 8785 writes it", "another writing")
        found = leaf_hash(encode_row("tallystick.overlay.1", [("B", content)]))
    report.equal(RUN, f"pin {pin['instrument']}", "digest", pin["digest"], found.hex())
