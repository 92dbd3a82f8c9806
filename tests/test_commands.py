"""What an operator sees: status 1 and every finding for bad input, and nothing half-written.

Commands run as `manage.py` runs them, with a database of their own named by DATABASE_URL.
"""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import Engine, text

import manage
from common.refusals import Finding, Refused
from database import session as database_session
from database.metadata import SCHEMAS
from database.session import make_engine, transaction
from rulebook.documents import Document
from rulebook.yaml_text import write_yaml
from tests.conftest import ROOT
from tests.settlement.test_verification import TABLES
from tests.settlement.trial_cases import capped
from tests.worlds import tiny_market
from tests.worlds.people import as_account
from tests.worlds.settled import FIRST_DAY, LAST_DAY, ingest_tiny, publish_tiny

SENTENCE = re.compile(
    r"^(?P<place>.+?): (?P<limit>.+), found (?P<value>.+); (?P<remedy>.+) \[.+\]$"
)
PUBLISH = (*("--valid-from", "2024-01-01", "--reason", "First law"),)
DAYS = ("--from", "2024-01-01", "--to", "2024-01-03")


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def codes(self) -> list[str]:
        """The code of each finding printed on standard error, each said in full."""
        lines = [line for line in self.err.splitlines() if re.search(r" \[[a-z-]+\]$", line)]
        for line in lines:
            said = SENTENCE.match(line)
            assert said, line
            assert all(said.groupdict().values()), line
        return [line.rpartition("[")[2].rstrip("]") for line in lines]


Command = Callable[..., Outcome]


@pytest.fixture
def command_on(monkeypatch, capsys) -> Iterator[Callable[[Engine], Command]]:
    """Return what runs `manage.py` on a database, in this process."""

    def bind(engine: Engine) -> Command:
        monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
        database_session.engine.cache_clear()

        def run(*arguments: Any) -> Outcome:
            capsys.readouterr()
            status, last_words = 0, ""
            try:
                manage.main(["manage.py", *map(str, arguments)])
            except SystemExit as left:  # the interpreter prints words and exits with 1
                status, last_words = (
                    (left.code, "") if isinstance(left.code, int) else (1, left.code)
                )
            out, err = capsys.readouterr()
            return Outcome(status, out, err + str(last_words))

        return run

    yield bind
    if "DATABASE_URL" in os.environ:
        database_session.engine().dispose()
    database_session.engine.cache_clear()


ATTEMPTS = {
    "people.deed": "WHERE false",
    "ledger.trail_link": "WHERE source <> 'people.deed'",
}
"""What selects, where a command writes who tries what before it tries it, all other rows."""


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return every row of every domain table, but those that say who tried what."""
    with transaction(engine) as session:
        return {
            name: [
                str(row)
                for row in session.execute(
                    text(f"SELECT t::text FROM {name} AS t {ATTEMPTS.get(name, '')} ORDER BY 1")
                )
            ]
            for name in (f"{table.schema}.{table.name}" for table in TABLES)
        }


@contextmanager
def metered_market(url: str) -> Iterator[Engine]:
    made = make_engine(url)
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def metered(clone_database) -> Iterator[Engine]:
    """A market published and metered; commands that are refused leave it as it is."""
    with metered_market(clone_database()) as made:
        yield made


@pytest.fixture
def metered_alone(clone_database) -> Iterator[Engine]:
    """One of which no other test stores a run."""
    with metered_market(clone_database()) as made:
        yield made


@pytest.fixture
def refused(command_on, metered) -> Iterator[Command]:
    """Run a command that must be refused: status 1, findings, no traceback, nothing written."""
    before = rows(metered)
    command = command_on(metered)

    def run(*arguments: Any) -> Outcome:
        outcome = command(*arguments)
        assert outcome.status == 1, outcome
        assert "Traceback" not in outcome.err
        assert outcome.out == ""
        return outcome

    yield run
    assert rows(metered) == before


def body_of(document: Document) -> dict[str, Any]:
    return document.model_dump(mode="json")


def write_law(folder: Path, change: Callable[[str, dict[str, Any]], None] | None = None) -> Path:
    """Write the tiny market as YAML, each body changed by `change(kind, body)`."""
    folder.mkdir(exist_ok=True)
    for number, document in enumerate(tiny_market.documents()):
        body = body_of(document)
        if change is None:
            content = write_yaml(document)
        else:
            change(document.kind, body)
            content = yaml.safe_dump(body, sort_keys=False)
        (folder / f"{number}-{document.kind}.yaml").write_text(content)
    return folder


@pytest.fixture
def publish_by_commands(monkeypatch, tmp_path) -> Callable[[Command], list[Any]]:
    """Return what lets the tiny market's law be proposed, and approved by a regulator."""

    def publish(command: Command) -> list[Any]:
        folder = write_law(tmp_path / "law")
        proposed = command("propose", "law", folder, *PUBLISH, "--json")
        assert (proposed.status, proposed.err) == (0, "")
        found = json.loads(proposed.out)
        with as_account(monkeypatch, "grace"):
            approved = command("approve", found["proposal"], found["digest"][:16], "--json")
        assert (approved.status, approved.err) == (0, "")
        return json.loads(approved.out)["published"]

    return publish


