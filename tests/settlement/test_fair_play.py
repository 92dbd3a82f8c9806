"""Fair Play from rules and readings to runs, journals and invoices, and why each number is so."""

import datetime as dt
import re
from fractions import Fraction
from hashlib import sha256

import numpy as np
import pytest
from sqlalchemy import text

from common.refusals import Refused
from database.session import make_engine, transaction
from rulebook.law import rules_for_period
from settlement.billing.issuing import issue_month
from settlement.evidence.store import day_digests
from settlement.explanations.explain import day_facts, explain_interval, find_line, line_day
from settlement.explanations.fair_play import FairPlayCharges
from settlement.meters.ingest import MeterFile, ingest
from settlement.replays.replay import replay
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.settle import settle
from settlement.verification import list_checks
from tests.settlement.people_units import storage_units_in
from tests.worlds import tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    INGESTED,
    LAST_DAY,
    RESETTLED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

DAYS = [FIRST_DAY + dt.timedelta(days=offset) for offset in range(3)]
POINTS = ("B-home", "B-office", "C-home", "C-office")
KNOWN = ("B-home", "C-office")
FAIR_PLAY = {
    "history_days": 2,
    "least_fulfilment_ppm": 10_000,
    "compensation_micro_per_mwh": 100_000_000,
    "products": [{"product": "office", "compensation_micro_per_mwh": 40_000_000}],
}
DRAWN = FAIR_PLAY | {"products": [{"product": "office", "indivisible": True}]}


def publish_with(session, fair_play, timing="flexible"):
    """Publish the tiny law with Fair Play; `timing` of offices, homes are essential."""
    rules, *others = tiny_market.documents(fair_play=fair_play)
    home, office = rules.products
    window = 240 if timing == "flexible" else None
    office = office.model_copy(update={"timing": timing, "window_minutes": window})
    publish_tiny(session, [rules.model_copy(update={"products": (home, office)}), *others])


@pytest.fixture(
    scope="module",
    params=[(FAIR_PLAY, "essential"), (FAIR_PLAY, "flexible"), (DRAWN, "essential")],
    ids=["by weight", "by priority", "by lot"],
)
def settled_market(clone_database, request):
    """A database with the days settled by one law of Fair Play, and the run."""
    made = make_engine(clone_database())
    with transaction(made) as opened:
        publish_with(opened, *request.param)
        ingest_tiny(opened, desiring=KNOWN)
        settled = settle_tiny(opened)
    yield made, settled
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


def vectors(session, run, day):
    return store.stored_values(store.day_vectors(session, run.id, day))


def settle_days(session, first, last, now=RESETTLED, kind="II", **options):
    return settle(session, "tiny", kind, first, last, known_at=now, now=now, **options).run


def test_what_is_stored_says_who_was_served_and_wastes_nothing(session, run):
    short = 0
    for day in DAYS:
        found = vectors(session, run, day)
        of = {
            measure: np.array([found[measure, point] for point in POINTS])
            for measure in ("desired_w", "entitlement_w", "delivered_w", "over_take_wh")
        }
        maximum, unused = (found[f"fair_play_{name}_w", "market"] for name in ("maximum", "unused"))
        assert np.array_equal(of["entitlement_w"].sum(axis=0) + unused, maximum)
        assert np.all(maximum <= of["desired_w"].sum(axis=0))
        short += int((maximum < of["desired_w"].sum(axis=0)).sum())
        known = np.array([point in KNOWN for point in POINTS])
        assert np.array_equal(of["delivered_w"][~known], of["entitlement_w"][~known])
        assert of["over_take_wh"][known].any()
        assert not of["over_take_wh"][~known].any()
    assert short > 90


def test_a_day_settles_alike_alone_and_in_a_month_in_any_number_of_threads(session, run):
    for day in DAYS:
        alone = settle_days(session, day, day, now=SETTLED, kind="SF", threads=2)
        assert dict(day_digests(session, alone))[day] == dict(day_digests(session, run))[day]
    assert replay(session, run, threads=3).is_same


