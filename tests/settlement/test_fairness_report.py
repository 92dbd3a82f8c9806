"""Fairness reports: held to a slow reference over stored results, kept once, and told by rule."""

import dataclasses
import datetime as dt
import doctest
import json
import math
import uuid
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.one_writing import canonical
from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from settlement.billing.post import post
from settlement.core.rounding import annual_to_day
from settlement.dispatch.solving import DispatchError
from settlement.evidence.recompute import recompute
from settlement.fairness import (
    designs,
    intervals,
    make,
    public,
    report,
    reward,
    sums,
    verification,
)
from settlement.fairness.definitions import FIGURE_OF, FIGURES
from settlement.fairness.delivery import known
from settlement.fairness.designs import distance_ppm, shares_of, tight_intervals
from settlement.fairness.inequality import PPM
from settlement.fairness.make import FairnessRequest, keep_report, make_report, read_period
from settlement.fairness.public import own_part
from settlement.fairness.store import find_report, list_reports
from settlement.fairness.verification import verify_fairness
from settlement.runs import store
from settlement.runs.settle import settle
from settlement.trials.replay import replay_trial
from tests.conftest import ROOT
from tests.settlement.evidence_cases import Memory, exported, rows, written
from tests.settlement.trial_cases import try_tiny, within
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    DAYS,
    FAIR_PLAY,
    FIRST,
    JANUARY,
    LAST,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
    settle_month_end,
)
from tests.worlds.logged import signer
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import CORRECTED, RESETTLED, SETTLED, fill_tiny, publish_tiny
from verifier.fairness import FAIRNESS

MINUTE = dt.timedelta(minutes=1)
HALF_HOURS_PER_HOUR = 2
UNITS = tuple(tiny_market.UNITS)


@pytest.fixture(scope="module")
def settled_market(clone_database):
    """A database with a whole month of Fair Play, posted: of its first days nothing is short."""
    made = make_engine(clone_database())
    with transaction(made) as opened:
        publish_with(opened, FAIR_PLAY)
        ingest_month_end(opened, first=JANUARY)
        run = settle_days(opened, JANUARY, LAST, now=SETTLED)
        post(opened, run, now=SETTLED)
    yield made
    made.dispose()


@pytest.fixture
def session(request, database_engine):
    """A session that is rolled back, in the settled month where the test asks for it."""
    is_settled = "settled_market" in request.fixturenames
    made = request.getfixturevalue("settled_market") if is_settled else database_engine
    with rolled_back(made) as opened:
        yield opened


def of_month(session, *, with_baselines=False):
    return make_report(session, FairnessRequest("tiny", JANUARY, LAST, with_baselines)).report


def stored(session):
    """Return the month's vectors by measure and entity, each over all days."""
    run = store.list_runs(session, "tiny")[0]
    days = defaultdict(list)
    for number in range((LAST - JANUARY).days + 1):
        day = JANUARY + dt.timedelta(days=number)
        for vector in store.day_vectors(session, run.id, day):
            days[vector.measure, vector.entity].append(vector.values)
    return {key: np.concatenate(values) for key, values in days.items()}


PLACES = {
    "B-home": ("B", "home"),
    "C-home": ("C", "home"),
    "B-office": ("B", "office"),
    "C-office": ("C", "office"),
}


def test_examples():
    for module in (designs, public, report, reward, sums, verification):
        assert doctest.testmod(module).failed == 0, module