def unknown_fields(kind: str, body: dict[str, Any]) -> None:
    if kind == "market-rules":
        body["colour"] = "green"
        body["meter_data"]["laate_after_days"] = 3
    if kind == "grid-model":
        body["lines"][0]["raating_w"] = 1


def not_connected(kind: str, body: dict[str, Any]) -> None:
    if kind == "grid-model":
        body["lines"] = body["lines"][:1]


def layer_misses_node(kind: str, body: dict[str, Any]) -> None:
    if kind == "grid-model":
        body["holons"] = [holon for holon in body["holons"] if holon["holon"] != "C"]


def negative_capacity(kind: str, body: dict[str, Any]) -> None:
    for unit in body.get("units", []):
        unit["capacity_w"] = -1


@pytest.mark.parametrize(
    ("change", "codes", "words"),
    [
        (unknown_fields, {"unknown-field": 3}, ["colour", "laate_after_days", "raating_w"]),
        (not_connected, {"grid-not-connected": 1}, ["C"]),
        (
            layer_misses_node,
            {"layer-misses-node": 3},
            ["system misses C", "zone misses C", "node misses C"],
        ),
        (negative_capacity, {"too-small": 4}, ["units[1].capacity_w", "-1"]),
    ],
)
def test_documents_that_cannot_be_law_are_refused_whole(refused, tmp_path, change, codes, words):
    folder = write_law(tmp_path / "law", change)
    outcome = refused("propose", "law", folder, *PUBLISH)
    found = outcome.codes
    for code, count in codes.items():
        assert found.count(code) == count, outcome.err
    assert all(word in outcome.err for word in words)
    assert str(folder) in outcome.err


def test_two_versions_for_one_time_are_refused(refused, tmp_path):
    one, other = write_law(tmp_path / "one"), write_law(tmp_path / "other")
    outcome = refused("propose", "law", one, other, *PUBLISH)
    assert outcome.codes == ["versions-overlap"] * len(tiny_market.documents())


@pytest.mark.parametrize("content", [b"", b"kind: [", b"\xff\xfe\x00", b"just words\n"])
def test_a_file_that_is_no_document_is_refused(refused, tmp_path, content):
    file = tmp_path / "law.yaml"
    file.write_bytes(content)
    outcome = refused("propose", "law", file, *PUBLISH)
    assert len(outcome.codes) == 1
    assert str(file) in outcome.err


def test_days_before_the_law_are_refused(refused):
    days = ("--from", "2023-12-30", "--to", "2024-01-02")
    outcome = refused("settle", "tiny", "II", *days)
    assert set(outcome.codes) == {"validity-gap"}
    assert set(refused("rules_at", "tiny", "2023-12-30").codes) == {"validity-gap"}


def lines() -> list[str]:
    """Return good readings of the day after those that are ingested."""
    day = LAST_DAY + dt.timedelta(days=1)
    return tiny_market.readings_csv(day, day).decode().splitlines()


