"""Energy accounts from the rules to the ledger: checked, stored, posted, replayed, verified."""

import datetime as dt
from copy import deepcopy

import numpy as np
import pytest
from sqlalchemy import text

from common.refusals import Refused
from ledger.queries import balances
from rulebook.checks import check_document
from settlement.billing.energy import verify_energy
from settlement.core.energy_accounts import DEMAND, GENERATION, IMBALANCE, LOSSES, MEASURES
from settlement.replays.replay import replay
from settlement.runs.energy import energy_by_area, energy_by_interval
from settlement.runs.results import vector_digest
from settlement.runs.store import series
from settlement.verification import list_checks
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    correct_tiny,
    fill_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

AREAS = ("zone/north", "zone/south")


def proof(session) -> list[str]:
    return [finding.place for check in list_checks() for finding in check.run(session)]


def settle_areas(session):
    publish_tiny(session, tiny_market.with_areas(tiny_market.documents()))
    ingest_tiny(session)
    return settle_tiny(session)


@pytest.fixture
def settled(world_of):
    """The run of the tiny market with areas."""
    return world_of(settle_areas)[1]


@pytest.fixture
def session(request, world_of, database_engine):
    """A session that is rolled back, in the settled market where the test asks for its run."""
    is_settled = "settled" in request.fixturenames
    with rolled_back(world_of(settle_areas)[0] if is_settled else database_engine) as opened:
        yield opened


def posted(session) -> dict[tuple[dt.date, str], int]:
    """Return what is posted of losses and imbalance, by day and account."""
    found = balances(session, "tiny", FIRST_DAY, LAST_DAY)
    return {key: amount for key, amount in found.items() if ":WH:-:" in key[1]}


def stated(session, run) -> dict[tuple[dt.date, str], int]:
    """Return what the results say of losses and imbalance, by day and account."""
    kinds = {LOSSES: "losses", IMBALANCE: "imbalance"}
    return {
        (vector.day, f"tiny:WH:-:{kinds[vector.measure]}:{vector.entity}"): int(vector.values.sum())
        for vector in series(session, run.id, kinds)
    }


def test_each_area_is_stored_and_posted_and_the_run_replays_to_the_same(session, settled):
    for measure in MEASURES:
        assert {vector.entity for vector in series(session, settled.id, [measure])} == set(AREAS)
    assert posted(session) == stated(session, settled)
    assert len(posted(session)) == 3 * 4
    assert replay(session, settled).is_same
    assert proof(session) == []


def test_energy_of_the_areas_is_that_of_all_meters(session, settled):
    areas = energy_by_area(session, settled.id)
    assert [area.area for area in areas] == list(AREAS)
    found = balances(session, "tiny", FIRST_DAY, LAST_DAY)
    metered = {
        kind: sum(amount for (_, code), amount in found.items() if f":{kind}:" in code)
        for kind in ("generation", "demand")
    }
    assert sum(area.generation_wh for area in areas) == -metered["generation"]
    assert sum(area.demand_wh for area in areas) == metered["demand"]
    for area in areas:
        assert area.generation_wh == area.demand_wh + area.losses_wh + area.imbalance_wh
        assert area.losses_wh > 0
    by_interval = list(energy_by_interval(session, settled.id))
    assert len(by_interval) == 3 * 48 * 2
    assert by_interval[0][:2] == (FIRST_DAY, 1)
    assert sum(energy.losses_wh for *_, energy in by_interval if energy.area == AREAS[0]) == (
        areas[0].losses_wh
    )


def test_a_correction_moves_its_own_area_alone(session, settled):
    before = posted(session)
    correct_tiny(session)
    later = settle_tiny(session, "SF", RESETTLED)
    moved = {key[1] for key, amount in posted(session).items() if amount != before[key]}
    assert moved == {"tiny:WH:-:losses:zone/north", "tiny:WH:-:imbalance:zone/north"}
    assert posted(session) == stated(session, later)
    assert proof(session) == []


def test_areas_that_the_law_brings_later_take_the_place_of_the_one_account(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)
    assert {code for _, code in posted(session)} == {"tiny:WH:-:imbalance:market"}
    publish(
        session, [tiny_market.grid_model(energy_accounts=tiny_market.AREAS)],
        valid_from=LAST_DAY, known=CORRECTED, reason="Areas",
    )  # fmt: skip
    later = settle_tiny(session, "SF", RESETTLED)
    found = {key: amount for key, amount in posted(session).items() if amount}
    assert {code for day, code in found if day == LAST_DAY} == {
        code for _, code in stated(session, later)
    }
    assert {code for day, code in found if day == FIRST_DAY} == {"tiny:WH:-:imbalance:market"}
    assert proof(session) == []


