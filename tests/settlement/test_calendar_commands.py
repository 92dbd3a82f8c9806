"""The commands of the calendar as an operator types them: due, settle_due, late, seal."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from sqlalchemy import text

import database.session
from database.session import transaction
from tests.worlds.settled import CORRECTED, correct_tiny, ingest_tiny, publish_tiny

LAST = "2024-01-12"


@pytest.fixture
def run(committed_database, monkeypatch, capsys):
    """Run a command on a market that is metered; return what it printed."""
    monkeypatch.setattr(database.session, "engine", lambda: committed_database)
    with transaction(committed_database) as session:
        publish_tiny(session)
        ingest_tiny(session)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        call_command(*arguments)
        return capsys.readouterr().out

    return run


def journals(engine) -> int:
    with transaction(engine) as session:
        return session.scalar(text("SELECT count(*) FROM ledger.journal"))


def test_what_is_due_is_listed_and_settled_and_then_nothing_is(run, committed_database):
    said = run("due", "tiny", "--on", LAST)
    assert "manage.py settle tiny II --from 2024-01-01 --to 2024-01-03" in said
    assert "SF  2024-01-01..2024-01-02: 2 days, due 2024-01-11..2024-01-12, 1 overdue" in said
    assert "next: SF of 2024-01-03, due 2024-01-13" in said
    dry = run("settle_due", "tiny", "--on", LAST, "--dry-run")
    assert "II  2024-01-01..2024-01-03" in dry
    assert journals(committed_database) == 0
    done = json.loads(run("settle_due", "tiny", "--on", LAST, "--json", "--threads", "1"))
    assert [settled["journals_posted"] for settled in done["settled"]] == [3, 2]
    assert journals(committed_database) == 5
    assert "Nothing is due." in run("settle_due", "tiny", "--on", LAST)
    assert "nothing is due" in run("due", "tiny", "--on", LAST)
    assert json.loads(run("due", "tiny", "--on", LAST, "--json"))["due"] == []


def test_one_refused_range_leaves_the_others_done(run, committed_database, monkeypatch):
    from common.refusals import Finding, Refused
    from portal.management.commands import settle_due

    real = settle_due.settle_range

    def refuse_first_run(session, market, due, **options):
        if due.kind == "II":
            raise Refused([Finding("some-code", "tiny", "it", "not so", "put it right")])
        return real(session, market, due, **options)

    with transaction(committed_database) as session:
        ingest_tiny(session, *(2 * [_day("2024-02-01")]), received_at=CORRECTED)
    monkeypatch.setattr(settle_due, "settle_range", refuse_first_run)
    with pytest.raises(CommandError, match="some-code"):
        run("settle_due", "tiny", "--on", LAST)
    assert journals(committed_database) == 0  # SF of the same days waits for II


def test_a_stop_keeps_what_is_done_and_the_rest_is_done_next_time(
    run, committed_database, monkeypatch
):
    from portal.management.commands import settle_due

    real = settle_due.settle_range

    def stop_at_second(session, market, due, **options):
        done = real(session, market, due, **options)
        if due.kind == "SF":
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(settle_due, "settle_range", stop_at_second)
    with pytest.raises(CommandError, match="Stopped after 1 of 2 ranges"):
        run("settle_due", "tiny", "--on", LAST)
    assert journals(committed_database) == 3
    monkeypatch.setattr(settle_due, "settle_range", real)
    assert "2 journals posted" in run("settle_due", "tiny", "--on", LAST)


def test_late_readings_are_listed_with_the_run_that_takes_them_up(run, committed_database):
    run("settle_due", "tiny", "--on", LAST)
    assert "No reading came" in run("late", "tiny")
    with transaction(committed_database) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("UPDATE settlement.run SET known_at = :at"), {"at": CORRECTED.replace(hour=11)}
        )
        correct_tiny(session)
    said = run("late", "tiny")
    assert "2024-01-01  after SF: 1 corrected from readings.csv, received 2024-03-01" in said
    assert "days late; R1, due 2024-01-16, takes them up" in said
    found = json.loads(run("late", "tiny", "--json"))["readings"]
    assert [row["next_kind"] for row in found] == ["R1", "R1", "SF"]


def test_days_are_sealed_or_every_reason_is_named(run, committed_database):
    days = ("--from", "2024-01-01", "--to", "2024-01-02")
    asked = ("seal", "tiny", *days, "--reason", "Year's end")
    with pytest.raises(CommandError, match="last-run-missing"):
        run(*asked)
    run("settle_due", "tiny")
    assert "2 days sealed now, 0 were sealed before" in run(*asked)
    again = json.loads(run(*asked, "--json"))["seals"]
    assert [seal["is_new"] for seal in again] == [False, False]
    with pytest.raises(CommandError, match="lies before"):
        backwards = ("--from", "2024-01-02", "--to", "2024-01-01")
        run("seal", "tiny", *backwards, "--reason", "x")


@pytest.mark.parametrize("command", ["due", "settle_due", "late"])
def test_an_unknown_market_is_refused(run, command):
    with pytest.raises(CommandError, match="unknown-market"):
        run(command, "nowhere")


def _day(value):
    from datetime import date

    return date.fromisoformat(value)