def with_value(number: int, value: str) -> list[str]:
    found = lines()
    start, entity, measure, _, quality = found[number].split(",")
    found[number] = ",".join([start, entity, measure, value, quality])
    return found


def of_demand() -> int:
    return next(n for n, row in enumerate(lines()) if "B-home,metered_demand_wh" in row)


def long_day() -> list[str]:
    """Return the readings of the day of 50 half-hours, with 49 for one supply point."""
    day = dt.date(2024, 10, 27)
    found = tiny_market.readings_csv(day, day).decode().splitlines()
    last = max(n for n, row in enumerate(found) if "B-home,metered_demand_wh" in row)
    return found[:last] + found[last + 1 :]


@pytest.mark.parametrize(
    ("content", "codes", "words"),
    [
        (list, ["empty-file"], []),
        (lambda: lines()[:1], ["empty-file"], []),
        (lambda: with_value(of_demand(), "-5"), ["negative"], ["row ", "-5", "B-home"]),
        (lambda: with_value(7, "NaN"), ["not-a-number"], ["row 7", "NaN"]),
        (lambda: with_value(7, ""), ["missing-value"], ["row 7"]),
        (lambda: with_value(7, "1.5"), ["not-an-integer"], ["row 7", "1.5"]),
        (lambda: lines()[:7] + lines()[8:], ["missing-intervals"], ["U1", "1 "]),
        (lambda: [*lines(), lines()[7]], ["duplicate"], ["row "]),
        (lambda: [row.replace("U1", "U9") for row in lines()], ["unknown-entity"], ["U9"]),
        (long_day, ["missing-intervals"], ["B-home", "2024-10-27", "50"]),
    ],
    ids=[
        "empty",
        "header alone",
        "negative",
        "NaN",
        "blank",
        "fraction",
        "missing",
        "duplicate",
        "unknown",
        "49 intervals",
    ],
)
def test_readings_that_cannot_be_taken_are_refused_whole(refused, tmp_path, content, codes, words):
    file = tmp_path / "readings.csv"
    file.write_text("".join(f"{row}\n" for row in content()))
    outcome = refused("ingest", "tiny", file)
    assert set(codes) <= set(outcome.codes), outcome.err
    assert "readings.csv" in outcome.err
    assert all(word in outcome.err for word in words), outcome.err


def test_one_bad_file_refuses_the_good_one_beside_it(refused, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join(lines()) + "\n")
    bad.write_text("\n".join(with_value(7, "NaN")) + "\n")
    assert refused("ingest", "tiny", good, bad).codes == ["not-a-number"]


def test_every_finding_is_printed_and_as_json_too(command_on, metered, tmp_path):
    file = tmp_path / "readings.csv"
    bad = lines()
    for number in (3, 9, 27):
        start, entity, measure, _, quality = bad[number].split(",")
        bad[number] = ",".join([start, entity, measure, "NaN", quality])
    file.write_text("\n".join(bad) + "\n")
    command = command_on(metered)
    assert command("ingest", "tiny", file).codes == ["not-a-number"] * 3
    outcome = command("ingest", "tiny", file, "--json")
    assert outcome.status == 1
    printed = json.loads(outcome.out)["refused"]
    assert [finding["code"] for finding in printed] == ["not-a-number"] * 3
    assert all(set(f) == {"code", "place", "value", "limit", "remedy"} for f in printed)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("settle", "tiny", "II", "--month", "2024-01"), ["no-reading", "2024-01-07", "U4"]),
        (("settle", "tiny", "XX", *DAYS), ["unknown-run-kind", "XX", "II, SF, R1"]),
        (("settle", "none", "II", *DAYS), ["unknown-market", "none", "tiny"]),
        (("settle", "tiny", "II"), ["--month", "--from"]),
        (("settle", "tiny", "II", *DAYS[:3], "2023-01-01"), ["lies before"]),
        (("settle", "tiny", "II", *DAYS[:3], "2999-12-31"), ["1,100 days", "each part"]),
        (("prove", "\udcff"), [r"'\udcff' is no text in UTF-8"]),
        (("statement", "\udcff"), [r"'\udcff' is no text in UTF-8"]),
        (("settle", "tiny", "II", *DAYS, "--known-at", "2999-01-01T00:00Z"), ["future"]),
        (("replay", "00000000-0000-0000-0000-000000000000"), ["no run"]),
        (("invoice", "tiny", "--month", "2024-01"), ["nothing-posted"]),
        (("ingest", "tiny", "/nowhere/readings.csv"), ["/nowhere/readings.csv"]),
        (("ingest", "tiny"), ["--data"]),
    ],
)
def test_what_cannot_be_done_is_said(refused, arguments, words):
    outcome = refused(*arguments)
    assert all(word in outcome.err for word in words), outcome.err