def test_delivery_is_what_the_stored_results_say(session, settled_market):
    found, values = of_month(session), stored(session)
    rows = {(row["node"], row["product"]): row for row in found["groups"]}
    lacking = 0
    for point, (node, product) in PLACES.items():
        row = rows[node, product]
        w_half_hours = {
            name: sum(values[name, point].tolist()) for name in ("delivered_w", "missed_w")
        }
        matured = sum(w_half_hours.values())
        assert row["delivered_ppm"] == int(Fraction(w_half_hours["delivered_w"] * PPM, matured))
        assert row["matured_wh"] == matured // HALF_HOURS_PER_HOUR
        assert row["missed_wh"] == w_half_hours["missed_w"] // HALF_HOURS_PER_HOUR
        promise = Fraction(row["promised_ppm"], PPM)
        assert row["is_kept"] == (w_half_hours["delivered_w"] >= promise * matured)
        short = max(Fraction(0), promise * matured - w_half_hours["delivered_w"])
        # What is compensated is rounded up to a W, and down to a Wh.
        assert 0 <= short / HALF_HOURS_PER_HOUR - row["shortfall_wh"] < 1 or (
            row["shortfall_wh"] - short / HALF_HOURS_PER_HOUR < 1
        )
        lacking += not row["is_kept"]
    assert found["promises"] == len(PLACES)
    assert found["promises"] - found["promises_kept"] == lacking > 0
    assert (
        found["refused_wh"]
        == sum(sum(values["missed_w", point].tolist()) for point in PLACES) // HALF_HOURS_PER_HOUR
    )
    assert found["refused_wh"] > 0 < found["deferred_wh"]
    assert found["waste"] == {
        "intervals": 31 * 48, "wasted_intervals": 0, "waste_wh": 0, "left_over_wh": 0,
    }  # fmt: skip


def test_a_calendar_and_the_worst_intervals_say_when_and_where(session, settled_market):
    found, values = of_month(session), stored(session)
    for day in found["calendar"]:
        at = (dt.date.fromisoformat(day["day"]) - JANUARY).days * 48
        missed = sum(int(values["missed_w", point][at : at + 48].sum()) for point in PLACES)
        assert day["missed_wh"] == missed // HALF_HOURS_PER_HOUR
        assert bool(day["nodes"]) == (day["short_intervals"] > 0)
        if day["short_intervals"]:
            assert len(day["interval_missed_wh"]) == len(day["interval_short_ppm"]) == 48
    assert sum(day["missed_wh"] for day in found["calendar"]) <= found["refused_wh"]
    worst = found["worst"]
    assert [row["missed_wh"] for row in worst] == sorted(
        (row["missed_wh"] for row in worst), reverse=True
    )
    every = sum(values["missed_w", point] for point in PLACES)
    assert worst[0]["missed_wh"] == int(every.max()) // HALF_HOURS_PER_HOUR
    assert {node["node"] for node in worst[0]["nodes"]} <= {"B", "C"}


def test_reward_and_payback_are_what_payments_say(session, settled_market):
    found, values = of_month(session), stored(session)
    law = {unit.unit: unit for r in tiny_market.registrations() for unit in r.units}
    pots = {
        unit: sum(
            sum(values[key].tolist())
            for key in values
            if key[1] == unit and key[0] in ("payment.adequacy_micro", "payment.location_micro")
        )
        for unit in UNITS
    }
    for row in found["units"]:
        unit = row["unit"]
        paid = sum(
            sum(values[key].tolist())
            for key in values
            if key[1] == unit and key[0].startswith("payment.")
        )
        days = [JANUARY + dt.timedelta(days=number) for number in range(31)]
        fixed = sum(annual_to_day(law[unit].annual_fixed_micro, day) for day in days)
        whole = law[unit].annual_capital_micro + law[unit].annual_fixed_micro
        capital = sum(annual_to_day(whole, day) for day in days) - fixed
        left = paid - sum(values["payment.fuel_micro", unit].tolist()) - fixed
        assert (row["paid_micro"], row["pots_micro"]) == (paid, pots[unit])
        expected = Fraction(20 * 1_000 * capital, left) if left > 0 and capital else None
        assert row["payback_milliyears"] == (None if expected is None else int(expected))
        if row["is_eligible"]:
            assert row["reward_share_ppm"] == pots[unit] * PPM // sum(pots.values())
    shares = [row["shapley_share_ppm"] for row in found["units"] if row["is_eligible"]]
    assert PPM - len(shares) < sum(shares) <= PPM


