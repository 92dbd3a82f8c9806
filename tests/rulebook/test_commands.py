"""The commands parse, call a service and print; a refusal prints every finding."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from sqlalchemy import text

import database.session
from rulebook.digest import document_digest
from tests.rulebook.law import GB12, RULES, retitled, scenario, write_law
from tests.worlds import tiny_market
from tests.worlds.people import LAST_OF_PEOPLE, as_account

DECIDED = ["--reason", "opening"]


@pytest.fixture
def run(committed_database, monkeypatch):
    """Run a command on a database of its own and return what it printed."""
    monkeypatch.setattr(database.session, "engine", lambda: committed_database)

    def call(*arguments):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*[str(argument) for argument in arguments], stdout=out, stderr=err)
        except CommandError as error:
            return out.getvalue(), err.getvalue(), str(error)
        return out.getvalue(), err.getvalue(), None

    return call


@pytest.fixture
def decide(run, monkeypatch):
    """Propose by a command, and approve by another."""

    def call(*arguments):
        out, _, error = run("propose", *arguments, *DECIDED, "--json")
        assert error is None
        proposed = json.loads(out)
        with as_account(monkeypatch, "grace"):
            return run("approve", proposed["proposal"], proposed["digest"])

    return call


def count(engine):
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM rulebook.version")).scalar_one()


def test_publish_show_and_export(run, tmp_path, monkeypatch):
    out, err, error = run("propose", "law", GB12, "--valid-from", "2024-01-01", *DECIDED, "--json")
    assert (err, error) == ("", None)
    proposed = json.loads(out)
    out, _, error = run("proposals", proposed["proposal"])
    assert proposed["digest"] in out
    with as_account(monkeypatch, "grace"):
        out, err, error = run("approve", proposed["proposal"], proposed["digest"])
    assert (err, error) == ("", None)
    assert out.splitlines()[0] == f"approved proposal {proposed['proposal']}"
    assert len(out.splitlines()) == 17
    assert all(line.startswith("published  gb12/") for line in out.splitlines()[1:])

    out, _, error = run("propose", "law", GB12, "--valid-from", "2024-01-01", *DECIDED, "--json")
    assert error is None
    again = json.loads(out)
    assert again["proposal"] is None
    assert [version["appended"] for version in again["unchanged"]] == [False] * 16

    digest = document_digest(scenario()[RULES]).hex()
    out, _, error = run("rules_at", "gb12", "2024-01-15")
    assert error is None
    assert digest[:16] in out
    assert scenario()[RULES].title in out
    assert "2024-01-01T00:00Z to ..." in out

    out, _, error = run("rules_at", "gb12", "2024-01-15", "--json")
    versions = {v["instrument"]: v for v in json.loads(out)["versions"]}
    assert versions[RULES]["digest"] == digest

    out, _, error = run("rules_at", "gb12", "2024-01-15", "--clauses")
    assert error is None
    (cap,) = (line for line in out.splitlines() if line.startswith("  MR-2.3  "))
    assert "above the cap of £6,000.00 per\xa0MWh, whatever" in cap

    out, _, error = run("rules_at", "gb12", "2024-01-15", "--clauses", "--json")
    (rules,) = (v for v in json.loads(out)["versions"] if v["instrument"] == RULES)
    assert [clause["anchor"] for clause in rules["clauses"]] == [
        clause.anchor for clause in scenario()[RULES].clauses
    ]

    out, _, error = run("export", "gb12", "2024-01-15", "--out", tmp_path / "law", "--json")
    assert error is None
    files = json.loads(out)["files"]
    assert len(files) == 16
    assert str(tmp_path / "law" / "registration" / "hearth-energy.yaml") in files


def test_every_file_of_a_folder_is_published_or_named_as_left_out(run, tmp_path):
    law = write_law(tmp_path, tiny_market.documents(), doric="DORIC.YAML", birch="birch.Yml")
    (law / "registration" / "elder.yaml.bak").write_text("kind: registration")
    (law / ".doric.yaml").write_text("kind: registration")
    out, err, error = run("propose", "law", law, "--valid-from", "2024-01-01", *DECIDED)
    assert error is None
    out, _, error = run("proposals", 1 + LAST_OF_PEOPLE, "--json")
    (proposal,) = json.loads(out)
    assert len(proposal["content"]["documents"]) == len(tiny_market.documents())
    assert "tiny/registration/doric" in proposal["texts"]
    assert "tiny/registration/birch" in proposal["texts"]
    assert err.splitlines() == [
        f"left out {law}/.doric.yaml: it is hidden; a name without the dot in front would be read",
        f"left out {law}/registration/elder.yaml.bak: its name does not end in .yaml or .yml",
    ]
    out, _, error = run("propose", "law", law, "--valid-from", "2024-01-01", *DECIDED, "--json")
    assert [each["place"] for each in json.loads(out)["left_out"]] == [
        f"{law}/.doric.yaml", f"{law}/registration/elder.yaml.bak",
    ]  # fmt: skip


def test_a_refused_publication_prints_every_finding_and_writes_nothing(
    run, committed_database, tmp_path
):
    (tmp_path / "a.yaml").write_text("kind: market-rules\n")
    (tmp_path / "b.yaml").write_text("kind: nonsense\n")
    out, err, error = run("propose", "law", GB12, tmp_path, "--valid-from", "2024-01-01")
    assert out == ""
    assert err == ""
    first, *lines = error.splitlines()
    assert first == "Refused; nothing was written:"
    assert any("[unknown-kind]" in line for line in lines)
    assert any("[missing-field]" in line for line in lines)
    assert count(committed_database) == 0


def test_a_market_without_law_is_an_error_of_the_command(run, tmp_path):
    for arguments in (
        ["rules_at", "gb12", "2024-01-15"],
        ["rules_at", "gb12", "2024-01-15", "--known-at", "2024-01-01T00:00Z"],
        ["export", "gb12", "2024-01-15", "--out", tmp_path],
    ):
        out, err, error = run(*arguments)
        assert out == ""
        assert err == ""
        assert error.count("[unknown-market]") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["rules_at", "gb12", "2024-02-30"],
        ["rules_at", "gb12", "2024-01-15", "--known-at", "2024-01-01T00:00"],
        ["rules_at", "gb12", "2024-01-15", "--known-at", "yesterday"],
        ["approve", "1"],
    ],
)
def test_arguments_that_make_no_sense(run, arguments):
    _, _, error = run(*arguments)
    assert error.startswith("Error: ")


@pytest.mark.parametrize("command", ["approve", "rules_at", "export"])
def test_every_argument_has_a_help_text(command):
    from django.core.management import load_command_class

    parser = load_command_class("portal", command).create_parser("manage.py", command)
    assert parser.description
    for action in parser._actions:
        assert action.help, action.dest


def test_a_folder_that_cannot_be_written(run, decide, tmp_path):
    decide("law", GB12, "--valid-from", "2024-01-01")
    (tmp_path / "file").write_text("not a folder")
    _, _, error = run("export", "gb12", "2024-01-15", "--out", tmp_path / "file" / "law")
    assert "name another folder" in error


def test_what_is_scheduled_is_said_with_the_law(run, decide, tmp_path):
    decide("law", GB12, "--valid-from", "2024-01-01")
    coming = write_law(tmp_path / "coming", [retitled(RULES, "Rules of 2999")])
    decide("law", coming, "--valid-from", "2999-01-01", "--valid-to", "2999-04-01")
    digest = document_digest(retitled(RULES, "Rules of 2999")).hex()
    today = "2024-01-15"

    out, _, error = run("rules_at", "gb12", today)
    assert error is None
    (line,) = (line for line in out.splitlines() if line.startswith(RULES))
    assert line.endswith(f"; changes on 2999-01-01 to {digest[:16]}")
    assert sum("changes on" in line for line in out.splitlines()) == 1

    out, _, _ = run("rules_at", "gb12", today, "--json")
    (rules,) = (v for v in json.loads(out)["versions"] if v["instrument"] == RULES)
    assert rules["state"] == "in force"
    assert rules["changes"] == {"day": "2999-01-01", "digest": digest}
    assert rules["first_recorded_from"] < rules["recorded_from"]
    assert [cut["recorded"] for cut in rules["validity_changed"]] == [rules["recorded_from"]]

    out, _, _ = run("rules_at", "gb12", "2999-02-01", "--json")
    (rules,) = (v for v in json.loads(out)["versions"] if v["instrument"] == RULES)
    assert (rules["state"], rules["digest"]) == ("scheduled", digest)
    assert rules["changes"]["day"] == "2999-04-01"
    out, _, _ = run("rules_at", "gb12", "2999-05-01", "--json")
    (rules,) = (v for v in json.loads(out)["versions"] if v["instrument"] == RULES)
    assert rules["state"] == "scheduled", "in force today, and again from April on"
    assert rules["changes"] is None

    out, _, error = run("export", "gb12", today, "--out", tmp_path / "law")
    assert error is None
    assert out.splitlines()[-1] == f"{RULES}  changes on 2999-01-01 to {digest[:16]}"
    out, _, error = run("curves", "gb12", today)
    assert error is None
    assert out.splitlines()[-1] == f"{RULES}  changes on 2999-01-01 to {digest[:16]}"


@pytest.mark.parametrize("command", ["rules_at", "export", "curves", "merit_order"])
def test_what_will_be_known_is_asked_of_nobody(run, decide, tmp_path, command):
    decide("law", GB12, "--valid-from", "2024-01-01")
    more = ("--out", tmp_path / "law") if command == "export" else ()
    out, _, error = run(command, "gb12", "2024-01-15", "--known-at", "2999-01-01T00:00Z", *more)
    assert out == ""
    assert error.count("[known-at-in-future]") == 1