def test_more_findings_than_fit_a_screen_are_counted(refused):
    outcome = refused("settle", "tiny", "II", "--month", "2024-01")
    assert len(outcome.codes) == 50
    assert f"... and {28 * 12 - 50} more; --json prints them all" in outcome.err


def test_a_file_that_came_before_or_late_is_taken_and_said(
    command_on, committed_database, publish_by_commands, tmp_path
):
    file = tmp_path / "readings.csv"
    file.write_bytes(tiny_market.readings_csv(FIRST_DAY, FIRST_DAY))
    command = command_on(committed_database)
    publish_by_commands(command)
    first = command("ingest", "tiny", file)
    assert first.status == 0
    assert "late" in first.out
    before = rows(committed_database)
    again = command("ingest", "tiny", file)
    assert again.status == 0
    assert "received before" in again.out and "no change" in again.out
    assert rows(committed_database) == before


def test_from_law_to_proof_by_commands(
    command_on, committed_database, publish_by_commands, tmp_path
):
    first, correction = tmp_path / "first.csv", tmp_path / "correction.csv"
    first.write_bytes(tiny_market.readings_csv(FIRST_DAY, LAST_DAY))
    correction.write_bytes(tiny_market.readings_csv(FIRST_DAY, LAST_DAY, 2, ["B-home"]))
    command = command_on(committed_database)

    def done(*arguments: Any) -> Any:
        outcome = command(*arguments, "--json")
        assert outcome.status == 0, outcome
        assert outcome.err == ""
        return json.loads(outcome.out)

    assert len(publish_by_commands(command)) == len(tiny_market.documents())
    assert done("ingest", "tiny", first)[0]["vectors_stored"] == 36
    settled = done("settle", "tiny", "II", *DAYS)
    assert (settled["is_new"], settled["journals_posted"]) == (True, 3)
    again = done("settle", "tiny", "II", *DAYS)
    assert (again["run"], again["is_new"], again["journals_posted"]) == (settled["run"], False, 0)
    assert len(done("invoice", "tiny", "--month", "2024-01")) == 4
    assert done("invoice", "tiny", "--month", "2024-01") == []
    done("ingest", "tiny", correction)
    later = done("settle", "tiny", "SF", *DAYS)
    assert later["result_digest"] != settled["result_digest"]
    assert len(done("invoice", "tiny", "--month", "2024-01")) >= 2
    for run in (settled, later):
        replayed = done("replay", run["run"])
        assert replayed["is_same"]
        assert replayed["recomputed_digest"] == run["result_digest"]
    assert done("verify")["holds"]
    assert command("settle", "tiny", "SF", *DAYS).status == 0
    refused = command("settle", "tiny", "II", *DAYS)
    assert refused.status == 1
    assert refused.codes == ["day-already-posted"] * 2, "once for each kind that is posted"
    assert "nothing was written" in refused.err


def test_a_run_whose_posting_is_refused_is_said_to_stand(command_on, metered, monkeypatch):
    def refuse(*_, **__):
        raise Refused([Finding("altered-result", "run", "another", "the stored one", "restore it")])

    monkeypatch.setattr("portal.management.commands.settle.post", refuse)
    command = command_on(metered)
    told = command("settle", "tiny", "II", *DAYS)
    assert (told.status, told.codes) == (1, ["altered-result"])
    assert "The run stands; nothing of it was posted:" in told.err
    run = re.search(r"Run (\S+)", told.out).group(1)
    assert command("results", run).status == 0
    as_json = json.loads(command("settle", "tiny", "II", *DAYS, "--json").out)
    assert (as_json["run"], len(as_json["refused"])) == (run, 1)