def test_what_a_pot_pays_by_its_game_alone_lies_where_contribution_does(session, settled_market):
    found, values = of_month(session), stored(session)
    by_game = {}
    for game in ("adequacy", "location"):
        numerators = {
            row["unit"]: sum(values[f"shapley_{game}", row["unit"]].tolist())
            for row in found["units"]
            if row["is_eligible"]
        }
        paid = sum(sum(values[f"payment.{game}_micro", unit].tolist()) for unit in numerators)
        by_game[game] = (
            paid,
            {u: Fraction(n, sum(numerators.values())) for u, n in numerators.items()},
        )
    whole = sum(paid for paid, _ in by_game.values())
    for row in found["units"]:
        if row["is_eligible"]:
            share = sum(paid * of[row["unit"]] for paid, of in by_game.values()) / whole
            assert row["shapley_share_ppm"] == int(share * PPM)


def test_costs_are_shared_as_the_charges_say(session, settled_market):
    found, values = of_month(session), stored(session)
    charged, taken = defaultdict(int), defaultdict(int)
    for (measure, entity), row in values.items():
        if measure.startswith("charge.") and entity in PLACES:
            charged[PLACES[entity][1]] += sum(row.tolist())
        if measure == "taken_wh":
            taken[PLACES[entity][1]] += int(np.maximum(row, 0).sum())
    for row in found["products"]:
        product = row["product"]
        assert row["charged_micro"] == charged[product]
        assert row["taken_wh"] == taken[product]
        assert row["cost_share_ppm"] == charged[product] * PPM // sum(charged.values())
        assert row["energy_share_ppm"] == taken[product] * PPM // sum(taken.values())
    shares = [row["tight_share_ppm"] for row in found["products"]]
    assert PPM - len(shares) < sum(shares) <= PPM
    assert found["money"]["charges_micro"] == sum(charged.values())
    assert (
        found["money"]["charges_micro"] - found["money"]["payments_micro"]
        == (found["money"]["equalisation_micro"])
    )


def test_access_is_even_where_all_get_the_same_part(session, settled_market):
    found, values = of_month(session), stored(session)
    ratios = {}
    for node in ("B", "C"):
        points = [point for point, (of, _) in PLACES.items() if of == node]
        ratios[node] = Fraction(
            sum(sum(values["delivered_w", point].tolist()) for point in points),
            sum(sum(values["desired_w", point].tolist()) for point in points),
        )
    one, other = ratios.values()
    jain = (one + other) ** 2 / (2 * (one**2 + other**2))
    assert found["access"]["nodes"]["jain_ppm"] == int(jain * PPM)
    assert found["access"]["nodes"]["lorenz_ppm"][-1] == PPM
    assert found["access"]["households"]["gini_ppm"] is not None


def test_without_fair_play_what_does_not_apply_is_empty_and_not_nothing(session):
    fill_tiny(session)
    found = make_report(session, FairnessRequest("tiny", DAYS_OF_TINY[0], DAYS_OF_TINY[1])).report
    values = {row["code"]: row["value"] for row in found["figures"]}
    for code in ("promises_kept_ppm", "refused_wh", "deferred_wh", "jain_of_nodes_ppm", "waste_wh"):
        assert values[code] is None, code
    assert values["cost_micro_per_mwh"] > 0
    assert found["refused_wh"] is None
    assert found["groups"] == found["calendar"] == []
    assert {row["delivered_ppm"] for row in found["products"]} == {None}


DAYS_OF_TINY = (dt.date(2024, 1, 1), dt.date(2024, 1, 3))


def test_a_period_with_days_that_are_not_posted_is_refused_with_every_range(session):
    fill_tiny(session)
    with pytest.raises(Refused) as refused:
        make_report(session, FairnessRequest("tiny", dt.date(2023, 12, 30), LAST))
    assert [(f.code, f.value) for f in refused.value.findings] == [
        ("day-not-posted", "2023-12-30 to 2023-12-31"),
        ("day-not-posted", "2024-01-04 to 2024-01-31"),
    ]
    with pytest.raises(Refused, match="found 2024-01-04;"):
        make_report(session, FairnessRequest("tiny", dt.date(2024, 1, 2), dt.date(2024, 1, 4)))


