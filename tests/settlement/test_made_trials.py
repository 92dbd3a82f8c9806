"""Trials whose days are made again: dispatch and Fair Play on every side, as studies do."""

import numpy as np
import pytest
from sqlalchemy import text

from common.refusals import Refused
from settlement.runs.computing import compute
from settlement.runs.store import find_run
from settlement.studies import measures
from settlement.trials.records import AS_METERED, MADE_AGAIN
from settlement.trials.replay import replay_trial, stored_day, stored_law
from settlement.trials.store import find_trial, made_of
from settlement.trials.verification import verify_trials
from tests.settlement.study_cases import study_tiny
from tests.settlement.test_trials import DRAFTS, MINUTE, metered_with_charges
from tests.settlement.trial_cases import changed, request, try_tiny, within
from tests.worlds import tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import SETTLED, publish_tiny


def studied_without_shocks(session):
    """Return the run of the days as a study makes and settles them under the law alone."""
    outcome = study_tiny(session)
    return find_run(session, outcome.study.before_run_id)


@pytest.mark.parametrize("name", DRAFTS)
def test_both_sides_are_what_two_studies_make(world_of, name):
    documents = DRAFTS[name]()
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        trial = try_tiny(session, documents, mode=MADE_AGAIN).trial
        law = studied_without_shocks(session)
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        publish_tiny(session, documents, known=SETTLED - MINUTE)
        draft = studied_without_shocks(session)
    assert trial.mode == MADE_AGAIN
    assert [side.result_digest for side in trial.sides] == [
        law.result_digest,
        draft.result_digest,
    ]


def dearer_units():
    """Return the registration of a participant whose units offer for far more."""
    registration = next(
        each for each in tiny_market.documents()
        if each.kind == "registration" and any(unit.offer_micro_per_mwh for unit in each.units)
    )  # fmt: skip
    units = [
        unit.model_dump(mode="json") | {"offer_micro_per_mwh": 900_000_000}
        for unit in registration.units
    ]
    return changed(registration, units=units)


def test_what_changes_supply_shows_when_days_are_made_again_and_not_as_metered(world_of):
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        metered = try_tiny(session, [dearer_units()]).trial
        made = try_tiny(session, [dearer_units()], mode=MADE_AGAIN).trial
        vectors = made_of(session, made.id)
    assert (metered.mode, made.mode) == (AS_METERED, MADE_AGAIN)
    energy = [made.report["totals"][side]["energy_wh"] for side in ("law", "draft")]
    assert energy[0].keys() == energy[1].keys() != set()
    generated = {
        side: np.array([
            each.values for of, each in vectors
            if of == side and each.measure == measures.GENERATION
        ])
        for side in ("law", "draft")
    }  # fmt: skip
    assert (generated["law"] != generated["draft"]).any()
    assert {side.made_digest is None for side in metered.sides} == {True}


@pytest.mark.parametrize("threads", [1, 2])
def test_it_replays_from_what_was_made(world_of, threads):
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        made = try_tiny(session, mode=MADE_AGAIN).trial
        session.expire_all()
        stored = find_trial(session, made.id)
        assert stored.digest == made.digest
        assert replay_trial(within(session), stored, threads=threads).first_difference is None
        assert list(verify_trials(session)) == []
        assert not try_tiny(session, mode=MADE_AGAIN).is_new
        assert try_tiny(session).is_new


FORGED = {
    "a value": "UPDATE settlement.trial_made SET values[1] = values[1] + 1",
    "a row less": "DELETE FROM settlement.trial_made WHERE settlement_day = '2024-01-01'",
    "another side": "UPDATE settlement.trial_made SET side = 'second' WHERE side = 'draft'",
}


@pytest.mark.parametrize("name", FORGED)
def test_what_was_made_and_is_another_now_is_named(world_of, name):
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        made = try_tiny(session, mode=MADE_AGAIN).trial
        session.execute(text("SET LOCAL session_replication_role = replica"))
        assert session.execute(text(FORGED[name])).rowcount
        session.expire_all()
        found = {finding.code for finding in verify_trials(session)}
        assert "trial-made" in found
        stored = find_trial(session, made.id)
        assert replay_trial(within(session), stored).first_difference is not None


def test_a_grid_that_fair_play_does_not_take_is_refused(world_of, monkeypatch):
    monkeypatch.setattr("settlement.trials.inputs.MOST_NODES_FAIR_PLAY", 1)
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        assert try_tiny(session).is_new
        with pytest.raises(Refused) as refused:
            try_tiny(session, mode=MADE_AGAIN)
    assert {each.code for each in refused.value.findings} == {"grid-too-large-to-make-again"}
    assert request(mode=MADE_AGAIN).mode == MADE_AGAIN


def test_a_day_of_a_trial_of_an_earlier_release_opens_as_it_was(world_of):
    """Then nothing was stored of who other designs serve: no figure of a side needs it."""
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        trial = try_tiny(session, mode=MADE_AGAIN).trial
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("DELETE FROM settlement.trial_made WHERE measure = ANY(:names)"),
            {"names": [*measures.OF_DESIGNS]},
        )
        sides = stored_day(session, trial, stored_law(session, trial), trial.first_day)
        found = {}
        for name, side in sides.items():
            (day,) = compute(side, 1)
            assert not {vector.measure for vector in day.vectors} & set(measures.OF_DESIGNS)
            found[name] = {vector.measure for vector in day.vectors}
        assert all(measures.DELIVERED in of_side for of_side in found.values())
        trial.report["format"] = "tallystick.trial-report.4"
        outcome = replay_trial(within(session), trial)
        assert "its report is not one of this release" in outcome.first_difference
