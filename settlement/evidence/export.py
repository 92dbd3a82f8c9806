"""Export the evidence of a run: load, write file after file, and the manifest last."""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import IO, Any

from sqlalchemy.orm import Session

from ledger.journal import STUDY
from rulebook.digest import canonical_bytes
from rulebook.tables import VersionRow
from settlement.evidence import store
from settlement.evidence.archive import Archive
from settlement.evidence.fairness_part import fairness_files
from settlement.evidence.ledger_part import Row, ledger_part
from settlement.evidence.log_part import Fact, LogPart, log_part, require_covered
from settlement.evidence.market_part import Part
from settlement.evidence.rows import csv_rows, json_line, json_lines, plain_row
from settlement.evidence.verifier_file import verifier_digest
from settlement.meters.readings import VectorKey
from settlement.meters.store import FILE_FIELDS
from settlement.runs.contract_days import carried_as_dict
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run
from settlement.runs.store import day_vectors
from settlement.studies.store import find_study
from verifier.archive import parse_json
from verifier.handed import handed_path
from verifier.kinds import README
from verifier.law import Law, document_path, readable_path
from verifier.readable import write_readable
from verifier.readme import write_readme
from verifier.runs import CONTRACTS
from verifier.stated import list_needed_law

Progress = Callable[[int, int], None]

READING_COLUMNS = ("market", "settlement_day", "measure", "entity", "revision", "values",
                   "quality", "received_at", "file_id", "digest")  # fmt: skip
RESULT_COLUMNS = ("measure", "entity", "values", "digest")


def write_evidence(
    session: Session, run: Run, sink: IO[bytes], progress: Progress, parts: Sequence[Part] = ()
) -> None:
    """Write the evidence of a run as a zip; the same checkpoint gives the same bytes.

    Args:
        session: the caller's session.
        run: the run.
        sink: takes the bytes.
        progress: is told how many steps are done, and of how many.
        parts: give what this package cannot know; whose market is online needs that of its log.

    Raises:
        Refused: a rule or a reading of the run is not there any more, or the latest checkpoint does
            not cover all that the file holds; nothing is written.
    """
    # As of the run's look and not of now: readings that came later are none of its inputs.
    known = run_inputs(session, run.market, pinned_periods(session, run), run.known_at)
    reading_days = sorted({day for day, _, _ in known.looked_at})
    total = len(reading_days) + len(run.days) + 1
    # Before the first byte: what the log does not cover is refused, not written in part.
    log = log_part(session)
    require_covered(session, log, [Fact("settlement.run", str(run.id), run.digest)])
    book = ledger_part(session, run, log)
    fairness = fairness_files(session, run, log)
    more = [part(session, run, log) for part in parts]
    versions = _versions(session, log)
    archive = Archive(sink)
    row = json_line(run_row(run))
    archive.add(README, write_readme(parse_json(row), verifier_digest()).encode())
    obeyed = {pin.digest for pin in run.law_pins} | book.rule_digests
    obeyed |= stated_law(versions, book.billed_documents, book.journals)
    _add_all(archive, law_files(versions, obeyed))
    _add_all(archive, book.files())
    _add_all(archive, log.files())
    progress(1, total)
    received: set[uuid.UUID] = set()
    for done, day in enumerate(reading_days, start=2):
        rows = _reading_rows(session, run, day, known.looked_at)
        received.update(row["file_id"] for row in rows)
        archive.add(f"readings/{day}.csv", csv_rows(READING_COLUMNS, rows))
        progress(done, total)
    files = store.reading_files(session, received)
    archive.add("readings/files.csv", csv_rows((*FILE_FIELDS, "digest"), files))
    for done, day in enumerate(run.days, start=2 + len(reading_days)):
        archive.add(f"results/{day}.csv", _results(session, run, day))
        progress(done, total)
    if known.knows_contracts:
        archive.add(CONTRACTS, canonical_bytes(carried_as_dict(known.contracts.before)))
    for handed in known.counting:
        archive.add(handed_path(handed.day.isoformat()), handed.content.encode())
    archive.add("run.json", row)
    _add_all(archive, fairness)
    for files_of_part in more:
        _add_all(archive, files_of_part)
    _add_all(archive, _study_files(session, run))
    archive.close(run=str(run.id))