def test_a_report_is_kept_once_and_a_later_run_gives_another(session):
    fill_tiny(session)
    request = FairnessRequest("tiny", *DAYS_OF_TINY)
    first = keep_report(session, make_report(session, request), now=SETTLED + MINUTE)
    made = make_report(session, request)
    assert made.stored is not None
    assert keep_report(session, made, now=RESETTLED).id == first.id
    later = settle(
        session, "tiny", "SF", DAYS_OF_TINY[0], DAYS_OF_TINY[0], known_at=CORRECTED, now=RESETTLED
    ).run
    post(session, later, now=RESETTLED)
    made = make_report(session, request)
    assert made.stored is None
    second = keep_report(session, made, now=RESETTLED + MINUTE)
    assert second.report["runs"][0]["run"] == str(later.id)
    assert [each.id for each in list_reports(session)] == [second.id, first.id]
    assert find_report(session, first.id).report == json.loads(json.dumps(first.report))
    assert list(verify_fairness(session)) == []


def test_a_report_whose_designs_could_not_be_solved_is_followed_by_one_with_them(
    session, monkeypatch
):
    def cannot_be_solved(*_):
        raise DispatchError("2024-01-01: no optimum")

    fill_tiny(session)
    request = FairnessRequest("tiny", *DAYS_OF_TINY, with_baselines=True)
    with monkeypatch.context() as patch:
        patch.setattr(make, "solved_days", cannot_be_solved)
        failed = make_report(session, request)
        without = keep_report(session, failed, now=SETTLED + MINUTE)
        assert without.report["designs"] == {"why_not": "2024-01-01: no optimum"}
        again = make_report(session, request)
        assert again.stored.id == without.id, "what says no more is not kept beside it"
    made = make_report(session, request)
    assert made.stored is None and set(made.report["designs"]) == {"nodal", "uniform", "flat"}
    kept = keep_report(session, made, now=SETTLED + 2 * MINUTE)
    assert kept.id != without.id
    # Of whoever began before and ends after it, nothing takes its place, whether solved or not.
    for late in (made, failed):
        assert keep_report(session, late, now=SETTLED + 3 * MINUTE).id == kept.id
    assert make_report(session, request).stored.id == kept.id
    assert [each.id for each in list_reports(session)] == [kept.id, without.id]
    assert list(verify_fairness(session)) == []


def test_other_designs_stand_beside_it_and_findings_are_where_it_does_worse(
    session, settled_market
):
    found = make_report(session, FairnessRequest("tiny", FIRST, LAST, with_baselines=True)).report
    assert set(found["designs"]) == {"nodal", "uniform", "flat"}
    by_code = {row["code"]: row for row in found["figures"]}
    for figure in FIGURES:
        row = by_code[figure.code]
        assert set(row["designs"]) == set(found["designs"])
        if not figure.is_compared:
            assert set(row["designs"].values()) == {None}
    told = {(each["figure"], each["design"]) for each in found["findings"]}
    for row in found["figures"]:
        for design, theirs in row["designs"].items():
            worse = (
                theirs is not None
                and row["value"] is not None
                and (
                    (row["better"] == "higher" and row["value"] < theirs)
                    or (row["better"] == "lower" and row["value"] > theirs)
                )
            )
            assert ((row["code"], design) in told) == worse
    assert told
    # The flat tariff has one price, which no interval has of its own.
    assert by_code["volatility_ppm"]["designs"]["flat"] is None
    assert by_code["largest_spread_ppm"]["designs"]["flat"] == 0
    public = {row["code"]: row for row in found["public"]["figures"]}
    for finding, told in zip(found["findings"], found["public"]["findings"], strict=True):
        is_withheld = public[finding["figure"]]["value"] is None
        assert (told["ours"], told["theirs"]) == (
            (None, None) if is_withheld else (finding["ours"], finding["theirs"])
        )
    assert found["public"]["designs"]["flat"]["figures"]["refused_wh"] is None