def test_without_areas_nothing_is_stored_of_them(session):
    publish_tiny(session)
    ingest_tiny(session)
    run = settle_tiny(session)
    assert series(session, run.id, MEASURES) == []
    assert energy_by_area(session, run.id) == []
    assert list(energy_by_interval(session, run.id)) == []


def test_losses_move_no_money(session, settled, world_of):
    money = {
        key: amount
        for key, amount in balances(session, "tiny", FIRST_DAY, LAST_DAY).items()
        if ":GBP:" in key[1]
    }
    with rolled_back(world_of(fill_tiny)[0]) as without_areas:
        plain = balances(without_areas, "tiny", FIRST_DAY, LAST_DAY)
    assert money == {key: amount for key, amount in plain.items() if ":GBP:" in key[1]}


def forge_vector(session, run, measure, change):
    """Change a stored vector together with its digest."""
    vector = series(session, run.id, [measure], AREAS[0])[0]
    values = change(vector.values.copy())
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text(
            "UPDATE settlement.result SET values = :values, digest = :digest WHERE run_id = :run "
            "AND settlement_day = :day AND measure = :measure AND entity = :entity"
        ),
        {
            "values": values.tolist(),
            "digest": vector_digest(vector.day, measure, AREAS[0], values),
            "run": run.id,
            "day": vector.day,
            "measure": measure,
            "entity": AREAS[0],
        },
    )


def shifted(values):
    values[0] += 1
    values[1] -= 1
    return values


FORGERIES = [
    ("one interval to the next", LOSSES, shifted, ["settlement.result"]),
    ("an interval cut off", GENERATION, lambda values: values[:-1], ["settlement.result"]),
    ("more demand", DEMAND, lambda values: values + np.int64(1), ["settlement.result"]),
    ("more losses", LOSSES, lambda values: values + 1, ["settlement.result", "ledger.posting"]),
]


@pytest.mark.parametrize(
    ("measure", "change", "tables"),
    [case[1:] for case in FORGERIES],
    ids=[case[0] for case in FORGERIES],
)
def test_energy_that_does_not_add_up_is_found(session, settled, measure, change, tables):
    forge_vector(session, settled, measure, change)
    found = list(verify_energy(session))
    assert [fault.place.split()[0] for fault in found] == tables
    assert all(AREAS[0] in fault.place for fault in found)


def test_energy_posted_to_an_area_of_no_result_is_found(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    constraint = "ck_account_code_is_made_of_its_parts"
    session.execute(text(f"ALTER TABLE ledger.account DROP CONSTRAINT {constraint}"))
    session.execute(text("UPDATE ledger.account SET subject = 'x' WHERE kind = 'imbalance'"))
    found = list(verify_energy(session))
    assert [fault.place for fault in found] == [
        f"ledger.posting of tiny {FIRST_DAY + dt.timedelta(days=offset)} imbalance x"
        for offset in range(3)
    ]


def accounts(**changes):
    return deepcopy(tiny_market.AREAS) | changes


NORTH, SOUTH = tiny_market.AREAS["losses"]
WRONG = [
    ("no such layer", {"layer": "county"}, ["energy-unknown-layer"]),
    ("another layer", {"layer": "system"}, ["area-unknown", "area-unknown", "area-without-factor"]),
    ("an area left out", {"losses": [NORTH]}, ["area-without-factor"]),
    ("an area twice", {"losses": [NORTH, SOUTH, SOUTH]}, ["area-repeated"]),
    ("a strange area", {"losses": [NORTH, SOUTH, NORTH | {"area": "west"}]}, ["area-unknown"]),
]


@pytest.mark.parametrize(
    ("changes", "codes"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
)
def test_energy_accounts_that_leave_a_gap_are_refused(session, changes, codes):
    grid = tiny_market.grid_model(energy_accounts=accounts(**changes))
    assert [finding.code for finding in check_document(grid, "grid.yaml")] == codes
    assert all("energy_accounts" in finding.place for finding in check_document(grid, "grid.yaml"))
    with pytest.raises(Refused):
        publish_tiny(session, tiny_market.with_areas(tiny_market.documents(), accounts(**changes)))
