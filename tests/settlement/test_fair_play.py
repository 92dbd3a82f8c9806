"""Fair Play from rules and readings to runs, replays and evidence: what a day is served by."""

import json
import re

import numpy as np
import pytest

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from rulebook.digest import canonical_bytes
from rulebook.law import rules_for_period
from settlement.evidence.recompute import recompute
from settlement.evidence.store import day_digests
from settlement.explanations.explain import day_facts
from settlement.meters.ingest import MeterFile, ingest
from settlement.replays.replay import replay
from settlement.runs.contract_days import carried_digest
from settlement.runs.inputs import run_inputs
from tests.settlement.evidence_cases import Memory, exported
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    DAYS,
    DOUBTED,
    DRAWN,
    FAIR_PLAY,
    FIRST,
    KNOWN,
    LAST,
    LIMIT_WH,
    MIDDLE,
    NEXT_MONTH,
    POINTS,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
    settle_month_end,
    vectors,
)
from tests.worlds.logged import signer
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import CORRECTED, SETTLED, publish_tiny
from verifier.runs import CONTRACTS

LIMITS = np.array([[LIMIT_WH.get(point, 10**12)] for point in POINTS])


@pytest.fixture(
    scope="module",
    params=[
        (FAIR_PLAY, "essential"),
        (FAIR_PLAY, "flexible"),
        (DRAWN, "flexible"),
        (DOUBTED, "flexible"),
    ],
    ids=["essential", "flexible", "by lot", "doubted"],
)
def settled_market(clone_database, request):
    """A database with the days settled by one law of Fair Play, the run, and offices' timing."""
    made = make_engine(clone_database())
    with transaction(made) as opened:
        publish_with(opened, *request.param)
        ingest_month_end(opened, taken_percent=50 if "least_taken_ppm" in request.param[0] else 100)
        settled = settle_month_end(opened)
    yield made, settled, request.param[1]
    made.dispose()


@pytest.fixture
def run(settled_market):
    return settled_market[1]


@pytest.fixture
def session(request, database_engine):
    """A session that is rolled back, in the settled market where the test asks for its run."""
    is_settled = "run" in request.fixturenames
    made = request.getfixturevalue("settled_market")[0] if is_settled else database_engine
    with rolled_back(made) as opened:
        yield opened


def of_points(found, *measures):
    return [np.array([found[measure, point] for point in POINTS]) for measure in measures]


def metered_wh(session, run, day):
    readings = day_facts(session, run, day).readings
    return np.array([readings["metered_demand_wh", point].values for point in POINTS])


def test_what_is_stored_says_who_was_served_and_wastes_nothing(session, run):
    short, owed_before = 0, np.zeros(len(POINTS), dtype=np.int64)
    known = np.array([point in KNOWN for point in POINTS])
    for day in DAYS:
        found = vectors(session, run, day)
        desired, entitled, delivered, late, missed, declined, owed, over_take, taken = of_points(
            found, "desired_w", "entitlement_w", "delivered_w", "late_w", "missed_w", "declined_w",
            "owed_w", "over_take_wh", "taken_wh",
        )  # fmt: skip
        before = np.column_stack([owed_before, owed[:, :-1]])
        maximum, unused = (found[f"fair_play_{name}_w", "market"] for name in ("maximum", "unused"))
        assert np.array_equal(entitled.sum(axis=0) + unused, maximum)
        wanted = (desired + before).sum(axis=0)
        assert np.all(maximum <= wanted)
        short += int((maximum < wanted).sum())
        # What is desired is delivered, declined or missed once, and nothing is lost.
        assert np.array_equal(desired + before, delivered + declined + missed + owed)
        assert not declined[~known].any()
        assert np.all(late <= before)
        assert np.array_equal(delivered[~known], entitled[~known])
        metered = metered_wh(session, run, day)
        above = np.maximum(metered - LIMITS, 0)
        assert np.array_equal(over_take[~known], above[~known])
        assert over_take[known].any()
        assert np.array_equal(taken[known], metered[known])
        # Half a Wh is carried to the next interval.
        assert np.all(np.abs(2 * (taken - above)[~known] - delivered[~known]) <= 1)
        owed_before = owed[:, -1]
    assert short > 75


