"""The energy of a run, line by line: by hand, as metered, and of days made again."""

import json

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from database.session import transaction
from portal.management.commands import energy
from settlement.core.energy_accounts import IMBALANCE
from settlement.core.energy_balance import EnergyBalance, energy_balance
from settlement.core.imbalance import Imbalance
from settlement.runs.energy import energy_by_area
from settlement.runs.store import find_run, series
from settlement.studies import measures
from settlement.studies.energy_balance import energy_of_run
from tests.settlement.study_cases import study_tiny
from tests.worlds import tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import fill_tiny, ingest_tiny, publish_tiny, settle_tiny


def integers(*values):
    return np.array(values, dtype=np.int64)


def test_every_line_by_hand():
    """A unit, a store that takes 20 in and gives 15; of 100 metered 10 wait for the next hour."""
    balance = energy_balance(
        np.array([False, True]),
        integers([120, 70], [-20, 15]),
        integers([100, 100], [-5, 0]),
        integers([90, 110], [-5, 0]),
        3,
    )
    assert balance == EnergyBalance(
        generated_wh=190, from_storage_wh=15, into_storage_wh=20, fed_in_wh=5, served_wh=200,
        metered_wh=200, refused_wh=10, late_wh=10, losses_wh=3, residual_wh=-13,
    )  # fmt: skip


def settle_areas(session):
    publish_tiny(session, tiny_market.with_areas(tiny_market.documents()))
    ingest_tiny(session)
    return settle_tiny(session)


def test_the_imbalance_of_a_settled_run_is_its_residual(world_of):
    engine, run = world_of(settle_areas)
    with rolled_back(engine) as session:
        found = energy_of_run(session, run)
        areas = energy_by_area(session, run.id)
        stated = sum(int(vector.values.sum()) for vector in series(session, run.id, [IMBALANCE]))
    balance = found.balance
    assert balance.residual_wh == stated == found.imbalance.total_wh
    assert balance.losses_wh == sum(area.losses_wh for area in areas) > 0
    net = balance.generated_wh + balance.from_storage_wh - balance.into_storage_wh
    assert net == sum(area.generation_wh for area in areas)
    assert balance.served_wh - balance.fed_in_wh == sum(area.demand_wh for area in areas)


def publish_areas(session):
    publish_tiny(session, tiny_market.with_areas(tiny_market.documents()))
    ingest_tiny(session)


@pytest.mark.parametrize("shocks", [{}, {"outages": [{"units": ["U2"]}]}])
def test_days_made_again_generate_their_losses_and_leave_nothing_unexplained(world_of, shocks):
    with rolled_back(world_of(publish_areas)[0]) as session:
        study = study_tiny(session, **shocks).study
        for run_id in (study.before_run_id, study.run_id):
            run = find_run(session, run_id)
            balance, imbalance = energy_of_run(session, run)
            assert balance.losses_wh > 0
            assert imbalance == Imbalance()
            assert (balance.residual_wh, balance.refused_wh, balance.late_wh) == (0, 0, 0)
            made = series(session, run.id, [measures.DELIVERED])
            assert sum(int(np.maximum(each.values, 0).sum()) for each in made) == balance.served_wh


@pytest.fixture
def run(committed_database, monkeypatch):
    with transaction(committed_database) as session:
        made = fill_tiny(session)
    monkeypatch.setattr(energy, "transaction", lambda: transaction(committed_database))
    return made


def test_the_command_prints_every_line_and_they_add_up(run, capsys):
    capsys.readouterr()
    call_command("energy", str(run.id), "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["generated_wh"] + found["from_storage_wh"] + found["fed_in_wh"] == (
        found["served_wh"] + found["into_storage_wh"] + found["losses_wh"] + found["residual_wh"]
    )
    assert found["served_wh"] == found["metered_wh"] - found["refused_wh"] + found["late_wh"]
    assert sum(found["imbalance"].values()) == found["residual_wh"] != 0
    assert found["unexplained_wh"] == 0
    call_command("energy", str(run.id))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Energy of tiny ")
    assert [line.split() for line in lines if line.startswith("  unexplained")] == [
        ["unexplained", "0.000000", "MWh"]
    ]


def test_what_nothing_explains_is_said(run, monkeypatch, capsys):
    nothing = Imbalance()
    monkeypatch.setattr("settlement.studies.energy_balance.imbalance_of_day", lambda *day: nothing)
    capsys.readouterr()
    call_command("energy", str(run.id), "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["unexplained_wh"] == found["residual_wh"] != 0


def test_a_run_that_there_is_not_is_refused(run):
    with pytest.raises(CommandError, match=r"manage\.py runs lists them"):
        call_command("energy", "0" * 32)
