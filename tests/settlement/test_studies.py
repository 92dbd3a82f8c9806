"""Studies: stored, never posted, the same twice and again by replay; and the report adds up."""

import json

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.journal import STUDY
from settlement.baselines.designs import MARGINAL
from settlement.baselines.tariffs import FUEL_MEASURE
from settlement.billing.post import post
from settlement.replays.replay import replay
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.studies.measures import DELIVERED, DESIGNS, OF_DESIGNS
from settlement.studies.reporting import report_difference
from settlement.studies.store import (
    find_equal_study_run,
    find_study,
    list_studies,
    stored_inputs,
)
from settlement.verification import list_checks
from tests.settlement.study_cases import metered, study_tiny
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import RESETTLED, correct_tiny
from tests.worlds.tiny_market import registrations


@pytest.fixture(scope="module")
def studied_market(clone_database):
    """A database with a study, and what was studied."""
    made = make_engine(clone_database())
    with transaction(made) as opened:
        metered(opened)
        studied = study_tiny(opened)
    yield made, studied
    made.dispose()


@pytest.fixture
def session(studied_market):
    with rolled_back(studied_market[0]) as opened:
        yield opened


@pytest.fixture
def studied(studied_market):
    return studied_market[1]


def findings(session):
    return [found for check in list_checks() for found in check.run(session)]


def test_a_study_is_stored_with_its_two_runs(session, studied):
    assert studied.is_new
    assert [run.kind for run in store.list_runs(session)] == [STUDY, STUDY]
    ((run, study),) = list_studies(session, "tiny")
    assert (run, study.digest) == (studied.run, studied.study.digest)
    assert list_studies(session, "other") == []
    assert {pin.instrument for pin in run.pins if pin not in run.law_pins} == {
        "tiny/study/overlay",
        "tiny/study/readings",
    }
    assert findings(session) == []


def test_equal_inputs_are_studied_once(session, studied):
    again = study_tiny(session, now=RESETTLED)
    assert not again.is_new
    assert again.run.id == studied.run.id
    other = study_tiny(session, now=RESETTLED, outages=[{"units": ["U4"]}])
    assert other.study.before_run_id == studied.study.before_run_id
    assert len(store.list_runs(session)) == 3


def test_days_that_roll_are_the_same_on_any_number_of_threads(world_of):
    """Each day begins with what the one before it left, whichever thread asks for it first."""
    found = []
    for threads in (1, 3):
        with rolled_back(world_of(metered)[0]) as session:
            study = study_tiny(session, threads=threads)
            before = store.find_run(session, study.study.before_run_id)
            found.append([(run.input_digest, run.result_digest) for run in (before, study.run)])
    assert found[0] == found[1]


def test_other_readings_are_another_study(session, studied):
    correct_tiny(session)
    again = study_tiny(session, now=RESETTLED)
    assert again.is_new
    assert again.study.before_run_id != studied.study.before_run_id
    assert replay(session, studied.run).is_same


def test_a_replay_gives_the_same_bytes(session, studied, monkeypatch):
    def solve(*_):
        raise AssertionError("a replay solves no linear programme")

    monkeypatch.setattr("settlement.dispatch.least_cost.solve", solve)
    monkeypatch.setattr("settlement.dispatch.prices.solve_priced", solve)
    for run in store.list_runs(session):
        for threads in (1, 2):
            outcome = replay(session, run, threads=threads)
            assert outcome.is_same
            assert outcome.result_digest == run.result_digest


@pytest.mark.parametrize(
    "measure", ["study.generation_wh", "study.desired_wh", "charge.fuel_micro"]
)
def test_a_changed_vector_is_found_by_replay(session, studied, measure):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text(
            "UPDATE settlement.result SET values[3] = values[3] + 1 "
            "WHERE run_id = :run AND measure = :measure"
        ),
        {"run": studied.run.id, "measure": measure},
    )
    outcome = replay(session, studied.run)
    assert not outcome.is_same
    assert findings(session)


