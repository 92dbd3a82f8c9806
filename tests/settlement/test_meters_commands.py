"""The commands that make and ingest readings: what they print, write and refuse."""

import datetime as dt
import json
import os

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from sqlalchemy import text

from database.session import transaction
from portal import signing
from portal.management import base
from portal.management.commands import dataset, ingest, readings
from tests.worlds import tiny_market
from tests.worlds.law import publish

MONTH = ("--from", "2024-03-30", "--to", "2024-04-01")
LABEL = "tiny-2024-03-30-to-2024-04-01"
PARTS = ("availability", "demand", "generation")


def publish_first_law(session):
    publish(
        session,
        tiny_market.documents(),
        valid_from=tiny_market.VALID_FROM,
        known=dt.datetime(2023, 12, 1, tzinfo=dt.UTC),
        reason="first law",
    )


@pytest.fixture
def use(monkeypatch):
    """Return a function by which the commands use a database."""

    def use(engine):
        for command in (base, signing, dataset, ingest, readings):
            monkeypatch.setattr(command, "transaction", lambda: transaction(engine))
        return engine

    return use


@pytest.fixture
def market(committed_database, use):
    """The tiny market, published in a database that both commands use."""
    with transaction(committed_database) as session:
        publish_first_law(session)
    return use(committed_database)


@pytest.fixture
def market_as_it_is(world_of, use):
    """The same in a database of several tests, which stays as it was published."""
    engine, _ = world_of(publish_first_law)
    yield use(engine)
    assert reading_count(engine) == 0


def reading_count(engine) -> int:
    with transaction(engine) as session:
        return session.scalar(text("SELECT count(*) FROM settlement.reading"))


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_data_set_is_written_ingested_and_known_the_second_time(market, tmp_path, capsys, form):
    call_command("dataset", "tiny", *MONTH, "--out", str(tmp_path), "--format", form)
    paths = [str(tmp_path / f"{LABEL}-{part}.{form}") for part in PARTS]
    assert sorted(map(str, tmp_path.iterdir())) == paths
    assert f"{LABEL}-demand.{form}: " in capsys.readouterr().out

    call_command("ingest", "tiny", *paths)
    printed = capsys.readouterr().out
    assert f"{LABEL}-demand.{form}: 568 readings of 2024-03-30 to 2024-04-01" in printed
    assert "12 day vectors stored, 0 unchanged" in printed
    assert "late settlement days" in printed
    assert reading_count(market) == 36

    call_command("ingest", "tiny", *paths)
    assert capsys.readouterr().out.count("received before") == 3
    assert reading_count(market) == 36

    call_command("dataset", "tiny", *MONTH, "--out", str(tmp_path), "--corrections")
    call_command("ingest", "tiny", str(tmp_path / f"{LABEL}-corrections.csv"), "--json")
    (outcome,) = json.loads(capsys.readouterr().out.split("bytes\n")[-1])
    assert (outcome["vectors_stored"], outcome["vectors_unchanged"]) == (12, 0)
    assert outcome["notices"][0]["code"] == "late"


def test_the_terminal_shows_fifty_findings_and_json_all(market_as_it_is, tmp_path, capsys):
    rows = ["interval_start,entity,measure,value"]
    rows += [
        f"2024-03-30T{n // 2:02}:{n % 2 * 30:02}Z,B-home,metered_demand_wh,-1" for n in range(48)
    ]
    rows += [
        f"2024-03-30T{n // 2:02}:{n % 2 * 30:02}Z,C-home,metered_demand_wh,NaN" for n in range(48)
    ]
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(rows))
    with pytest.raises(CommandError) as refused:
        call_command("ingest", "tiny", str(path))
    lines = str(refused.value).split("\n")
    assert lines[0] == "Refused; nothing was written:"
    assert lines[-1] == "... and 46 more; --json prints them all"
    assert len(lines) == 52
    capsys.readouterr()
    with pytest.raises(CommandError):
        call_command("ingest", "tiny", str(path), "--json")
    findings = json.loads(capsys.readouterr().out)["refused"]
    assert len(findings) == 96
    assert findings[0].keys() == {"code", "place", "value", "limit", "remedy"}
    assert reading_count(market_as_it_is) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ingest", "tiny"), "give the files to ingest, or --data FOLDER"),
        (("ingest", "tiny", "nowhere.csv"), "nowhere.csv: No such file"),
        (("ingest", "tiny", "--data", "nowhere"), "no such file"),
        (("dataset", "tiny", "--out", "x"), "give --month"),
        (("dataset", "tiny", *MONTH, "--out", "x", "--data", "nowhere"), "no such file"),
        (
            ("dataset", "tiny", *MONTH, "--out", "x", "--seed", "-1"),
            "'-1' is not a whole number of at least 0",
        ),
        (("dataset", "tiny", "--month", "2023-01", "--out", "x"), "nothing in force"),
        (("dataset", "tiny", *MONTH, "--out", "x", "--corrections"), "ingest readings of these"),
        (("dataset", "tiny", *MONTH, "--out", "/dev/null"), "/dev/null: File exists"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(
    market_as_it_is, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=message):
        call_command(*arguments)
    assert not list(tmp_path.iterdir())


def test_the_quality_of_readings_is_counted_and_what_a_run_would_refuse_is_said(
    market, tmp_path, capsys
):
    day = dt.date(2024, 3, 30)
    file = tmp_path / "day.csv"
    lines = tiny_market.readings_csv(day, day, only=("U1", "U2", "U3", "U4", "B-home"))
    file.write_bytes(lines.replace(b"B-home,metered_demand_wh,", b"C-home,metered_demand_wh,"))
    call_command("ingest", "tiny", str(file))
    capsys.readouterr()
    days = ("--from", f"{day}", "--to", f"{day}")
    call_command("readings", "tiny", *days)
    printed = capsys.readouterr().out
    assert "  metered demand: 48 measured, 144 missing" in printed
    assert "  metered demand of B-home: 48 missing" in printed
    assert "A run would be refused:" in printed
    assert "no metered demand of B-office known at" in printed
    call_command("readings", "tiny", *days, "--json")
    told = json.loads(capsys.readouterr().out)
    assert {counted["measure"]: counted["intervals"] for counted in told["measures"]} == {
        "metered_generation_wh": {"measured": 192},
        "available_w": {"measured": 192},
        "metered_demand_wh": {"measured": 48, "missing": 144},
    }
    assert [finding["code"] for finding in told["would_refuse"]] == ["no-reading"] * 3
    with pytest.raises(CommandError, match="Refused"):
        call_command("readings", "tiny", "--month", "2023-01")


def test_a_file_of_readings_may_have_a_name_that_is_not_utf8(market, tmp_path, capsys):
    call_command("dataset", "tiny", *MONTH, "--out", str(tmp_path), "--format", "csv")
    path = tmp_path / os.fsdecode(b"Z\xe4hler.csv")
    (tmp_path / f"{LABEL}-demand.csv").rename(path)
    call_command("ingest", "tiny", str(path))
    assert "Z\\xe4hler.csv: 568 readings" in capsys.readouterr().out
    with pytest.raises(CommandError) as raised:
        call_command("ingest", "tiny", f"{path}.absent")
    assert "Z\\xe4hler.csv.absent: No such file" in str(raised.value)
