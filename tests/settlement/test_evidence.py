"""Evidence of a run: the standard library alone proves it, and no change escapes."""

import datetime as dt
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine

import verifier.command_line
from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from ledger.log.note import Checkpoint, parse_note, sign
from settlement.accounts.interest import INTEREST_KINDS
from settlement.accounts.late import post_interest
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.evidence.export import write_evidence
from settlement.evidence.recompute import recompute
from settlement.evidence.verifier_file import verifier_digest, verifier_file
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.run import Run
from settlement.runs.settle import settle
from tests.conftest import ROOT
from tests.settlement.evidence_cases import (
    MANIFEST,
    Memory,
    changed,
    exported,
    rows,
    written,
)
from tests.settlement.study_cases import study_tiny
from tests.settlement.test_data_quality import STEPS, only, without
from tests.test_commands import command_on  # noqa: F401  a fixture
from tests.worlds import tiny_market
from tests.worlds.banked import pay_tiny
from tests.worlds.fair_play import FAIR_PLAY
from tests.worlds.logged import signer, take_payments
from tests.worlds.settled import CORRECTED, INGESTED, RESETTLED, SETTLED, ingest_tiny, publish_tiny
from tests.worlds.witnessed import witness
from verifier.checks import check_evidence
from verifier.encoding import encode_row, pack_integers, select_fields
from verifier.log import EARLIER_CHECKPOINT, KEY
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.readings import reading_digest
from verifier.report import Finding, Report
from verifier.runs import RUN_LAYOUT, encode_pin
from verifier.values import parse_vector

Outcome = subprocess.CompletedProcess
Verified = Callable[..., Outcome]
JANUARY = dt.date(2024, 1, 1)
FIRST_READ, FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 1, 8), dt.date(2024, 1, 9)
LATER = RESETTLED + dt.timedelta(hours=1)
ESTIMATING = {"incomplete_day": "accept", "missing": "estimate", "estimation": STEPS}


@dataclass(frozen=True)
class Market:
    """A market with every sort of row: engine, runs, and the evidence of each, by kind."""

    engine: Engine
    runs: dict[str, Run]
    zips: dict[str, bytes]

    def files(self, kind: str = "SF") -> Memory:
        return Memory.of(self.zips[kind])


def take_in(session, lines, received_at, name="readings.csv") -> None:
    ingest(session, "tiny", [MeterFile(name, "\n".join(lines).encode())], received_at=received_at)


def publish_all(session) -> None:
    """Publish a law with Fair Play, estimation, charges and energy accounts."""
    law = tiny_market.with_areas(tiny_market.documents(fair_play=FAIR_PLAY)[1:])
    publish_tiny(session, [tiny_market.market_rules(**ESTIMATING), *law, *tiny_market.charges()])


def settle_all(session) -> dict[str, Run]:
    """Settle, post and bill twice, with gaps, history, a correction and a study."""
    publish_all(session)
    lines = tiny_market.readings_csv(FIRST_READ, LAST, desiring=["B-home"]).decode().splitlines()
    lines = without(lines, "C-office", "metered_demand_wh", FIRST, range(5, 7))
    lines = without(lines, "U3", "available_w", LAST, range(10, 30))
    take_in(session, lines, INGESTED)
    runs = {"II": settle_days(session, "II", SETTLED)}
    publish_checkpoint(session, signer(1), SETTLED)
    take_payments(session, 2)
    again = tiny_market.readings_csv(FIRST_READ, LAST, seed=2).decode().splitlines()
    take_in(session, only(again, "U2", "metered_generation_wh", FIRST, range(48)), CORRECTED)
    runs["SF"] = settle_days(session, "SF", RESETTLED)
    runs["study"] = study_tiny(session, now=RESETTLED, days=(FIRST, FIRST)).run
    publish_checkpoint(session, signer(1), LATER)
    return runs


def settle_days(session, kind, now) -> Run:
    run = settle(session, "tiny", kind, FIRST, LAST, known_at=now, now=now).run
    post(session, run, now=now)
    issue_month(session, "tiny", JANUARY, now=now)
    return run


@pytest.fixture(scope="module")
def market(clone_database) -> Iterator[Market]:
    made = make_engine(clone_database())
    with transaction(made) as session:
        runs = settle_all(session)
    with transaction(made) as session:
        zips = {kind: exported(session, run) for kind, run in runs.items()}
    yield Market(made, runs, zips)
    made.dispose()


