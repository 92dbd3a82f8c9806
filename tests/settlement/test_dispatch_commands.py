"""The commands that inform: merit order of a day, and baselines beside a settled run."""

import datetime as dt
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from database.session import transaction
from portal.management import base
from portal.management.commands import baselines, merit_order
from settlement.dispatch.out_of_merit import Reason
from settlement.runs import store
from tests.worlds.rolled_back import reading
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED, fill_tiny

DAYS = ("--from", str(FIRST_DAY), "--to", str(LAST_DAY))


@pytest.fixture
def market(world_of, monkeypatch):
    """The tiny market, published, metered and settled, in a database that both commands read."""
    engine, _ = world_of(fill_tiny)
    for command in (base, baselines, merit_order):
        monkeypatch.setattr(command, "transaction", lambda: reading(engine))
    monkeypatch.setattr(base, "utc_now", lambda: SETTLED)
    return engine


def printed(capsys, *command) -> dict:
    call_command(*command, "--json")
    return json.loads(capsys.readouterr().out)


def settled_sum(engine, prefix) -> int:
    with transaction(engine) as session:
        (run,) = store.list_runs(session, "tiny")
        return sum(
            int(vector.values.sum())
            for day in run.days
            for vector in store.day_vectors(session, run.id, day)
            if vector.measure.startswith(prefix)
        )


def test_baselines_stand_beside_what_was_settled(market, capsys):
    found = printed(capsys, "baselines", "tiny", *DAYS)
    totals = found["totals"]
    assert totals["settled"]["payments_micro"] == settled_sum(market, "payment.")
    assert totals["settled"]["charges_micro"] == settled_sum(market, "charge.")
    for design in ("uniform", "flat"):
        assert totals[design]["payments_micro"] == totals[design]["charges_micro"]
    assert found["flat_price_micro_per_mwh"] > 0
    assert totals["nodal"]["charges_micro"] > 0 and totals["uniform"]["charges_micro"] > 0
    products = {(party["side"], party["product"]) for party in found["parties"]}
    assert {("charge", "home"), ("charge", "office"), ("payment", "wind")} <= products
    for design in ("settled", "nodal", "uniform", "flat"):
        for side in ("payment", "charge"):
            assert totals[design][f"{side}s_micro"] == sum(
                party[f"{design}_micro"] for party in found["parties"] if party["side"] == side
            )
        for side, key in (("payment", "generated_wh"), ("charge", "served_wh")):
            assert totals[design][key] == sum(
                party[f"{design}_wh"] for party in found["parties"] if party["side"] == side
            )
        assert totals[design]["served_wh"] <= found["asked_wh"]
        assert totals[design]["carbon_g"] is None and totals[design]["carbon_not_stated"]
    # Nothing but what is served is billed: the rest is what the bill was before.
    assert totals["nodal"]["served_wh"] < found["asked_wh"]
    assert totals["nodal"]["not_billed_micro"] > 0 and totals["uniform"]["not_billed_micro"] > 0
    assert totals["settled"]["not_billed_micro"] is totals["flat"]["not_billed_micro"] is None


def test_baselines_are_the_same_twice_and_of_part_of_a_run(market, capsys):
    assert printed(capsys, "baselines", "tiny", *DAYS) == printed(
        capsys, "baselines", "tiny", *DAYS
    )
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(3)]
    parts = [
        printed(capsys, "baselines", "tiny", "--from", str(day), "--to", str(day)) for day in days
    ]
    whole = printed(capsys, "baselines", "tiny", *DAYS)
    for design in ("settled", "nodal", "uniform"):
        for side in ("payments_micro", "charges_micro"):
            assert whole["totals"][design][side] == sum(
                part["totals"][design][side] for part in parts
            )


def test_baselines_read_as_a_table(market, capsys):
    call_command("baselines", "tiny", *DAYS)
    text = capsys.readouterr().out
    assert "settled" in text and "nodal" in text and "all charges" in text
    assert "MWh generated and served" in text and "all served" in text
    assert "not served, and not billed: at its prices they would cost" in text
    assert "flat: of " in text and "bear nothing of the payments" in text
    assert "No registration states the carbon intensity of U1, " in text


def test_baselines_without_a_run_are_refused(market):
    with pytest.raises(CommandError, match="no run settled all days from 2024-02-01"):
        call_command("baselines", "tiny", "--month", "2024-02")


def test_the_merit_order_of_a_day_adds_up(market, capsys):
    found = printed(capsys, "merit_order", "tiny", str(FIRST_DAY))
    assert set(found["out_of_merit_wh"]) == set(Reason)
    assert len(found["unserved_by_power_flow_kw"]) == 48
    by_reason = dict.fromkeys(found["out_of_merit_wh"], 0)
    for entry in found["entries"]:
        by_reason[entry["reason"]] += entry["energy_wh"]
        assert entry["interval_start"].startswith("2024-01-01T")
    assert by_reason == found["out_of_merit_wh"]
    # The readings are drawn at random, so something ran out of merit for no reason at all.
    assert by_reason["unexplained"] > 0


def test_the_merit_order_reads_from_totals_to_causes(market, capsys):
    call_command("merit_order", "tiny", str(FIRST_DAY))
    text = capsys.readouterr().out
    assert text.startswith("Merit order of tiny on 2024-01-01, 48 intervals")
    assert "unexplained" in text and "should have run" in text


def test_a_day_without_readings_is_refused(market):
    with pytest.raises(CommandError, match="no metered generation of"):
        call_command("merit_order", "tiny", "2024-02-01")
