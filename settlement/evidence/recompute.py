"""Settle the period of an evidence file again, from the rules and readings in it and nothing else.

The verifier has held every row of the file to its digest before.
"""

import datetime as dt
import os
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from common.refusals import Refused
from rulebook.reading import validated
from rulebook.resolve import RulePeriod, rule_set_of
from rulebook.versions import Version
from settlement.core.contract_state import NOTHING_CARRIED, Carried
from settlement.meters.completing import complete
from settlement.meters.readings import MeasuredDay, Readings
from settlement.runs.computing import ComputedDay, compute
from settlement.runs.contract_days import carried_from_dict
from settlement.runs.inputs import RunInputs, inputs_of
from settlement.runs.online_days import StoredOnlineDay
from settlement.runs.results import ResultVector, VectorKey, vector_of
from settlement.runs.run import ENGINE_VERSION
from settlement.studies.inputs import StudyInputs
from settlement.studies.overlay import Overlay
from verifier.archive import Files, open_evidence, parse_json
from verifier.kinds import kind_of
from verifier.law import Law, check_law
from verifier.readings import READING, READING_FILES
from verifier.report import Finding, Report, describe
from verifier.results import RESULT, STUDY_MADE
from verifier.rows import read_csv_rows
from verifier.runs import CONTRACTS, OVERLAY, RUN, is_study_pin
from verifier.values import Row, parse_moment, parse_vector, to_integer


def report_recomputation(path: Path, report: Report) -> None:
    """Settle the period again, and add to a report what came out the same and what did not."""
    with report.reading(str(path), "recompute"):
        count, findings = recompute(path)
        report.count("results that came out the same when they were settled again", count)
        report.findings += findings


def recompute(path: Path) -> tuple[int, list[Finding]]:
    """Return how many results came out as they are in the file, and where others differ.

    Raises:
        ValueError: the file holds no evidence, or a row that cannot be read.
    """
    files = open_evidence(path)
    if files is None:
        raise ValueError(f"{path} holds no evidence")
    run = parse_json(files.read(RUN))
    if run["engine_version"] != ENGINE_VERSION:
        ours = f"this release computes by version {ENGINE_VERSION}"
        remedy = f"a release with engine version {run['engine_version']}"
        return 0, [Finding(RUN, "engine_version", remedy, ours)]
    law = check_law(files, Report())
    findings: list[Finding] = []
    try:
        inputs = _inputs(files, run, law)
    except Refused as refused:
        return 0, [
            Finding(RUN, finding.place, finding.limit, finding.value)
            for finding in refused.findings
        ]
    computed = compute(inputs, os.cpu_count() or 1)
    count = 0
    for day in computed:
        same, different = _compared(files, day)
        count += same
        findings += different
    return count, findings


def _compared(files: Files, computed: ComputedDay) -> tuple[int, list[Finding]]:
    name = f"results/{computed.day}.csv"
    ours = {(vector.measure, vector.entity): vector.digest.hex() for vector in computed.vectors}
    theirs = {
        (row["measure"], row["entity"]): row["digest"]
        for _, row in read_csv_rows(files, name, RESULT, (), Report())
    }
    findings = [
        Finding(
            name,
            f"{measure} {entity}",
            f"settled again, digest {describe(ours.get((measure, entity)))}",
            describe(theirs.get((measure, entity))),
        )
        for measure, entity in sorted(ours.keys() | theirs.keys())
        if ours.get((measure, entity)) != theirs.get((measure, entity))
    ]
    return len(ours.keys() & theirs.keys()) - len(findings), findings


def _inputs(files: Files, run: Row, law: Law) -> RunInputs | StudyInputs:
    periods = _periods(run, law)
    days = _stored_days(files)
    market, known = run["market"], parse_moment(run["known_at"])

    def between(first: dt.date, last: dt.date, entities: Sequence[str] | None = None) -> Readings:
        chosen = {day: rows for day, rows in days.items() if first <= day <= last}
        return Readings(market, known, _stacked(chosen, entities))

    readings = between(periods[0].first_day, periods[-1].last_day)
    completed = complete(readings, periods, between)
    online = {handed.day: handed for handed in _handed(files, market, known)}
    inputs = inputs_of(periods, readings, completed, _carried(files), online)
    if run["kind"] != "study":
        return inputs
    return StudyInputs(inputs, _overlay(files), _made(files, inputs.days))