def test_a_study_by_commands_is_listed_replayed_and_refused_to_the_ledger(
    command_on, metered, tmp_path
):
    command = command_on(metered)
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "kind: overlay\ntitle: U2 fails\nreason: To see\noutages:\n  - {units: [U2]}\n"
    )
    days = ("--from", FIRST_DAY, "--to", FIRST_DAY)
    made = json.loads(command("study", "tiny", "--overlay", overlay, *days, "--json").out)
    assert made["is_new"]
    assert made["report"]["designs"].keys() == {"settled", "nodal", "uniform", "flat"}
    again = command("study", "tiny", "--overlay", overlay, *days)
    assert again.status == 0
    assert "studied before" in again.out
    assert "Energy not served" in again.out
    for run in (made["run"], made["before_run"]):
        assert json.loads(command("replay", run, "--json").out)["is_same"]
    assert [one["run"] for one in json.loads(command("studies", "--json").out)] == [made["run"]]
    assert "U2 fails" in command("studies", "--market", "tiny").out
    assert "one of tiny, found 'other'" in command("studies", "--market", "other").err
    assert json.loads(command("verify", "--json").out)["holds"]


def written(folder: Path, *documents: Document) -> Path:
    """Write documents as the files of a draft; return their folder."""
    for number, document in enumerate(documents):
        (folder / f"{number}.yaml").write_text(write_yaml(document))
    return folder


def test_fairness_is_told_to_whoever_looks_and_kept_by_the_operator(command_on, metered_alone):
    command = command_on(metered_alone)
    assert command("settle", "tiny", "II", *DAYS).status == 0
    before = rows(metered_alone)
    looked = command("fairness", "tiny", *DAYS)
    assert (looked.status, rows(metered_alone)) == (0, before), "looking keeps nothing"
    assert "fairness report, not kept" in looked.out
    assert re.search(r"F1 Units that earn their capital in time +\d", looked.out)
    assert re.search(r"^  .*: .* here, .* under the nodal price.*\.$", looked.out, re.MULTILINE)
    kept = json.loads(command("fairness", "tiny", *DAYS, "--keep", "--json").out)
    again = json.loads(command("fairness", "tiny", *DAYS, "--keep", "--json").out)
    assert kept["id"] is not None and again == kept
    assert {"product", "promised_ppm", "delivered_ppm"} <= kept["products"][0].keys()
    assert kept["refused_wh"] is None, "the tiny market knows no Fair Play"
    refused = command("fairness", "tiny", "--year", "2024")
    assert refused.status == 1 and "2024-01-04 to 2024-12-31" in refused.err
    for words in (
        ["--year", "2024", *DAYS],
        ["--year", "24"],
        ["--year", "2024", "--month", "2024-01"],
    ):
        assert command("fairness", "tiny", *words).status != 0, words
    assert "give --year" in command("fairness", "tiny").err
    assert json.loads(command("verify", "--json").out)["holds"]


def test_a_kept_transition_report_is_kept_once_and_whoever_only_looks_keeps_none(
    command_on, metered_alone, tmp_path
):
    command = command_on(metered_alone)
    assert command("settle", "tiny", "II", *DAYS).status == 0
    before = rows(metered_alone)
    file = tmp_path / "prices.csv"
    day = tiny_market.VALID_FROM.isoformat()
    file.write_text(f"interval_start,a_gbp_per_mwh\n{day}T00:00Z,50\n")
    told = ("transition", "tiny", *DAYS, "--prices", file)
    assert json.loads(command(*told, "--json").out)["id"] is None
    assert "not kept" in command(*told).out
    assert rows(metered_alone) == before, "looking keeps nothing"
    kept = json.loads(command(*told, "--keep", "--json").out)
    assert kept["digest"] and kept["public"]["totals"]
    assert f"kept as {kept['id']}" in command(*told, "--keep").out
    assert json.loads(command("verify", "--json").out)["holds"]