def test_the_readings_of_the_days_before_are_among_the_inputs(session):
    publish_with(session, FAIR_PLAY, "essential")
    ingest_tiny(session, desiring=KNOWN)
    before = settle_days(session, LAST_DAY, LAST_DAY, now=SETTLED, kind="SF")
    day = DAYS[1]
    ingest_tiny(session, day, day, seed=3, only=["C-home"], received_at=CORRECTED)
    assert replay(session, before).is_same
    after = settle_days(session, LAST_DAY, LAST_DAY, kind="SF")
    assert after.id != before.id
    assert after.result_digest != before.result_digest
    first = settle_days(session, FIRST_DAY, FIRST_DAY, now=SETTLED, kind="SF")
    assert settle_days(session, FIRST_DAY, FIRST_DAY, kind="SF").id == first.id


def test_without_history_the_days_before_do_not_matter(session):
    publish_with(session, FAIR_PLAY | {"history_days": 0})
    ingest_tiny(session, desiring=KNOWN)
    before = settle_days(session, LAST_DAY, LAST_DAY, now=SETTLED)
    ingest_tiny(session, DAYS[1], DAYS[1], seed=3, only=["C-home"], received_at=CORRECTED)
    assert settle_days(session, LAST_DAY, LAST_DAY).id == before.id


def test_desired_readings_change_no_result_of_a_market_without_fair_play(session):
    publish_tiny(session)
    ingest_tiny(session)
    before = settle_days(session, FIRST_DAY, LAST_DAY, now=SETTLED)
    header, *rows = tiny_market.readings_csv(FIRST_DAY, LAST_DAY, desiring=POINTS).splitlines()
    desired = b"\n".join([header, *(row for row in rows if b",desired_wh," in row)])
    ingest(session, "tiny", [MeterFile("desired.csv", desired)], received_at=CORRECTED)
    after = settle_days(session, FIRST_DAY, LAST_DAY)
    assert after.id != before.id
    assert after.result_digest == before.result_digest
    measures = {measure for measure, _ in vectors(session, before, FIRST_DAY)}
    assert not measures & {"desired_w", "entitlement_w", "charge.compensation_micro"}


def test_the_seed_of_a_days_lottery_is_the_digest_of_a_run_of_that_day_alone(session):
    publish_with(session, DRAWN)
    ingest_tiny(session, desiring=KNOWN)
    whole = settle_days(session, FIRST_DAY, LAST_DAY, now=SETTLED)
    for day in DAYS:
        alone = settle_days(session, day, day, now=SETTLED, kind="SF")
        requests = day_facts(session, whole, day).day_readings().requests
        assert requests.seed == alone.input_digest


def test_journals_and_documents_carry_the_money_and_its_energy(session, run):
    invoices = issue_month(session, "tiny", FIRST_DAY, now=SETTLED).invoices
    lines = {(line.kind, line.subject): line for invoice in invoices for line in invoice.lines}
    for kind, measure, sign in (
        ("charge.over_take", "over_take_wh", 1),
        ("charge.compensation", "missed_wh", -1),
    ):
        for point in POINTS:
            found = [vectors(session, run, day) for day in DAYS]
            amount = sum(int(day[f"{kind}_micro", point].sum()) for day in found)
            assert amount * sign >= 0
            if not amount:
                assert (kind, point) not in lines
                continue
            line = lines[kind, point]
            assert line.amount_micro == amount
            assert line.quantity == sum(int(day[measure, point].sum()) for day in found)
            assert line.clauses == ("AP-7",)
    assert lines["charge.over_take", "C-office"].description == (
        "Office at C: energy taken above its entitlement, at the price cap"
    )
    assert lines["charge.compensation", "B-office"].description == (
        "Office at B: compensation for energy promised and not delivered"
    )
    unbalanced = session.execute(
        text(
            "SELECT journal_number FROM ledger.posting JOIN ledger.account ON code = account "
            "GROUP BY journal_number, commodity HAVING sum(amount) <> 0"
        )
    ).all()
    assert unbalanced == []
    assert [found for check in list_checks() for found in check.findings(session)] == []


