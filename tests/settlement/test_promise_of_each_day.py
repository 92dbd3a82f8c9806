"""A promise that becomes another in mid-month holds from its day; of the days before, the other."""

import datetime as dt

import pytest

from rulebook.documents import MarketRules
from settlement.evidence.store import day_digests
from settlement.explanations.explain import day_facts
from settlement.explanations.fair_play import FairPlayCharges
from settlement.fairness.make import FairnessRequest, make_report
from settlement.replays.replay import replay
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    BLOCK_WH,
    DAYS,
    FAIR_PLAY,
    FIRST,
    LAST,
    MIDDLE,
    POINTS,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
    settle_month_end,
    vectors,
)
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import PUBLISHED, SETTLED

ONE_MINUTE = dt.timedelta(minutes=1)
PPM = 1_000_000
PROMISED_PPM = {"home": 995_000, "office": 950_000}
LOWER_PPM = 850_000
"""Less than what is delivered of all that is due on the three days, and more than on the last."""


@pytest.fixture
def session(database_engine):
    with rolled_back(database_engine) as opened:
        yield opened


def publish_promises(session, promises_ppm, valid_from, known=PUBLISHED + ONE_MINUTE):
    """Publish the market rules again, in which products promise another reliability."""
    rules = next(each for each in law_with(FAIR_PLAY) if isinstance(each, MarketRules))
    products = tuple(
        each.model_copy(update={"reliability_ppm": promises_ppm[each.product]})
        for each in rules.products
    )
    publish(
        session,
        [rules.model_copy(update={"products": products})],
        valid_from=valid_from,
        known=known,
        reason="Other promises",
    )