@pytest.fixture(scope="module")
def verified(tmp_path_factory) -> Verified:
    """Return what runs verify.py alone: no product beside it, no site-packages, no environment."""
    packed = tmp_path_factory.mktemp("verifier") / "verify.py"
    packed.write_bytes(verifier_file())

    def run(path, *options, cwd=ROOT, script=packed) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(script), *map(str, path), *options],
            cwd=cwd, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run


@pytest.fixture
def recomputed(command_on, market):  # noqa: F811
    """Return what runs `manage.py recompute`."""
    command = command_on(market.engine)
    return lambda *arguments: command("recompute", *arguments)


# What holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["II", "SF", "study"])
def test_a_zip_verifies_with_the_standard_library_alone(market, verified, tmp_path, kind):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips[kind])
    outcome = verified([path])
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "Everything holds." in outcome.stdout
    counts = json.loads(verified([path], "--json").stdout)["checked"]
    assert counts["results"] == sum(
        len(rows(name, content))
        for name, content in market.files(kind).items()
        if name.startswith("results/")
    )
    if kind != "study":
        assert counts["sums of accounts that are what the results say"] > 60
        assert counts["accounts billed as the journals moved them"] > 20


def test_an_unpacked_folder_verifies(market, verified, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips["SF"])
    with ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    outcome = verified([tmp_path / "unpacked"])
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_a_link_in_an_unpacked_folder_is_no_file_of_it(market, verified, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips["SF"])
    with ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    moved = tmp_path / "README.txt"
    (tmp_path / "unpacked" / "README.txt").rename(moved)
    (tmp_path / "unpacked" / "README.txt").symlink_to(moved)
    outcome = verified([tmp_path / "unpacked"])
    assert outcome.returncode == 1
    assert "README.txt: expected what can be read; found no file, but a link" in outcome.stderr


def test_the_evidence_holds_every_sort_of_reading(market):
    """Of the run's days and of days before; measured, estimated, missing, and one sent again."""
    days = {name: rows(name, content) for name, content in market.files().items()
            if name.startswith("readings/2")}  # fmt: skip
    assert min(days) < f"readings/{FIRST}.csv" < max(days)
    found = [row for of_day in days.values() for row in of_day]
    assert {"1", "2"} <= {row["revision"] for row in found}
    assert any("X" in row["quality"] for row in found)
    measures = {row["measure"] for row in rows("x.csv", market.files()[f"results/{FIRST}.csv"])}
    assert {"estimated.metered_demand_wh", "missed_w", "charge.tariff_micro"} <= measures


def test_the_same_facts_give_the_same_bytes(market):
    with transaction(market.engine) as session:
        for kind, run in market.runs.items():
            assert exported(session, run) == market.zips[kind]


def settle_first(session) -> Run:
    """Settle, post and bill for the first time."""
    publish_all(session)
    take_in(session, tiny_market.readings_csv(FIRST_READ, LAST).decode().splitlines(), INGESTED)
    return settle_days(session, "II", SETTLED)


def test_later_facts_do_not_change_the_evidence_of_an_earlier_run(session):
    run = settle_first(session)
    publish_checkpoint(session, signer(1), SETTLED)
    before = exported(session, run)
    again = tiny_market.readings_csv(FIRST, LAST, seed=2).decode().splitlines()
    take_in(session, again, CORRECTED)
    settle_days(session, "SF", RESETTLED)
    assert exported(session, run) == before
    publish_checkpoint(session, signer(1), LATER)
    files = Memory.of(exported(session, run))
    assert files.findings() == []
    # What is told of the ledger, the law and the log is all of it up to the checkpoint; of the run
    # itself, nothing is another.
    of_run = {name for name in files if name.startswith(("run", "readings/", "results/"))}
    earlier = Memory.of(before)
    assert {name: earlier[name] for name in of_run} == {name: files[name] for name in of_run}


def test_documents_that_bill_interest_and_payments_beside_them_verify(session):
    settle_first(session)
    pay_tiny(session, RESETTLED)
    april = dt.date(2024, 4, 1)
    late = dt.datetime(2024, 5, 2, 9, tzinfo=dt.UTC)
    post_interest(session, "tiny", april, now=late)
    ingest_tiny(session, april, april, received_at=late)
    run = settle(session, "tiny", "II", april, april, known_at=late, now=late).run
    post(session, run, now=late)
    issue_month(session, "tiny", april, now=late)
    publish_checkpoint(session, signer(1), late)
    files = Memory.of(exported(session, run))
    kinds = {row["kind"] for row in rows("x.jsonl", files["ledger/invoice-lines.jsonl"])}
    assert kinds & set(INTEREST_KINDS)
    assert files.findings() == []