def test_a_trial_by_commands_says_who_gains_and_is_replayed(command_on, metered_alone, tmp_path):
    command = command_on(metered_alone)
    folder = written(tmp_path, capped(tiny_market.market_rules()))
    told = command("trial", "tiny", "--draft", folder, *DAYS)
    assert told.status == 0
    assert "market-rules, price cap: £6,000.00 per\xa0MWh → £150.00 per\xa0MWh" in told.out
    assert "As metered: nobody is taken to have acted otherwise" in told.out
    assert re.search(r"The draft (moves|gives|takes) £", told.out)
    again = command("trial", "tiny", "--draft", folder, *DAYS, "--second", folder, "--json")
    made = json.loads(again.out)
    assert made["is_new"]
    assert {"law", "draft", "second", "participants", "moved_micro"} <= made.keys()
    for row in made["participants"]:
        assert row["difference_micro"] == row["draft_micro"] - row["law_micro"]
        assert row["second_micro"] == row["draft_micro"]
    assert command("trial", "tiny", "--draft", folder, *DAYS, "--second", folder, "--json").out == (
        again.out.replace('"is_new": true', '"is_new": false')
    )
    assert json.loads(command("replay", made["trial"], "--json").out)["is_same"]
    (listed,) = [
        one for one in json.loads(command("trials", "--json").out) if one["trial"] == made["trial"]
    ]
    assert listed["moved_micro"] == made["moved_micro"]
    assert made["trial"] in command("trials", "--market", "tiny").out
    assert "no run or trial" in command("replay", "00000000-0000-4000-8000-000000000000").err
    assert json.loads(command("verify", "--json").out)["holds"]


def test_a_proposal_that_waits_is_tried_by_its_number(command_on, metered_alone, tmp_path):
    command = command_on(metered_alone)
    folder = written(tmp_path, capped(tiny_market.market_rules()))
    (folder / "notes.txt").write_text("why")
    proposed = json.loads(command("propose", "law", folder, *PUBLISH, "--json").out)
    by_number = command("trial", "tiny", "--draft", proposed["proposal"], *DAYS, "--json")
    by_folder = command("trial", "tiny", "--draft", folder, *DAYS, "--json")
    assert json.loads(by_number.out)["participants"] == json.loads(by_folder.out)["participants"]
    assert json.loads(by_folder.out)["is_new"] is False
    assert "left out" in by_folder.err and "notes.txt" in by_folder.err
    unknown = command("trial", "tiny", "--draft", "999", *DAYS)
    assert (unknown.status, unknown.codes) == (1, ["proposal-not-open"])


def test_every_fault_of_a_draft_is_told_and_nothing_is_written(refused, tmp_path):
    rules = tiny_market.market_rules()
    body = rules.model_dump(mode="json") | {"interval_minutes": 60, "currency": "EUR"}
    folder = written(tmp_path, type(rules).model_validate_json(json.dumps(body)))
    outcome = refused("trial", "tiny", "--draft", folder, *DAYS)
    assert outcome.codes == ["draft-not-comparable"] * 2
    (folder / "0.yaml").write_text("kind: market-rules\n")
    assert len(refused("trial", "tiny", "--draft", folder, *DAYS).codes) > 5