def test_an_owed_midnight_lies_between_the_days_of_flexible_offices(session, run, settled_market):
    owed = [
        int(of_points(vectors(session, run, day), "owed_w")[0][:, -1].sum()) for day in DAYS[:-1]
    ]
    late = of_points(vectors(session, run, LAST), "late_w")[0]
    is_flexible = settled_market[2] == "flexible"
    assert all(each > 0 for each in owed) == is_flexible
    assert bool(late[:, :8].any()) == is_flexible


def test_a_day_settles_alike_alone_and_in_a_month_in_any_number_of_threads(session, run):
    for day in DAYS:
        alone = settle_days(session, day, day, now=SETTLED, kind="SF", threads=2)
        assert dict(day_digests(session, alone))[day] == dict(day_digests(session, run))[day]
        assert replay(session, alone).is_same
    assert replay(session, run, threads=3).is_same


@pytest.mark.parametrize("timing", ["essential", "flexible"])
def test_what_is_known_of_the_month_before_a_day_is_among_its_inputs(session, timing):
    publish_with(session, FAIR_PLAY, timing)
    ingest_month_end(session)
    before = settle_days(session, LAST, LAST, now=SETTLED, kind="SF")
    first = settle_days(session, FIRST, FIRST, now=SETTLED, kind="SF")
    ingest_month_end(session, MIDDLE, MIDDLE, seed=3, only=["C-home"], received_at=CORRECTED)
    assert replay(session, before).is_same
    after = settle_days(session, LAST, LAST, kind="SF")
    assert after.id != before.id
    assert after.input_digest != before.input_digest
    assert after.result_digest != before.result_digest
    assert settle_days(session, FIRST, FIRST, kind="SF").id == first.id


def test_a_month_begins_anew_unless_something_is_owed_into_it(session):
    publish_with(session, FAIR_PLAY, "essential")
    ingest_month_end(session, LAST, NEXT_MONTH)
    before = settle_days(session, NEXT_MONTH, NEXT_MONTH, now=SETTLED)
    ingest_month_end(session, LAST, LAST, seed=3, received_at=CORRECTED)
    assert settle_days(session, NEXT_MONTH, NEXT_MONTH).id == before.id


def test_what_is_owed_into_a_month_is_among_the_inputs_of_its_first_day(session):
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session, LAST, NEXT_MONTH)
    before = settle_days(session, NEXT_MONTH, NEXT_MONTH, now=SETTLED)
    facts = day_facts(session, before, NEXT_MONTH)
    state = facts.day_readings().requests.state
    assert state.contracts.owes
    assert not any(state.contracts.memory.matured)
    assert not state.missed_w.any()
    ingest_month_end(session, LAST, LAST, seed=3, received_at=CORRECTED)
    after = settle_days(session, NEXT_MONTH, NEXT_MONTH)
    assert after.input_digest != before.input_digest
    assert after.result_digest != before.result_digest


@pytest.mark.parametrize("valid_from", [FIRST.replace(day=1), MIDDLE, LAST])
def test_a_month_begins_alike_alone_however_short_before_it_the_law_begins(session, valid_from):
    publish_tiny(session, law_with(FAIR_PLAY), valid_from=valid_from)
    first = max(valid_from, FIRST)
    ingest_month_end(session, first, NEXT_MONTH)
    whole = settle_days(session, first, NEXT_MONTH, now=SETTLED)
    alone = settle_days(session, NEXT_MONTH, NEXT_MONTH, now=SETTLED, kind="SF")
    digests = (dict(day_digests(session, each))[NEXT_MONTH] for each in (whole, alone))
    assert len(set(digests)) == 1
    assert day_facts(session, alone, NEXT_MONTH).day_readings().requests.state.contracts.owes


def test_the_readings_before_count_by_what_they_come_to(session, run):
    """Of the days before, what a day begins with is an input, and not their readings."""
    periods = rules_for_period(session, "tiny", LAST, LAST, SETTLED)
    inputs = run_inputs(session, "tiny", periods, SETTLED)
    assert inputs.days == [LAST]
    assert {day for day, _, _ in inputs.looked_at} == {LAST}
    assert inputs.reading_digests[-1] == carried_digest(inputs.contracts.before)
    whole = run_inputs(
        session, "tiny", rules_for_period(session, "tiny", FIRST, LAST, SETTLED), SETTLED
    )
    assert whole.contracts.carried_into(LAST) == inputs.contracts.before
    assert set(inputs.contracts.before.matured) >= {("B", "home"), ("C", "home")}