def test_a_run_that_is_not_posted_has_no_journals(session):
    publish_all(session)
    take_in(session, tiny_market.readings_csv(FIRST_READ, LAST).decode().splitlines(), INGESTED)
    run = settle(session, "tiny", "II", FIRST, LAST, known_at=SETTLED, now=SETTLED).run
    publish_checkpoint(session, signer(1), SETTLED)
    files = Memory.of(exported(session, run))
    assert files.findings() == []
    assert files["ledger/journals.jsonl"] == b""
    report = Report()
    check_evidence(files, report)
    assert "No journal of the log is of this run: it is not posted" in report.notes


def refusals(session, run) -> list[str]:
    sink = io.BytesIO()
    with pytest.raises(Refused) as refused:
        write_evidence(session, run, sink, lambda done, total: None)
    assert sink.getvalue() == b""
    assert {finding.remedy for finding in refused.value.findings} == {
        "make one: manage.py checkpoint"
    }
    return [finding.place for finding in refused.value.findings]


def test_what_no_checkpoint_covers_is_refused_with_the_remedy(session):
    publish_all(session)
    take_in(session, tiny_market.readings_csv(FIRST_READ, LAST).decode().splitlines(), INGESTED)
    run = settle(session, "tiny", "II", FIRST, LAST, known_at=SETTLED, now=SETTLED).run
    assert refusals(session, run) == ["log"]
    publish_checkpoint(session, signer(1), SETTLED)
    post(session, run, now=SETTLED)
    assert refusals(session, run) == ["ledger.journal 1", "ledger.journal 2"]


@pytest.mark.parametrize("kind", ["SF", "study"])
def test_settled_again_from_the_zip_alone_every_result_is_the_same(
    market, verified, tmp_path, kind
):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips[kind])
    count, findings = recompute(path)
    assert findings == []
    assert count == json.loads(verified([path], "--json").stdout)["checked"]["results"]


# What does not ---------------------------------------------------------------------------------


def test_every_byte_counts(market):
    """A byte of any file changed: the manifest names the file, and no other."""
    files = market.files()
    names = [name for name in files if name != MANIFEST and files[name]]
    # Half of the files at a time: the manifest holds each to its own hash, and the other half to
    # theirs.
    for damaged in (names[::2], names[1::2]):
        other = Memory(files | {name: with_other_byte(files[name]) for name in damaged})
        found = [finding.file for finding in other.findings() if "SHA-256" in finding.expected]
        assert sorted(found) == sorted(damaged)


def with_other_byte(content: bytes) -> bytes:
    """Return content with one bit of its middle changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


FILES = {
    "law/versions.jsonl": 15,
    "ledger/accounts.csv": 7,
    "ledger/invoice-lines.jsonl": 16,
    "ledger/invoices.jsonl": 41,
    "ledger/journals.jsonl": 14,
    "ledger/postings.csv": 5,
    "log/earlier-checkpoints.jsonl": 5,
    "log/keys.jsonl": 6,
    "log/leaves.csv": 3,
    f"readings/{FIRST}.csv": 10,
    "readings/files.csv": 12,
    f"results/{FIRST}.csv": 4,
    "run.json": 12,
}
"""Every sort of file that holds rows, and how many columns they have at least."""


def test_every_file_of_rows_is_tampered_with(market):
    days = ("readings/2", "results/")
    found = {
        name
        for name, content in market.files().items()
        if name.endswith((".csv", ".jsonl")) and not name.startswith(days) and content
    }
    assert found <= FILES.keys()


@pytest.mark.parametrize("name", FILES)
def test_every_column_counts_even_if_the_manifest_is_forged(market, name):
    """A value of every column changed, and the manifest with it: the row is named in its file.

    As many columns are changed at once as there are rows: each row must be named by itself.
    """
    files = market.files()
    found_rows = rows(name, files[name])
    columns = list(found_rows[0])
    assert len(columns) >= FILES[name]
    escaped = []
    for batch in rounds(columns, found_rows):
        found, tampered = with_columns_changed(files, name, batch)
        escaped += [
            column
            for column, number in batch.items()
            if not any(names_row(each, name, number, tampered[number]) for each in found)
        ]
    assert escaped == []


def rounds(columns: list[str], found_rows: list[dict[str, Any]]) -> Iterator[dict[str, int]]:
    """Yield the columns to change at once, each with the number of a row that has its value."""
    left = list(columns)
    while left:
        batch: dict[str, int] = {}
        for column in left:
            with_value = [number for number, row in enumerate(found_rows) if row[column]]
            usable = with_value or range(len(found_rows))
            free = next((number for number in usable if number not in batch.values()), None)
            if free is not None:
                batch[column] = free
        yield batch
        left = [column for column in left if column not in batch]


def with_columns_changed(
    files: Memory, name: str, batch: dict[str, int]
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Change a column each of some rows, and the manifest; return the findings and the rows."""
    tampered = rows(name, files[name])
    for column, number in batch.items():
        tampered[number][column] = changed(tampered[number][column])
    return files.with_file(name, written(name, tampered)).findings(), tampered