def test_an_overlay_with_faults_is_refused_with_all_of_them(command_on, metered, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("kind: overlay\ntitle: T\nreason: R\noutages:\n  - {units: [U8, U9]}\n")
    days = ("--from", FIRST_DAY, "--to", FIRST_DAY)
    outcome = command_on(metered)("study", "tiny", "--overlay", overlay, *days)
    assert (outcome.status, outcome.codes) == (1, ["unknown-units"] * 2)
    backwards = ("--from", LAST_DAY, "--to", FIRST_DAY)
    assert (
        "lies before" in command_on(metered)("study", "tiny", "--overlay", overlay, *backwards).err
    )


def test_a_run_of_an_earlier_engine_is_left_out_by_who_says_so(
    command_on, metered_alone, monkeypatch
):
    """As --quick leaves runs out; its rows and its journals are held to each other."""
    command = command_on(metered_alone)
    constraint = "ALTER TABLE settlement.run {} CONSTRAINT ck_run_engine_is_of_this_release {}"
    with transaction(metered_alone) as session:
        session.execute(text(constraint.format("DROP", "")))
    with monkeypatch.context() as earlier:
        earlier.setattr("settlement.runs.settle.ENGINE_VERSION", "1")
        run = json.loads(command("settle", "tiny", "II", *DAYS, "--json").out)["run"]
    with transaction(metered_alone) as session:
        session.execute(text(constraint.format("ADD", "CHECK (engine_version = '3') NOT VALID")))
    refused = command("verify")
    assert (refused.status, refused.codes) == (1, ["run-replay"])
    told = command("verify", "--leave-out-engine", "1")
    sentence = f"Not replayed: run {run} (tiny II), made by version 1 of the engine"
    assert told.status == 0
    assert sentence in told.out
    printed = json.loads(command("verify", "--leave-out-engine", "1", "--json").out)
    assert [words.startswith(sentence) for words in printed["not_checked"]] == [True]
    with transaction(metered_alone) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text(
                "UPDATE settlement.result SET values[3] = values[3] + 1 "
                "WHERE settlement_day = '2024-01-02' AND measure = 'charge.fuel_micro'"
            )
        )
    found = json.loads(command("verify", "--json").out)["checks"]
    assert found["runs and results"][0]["code"] == "result-digest"


def test_a_changed_digit_makes_verify_and_replay_fail(command_on, committed_database):
    with transaction(committed_database) as session:
        publish_tiny(session)
        ingest_tiny(session)
    command = command_on(committed_database)
    run = json.loads(command("settle", "tiny", "II", *DAYS, "--json").out)["run"]
    assert command("verify").status == 0
    with transaction(committed_database) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text(
                "UPDATE settlement.result SET values[3] = values[3] + 1 "
                "WHERE settlement_day = '2024-01-02' AND measure = 'charge.fuel_micro' "
                "AND entity = 'C-home'"
            )
        )
    for arguments in (("verify",), ("replay", run)):
        outcome = command(*arguments)
        assert outcome.status == 1
        assert "2024-01-02 charge.fuel_micro C-home" in outcome.err
        assert "Traceback" not in outcome.err
    printed = json.loads(command("verify", "--json").out)
    assert not printed["holds"]
    assert printed["checks"]["runs and results"][0]["code"] == "result-digest"
    assert not json.loads(command("replay", run, "--json").out)["is_same"]


@pytest.mark.parametrize(
    "arguments", [("settle", "tiny", "XX", *DAYS), ("ingest", "tiny", "/nowhere/readings.csv")]
)
def test_a_process_of_its_own_exits_with_status_1_and_no_traceback(metered, arguments):
    before = rows(metered)
    found = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": metered.url.render_as_string(hide_password=False)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    assert found.stderr.strip()
    assert rows(metered) == before