def test_a_kept_report_is_proven_and_what_is_forged_is_named(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session)
    settle_month_end(session)
    made = make_report(session, FairnessRequest("tiny", FIRST, LAST, with_baselines=True))
    # Promises of a month that was not met whole are not judged.
    assert made.report["promises"] == 0
    assert {row["is_kept"] for row in made.report["groups"]} == {None}
    made.report["products"][0]["delivered_ppm"] += 1
    kept = keep_report(session, made, now=SETTLED + MINUTE)
    (found,) = verify_fairness(session)
    assert (found.code, found.place) == (
        "fairness-report", f"settlement.fairness_report {kept.id}"
    )  # fmt: skip
    assert "products[0].delivered_ppm is" in found.value


def test_a_report_is_held_to_its_figures_and_not_to_how_they_are_worded_today(session, monkeypatch):
    fill_tiny(session)
    made = make_report(session, FairnessRequest("tiny", *DAYS_OF_TINY))
    keep_report(session, made, now=SETTLED + MINUTE)
    first, *others = FIGURES
    reworded = dataclasses.replace(first, title="A", definition="B", formula="C")
    monkeypatch.setattr(report, "FIGURES", (reworded, *others))
    assert not list(verify_fairness(session))
    cited = dataclasses.replace(reworded, source="another")
    monkeypatch.setattr(report, "FIGURES", (cited, *others))
    (found,) = verify_fairness(session)
    assert "figures[0].source is" in found.value
    monkeypatch.setattr(report, "FIGURES", tuple(others))
    assert [each.code for each in verify_fairness(session)] == ["fairness-report"]


def test_words_of_a_definition_that_somebody_changed_do_not_give_the_digest(session):
    fill_tiny(session)
    made = make_report(session, FairnessRequest("tiny", *DAYS_OF_TINY))
    kept = keep_report(session, made, now=SETTLED + MINUTE)
    figures = [{**row, "definition": "as it pleases"} for row in made.report["figures"]]
    forged = dataclasses.replace(kept, report={**made.report, "figures": figures})
    assert forged.digest != kept.digest


def test_every_day_of_which_a_report_names_a_run_that_is_not_posted_is_found(session):
    fill_tiny(session)
    made = make_report(session, FairnessRequest("tiny", *DAYS_OF_TINY))
    run_id = uuid.UUID(int=7)
    first, *others = made.pins
    pins = (first, *(dataclasses.replace(pin, run_id=run_id) for pin in others))
    keep_report(session, dataclasses.replace(made, pins=pins), now=SETTLED + MINUTE)
    found = list(verify_fairness(session))
    assert {each.code for each in found} == {"fairness-pins"}
    assert [each.value for each in found] == [
        f"no journal posts {pin.day} of run {run_id}, which it names" for pin in others
    ]


def test_the_law_of_a_trial_is_as_fair_as_the_report_of_its_days_says(session):
    law = law_with(FAIR_PLAY, "flexible")
    publish_tiny(session, law)
    ingest_month_end(session)
    settle_month_end(session)
    found = make_report(session, FairnessRequest("tiny", FIRST, LAST)).report
    wished = {**FAIR_PLAY, "least_fulfilment_ppm": 500_000}
    draft = next(each for each in law_with(wished, "flexible") if each.kind == "allocation-policy")
    trial = try_tiny(session, [draft], first_day=FIRST, last_day=LAST).trial
    sides = trial.report["fairness"]
    assert set(sides) == {"law", "draft"}
    assert sides["law"]["figures"] == {row["code"]: row["value"] for row in found["figures"]}
    assert sides["law"]["units"] == found["units"]
    assert sides["law"]["figures"]["deferred_wh"] > 0
    for side, told in trial.report["public"]["fairness"].items():
        ratios = {code for code in sides[side]["figures"] if FIGURE_OF[code].unit == "ppm"}
        assert told == {code: sides[side]["figures"][code] for code in ratios}
    assert replay_trial(within(session), trial).first_difference is None