def names_row(finding: Finding, name: str, number: int, row: dict[str, Any]) -> bool:
    """Tell whether a finding names a row: by the digest that it should have, or by its line."""
    if finding.file != name:
        return False
    digests = [row[column] for column in ("row_digest", "digest") if column in row]
    line = f"line {number + (2 if name.endswith('.csv') else 1)}"
    is_its_line = finding.row == line or finding.row.startswith(f"{line}, ")
    # Leaves have no digest of their own: their root is what the checkpoint signs.
    is_whole = name in ("run.json", "log/leaves.csv")
    return is_its_line or is_whole or (digests and digests[0] in finding.expected)


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"run.json"}))
def test_every_row_that_is_taken_away_is_missed(market, name):
    files = market.files()
    found_rows = rows(name, files[name])
    for number in {0, len(found_rows) // 2, len(found_rows) - 1}:
        fewer = found_rows[:number] + found_rows[number + 1 :]
        assert files.with_file(name, written(name, fewer)).findings(), number


def removed(files: Memory) -> Memory:
    return Memory({name: content for name, content in files.items() if name != "run.json"})


def added(files: Memory) -> Memory:
    return Memory(files | {"results/2024-01-31.csv": b"measure,entity,values,digest\n"})


def forged_document(files: Memory) -> Memory:
    name = next(name for name in files if name.endswith(".json") and "/registration/" in name)
    return files.with_file(name, files[name].replace(b"Limited", b"Limitec", 1))


def forged_reading(files: Memory) -> Memory:
    """Change a reading and its own digest: the run's inputs are others then."""
    name = f"readings/{FIRST}.csv"
    found = rows(name, files[name])
    row = found[0]
    row["values"] = changed(row["values"])
    row["digest"] = reading_digest(row, parse_vector(row["values"])).hex()
    return files.with_file(name, written(name, found))


def forged_results(files: Memory) -> Memory:
    """Pay a unit more, with every digest up to the run's forged: the journals say otherwise."""
    name = f"results/{FIRST}.csv"
    found = rows(name, files[name])
    row = next(row for row in found if row["measure"] == "payment.fuel_micro")
    row["values"] = changed(row["values"])
    packed = pack_integers(parse_vector(row["values"]))
    fields = [("D", str(FIRST)), ("T", row["measure"]), ("T", row["entity"]), ("B", packed)]
    row["digest"] = leaf_hash(encode_row("tallystick.result.1", fields)).hex()
    forged = files.with_file(name, written(name, found))
    days = [
        merkle_root([bytes.fromhex(row["digest"]) for row in rows(name, forged[name])])
        for name in sorted(forged)
        if name.startswith("results/")
    ]
    return with_run(forged, result_digest=merkle_root(days).hex())


def with_run(files: Memory, **columns) -> Memory:
    run = json.loads(files["run.json"]) | columns
    pins = [encode_pin(pin) for pin in run["pins"]]
    fields = select_fields(RUN_LAYOUT, run | {"pins": pins})
    run["digest"] = leaf_hash(encode_row("tallystick.run.1", fields)).hex()
    return files.with_file("run.json", written("run.json", [run]))


def left_out(files: Memory, name: str, chosen: Callable[[dict[str, Any]], bool]) -> Memory:
    """Leave rows out, of the list of leaves as well."""
    kept = [row for row in rows(name, files[name]) if not chosen(row)]
    gone = {row["digest"] for row in rows(name, files[name]) if chosen(row)}
    leaves = "log/leaves.csv"
    left = [row for row in rows(leaves, files[leaves]) if row["digest"] not in gone]
    assert gone
    files = files.with_file(name, written(name, kept) if kept else b"")
    return files.with_file(leaves, written(leaves, left))


def a_journal_left_out(files: Memory) -> Memory:
    return left_out(files, "ledger/journals.jsonl", lambda row: row["number"] == 2)


def a_document_left_out(files: Memory) -> Memory:
    return left_out(files, "ledger/invoices.jsonl", lambda row: row["number"] == 2)


def leaves_in_another_order(files: Memory) -> Memory:
    name = "log/leaves.csv"
    found = rows(name, files[name])
    return files.with_file(name, written(name, [*found[1::-1], *found[2:]]))


def forged_checkpoint(files: Memory) -> Memory:
    """Another root, signed by another key: the proofs do not lead there."""
    note = parse_note(files["log/checkpoint.txt"].decode())
    other = Checkpoint(note.checkpoint.origin, note.checkpoint.size, bytes(32))
    return files.with_file("log/checkpoint.txt", sign(other, [signer(2)]).encode())


def forged_signature(files: Memory) -> Memory:
    """The right root with a signature under the log's key that its holder never made."""
    note = parse_note(files["log/checkpoint.txt"].decode())
    body = note.checkpoint.body
    line = signer(1).signature_line(body + "x")
    return files.with_file("log/checkpoint.txt", f"{body}\n{line}".encode())


def forged_history(files: Memory) -> Memory:
    """An earlier checkpoint with another root, signed by the log's own key: a split view."""
    name = "log/earlier-checkpoints.jsonl"
    found = rows(name, files[name])
    earlier = parse_note(found[0]["note"]).checkpoint
    found[0] |= {"note": sign(earlier._replace(root=bytes(32)), [signer(1)]), "root": "00" * 32}
    return files.with_file(name, written(name, found))


def with_the_log_forged(files: Memory, forger) -> Memory:
    """Return the files with the key and checkpoints of another, leaves and all."""
    leaves = rows("x.csv", files["log/leaves.csv"])
    for name, layout, tag in (
        ("log/keys.jsonl", KEY, "tallystick.log-key.1"),
        ("log/earlier-checkpoints.jsonl", EARLIER_CHECKPOINT, "tallystick.checkpoint.1"),
    ):
        found = rows(name, files[name])
        for row in found:
            before = row["digest"]
            if "public_key" in row:
                row["public_key"] = forger.key.public_key.hex()
            else:
                size = row["size"]
                hashes = [hash_of_leaf(leaf) for leaf in leaves[:size]]
                row["root"] = merkle_root(hashes).hex()
                origin = parse_note(row["note"]).checkpoint.origin
                row["note"] = sign(Checkpoint(origin, size, merkle_root(hashes)), [forger])
            row["digest"] = leaf_hash(encode_row(tag, select_fields(layout, row))).hex()
            for leaf in leaves:
                leaf["digest"] = row["digest"] if leaf["digest"] == before else leaf["digest"]
        files = files.with_file(name, written(name, found))
    files = files.with_file("log/leaves.csv", written("x.csv", leaves))
    note = parse_note(files["log/checkpoint.txt"].decode()).checkpoint
    root = merkle_root([hash_of_leaf(leaf) for leaf in leaves])
    forged = sign(note._replace(root=root), [forger])
    return files.with_file("log/checkpoint.txt", forged.encode())


def hash_of_leaf(row: dict[str, Any]) -> bytes:
    fields = [("T", row["source"]), ("T", row["key"]), ("B", row["digest"])]
    return leaf_hash(encode_row("tallystick.leaf.1", fields))


FORGED = {
    removed: ("run.json", "no file"),
    added: ("results/2024-01-31.csv", "a file that was added"),
    forged_document: ("law/", "digest"),
    forged_reading: ("run.json", "input_digest"),
    forged_results: ("ledger/journals.jsonl", "payment.fuel"),
    a_journal_left_out: ("log/leaves.csv", "leaves, as the checkpoint counts them"),
    a_document_left_out: ("log/leaves.csv", "the root of the checkpoint"),
    leaves_in_another_order: ("log/leaves.csv", "the root of the checkpoint"),
    forged_checkpoint: ("log/checkpoint.txt", "a signature of the log"),
    forged_signature: ("log/checkpoint.txt", "found False"),
    forged_history: ("log/earlier-checkpoints.jsonl", "the first of this log too"),
}


RUN_EACH = """
import contextlib, io, json, sys, types

code = compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec")
outcomes = []
for arguments in json.load(sys.stdin):
    sys.argv[1:] = arguments
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = "verify.py"
    with contextlib.redirect_stdout(io.StringIO()) as out, \
         contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            exec(code, vars(main))
        except SystemExit as ended:
            outcomes.append((ended.code, out, err))
print(json.dumps([(code, out.getvalue(), err.getvalue()) for code, out, err in outcomes]))
"""
"""Runs a file as Python would, with each list of arguments in turn: it is compiled once only."""
OPTIONS: list[tuple[str, ...]] = [(), ("--json",)]


@pytest.fixture(scope="module")
def changed_and_verified(market, tmp_path_factory) -> Callable[..., tuple[Path, Outcome]]:
    """Return what verify.py says of changed evidence; one process checks every change."""
    folder = tmp_path_factory.mktemp("changed")
    packed = folder / "verify.py"
    packed.write_bytes(verifier_file())
    paths = {change: folder / f"{change.__name__}.zip" for change in (sound, *FORGED)}
    for change, path in paths.items():
        path.write_bytes(change(market.files()).zipped())
    asked = [(change, options) for change in paths for options in OPTIONS]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN_EACH, str(packed)],
        input=json.dumps([[str(paths[change]), *options] for change, options in asked]),
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    outcomes = {
        each: Outcome(each, *outcome)
        for each, outcome in zip(asked, json.loads(ran.stdout), strict=True)
    }
    return lambda change, *options: (paths[change], outcomes[change, options])


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_what_was_forged_is_named(changed_and_verified, forge):
    _, outcome = changed_and_verified(forge)
    assert outcome.returncode == 1
    place, words = FORGED[forge]
    lines = [line.strip() for line in outcome.stderr.splitlines()]
    assert any(line.startswith(place) and words in line for line in lines), outcome.stderr