def test_a_changed_report_is_found_by_replay(session, studied):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text("""UPDATE settlement.study SET report = jsonb_set(report, '{intervals}', '7')""")
    )
    session.expire_all()
    assert "settlement.study" in replay(session, studied.run).first_difference
    assert [found.code for found in findings(session)] == ["study-digest"]


def test_a_study_is_never_posted(session, studied):
    with pytest.raises(Refused) as refused:
        post(session, studied.run, now=RESETTLED)
    assert [found.code for found in refused.value.findings] == ["study-not-posted"]
    assert session.scalar(text("SELECT count(*) FROM ledger.journal")) == 0


def test_the_ledger_itself_takes_no_study(session, studied):
    with pytest.raises(IntegrityError) as refused:
        session.execute(
            text(
                "INSERT INTO ledger.journal (number, id, key, market, settlement_day, run_id, "
                "run_kind, reason, posted_at, posting_count, input_digest, cause_source, "
                "cause_key, cause_digest, previous_digest, digest)"
                " VALUES (1, uuidv7(), 'k', 'tiny', '2024-01-01', :run, 'study', 'r', now(), 0, "
                "decode(repeat('00', 32), 'hex'), 'settlement.run', CAST(:run AS text), :digest, "
                "decode(repeat('00', 32), 'hex'), decode(repeat('01', 32), 'hex'))"
            ),
            {"run": studied.run.id, "digest": studied.run.digest},
        )
    assert refused.value.orig.diag.constraint_name == "ck_journal_run_is_no_study"


def test_what_was_desired_is_served_or_unserved(studied):
    for side in studied.study.report["operation"].values():
        assert side["desired_wh"] == side["served_wh"] + side["unserved_wh"]
        assert 0 <= side["wasted_wh"] <= side["unserved_wh"]
        assert side["served_wh"] <= side["maximum_wh"] <= side["desired_wh"]


def other_fuel_micro(session, run, factor):
    """Return what fuel costs more under the flat tariff, at the offers of the law by a factor."""
    offers = {unit.unit: unit.offer_micro_per_mwh for r in registrations() for unit in r.units}
    fuel_micro = sum(int(v.values.sum()) for v in store.series(session, run, [FUEL_MEASURE]))
    flat_micro = sum(
        wh * offers[v.entity] * factor
        for v in store.series(session, run, [DESIGNS["flat"][1]])
        for wh in v.values.tolist()
        if wh > 0
    )
    return flat_micro // 1_000_000 - fuel_micro


def room_for_rounding(studied):
    """Return a micro a unit and day."""
    return sum(len(r.units) for r in registrations()) * len(studied.run.days)


def test_fuel_of_the_flat_tariff_is_paid_at_the_offers_that_the_overlay_leaves(session):
    technologies = sorted({unit.technology for r in registrations() for unit in r.units})
    dearer = [{"technologies": technologies, "factor_ppm": 3_000_000}]
    found = study_tiny(session, now=RESETTLED, fuel_prices=dearer)
    costs = {name: each["after"]["cost"] for name, each in found.study.report["designs"].items()}
    paid = costs["settled"]["payments_micro"] + other_fuel_micro(session, found.run.id, 3)
    assert abs(costs["flat"]["payments_micro"] - paid) <= room_for_rounding(found)
    assert costs["uniform"]["movement_micro"] == 0


def test_charges_are_payments_and_the_stated_movement(session, studied):
    runs = (studied.study.before_run_id, studied.run.id)
    for side, run in zip(("before", "after"), runs, strict=True):
        stated = sum(
            int(v.values.sum()) for v in store.series(session, run, ["equalisation_micro"])
        )
        costs = {
            name: design[side]["cost"] for name, design in studied.study.report["designs"].items()
        }
        assert costs["settled"]["movement_micro"] == stated
        assert costs["flat"]["movement_micro"] == 0
        assert costs["uniform"]["movement_micro"] == 0
        paid = costs["settled"]["payments_micro"] + other_fuel_micro(session, run, 1)
        assert abs(costs["flat"]["payments_micro"] - paid) <= room_for_rounding(studied)
        for cost in costs.values():
            assert cost["charges_micro"] == cost["payments_micro"] + cost["movement_micro"]