@pytest.fixture
def evidence_of_reports(session):
    """The evidence of a run in memory, with the id of its report; one of a later run is beside."""
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session)
    run = settle_month_end(session)
    request = FairnessRequest("tiny", FIRST, LAST)
    kept = keep_report(session, make_report(session, request), now=SETTLED + MINUTE)
    of_a_day = FairnessRequest("tiny", LAST, LAST)
    keep_report(session, make_report(session, of_a_day), now=SETTLED + MINUTE)
    later = settle(session, "tiny", "SF", LAST, LAST, known_at=CORRECTED, now=RESETTLED).run
    post(session, later, now=RESETTLED)
    of_two_runs = keep_report(session, make_report(session, request), now=RESETTLED)
    assert of_two_runs.runs == (run.id, later.id)
    publish_checkpoint(session, signer(1), RESETTLED + MINUTE)
    return Memory.of(exported(session, run)), str(kept.id)


def test_evidence_of_a_run_holds_its_reports_and_the_verifier_what_they_deliver(
    evidence_of_reports, tmp_path
):
    files, kept = evidence_of_reports
    assert files.findings() == []
    told = rows(FAIRNESS, files[FAIRNESS])
    assert sorted(row["content"] is None for row in told) == [False, False, True]
    path = tmp_path / "evidence.zip"
    path.write_bytes(files.zipped())
    assert recompute(path)[1] == []
    for change, named in (
        (lambda stated: stated["products"][0].update(delivered_ppm=PPM), "delivered_ppm"),
        (lambda stated: stated["products"].pop(), "the product office"),
        (lambda stated: stated.update(refused_wh=0), "refused_wh"),
    ):
        told = rows(FAIRNESS, files[FAIRNESS])
        place = next(number for number, row in enumerate(told) if row["id"] == kept)
        content = json.loads(told[place]["content"])
        change(content["report"])
        told[place]["content"] = canonical(content)
        found = files.with_file(FAIRNESS, written(FAIRNESS, told)).findings()
        assert any(named in str(each) for each in found), found
        assert any("content with digest" in str(each) for each in found)


def test_a_fairness_report_that_evidence_leaves_out_is_found(evidence_of_reports):
    files, kept = evidence_of_reports
    told = rows(FAIRNESS, files[FAIRNESS])
    (of_others,) = (row for row in told if row["content"] is None)
    without = Memory({name: files[name] for name in files if name != FAIRNESS})
    hidden = [row | {"content": None} if row["id"] == kept else row for row in told]
    of_another = [row | {"runs": of_others["runs"], "content": None} for row in told]
    shown = [row | {"content": row["content"] or "{}"} for row in told]
    missing = "the row, as the log has its leaf"
    for forged, named in (
        (files.with_file(FAIRNESS, b""), missing),
        (files.with_file(FAIRNESS, b""), "evidence without reports has no such file"),
        (without.with_manifest_made_again(), missing),
        (files.with_file(FAIRNESS, written(FAIRNESS, told[1:])), missing),
        (files.with_file(FAIRNESS, written(FAIRNESS, hidden)), "the content, as it is of the run"),
        (files.with_file(FAIRNESS, written(FAIRNESS, of_another)), "the row to have digest"),
        (files.with_file(FAIRNESS, written(FAIRNESS, shown)), "as it is of other runs"),
    ):
        found = list(map(str, forged.findings()))
        assert any(named in each for each in found), (named, found)


def test_everybody_is_told_ratios_and_a_participant_its_own(session, settled_market):
    found = of_month(session)
    public = found["public"]
    told = json.dumps(public)
    for name in (*tiny_market.OWNERS, *tiny_market.SUPPLIERS, *UNITS, *PLACES):
        assert f'"{name}"' not in told, name
    # Two suppliers are too few: no energy and no money of theirs is told, in any sum.
    assert public["refused_wh"] is None
    for table in ("products", "groups", "months", "nodes", "places"):
        for row in public[table]:
            assert {v for name, v in row.items() if name.endswith("_wh")} <= {None}, table
    assert all("missed_wh" not in day for day in public["calendar"])
    assert [row["delivered_ppm"] for row in public["groups"]] == [
        row["delivered_ppm"] for row in found["groups"]
    ]
    withheld = {row["code"] for row in public["figures"] if row["value"] is None}
    sums_of_participants = {
        figure.code for figure in FIGURES if figure.unit in ("Wh", "micro", "g")
    } - {"waste_wh", "equalisation_micro"}
    # Of two products the charges per MWh of all are the mean, which tells how much each took.
    sums_of_participants |= {"cost_micro_per_mwh"}
    for row in public["products"]:
        assert row["cost_micro_per_mwh"] > 0
        assert row["lowest_cost_micro_per_mwh"] is row["highest_cost_micro_per_mwh"] is None
    nothing = {row["code"] for row in found["figures"] if row["value"] in (None, 0)}
    assert withheld - nothing == sums_of_participants - nothing
    assert {"refused_wh", "deferred_wh", "over_take_micro", "compensation_micro"} <= withheld
    own = own_part(found, "cedar")
    assert [row["supply_point"] for row in own["supply_points"]] == ["B-home", "C-home"]
    assert own["units"] == []
    assert {row["unit"] for row in own_part(found, "alder")["units"]} == {"U1", "U3"}