def sound(files: Memory) -> Memory:
    return files


@pytest.mark.parametrize("change", [sound, *FORGED], ids=lambda change: change.__name__)
@pytest.mark.parametrize("options", OPTIONS, ids=["in words", "as JSON"])
def test_the_file_does_what_the_package_does(changed_and_verified, capsys, change, options):
    path, packed = changed_and_verified(change, *options)
    capsys.readouterr()
    status = verifier.command_line.main([str(path), *options])
    said = capsys.readouterr()
    assert (packed.returncode, packed.stdout, packed.stderr) == (status, said.out, said.err)
    assert packed.returncode == (0 if change is sound else 1)


@pytest.mark.parametrize("change", [sound, forged_results], ids=lambda change: change.__name__)
def test_the_package_runs_by_its_name_without_site_packages(changed_and_verified, change):
    path, packed = changed_and_verified(change)
    package = subprocess.run(
        [sys.executable, "-S", "-m", "verifier", str(path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (package.returncode, package.stdout, package.stderr) == (
        packed.returncode,
        packed.stdout,
        packed.stderr,
    )


def test_no_code_is_in_the_evidence(market):
    """No zip vouches for its own verifier: it holds none, and README.txt says where one is."""
    for kind in market.zips:
        files = market.files(kind)
        assert [name for name in files if not name.endswith((".txt", ".csv", ".json", ".jsonl",
                                                             ".yaml"))] == []  # fmt: skip
        assert verifier_digest() in files["README.txt"].decode()


def test_a_forgery_of_everything_is_found_by_the_key_that_the_reader_has(
    market, verified, tmp_path
):
    """Whoever holds no key of the log can make another log, but not one under its key.

    Nor under documents as they are: each seals the checkpoint before it.
    """
    files = market.files()
    files = with_the_log_forged(files, signer(2))
    path = tmp_path / "evidence.zip"
    path.write_bytes(files.zipped())
    outcome = verified([path])
    assert outcome.returncode == 1
    assert "the newest checkpoint before it, size and root," in outcome.stderr
    assert "hold it to the one that the operator publishes" in outcome.stdout
    outcome = verified([path], "--key", str(signer(1).key))
    assert outcome.returncode == 1
    assert "log/keys.jsonl: expected the key" in outcome.stderr
    assert "log/checkpoint.txt: expected a signature of the log" in outcome.stderr


def test_a_quorum_of_witnesses_is_demanded_by_a_policy_of_the_readers(market, verified, tmp_path):
    path, policy, note = (tmp_path / name for name in ("evidence.zip", "policy", "note"))
    path.write_bytes(market.zips["SF"])
    text = market.files()["log/checkpoint.txt"].decode()
    line = witness(1).cosign(parse_note(text).checkpoint, 1_709_300_000).text
    note.write_text(text + line)
    key = f"log {signer(1).key}\nwitness one {witness(1).key}\n"
    given = ([path], "--checkpoint", str(note), "--witness", str(policy))
    policy.write_text(f"{key}quorum one\nage_hours 48\n")
    outcome = verified(*given)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "leaves by one at 2024-03-01 13:33:20 UTC" in outcome.stdout
    assert verified([path], "--witness", str(policy)).returncode == 1, "the zip itself has none"
    note.write_text(text + witness(1).cosign(parse_note(text).checkpoint._replace(size=3), 9).text)
    assert "co-signature of" in verified(*given).stderr, "a signature of another checkpoint"
    note.write_text(text + line + line)
    policy.write_text(f"{key}witness two {witness(2).key}\ngroup g 2 one two\nquorum g\n")
    assert "expected a checkpoint that the quorum g co-signed" in verified(*given).stderr
    for lines in ("quorum none", "group g 0 one\nquorum g", "group g 2 one one\nquorum g", ""):
        policy.write_text(f"{key}{lines}\n")
        assert verified(*given).returncode == 2, lines
    own = witness(1).key._replace(public_key=signer(1).key.public_key)
    policy.write_text(f"log {signer(1).key}\nwitness own {own}\nquorum own\n")
    assert verified(*given).returncode == 2, "the log is no witness of itself"


def test_a_key_in_a_file_and_a_checkpoint_kept_from_before_hold(market, verified, tmp_path):
    path, key, kept = (tmp_path / name for name in ("evidence.zip", "keys", "kept"))
    path.write_bytes(market.zips["SF"])
    key.write_text(f"{signer(1).key}\n")
    kept.write_bytes(market.files("II")["log/checkpoint.txt"])
    outcome = verified([path], "--key", str(key), "--checkpoint", str(kept))
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "publishes" not in outcome.stdout
    earlier = rows("x.jsonl", market.files()["log/earlier-checkpoints.jsonl"])[0]["note"]
    kept.write_text(earlier)
    assert verified([path], "--checkpoint", str(kept)).returncode == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"root": bytes(32)}, "the root of the first"),
        ({"size": 3}, "the root of the first 3"),
        ({"size": 10**6}, "found nothing"),
        ({"origin": "other"}, "--checkpoint: expected origin"),
    ],
)
def test_a_checkpoint_that_the_log_does_not_extend_is_a_finding(
    market, verified, tmp_path, change, words
):
    path, kept = tmp_path / "evidence.zip", tmp_path / "kept"
    path.write_bytes(market.zips["SF"])
    note = rows("x.jsonl", market.files()["log/earlier-checkpoints.jsonl"])[0]["note"]
    other = parse_note(note).checkpoint._replace(**change)
    kept.write_text(sign(other, [signer(1)]))
    outcome = verified([path], "--checkpoint", str(kept))
    assert outcome.returncode == 1
    assert words in outcome.stderr