def _versions(session: Session, log: LogPart) -> list[VersionRow]:
    """Return every version up to the checkpoint."""
    versions = [
        row for row in store.versions(session) if log.covers("rulebook.version", str(row.id))
    ]
    facts = [Fact("rulebook.version", str(row.id), row.row_digest) for row in versions]
    require_covered(session, log, facts)
    return versions


def _add_all(archive: Archive, files: Mapping[str, bytes]) -> None:
    # Sorted, as the same checkpoint gives the same bytes.
    for name, content in sorted(files.items()):
        archive.add(name, content)


def law_files(versions: Collection[VersionRow], obeyed: Collection[bytes]) -> dict[str, bytes]:
    """Return the versions as rows, and documents as canonical JSON and for reading.

    Args:
        obeyed: the digests of the documents that the run obeyed or that lines name.
    """
    files = {"law/versions.jsonl": json_lines(map(_version_row, versions))}
    for version in versions:
        if version.digest in obeyed:
            key = (version.instrument, version.digest.hex())
            files[document_path(*key)] = canonical_bytes(version.body)
            files[readable_path(*key)] = write_readable(version.body).encode()
    return files


def stated_law(
    versions: Iterable[VersionRow], documents: Iterable[Row], journals: Iterable[Row]
) -> set[bytes]:
    """Return the digests of the law that the parties and terms of documents follow from.

    It is what the verifier asks for, so it is found by its function, in its values.
    """
    law = Law()
    for version in versions:
        key = (version.instrument, version.digest.hex())
        law.versions.setdefault(key, []).append(plain_row(_version_row(version)))
    of_runs = [plain_row(_posted(row)) for row in journals if row["run_id"] is not None]
    needed = list_needed_law(law, map(plain_row, documents), of_runs)
    return {bytes.fromhex(digest) for _, digest in needed}


def _posted(journal: Row) -> Row:
    return {name: journal[name] for name in ("number", "market", "settlement_day", "run_id")}


def _version_row(version: VersionRow) -> dict[str, Any]:
    """Return the columns of a version that never change: all but the end of recorded time."""
    return {
        "id": version.id,
        "market": version.market,
        "instrument": version.instrument,
        "kind": version.kind,
        "digest": version.digest,
        "valid_from": version.valid.lower,
        "valid_to": version.valid.upper,
        "recorded_from": version.recorded.lower,
        "status": version.status,
        "author": version.author,
        "approver": version.approver,
        "approval": str(version.approval),
        "reason": version.reason,
        "supersedes": version.supersedes,
        "origin": version.origin,
        "row_digest": version.row_digest,
    }


def _reading_rows(
    session: Session, run: Run, day: dt.date, looked_at: Collection[VectorKey]
) -> list[dict[str, Any]]:
    """Return the readings of a day that are inputs of a run, each as it was known to it."""
    # A later revision stands after the one before it, whose place it takes.
    latest = {
        (row["measure"], row["entity"]): row
        for row in store.readings_of_day(session, run.market, day, run.known_at)
    }
    return [row for key, row in latest.items() if (day, *key) in looked_at]


def _results(session: Session, run: Run, day: dt.date) -> bytes:
    vectors = day_vectors(session, run.id, day)
    rows = ({name: getattr(vector, name) for name in RESULT_COLUMNS} for vector in vectors)
    return csv_rows(RESULT_COLUMNS, rows)


def run_row(run: Run) -> dict[str, Any]:
    """Return the row of a run, its pins as objects."""
    return {
        "id": run.id,
        "market": run.market,
        "kind": run.kind,
        "first_day": run.first_day,
        "last_day": run.last_day,
        "known_at": run.known_at,
        "pins": [pin.as_json() for pin in run.pins],
        "input_digest": run.input_digest,
        "engine_version": run.engine_version,
        "result_digest": run.result_digest,
        "created_at": run.created_at,
        "digest": run.digest,
    }


def _study_files(session: Session, run: Run) -> dict[str, bytes]:
    """Return the overlay of a study's run; a run without an overlay has none."""
    study = find_study(session, run.id) if run.kind == STUDY else None
    return {} if study is None else {"study/overlay.json": canonical_bytes(study.overlay)}