def test_the_same_sums_are_made_whatever_days_are_read_apart(session, settled_market):
    _, whole, _ = read_period(session, "tiny", JANUARY, LAST)
    _, part, _ = read_period(session, "tiny", FIRST, LAST)
    assert len(whole.tightness) == 31
    assert [line.day for line in part.calendar] == list(DAYS)
    of_days = [line for line in whole.calendar if line.day in DAYS]
    for one, other in zip(of_days, part.calendar, strict=True):
        assert np.array_equal(one.missed, other.missed)


def test_the_documentation_has_the_rows_of_the_table():
    documented = (ROOT / "docs/fairness.md").read_text()
    for figure in FIGURES:
        beside = "yes" if figure.is_compared else "no"
        cells = (
            f"`{figure.code}`",
            figure.dimension,
            figure.title,
            figure.definition,
            f"`{figure.formula}`",
            figure.source,
            figure.unit,
            figure.better,
            beside,
        )
        assert "|" not in "".join(cells), figure.code
        assert f"| {' | '.join(cells)} |\n" in documented, figure.code
    assert documented.count("\n| `") == len(FIGURES)


def test_every_figure_of_the_table_has_a_value_and_no_other_is_told(session, settled_market):
    _, whole, _ = read_period(session, "tiny", JANUARY, LAST)
    assert report.settled_figures(whole).keys() == FIGURE_OF.keys()
    settled, tight = designs.settled_design(whole), tight_intervals(whole.tightness)
    shared = designs.design_figures(settled, whole, reward.shapley_shares(whole), tight)
    assert shared.keys() == {figure.code for figure in FIGURES if figure.is_compared}


def test_every_figure_that_is_a_sum_is_that_of_the_intervals_of_all_days(session, settled_market):
    found = of_month(session)
    figures = {row["code"]: row["value"] for row in found["figures"]}
    sums_of_intervals = {f.code for f in FIGURES if f.unit in ("Wh", "micro", "g", "intervals")}
    assert sums_of_intervals == set(intervals.COLUMN_OF)
    for code, column in intervals.COLUMN_OF.items():
        days = [row["columns"].get(column) for row in found["by_interval"]]
        if figures[code] is None:
            assert days == [None] * 31, code  # the tiny market accounts for no areas
        else:
            assert sum(map(sum, days)) == figures[code], code
    assert figures["refused_wh"] > 0 < figures["compensation_micro"]
    every = {
        name: sum(sum(row["columns"][name]) for row in found["by_interval"])
        for name in ("charged_micro", "paid_micro", "taken_wh", "equalisation_micro")
    }
    wh_per_mwh = 1_000_000
    assert every["charged_micro"] * wh_per_mwh // every["taken_wh"] == figures["cost_micro_per_mwh"]
    assert every["charged_micro"] == every["paid_micro"] + every["equalisation_micro"]