def test_a_file_that_stands_twice_in_the_zip_is_named(market, verified, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips["SF"])
    with ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("run.json", b"{}")
    outcome = verified([path])
    assert outcome.returncode == 2
    assert "no evidence: " in outcome.stderr


def test_a_zip_that_was_damaged_on_its_way_is_a_finding_and_no_crash(market, verified, tmp_path):
    path = tmp_path / "evidence.zip"
    content = bytearray(market.zips["SF"])
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    outcome = verified([path])
    assert outcome.returncode == 1
    assert "Traceback" not in outcome.stderr
    path.write_bytes(market.zips["SF"][:-100])
    assert verified([path]).returncode == 2


def test_a_changed_reading_is_noticed_when_the_days_are_settled_again(market, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(forged_reading(market.files()).zipped())
    _, findings = recompute(path)
    assert {finding.file for finding in findings} == {f"results/{FIRST}.csv"}


def test_without_a_database_what_comes_out_the_same_is_counted(market, verified, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips["SF"])
    outcome = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "recompute", str(path), "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"DATABASE_URL": "postgresql://nobody@localhost:1/none"},
    )  # fmt: skip
    assert (outcome.returncode, outcome.stderr) == (0, "")
    said = json.loads(outcome.stdout)
    count = said["checked"].pop("results that came out the same when they were settled again")
    assert count == said["checked"]["results"]
    assert said == json.loads(verified([path], "--json").stdout)