def end_backends(engine: Engine) -> None:
    """End every other connection to the database, as a server that stops does."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


STOPPED_BEFORE = {
    "settling": "settlement.runs.store.append_run",
    "posting": "ledger.store.insert_journals",
    "ingesting": "settlement.meters.store.write_rows",
}


@dataclass(frozen=True)
class Stopped:
    """A command whose database stops half-way, once."""

    engine: Engine
    before: dict[str, list[Any]]
    again: Callable[[], Outcome]
    first: Callable[[], Outcome]


@pytest.fixture(params=STOPPED_BEFORE)
def stopped(request, command_on, committed_database, monkeypatch, tmp_path) -> Stopped:
    with transaction(committed_database) as session:
        publish_tiny(session)
        ingest_tiny(session)
    file = tmp_path / "readings.csv"
    file.write_text("\n".join(lines()) + "\n")
    takes_in = request.param == "ingesting"
    arguments = ("ingest", "tiny", file) if takes_in else ("settle", "tiny", "II", *DAYS)
    module, _, name = STOPPED_BEFORE[request.param].rpartition(".")
    original = getattr(sys.modules[module], name)

    def stop(*values: Any, **named: Any) -> Any:
        end_backends(committed_database)
        return original(*values, **named)

    command = command_on(committed_database)

    def first() -> Outcome:
        with monkeypatch.context() as patch:
            patch.setattr(STOPPED_BEFORE[request.param], stop)
            return command(*arguments)

    before = rows(committed_database)
    return Stopped(committed_database, before, lambda: command(*arguments), first)


def test_a_database_that_stops_half_way_leaves_nothing_half_written(stopped, command_on):
    outcome = stopped.first()
    assert outcome.status == 1
    assert "the database" in outcome.err
    assert "Traceback" not in outcome.err
    after = rows(stopped.engine)
    runs = after["settlement.run"]
    if runs:  # a run is complete, committed and logged before it is posted
        assert after["settlement.result"]
        assert len(after["ledger.log_leaf"]) == len(stopped.before["ledger.log_leaf"]) + 1
        of_runs = (
            "settlement.run",
            "settlement.result",
            "settlement.day_total",
            "ledger.log_leaf",
        )
        after |= {name: stopped.before[name] for name in of_runs}
    assert after == stopped.before
    assert stopped.again().status == 0
    assert command_on(stopped.engine)("verify").status == 0


def test_a_server_that_is_killed_while_settling_leaves_nothing(tmp_path):
    """The server of an embedded folder is killed outright; the next start recovers it."""
    folder = tmp_path / "postgresql"
    first = server_process(folder, KILLED_WHILE_SETTLING)
    assert (first.returncode, first.stdout.split()) == (3, ["killed"]), first.stderr
    second = server_process(folder, SETTLED_AFTER_ALL)
    assert second.returncode == 0, second.stderr
    assert second.stdout.split() == ["0", "0", "3", "True", "[]"]


def server_process(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


START = """
import os, pathlib, sys
import psutil
from database import embedded, schema
from database.roles.names import Role
from database.session import make_engine, transaction
from tests.worlds.people import found_people, url_acting_as
from tests.worlds.settled import *
from settlement.billing.post import post
from settlement.replays.replay import replay
from settlement.runs.settle import settle
from sqlalchemy import text
folder = pathlib.Path(sys.argv[1])
url = url_acting_as(embedded.start(folder).url(Role.OWNER))
engine = make_engine(url)
"""
KILLED_WHILE_SETTLING = (
    START
    + """
schema.upgrade(url)
with transaction(engine) as session:
    found_people(session)
    publish_tiny(session)
    ingest_tiny(session)

def kill(done, total):
    if done == 2:
        server = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
        parts = [server, *server.children()]
        for part in parts:
            part.kill()
        psutil.wait_procs(parts, timeout=10)
        print("killed", flush=True)

try:
    with transaction(engine) as session:
        days = (FIRST_DAY, LAST_DAY)
        settle(session, "tiny", "II", *days, known_at=SETTLED, now=SETTLED, progress=kill)
    print("settled", flush=True)
finally:
    os._exit(3)  # the process dies with its server, and tidies nothing up
"""
)
SETTLED_AFTER_ALL = (
    START
    + """
with transaction(engine) as session:
    for table in ("settlement.run", "settlement.result"):
        print(session.scalar(text(f"SELECT count(*) FROM {table}")))
with transaction(engine) as session:
    run = settle_tiny(session)
    print(session.scalar(text("SELECT count(*) FROM ledger.journal")))
with transaction(engine) as session:
    print(replay(session, run).is_same)
    from settlement.verification import list_checks
    print([found for check in list_checks() for found in check.findings(session)])
engine.dispose()
"""
)


def test_the_schemas_of_the_domain_are_those_counted_here():
    assert {table.schema for table in TABLES} == set(SCHEMAS)


def test_a_database_without_tables_is_said_in_a_line(command_on, server_url):
    """The maintenance database of the server: nothing of the product is in it."""
    bare = make_engine(server_url)
    for arguments in (
        ("settle", "tiny", "II", "--month", "2024-01"),
        ("rules_at", "tiny", "2024-01-01"),
        ("verify",),
    ):
        outcome = command_on(bare)(*arguments)
        assert outcome.status == 1
        assert "Traceback" not in outcome.err
        assert "manage.py migrate" in outcome.err
    bare.dispose()