def test_an_interval_is_told_as_the_results_have_it(session, settled_market):
    found, values = of_month(session), stored(session)
    row = found["by_interval"][0]["columns"]
    prices = {node: values["node_price_micro_per_mwh", node].tolist() for node in ("A", "B", "C")}
    for interval in range(len(row["tightness_ppm"])):
        here = {node: of_node[interval] for node, of_node in prices.items()}
        assert row["highest_price_micro_per_mwh"][interval] == max(here.values())
        assert row["lowest_price_micro_per_mwh"][interval] == min(here.values())
        assert row["mean_price_micro_per_mwh"][interval] == sum(here.values()) // len(here)
        assert here[row["highest_price_node"][interval]] == max(here.values())
    told = found["public"]["by_interval"][0]["columns"]
    assert told.keys() == set(intervals.NOBODYS)
    assert {name: row[name] for name in told} == told


def test_parts_of_a_unit_are_stated_by_interval_as_their_running_sum_grows():
    days = [{"carbon_g": intervals.Column(np.array(mg), 1_000)} for mg in ([500] * 3, [499, -999])]
    assert [row["carbon_g"] for row in intervals.stated_intervals(days)] == [[0, 1, 0], [0, 0]]
    short = [{"owed_wh": intervals.Column(np.array([90, 90]), 60)}]
    assert intervals.stated_intervals(short) == [{"owed_wh": [1, 1]}]  # what waits adds up to none


def test_tight_intervals_are_the_highest_and_of_equal_ones_the_earliest():
    rows = [np.array([5, 9, 9, 1, 0]), np.array([9, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2])]
    assert tight_intervals(rows).tolist() == [1, 2]
    assert tight_intervals([np.array([3, 3])]).tolist() == [0]


def test_what_is_not_known_is_empty():
    assert known({"a": 1, "b": 2}, is_known=False) == {"a": None, "b": None}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**15), min_size=1),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**15), min_size=1),
)
def test_shares_sum_to_the_whole_and_distances_are_within_it(one, other):
    shares = [shares_of(one), shares_of(other)]
    for of, amounts in zip(shares, (one, other), strict=True):
        assert sum(of.values()) == (1 if any(amounts.values()) else 0)
    apart = distance_ppm(*shares)
    if all(shares):
        assert 0 <= apart <= PPM
        assert apart == distance_ppm(*reversed(shares))
        assert distance_ppm(shares[0], shares[0]) == 0
    else:
        assert apart is None


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(-(10**15), 10**15), min_size=1),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 10**15), min_size=1),
)
def test_charges_lie_no_further_from_burden_than_all_of_them(charged, taken):
    apart = designs.cost_burden_ppm(charged, taken)
    if apart is None:
        assert max(charged.values()) <= 0 or not any(taken.values())
    else:
        assert 0 <= apart <= PPM


def test_who_is_credited_on_balance_bears_nothing_of_the_charges():
    # On a scarce day the account returned more to P1 than it was charged.
    assert designs.cost_burden_ppm({"NR": 30, "P1": -20}, {"NR": 3, "P1": 1}) == 250_000


@given(st.integers(1, 200), st.integers(1, 10**18), st.integers(1, 10**18))
def test_payback_is_what_is_expected_where_just_the_capital_is_earned(years, capital, left):
    found = reward.payback_milliyears(years, capital, left)
    assert (found <= years * 1_000) == (Fraction(capital * years * 1_000, left) < years * 1_000 + 1)
    assert reward.payback_milliyears(years, capital, capital) == years * 1_000


def test_who_is_behind_is_told_day_by_day_as_the_results_add_up(session, settled_market):
    found, values = of_month(session), stored(session)
    told = {
        (row["node"], row["product"], day["day"]): day["shortfall_ppm"]
        for row in found["convergence"]
        for day in row["days"]
    }
    promised = {row["product"]: row["promised_ppm"] for row in found["products"]}
    worked = {}
    for point, (node, product) in PLACES.items():
        for number in range(31):
            delivered, missed = (
                sum(values[measure, point][: (number + 1) * 48].tolist())
                for measure in ("delivered_w", "missed_w")
            )
            matured = delivered + missed
            short = Fraction(promised[product]) - Fraction(delivered * PPM, matured)
            if short > 0:
                day = JANUARY + dt.timedelta(days=number)
                worked[node, product, day.isoformat()] = math.ceil(short)
    assert told == worked
    assert worked