def test_what_differs_when_settled_again_is_printed_as_a_finding(market, recomputed, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(forged_results(market.files()).zipped())
    outcome = recomputed(path)
    assert outcome.status == 1
    assert f"results/{FIRST}.csv: payment.fuel_micro U" in outcome.err
    assert "expected settled again, digest" in outcome.err


def test_what_cannot_be_settled_again_is_a_finding_and_no_crash(market, recomputed, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(removed(market.files()).zipped())
    outcome = recomputed(path)
    assert outcome.status == 1
    assert f"{path}: recompute: expected what can be read" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("absent.zip", (), "name its zip"),
        ("evidence.zip", ("--key", "rubbish"), "cannot be read"),
        ("evidence.zip", ("--unknown",), "unrecognized"),
    ],
)
def test_what_recompute_does_not_understand_has_status_2(
    market, recomputed, tmp_path, name, options, words
):
    (tmp_path / "evidence.zip").write_bytes(market.zips["II"])
    outcome = recomputed(tmp_path / name, *options)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_another_engine_s_run_is_not_settled_again(market, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(with_run(market.files(), engine_version="1").zipped())
    (finding,) = recompute(path)[1]
    assert finding.expected == "a release with engine version 1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: path"),
        (["absent.zip"], "name its zip"),
        ([str(ROOT / "README.md")], "no evidence: it does not end as a zip does"),
        (["absent.zip", "--unknown"], "unrecognized"),
        (["absent.zip", "--recompute"], "unrecognized"),
    ],
)
def test_what_is_not_understood_has_status_2(verified, arguments, words):
    outcome = verified(arguments)
    assert outcome.returncode == 2
    assert words in outcome.stderr