def test_desired_readings_change_no_result_of_a_market_without_fair_play(session):
    publish_tiny(session)
    ingest_month_end(session, desiring=())
    before = settle_days(session, FIRST, LAST, now=SETTLED)
    header, *rows = tiny_market.readings_csv(FIRST, LAST, desiring=POINTS).splitlines()
    desired = b"\n".join([header, *(row for row in rows if b",desired_wh," in row)])
    ingest(session, "tiny", [MeterFile("desired.csv", desired)], received_at=CORRECTED)
    after = settle_days(session, FIRST, LAST)
    assert after.id != before.id
    assert after.result_digest == before.result_digest
    measures = {measure for measure, _ in vectors(session, before, FIRST)}
    assert not measures & {"desired_w", "entitlement_w", "charge.compensation_micro"}


def test_the_seed_of_a_days_lottery_is_the_digest_of_a_run_of_that_day_alone(session):
    publish_with(session, DRAWN)
    ingest_month_end(session)
    whole = settle_days(session, FIRST, LAST, now=SETTLED)
    for day in DAYS:
        alone = settle_days(session, day, day, now=SETTLED, kind="SF")
        requests = day_facts(session, whole, day).day_readings().requests
        assert requests.seed == alone.input_digest


def test_evidence_of_a_day_holds_what_it_begins_with_and_no_other(session, run, tmp_path):
    alone = settle_days(session, LAST, LAST, now=SETTLED, kind="SF")
    publish_checkpoint(session, signer(1), SETTLED)
    files = Memory.of(exported(session, alone))
    path = tmp_path / "evidence.zip"
    path.write_bytes(files.zipped())
    count, findings = recompute(path)
    assert count > 100
    assert findings == []
    assert files.findings() == []
    stated = json.loads(files[CONTRACTS])
    more = stated | {"promised": {name: f"{value}1" for name, value in stated["promised"].items()}}
    for wrong in (stated | {"matured": {}}, more):
        forged = files.with_file(CONTRACTS, canonical_bytes(wrong))
        path.write_bytes(forged.zipped())
        with pytest.raises(ValueError, match="more than matured: B/home, B/office, C/home"):
            recompute(path)
    for name in ("owed_w", "promised") if stated["owed_w"] else ("promised",):
        forged = files.with_file(CONTRACTS, canonical_bytes(stated | {name: {}}))
        path.write_bytes(forged.zipped())
        assert {finding.file for finding in recompute(path)[1]} == {f"results/{LAST}.csv"}, name
        assert ("run.json", "input_digest") in {
            (found.file, found.row) for found in forged.findings()
        }


@pytest.mark.parametrize("paid_by", ["equalisation", "over-take"])
def test_nobody_is_compensated_beyond_over_take_where_over_take_pays(session, paid_by):
    publish_with(
        session,
        FAIR_PLAY
        | {
            "compensation_paid_by": paid_by,
            "compensation_micro_per_mwh": 10**11,
            "products": [],
        },
        "essential",
    )
    ingest_month_end(session, desiring=["B-home"])
    run = settle_month_end(session)
    taken, paid = (
        [
            sum(
                int(vectors(session, run, day)[f"charge.{kind}_micro", point].sum())
                for point in POINTS
            )
            for day in DAYS
        ]
        for kind in ("over_take", "compensation")
    )
    assert min(taken) > 0
    assert paid[:-1] == [0, 0], "a promise is held to its month, at its end"
    assert paid[-1] < 0
    assert (-paid[-1] == sum(taken)) == (paid_by == "over-take")


def test_without_money_there_is_nothing_to_bill(session):
    publish_with(session, FAIR_PLAY | {"moves_money": False})
    ingest_month_end(session)
    found = vectors(session, settle_month_end(session), LAST)
    measures = {measure for measure, _ in found}
    assert {"entitlement_w", "over_take_wh", "shortfall_wh"} <= measures
    assert any(found["shortfall_wh", point].any() for point in POINTS)
    assert not {"charge.over_take_micro", "charge.compensation_micro"} & measures


def test_negative_desire_is_refused_at_the_door(session):
    publish_with(session, FAIR_PLAY)
    content = tiny_market.readings_csv(FIRST, FIRST, desiring=["B-office"]).decode()
    bad = re.sub(r"(B-office,desired_wh,)\d+", r"\g<1>-5", content, count=1)
    with pytest.raises(Refused) as refused:
        ingest(session, "tiny", [MeterFile("bad.csv", bad.encode())], received_at=CORRECTED)
    assert "desired_wh of B-office" in str(refused.value)