def test_each_design_has_its_own_service(session, studied):
    report = studied.study.report
    for side, run in zip(
        ("before", "after"), (studied.study.before_run_id, studied.run.id), strict=True
    ):
        desired = report["operation"][side]["desired_wh"]
        for name, design in report["designs"].items():
            service = design[side]["service"]
            measure = DELIVERED if name == "settled" else DESIGNS[name][0]
            assert service["served_wh"] == sum(
                int(np.maximum(v.values, 0).sum()) for v in store.series(session, run, [measure])
            )
            assert service["served_wh"] + service["unserved_wh"] == desired
            assert service["carbon_g"] is None
            assert service["carbon_not_stated"]
            taken = [p[side]["energy_wh"][name] for p in report["parties"] if p["side"] == "charge"]
            assert sum(taken) <= service["served_wh"]
            unbilled = service["not_billed_micro"]
            if name in MARGINAL:
                assert (unbilled > 0) == (service["unserved_wh"] > 0)
            else:
                assert unbilled is None
        assert (
            report["operation"][side]["served_wh"]
            == (report["designs"]["settled"][side]["service"]["served_wh"])
        )
    after = {name: each["after"]["service"] for name, each in report["designs"].items()}
    intervals = report["intervals"]  # a Wh an interval is what rounding may move
    assert after["uniform"]["served_wh"] <= after["nodal"]["served_wh"] + intervals
    assert after["nodal"]["lowest_delivery_ppm"] < after["flat"]["lowest_delivery_ppm"]


def test_a_study_of_an_earlier_release_stands_and_is_studied_anew(session, studied):
    """Then nothing of other designs was stored, and one report had one energy for all of them."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text("DELETE FROM settlement.result WHERE measure = ANY(:names)"), {"names": [*OF_DESIGNS]}
    )
    before = store.find_run(session, studied.study.before_run_id)
    known = run_inputs(session, "tiny", pinned_periods(session, before), before.known_at)
    earlier = stored_inputs(session, before, known)
    for day in earlier.days:
        earlier.day_readings(day, earlier.compiled()[0].model)
        assert not {table.measure for table in earlier.further_tables(day)} & set(OF_DESIGNS)
    found = find_equal_study_run(session, "tiny", before.pins, before.engine_version)
    assert found is None
    report = dict(studied.study.report, format="tallystick.study-report.1")
    session.execute(
        text("UPDATE settlement.study SET report = :report"), {"report": json.dumps(report)}
    )
    session.expire_all()
    assert "not one of this release" in report_difference(session, studied.run)


def test_parties_add_up_to_the_totals_of_each_design(studied):
    report = studied.study.report
    for side in ("before", "after"):
        for name, design in report["designs"].items():
            for kind in ("charge", "payment"):
                parts = [p[side]["micro"][name] for p in report["parties"] if p["side"] == kind]
                assert sum(parts) == design[side]["cost"][f"{kind}s_micro"]


def test_an_outage_serves_less_and_shows_in_tightness_and_prices(studied):
    before, after = (studied.study.report["operation"][side] for side in ("before", "after"))
    assert after["highest_tightness_ppm"] > before["highest_tightness_ppm"]
    assert after["unserved_wh"] > before["unserved_wh"]
    assert after["maximum_wh"] < before["maximum_wh"]
    for name, design in studied.study.report["designs"].items():
        before, after = (design[side]["prices"] for side in ("before", "after"))
        assert after["within_bounds"]
        if name != "flat":  # it recovers what is paid, and who gets less energy pays less fuel
            assert after["mean_micro_per_mwh"] > before["mean_micro_per_mwh"]


def test_find_study_of_a_run_without_one(session, studied):
    assert find_study(session, studied.study.before_run_id) is None
    assert find_study(session, studied.run.id).digest == studied.study.digest