def lacking_wh(session, run, promises_ppm_of):
    """Return what each product at a node lacks of the promise of each day, of Wh rounded up."""
    lacking = {}
    for node in "BC":
        for product in PROMISED_PPM:
            point, behind = f"{node}-{product}", 0
            for day in DAYS:
                found = vectors(session, run, day)
                delivered, missed = (
                    sum(found[name, point].tolist()) for name in ("delivered_w", "missed_w")
                )
                matured = delivered + missed
                behind += promises_ppm_of(day)[product] * matured - PPM * delivered
            lacking[point] = max(0, -(-behind // PPM)) // 2
    return lacking


def settled_wh(session, run):
    found = vectors(session, run, LAST)
    return {point: int(found["shortfall_wh", point].sum()) for point in POINTS}


def test_a_lower_promise_on_the_last_day_takes_nothing_of_the_days_before(session):
    publish_with(session, FAIR_PLAY, "flexible")
    lower = dict.fromkeys(PROMISED_PPM, LOWER_PPM)
    publish_promises(session, lower, LAST)
    ingest_month_end(session)
    run = settle_month_end(session)
    promised = lacking_wh(session, run, lambda day: lower if day == LAST else PROMISED_PPM)
    assert settled_wh(session, run) == promised
    assert min(promised["B-office"], promised["C-home"]) > 10**6
    found = vectors(session, run, LAST)
    assert sum(int(found["charge.compensation_micro", point].sum()) for point in POINTS) < 0
    alone = settle_days(session, LAST, LAST, now=SETTLED, kind="SF")
    assert dict(day_digests(session, alone))[LAST] == dict(day_digests(session, run))[LAST]
    assert replay(session, run).is_same
    assert replay(session, alone).is_same
    # What the tree of a shortfall says is what was promised, day by day.
    tree = charge_of(session, run, "C-home")
    said = next(node.formula for node in tree.children if node.label.startswith("Energy promised"))
    assert "were promised, by the promise of each day, which became another" in said
    report = make_report(session, FairnessRequest("tiny", FIRST, LAST)).report
    for row in report["groups"]:
        point = f"{row['node']}-{row['product']}"
        assert (row["delivered_ppm"] < row["promised_ppm"]) == (promised[point] > 0), row
        assert LOWER_PPM < row["promised_ppm"] < PROMISED_PPM[row["product"]]
    behind = {
        (row["node"], row["product"]): [day["day"] for day in row["days"]]
        for row in report["convergence"]
    }
    assert LAST.isoformat() in behind["C", "home"]


def test_nobody_solves_anothers_energy_from_what_was_promised(session):
    publish_with(session, FAIR_PLAY, "flexible")
    publish_promises(session, dict.fromkeys(PROMISED_PPM, LOWER_PPM), LAST)
    ingest_month_end(session)
    settle_month_end(session)
    report = make_report(session, FairnessRequest("tiny", FIRST, LAST)).report
    exact = {row["product"]: row["promised_ppm"] for row in report["products"]}
    for row in report["public"]["products"]:
        at_nodes = [
            group["promised_ppm"]
            for group in report["groups"]
            if group["product"] == row["product"]
        ]
        # The exact mean says how much of the product's energy is at which node.
        assert min(at_nodes) < exact[row["product"]] < max(at_nodes)
        assert min(at_nodes) <= row["promised_ppm"] < exact[row["product"]]


def charge_of(session, run, point):
    facts = day_facts(session, run, LAST)
    return FairPlayCharges(facts, len(facts.starts) - 1).charge_of("compensation", point)


def test_a_higher_promise_on_the_last_day_asks_nothing_more_of_the_days_before(session):
    publish_with(session, FAIR_PLAY, "flexible")
    publish_promises(session, dict.fromkeys(PROMISED_PPM, LOWER_PPM), FIRST.replace(day=1))
    before = dict.fromkeys(PROMISED_PPM, LOWER_PPM)
    ingest_month_end(session)
    publish_promises(session, PROMISED_PPM, LAST, known=PUBLISHED + 2 * ONE_MINUTE)
    run = settle_month_end(session)
    promised = lacking_wh(session, run, lambda day: PROMISED_PPM if day == LAST else before)
    assert settled_wh(session, run) == promised
    assert promised != lacking_wh(session, run, lambda day: PROMISED_PPM)


def test_where_every_law_promises_alike_nothing_is_settled_otherwise(session):
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session)
    before = settle_days(session, FIRST, LAST, now=SETTLED)
    other = PROMISED_PPM | {"office": 949_999}
    publish_promises(session, other, MIDDLE, known=SETTLED + ONE_MINUTE)
    publish_promises(session, PROMISED_PPM, MIDDLE, known=SETTLED + 2 * ONE_MINUTE)
    after = settle_days(session, FIRST, LAST)
    assert after.id != before.id, "it obeys other versions"
    assert after.result_digest == before.result_digest
    for day in DAYS:
        memory = state_of(session, after, day).contracts.memory
        promises = [PROMISED_PPM[product] for product in ("home", "office") * 2]
        assert list(memory.promised) == [
            part * matured for part, matured in zip(promises, memory.matured, strict=True)
        ]


@pytest.mark.parametrize("last_price", [0, 10**9])
def test_a_price_of_the_last_day_moves_nothing_of_the_days_before(session, last_price):
    publish_with(session, FAIR_PLAY, "flexible")
    price_of = {"home": 100_000_000, "office": 40_000_000}
    publish(
        session,
        [
            each
            for each in law_with(
                {"least_fulfilment_ppm": 10_000, "compensation_micro_per_mwh": last_price}
            )
            if each.kind == "allocation-policy"
        ],
        valid_from=LAST,
        known=PUBLISHED + ONE_MINUTE,
        reason="Another price on the last day",
    )
    ingest_month_end(session)
    run = settle_month_end(session)
    shortfall, found = settled_wh(session, run), vectors(session, run, LAST)
    for point in POINTS:
        of_day = {day: int(vectors(session, run, day)["missed_w", point].sum()) for day in DAYS}
        own = price_of[point.partition("-")[2]]
        worth = sum(w * (last_price if day == LAST else own) for day, w in of_day.items())
        in_full = shortfall[point] * worth // (max(sum(of_day.values()), 1) * 10**6)
        assert int(found["charge.compensation_micro", point].sum()) == -in_full, point
    assert min(shortfall["B-office"], shortfall["C-home"]) > 10**6
    alone = settle_days(session, LAST, LAST, now=SETTLED, kind="SF")
    assert dict(day_digests(session, alone))[LAST] == dict(day_digests(session, run))[LAST]
    assert replay(session, alone).is_same
    # What it says is the mean, and the price of the day below it.
    mean = charge_of(session, run, "C-home").children[1]
    (stated,) = mean.children
    assert stated.value == last_price
    assert min(last_price, 100_000_000) < mean.value < max(last_price, 100_000_000)
    assert "by the price of the day that refused it" in mean.formula


def publish_a_day_without_fair_play(session, day):
    # Blocks need Fair Play, so the law that states them is another on that day, too.
    kinds = ("allocation-policy", "market-rules")
    without = [each for each in tiny_market.documents() if each.kind in kinds]
    publish(
        session,
        without,
        valid_from=day,
        valid_to=day + dt.timedelta(days=1),
        known=PUBLISHED + ONE_MINUTE,
        reason="A day without Fair Play",
    )


def test_a_day_without_fair_play_clears_nothing_of_its_month(session):
    publish_with(session, FAIR_PLAY, "flexible", block_wh=BLOCK_WH)
    publish_a_day_without_fair_play(session, MIDDLE)
    ingest_month_end(session)
    run = settle_days(session, FIRST, LAST, now=SETTLED)
    found, state = vectors(session, run, FIRST), state_of(session, run, LAST)
    assert state.taken_wh.tolist() == [int(found["taken_wh", point].sum()) for point in POINTS]
    assert state.missed_w.tolist() == [int(found["missed_w", point].sum()) for point in POINTS]
    assert any(state.contracts.memory.promised)
    assert not state.contracts.owes, "whom nobody promises anything is owed nothing"
    for first, last in ((LAST, LAST), (MIDDLE, LAST)):
        alone = settle_days(session, first, last, now=SETTLED, kind="SF")
        assert dict(day_digests(session, alone))[LAST] == dict(day_digests(session, run))[LAST]
        assert replay(session, alone).is_same


def state_of(session, run, day):
    return day_facts(session, run, day).day_readings().requests.state