def test_a_correction_posts_and_bills_the_difference(session, run):
    issue_month(session, "tiny", FIRST_DAY, now=SETTLED)
    ingest_tiny(session, seed=2, only=["B-home"], desiring=["B-home"], received_at=CORRECTED)
    later = settle_tiny(session, "SF", RESETTLED)
    issue_month(session, "tiny", FIRST_DAY, now=RESETTLED)
    billed = dict(
        session.execute(
            text(
                "SELECT kind, sum(amount_micro)::bigint FROM ledger.invoice_line "
                "WHERE kind IN ('charge.over_take', 'charge.compensation') GROUP BY kind"
            )
        ).all()
    )
    for kind, amount in billed.items():
        assert amount == sum(
            int(values.sum())
            for day in DAYS
            for (measure, _), values in vectors(session, later, day).items()
            if measure == f"{kind}_micro"
        )
    assert set(billed) == {"charge.over_take", "charge.compensation"}


def nodes(explanation):
    yield explanation
    for child in explanation.children:
        yield from nodes(child)


def numbers_of(formula: str) -> list[Fraction]:
    return [
        Fraction(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", formula)
    ]


def test_every_line_explains_itself_to_its_amount(session, run):
    invoices = issue_month(session, "tiny", FIRST_DAY, now=SETTLED).invoices
    explained = 0
    for invoice in invoices:
        for line in invoice.lines:
            if line.kind not in {"charge.over_take", "charge.compensation"}:
                continue
            reference = find_line(session, invoice.row.id, line.line)
            of_day = line_day(session, reference, LAST_DAY)
            for interval in (0, 17, 30, 47):
                tree = explain_interval(reference, of_day, interval)
                assert tree.value == of_day.amounts_micro[interval]
                assert tree.children[0].value == tree.value
                assert storage_units_in(tree) == []
                quantity, price = tree.children[0].children
                exact = quantity.value * price.value // 10**6
                assert abs(abs(tree.value) - exact) <= 1
                assert [clause.anchor for clause in tree.children[0].clauses] == ["AP-7"]
                explained += 1
    assert explained >= 16


def test_entitlements_explain_themselves_down_to_the_cut(session, run):
    facts = day_facts(session, run, LAST_DAY)
    seen = set()
    for interval in range(48):
        for point in POINTS:
            tree = FairPlayCharges(facts, interval).entitlement(point)
            assert tree.value == facts.result("entitlement_w", point, interval)
            desired = tree.children[0]
            assert 2 * max(desired.value, 0) == facts.result("desired_w", point, interval)
            if tree.value == 2 * desired.value:
                continue
            by_label = {
                node.label.partition(" ")[0]: node
                for node in nodes(tree)
                if not node.label.startswith("Served there before")
            }
            cut = by_label["What"]
            assert cut.value == sum(child.value for child in cut.children)
            supply = by_label["Supply"]
            assert supply.value == sum(child.value for child in supply.children)
            ratio = by_label["Served"]
            wanted, total, weight = numbers_of(ratio.formula)
            assert (
                abs(ratio.value - 10**6 * wanted * total // weight) <= 1 or "whole" in ratio.formula
            )
            weight = by_label["Weight"]
            reliability, fulfilment, _ = numbers_of(weight.formula)
            assert weight.value == reliability * 10**6 // fulfilment
            delivered, wanted = numbers_of(by_label["Fulfilment"].formula)[:2]
            assert abs(by_label["Fulfilment"].value - delivered * 10**6 // wanted) <= 1
            seen |= set(by_label)
    assert seen >= {"What", "Supply", "Lines", "Weight", "Fulfilment", "Reliability"}


def test_net_export_that_serves_its_own_node_is_among_the_supply(session):
    publish_with(session, FAIR_PLAY, "essential")
    content = tiny_market.readings_csv(FIRST_DAY, FIRST_DAY).decode()
    # C has 2 MW of its offices and the 30 MW of the line for homes that desire 8 to 48 MW.
    sent = re.sub(r"(C-office,metered_demand_wh,)\d+", r"\g<1>-1000000", content)
    sent = re.sub(r"(U4,available_w,)\d+", r"\g<1>0", sent)
    ingest(session, "tiny", [MeterFile("export.csv", sent.encode())], received_at=INGESTED)
    run = settle_days(session, FIRST_DAY, FIRST_DAY)
    facts = day_facts(session, run, FIRST_DAY)
    told = 0
    for interval in range(48):
        for point in ("B-home", "C-home"):
            tree = FairPlayCharges(facts, interval).entitlement(point)
            for supply in (n for n in nodes(tree) if n.label.startswith("Supply at")):
                assert supply.value == sum(child.value for child in supply.children)
                told += supply.children[-1].label.startswith("Net export")
    exported = facts.readings["metered_demand_wh", "C-office"].values
    assert (exported < 0).all()
    assert not facts.results["desired_w", "C-office"].any()
    found = facts.results
    assert np.array_equal(
        sum(found["entitlement_w", point] for point in POINTS),
        found["fair_play_maximum_w", "market"],
    )
    assert told > 10


def test_a_drawing_can_be_drawn_again_from_its_explanation(session):
    publish_with(session, DRAWN)
    ingest_tiny(session, desiring=KNOWN)
    run = settle_tiny(session)
    facts = day_facts(session, run, FIRST_DAY)
    drawn = 0
    for interval in range(48):
        tree = FairPlayCharges(facts, interval).entitlement("B-office")
        lotteries = [node for node in nodes(tree) if node.label.startswith("Met by the lottery")]
        for lottery in lotteries:
            digest = bytes.fromhex(re.search(r"[0-9a-f]{64}", lottery.formula).group())
            place = f"2024-01-01 {interval} B flexible"
            assert f"“{place}”" in lottery.formula
            seed = sha256(b"tallystick lottery 1\n" + digest + place.encode()).digest()
            assert len(seed) == 32
            # One indivisible request at its node: it is met if it fits in what it would get.
            assert lottery.value == (tree.value > 0)
            drawn += 1
    assert drawn > 10


@pytest.mark.parametrize("paid_by", ["equalisation", "over-take"])
def test_nobody_is_compensated_beyond_over_take_where_over_take_pays(session, paid_by):
    publish_with(
        session,
        FAIR_PLAY | {"compensation_paid_by": paid_by, "compensation_micro_per_mwh": 10**11},
    )
    ingest_tiny(session, desiring=["B-home"])
    run = settle_tiny(session)
    for day in DAYS:
        found = vectors(session, run, day)
        paid, taken = (
            sum(int(found[f"charge.{kind}_micro", point].sum()) for point in POINTS)
            for kind in ("compensation", "over_take")
        )
        assert taken > 0
        assert (-paid == taken) == (paid_by == "over-take")


def test_without_money_there_is_nothing_to_bill(session):
    publish_with(session, FAIR_PLAY | {"moves_money": False})
    ingest_tiny(session, desiring=KNOWN)
    run = settle_tiny(session)
    measures = {measure for measure, _ in vectors(session, run, FIRST_DAY)}
    assert {"entitlement_w", "over_take_wh", "missed_wh"} <= measures
    assert not {"charge.over_take_micro", "charge.compensation_micro"} & measures


def test_inputs_reach_back_no_further_than_the_history(session, run):
    periods = rules_for_period(session, "tiny", LAST_DAY, LAST_DAY, SETTLED)
    inputs = run_inputs(session, "tiny", periods, SETTLED)
    assert inputs.days == [LAST_DAY]
    assert {day for day, _, _ in inputs.looked_at} == set(DAYS)
    assert {measure for day, measure, _ in inputs.looked_at if day < LAST_DAY} == {
        "available_w",
        "metered_demand_wh",
        "desired_wh",
    }


def test_negative_desire_is_refused_at_the_door(session):
    publish_with(session, FAIR_PLAY)
    content = tiny_market.readings_csv(FIRST_DAY, FIRST_DAY, desiring=["B-office"]).decode()
    bad = re.sub(r"(B-office,desired_wh,)\d+", r"\g<1>-5", content, count=1)
    with pytest.raises(Refused) as refused:
        ingest(session, "tiny", [MeterFile("bad.csv", bad.encode())], received_at=CORRECTED)
    assert "desired_wh of B-office" in str(refused.value)