def _handed(files: Files, market: str, known: dt.datetime) -> Iterator[StoredOnlineDay]:
    """Yield what the market handed over, as the file states it: of its row it tells no more."""
    for name in sorted(files.names()):
        if kind_of(name) == "handed over":
            day = dt.date.fromisoformat(name.rpartition("/")[2].removesuffix(".json"))
            yield StoredOnlineDay(market, day, 1, 1, files.read(name).decode(), known)


def _carried(files: Files) -> Carried:
    """Return what the first day begins with, as the file states it; nothing where it does not."""
    if CONTRACTS not in files.names():
        return NOTHING_CARRIED
    return carried_from_dict(parse_json(files.read(CONTRACTS)))


def _periods(run: Row, law: Law) -> list[RulePeriod]:
    """Return the rules that the run is pinned to, period by period."""
    pins: defaultdict[tuple[str, str], list[Version]] = defaultdict(list)
    for pin in run["pins"]:
        if not is_study_pin(pin):
            key = (pin["instrument"], pin["digest"])
            pins[pin["first_day"], pin["last_day"]].append(_version(law, key))
    return [
        RulePeriod(
            dt.date.fromisoformat(first),
            dt.date.fromisoformat(last),
            rule_set_of(versions, run["market"], dt.date.fromisoformat(first)),
        )
        for (first, last), versions in sorted(pins.items())
    ]


def _version(law: Law, key: tuple[str, str]) -> Version:
    row = min(
        law.versions[key], key=lambda version: (version["recorded_from"], version["valid_from"])
    )
    columns = row | {
        "body": law.bodies[key],
        "id": uuid.UUID(row["id"]),
        "digest": bytes.fromhex(row["digest"]),
        "valid_from": parse_moment(row["valid_from"]),
        "valid_to": parse_moment(row["valid_to"]) if row["valid_to"] else None,
        "recorded_from": parse_moment(row["recorded_from"]),
        "recorded_to": None,
        "supersedes": tuple(map(uuid.UUID, row["supersedes"])),
        "origin": uuid.UUID(row["origin"]) if row["origin"] else None,
        "row_digest": bytes.fromhex(row["row_digest"]),
    }
    return Version(**columns)


def _stored_days(files: Files) -> dict[dt.date, list[Row]]:
    """Return the readings of each day in their latest revision."""
    days: dict[dt.date, list[Row]] = {}
    for name in sorted(files.names()):
        if name.startswith("readings/") and name != READING_FILES:
            rows = [row for _, row in read_csv_rows(files, name, READING, (), Report())]
            day = dt.date.fromisoformat(name.removeprefix("readings/").removesuffix(".csv"))
            days[day] = rows
    return days


def _stacked(
    days: dict[dt.date, list[Row]], entities: Sequence[str] | None
) -> dict[dt.date, dict[str, MeasuredDay]]:
    stacked: dict[dt.date, dict[str, MeasuredDay]] = {}
    for day, rows in days.items():
        of_measure: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if entities is None or row["entity"] in entities:
                of_measure[row["measure"]].append(row)
        stacked[day] = {measure: _measured(chosen) for measure, chosen in of_measure.items()}
    return stacked


def _measured(rows: list[Row]) -> MeasuredDay:
    rows = sorted(rows, key=lambda row: str(row["entity"]))
    return MeasuredDay(
        tuple(row["entity"] for row in rows),
        np.array([parse_vector(row["values"]) for row in rows], dtype=np.int64),
        tuple(row["quality"] for row in rows),
        tuple(to_integer(row["revision"]) for row in rows),
        tuple(bytes.fromhex(row["digest"]) for row in rows),
    )


def _overlay(files: Files) -> Overlay | None:
    if OVERLAY not in files.names():
        return None
    overlay, findings = validated(Overlay, parse_json(files.read(OVERLAY)), OVERLAY)
    if overlay is None:
        raise Refused(findings)
    return overlay


def _made(files: Files, days: Sequence[dt.date]) -> dict[dt.date, dict[VectorKey, ResultVector]]:
    """Return what float solvers made for a study, which is part of its inputs."""
    return {
        day: {
            (row["measure"], row["entity"]): vector_of(
                day,
                row["measure"],
                row["entity"],
                np.array(parse_vector(row["values"]), dtype=np.int64),
            )
            for _, row in read_csv_rows(files, f"results/{day}.csv", RESULT, (), Report())
            if row["measure"] in STUDY_MADE
        }
        for day in days
    }
