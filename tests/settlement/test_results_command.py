"""`results`: what a run says, interval by interval, printed without an evidence file."""

import csv
import io
import json
import uuid

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.management.commands import results
from settlement.core.periods import interval_starts
from settlement.runs.store import day_vectors
from tests.worlds import tiny_market
from tests.worlds.rolled_back import reading
from tests.worlds.settled import FIRST_DAY, LAST_DAY, fill_tiny


@pytest.fixture
def run(world_of, monkeypatch):
    engine, made = world_of(fill_tiny)
    monkeypatch.setattr(results, "transaction", lambda: reading(engine))
    return made


@pytest.fixture
def stored(world_of, run):
    with reading(world_of(fill_tiny)[0]) as session:
        return [vector for day in run.days for vector in day_vectors(session, run.id, day)]


def printed(capsys, *arguments) -> str:
    capsys.readouterr()
    call_command("results", *map(str, arguments))
    return capsys.readouterr().out


def test_every_result_is_printed_as_csv_and_as_json(run, stored, capsys):
    rows = list(csv.DictReader(io.StringIO(printed(capsys, run.id))))
    assert len(rows) == sum(len(vector.values) for vector in stored)
    assert [int(row["value"]) for row in rows] == np.concatenate(
        [vector.values for vector in stored]
    ).tolist()
    first = interval_starts(FIRST_DAY, tiny_market.ZONE, 30)
    assert [row["interval_start"] for row in rows[:48]] == [
        f"{start:%Y-%m-%dT%H:%MZ}" for start in first
    ]
    found = json.loads(printed(capsys, run.id, "--json"))
    assert found["result_digest"] == run.result_digest.hex()
    assert [day["settlement_day"] for day in found["days"]] == [str(day) for day in run.days]
    assert len(found["days"][0]["interval_starts"]) == 48
    assert [
        (each["settlement_day"], each["measure"], each["entity"], each["values"])
        for each in found["results"]
    ] == [
        (str(vector.day), vector.measure, vector.entity, vector.values.tolist())
        for vector in stored
    ]


def test_days_measures_and_entities_narrow_them(run, capsys):
    wanted = ("--measure", "charge.fuel_micro", "--measure", "node_price_micro_per_mwh")
    text = printed(capsys, run.id, "--from", LAST_DAY, "--to", LAST_DAY, *wanted, "--entity", "B")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 48
    assert {(r["settlement_day"], r["measure"], r["entity"]) for r in rows} == {
        (str(LAST_DAY), "node_price_micro_per_mwh", "B")
    }


def test_what_is_not_there_is_refused_all_at_once(run, capsys):
    with pytest.raises(CommandError) as refused:
        printed(
            capsys, run.id, "--to", "2024-02-01", "--measure", "charge.fule_micro", "--entity", "Q"
        )
    lines = str(refused.value).split("\n")[1:]
    assert [line.rpartition("[")[2].rstrip("]") for line in lines] == [
        "day-not-of-run",
        "no-such-measure",
        "no-such-entity",
    ]
    assert "'charge.fule_micro'" in lines[1]
    nobody = uuid.uuid4()
    with pytest.raises(CommandError, match=f"no run {nobody}; manage.py runs lists them"):
        printed(capsys, nobody)