@pytest.mark.parametrize("option", [("--key", "rubbish"), ("--checkpoint", "README.md")])
def test_a_key_or_checkpoint_that_is_none_has_status_2(market, verified, tmp_path, option):
    path = tmp_path / "evidence.zip"
    path.write_bytes(market.zips["II"])
    outcome = verified([path], *option)
    assert outcome.returncode == 2
    assert "cannot be read" in outcome.stderr


@pytest.mark.parametrize("option", ["path", "--key", "--checkpoint", "--witness"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(market, verified, tmp_path, option, kind):
    """Nobody may ever write to a pipe, and a device may have no end."""
    path, pipe = tmp_path / "evidence.zip", tmp_path / "pipe"
    path.write_bytes(market.zips["II"])
    os.mkfifo(pipe)
    no_file = {"pipe": str(pipe), "device": "/dev/zero", "folder": str(tmp_path)}[kind]
    given = [[no_file]] if option == "path" else [[path], option, no_file]
    outcome = verified(*given)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert ("no evidence" if option == "path" else f"{option} cannot be read") in outcome.stderr


def test_everything_that_is_not_understood_is_said_at_once(market, verified, tmp_path):
    policy = tmp_path / "policy"
    policy.write_text(f"log {signer(1).key}\nwitnes a b\nwitness one rubbish\nquorum none\n")
    given = ("--key", "rubbish", "--checkpoint", "absent", "--witness", str(policy))
    outcome = verified(["absent.zip"], *given)
    assert outcome.returncode == 2
    assert [line.partition(":")[0].strip() for line in outcome.stderr.splitlines()] == [
        "absent.zip",
        "--key cannot be read",
        "--checkpoint cannot be read",
        "--witness cannot be read",
        "line 3",
        "a policy names a key of the log, and one quorum of witnesses",
    ]


def test_a_key_is_read_from_a_file_with_an_editors_mark(market, verified, tmp_path):
    path, keys = tmp_path / "evidence.zip", tmp_path / "keys"
    path.write_bytes(market.zips["II"])
    keys.write_text(f"\ufeff{signer(1).key}\n")
    assert verified([path], "--key", str(keys)).returncode == 0


def test_rubbish_in_any_file_is_a_finding_and_no_crash(market):
    files = market.files()
    # What is hashed and not parsed cannot hide what rubbish elsewhere does: it is damaged beside.
    hashed = [name for name in files if name.endswith(".yaml") or name == "README.txt"]
    parsed = sorted(files.keys() - set(hashed))
    for name, beside in zip_longest(parsed, hashed):
        for rubbish in (b"\xff\xfe", b'{"a": 1.5}\n', b'a,b\n"\n'):
            damaged = {each: rubbish for each in (name, beside) if each and files[each] != rubbish}
            found = {finding.file for finding in Memory(files | damaged).findings()}
            assert damaged.keys() <= found, name
