"""The days of a trial under other designs: what `baselines` says, and why there is nothing."""

import pytest

from settlement.baselines.comparison import compare_baselines
from settlement.baselines.designs import BASELINES, Design
from settlement.billing.lines import Side
from settlement.dispatch.solving import DispatchError
from settlement.trials import baselines
from settlement.trials.records import MADE_AGAIN
from settlement.trials.replay import replay_trial
from tests.settlement.study_cases import metered, study_tiny
from tests.settlement.test_trials import metered_with_charges
from tests.settlement.trial_cases import try_tiny, within
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import FIRST_DAY, LAST_DAY, settle_tiny


@pytest.mark.parametrize("world", [metered, metered_with_charges])
def test_baselines_are_those_of_a_run_of_the_same_days(world_of, world):
    with rolled_back(world_of(world)[0]) as session:
        report = try_tiny(session).trial.report
        settle_tiny(session)
        found = compare_baselines(session, "tiny", FIRST_DAY, LAST_DAY)
    law = report["totals"]["law"]
    passed = {  # what no design sets, by the law's own totals
        "charges_micro": law["charges_micro"] - found.totals.of(Side.CHARGE, Design.SETTLED),
        "payments_micro": law["payments_micro"] - found.totals.of(Side.PAYMENT, Design.SETTLED),
    }
    assert any(passed.values()) == (world is metered_with_charges)
    for design in BASELINES:
        told = report["baselines"][design.value]
        for key, side in (("charges_micro", Side.CHARGE), ("payments_micro", Side.PAYMENT)):
            assert told[key] == found.totals.of(side, design) + passed[key]
        assert told["equalisation_micro"] == told["charges_micro"] - told["payments_micro"]
        assert 0 <= told["households"]["gini_ppm"] < 1_000_000
    assert report["baselines"]["flat"]["prices"]["mean_micro_per_mwh"] == (
        found.totals.flat_price_micro_per_mwh
    )
    for design, key in ((Design.SETTLED, "law"), *((each, each.value) for each in BASELINES)):
        told = report["baselines"][key]
        carbon = found.totals.carbon[design]
        assert (told["carbon_g"], told["carbon_not_stated"]) == tuple(carbon.as_json().values())
        assert told["served_wh"] == found.totals.energy_wh(Side.CHARGE, design)
    assert report["baselines"]["law"]["asked_wh"] == found.totals.asked_wh
    assert (
        report["baselines"]["nodal"]["not_billed_micro"]
        == (found.totals.not_billed_micro[Design.NODAL])
    )
    nodal, uniform = (report["baselines"][name]["prices"] for name in ("nodal", "uniform"))
    assert nodal["intervals"] == uniform["intervals"] == law["prices"]["intervals"]


def test_baselines_of_days_that_are_made_again_are_those_of_a_study_without_shocks(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        told = try_tiny(session, mode=MADE_AGAIN).trial.report["baselines"]
        designs = study_tiny(session).study.report["designs"]
    for design, key in ((Design.SETTLED, "law"), *((each, each.value) for each in BASELINES)):
        service = designs[design.value]["before"]["service"]
        assert told["law"]["asked_wh"] == service["served_wh"] + service["unserved_wh"]
        for name in ("served_wh", "carbon_g", "carbon_not_stated"):
            assert told[key][name] == service[name]
    for design in BASELINES:
        found, side = told[design.value], designs[design.value]["before"]
        assert found["not_billed_micro"] == side["service"]["not_billed_micro"]
        for name in ("charges_micro", "payments_micro"):
            assert found[name] == side["cost"][name]
        for name in ("gini_ppm", "lowest_micro", "highest_micro"):
            assert found["households"][name] == side["households"][name]
        for name, figure in found["prices"].items():
            assert figure == side["prices"][name]


def test_baselines_of_days_that_are_made_again_are_replayed_too(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        trial = try_tiny(session, mode=MADE_AGAIN).trial
        assert replay_trial(within(session), trial).first_difference is None
        trial.report["baselines"]["uniform"]["charges_micro"] += 1
        assert replay_trial(within(session), trial).first_difference is not None


def test_where_dispatch_finds_nothing_the_trial_stands_and_says_so(world_of, monkeypatch):
    def fails(*_):
        raise DispatchError("no optimum")

    monkeypatch.setattr(baselines, "solved_day", fails)
    with rolled_back(world_of(metered)[0]) as session:
        report = try_tiny(session).trial.report
    assert report["baselines"] == {"why_not": f"{FIRST_DAY}: no optimum"}
    assert report["totals"]["law"]["charges_micro"]
