"""A share by each method, from the policy to the page: what it is over, and what it rests on."""

import datetime as dt
import re

import pytest

from rulebook.documents import AllocationPolicy, GridModel
from settlement.explanations.explain import day_facts
from settlement.explanations.payments import Payments
from settlement.replays.replay import replay
from tests.worlds import tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import FIRST_DAY, PUBLISHED, ingest_tiny, publish_tiny, settle_tiny

RULES = {
    "exact": {"method": "exact"},
    "levels": {"method": "levels"},
    "clusters": {
        "method": "clusters",
        "clusters": {"trunk_nodes": ["B"], "hop_limit": 1, "rating_multiplier": 2},
    },
    "sampled": {"method": "sampled", "sampled": {"seed": 5, "most_orders": 32}},
}
BILLION = 10**9
INTERVAL = 17


@pytest.fixture(scope="module", params=RULES)
def settled(request, database_engine):
    """The method, and the facts of a day of the tiny market settled by it, its lines narrow."""
    grid = tiny_market.grid_model().model_dump()
    for line in grid["lines"]:
        line["rating_w"] = line["reverse_rating_w"] = 3_000_000
    law = [
        GridModel.model_validate(grid)
        if isinstance(document, GridModel)
        else tiny_market.allocation_policy(shapley=RULES[request.param])
        if isinstance(document, AllocationPolicy)
        else document
        for document in tiny_market.documents()
    ]
    with rolled_back(database_engine) as session:
        publish_tiny(session, law)
        ingest_tiny(session)
        run = settle_tiny(session)
        assert replay(session, run).is_same
        return request.param, day_facts(session, run, FIRST_DAY)


def explained(facts, pot: str, unit: str):
    paid = Payments(facts, INTERVAL).payment(pot, unit, sign=1)
    pot_tree, own, everyone, of_all = paid.children
    return paid, pot_tree, own, everyone, of_all


def numbers(text: str) -> list[int]:
    return [int(digits.replace(",", "")) for digits in re.findall(r"\d[\d,]*\d|\d", text)]


def test_a_share_states_its_denominator_and_its_method(settled):
    method, facts = settled
    over, name = {
        "exact": (12, "Shapley value of U3"),
        "levels": (BILLION, "Shapley value by levels of U3"),
        "clusters": (BILLION, "Shapley value by clusters of U3"),
        "sampled": (BILLION, "Estimated Shapley value of U3"),
    }[method]
    for pot in ("adequacy", "location"):
        paid, held, own, everyone, _ = explained(facts, pot, "U3")
        assert own.label == f"{name} in the {pot} game"
        numerator, denominator = numbers(own.formula)[:2]
        assert denominator == over
        assert own.value == numerator // over
        assert ("exactly" in own.formula) == (method == "exact")
        shares = [facts.result(f"shapley_{pot}", unit, INTERVAL) for unit in ("U2", "U3", "U4")]
        assert numbers(everyone.formula)[0] == sum(shares)
        assert abs(paid.value - held.value * numerator // sum(shares)) <= 1
        assert [clause.anchor for clause in own.clauses] == ["AP-5"]


def test_what_limits_all_units_is_the_network_as_rated(settled):
    method, facts = settled
    *_, of_all = explained(facts, "location", "U3")
    value = facts.result("value_location_kw", "market", INTERVAL)
    assert of_all.value == value
    if method in ("exact", "sampled"):
        assert of_all.children == ()
        assert "the smallest cut: demand in full at A" in of_all.formula
        return
    (served,) = of_all.children
    gap = facts.result("gap_location_kw", "market", INTERVAL)
    assert served.value == value - gap
    assert f"which is {gap:,} kW more than the network as rated" in of_all.formula
    assert "the smallest cut: demand in full at A" in served.formula
    assert (gap > 0) == (method == "clusters")
    words = {"levels": "the boundaries of holons", "clusters": "2 times their rating"}
    assert words[method] in of_all.formula


def test_what_only_one_method_has_to_say(settled):
    method, facts = settled
    *_, of_unit, _, _ = explained(facts, "location", "U3")
    reading, *more = of_unit.children
    assert reading.label == "Declared availability (U3)"
    if method == "clusters":
        (cluster,) = more
        members = cluster.formula.partition(": ")[2].split(", ")
        assert "U3" in members
        shares = [facts.result("shapley_location", unit, INTERVAL) for unit in members]
        assert cluster.value == sum(shares) // BILLION
        assert numbers(cluster.formula)[0] == sum(shares)
        clusters = {facts.result("cluster_number", unit, INTERVAL) for unit in facts.model.units}
        assert cluster.label.endswith(f" of {len(clusters)}")
    elif method == "sampled":
        (error,) = more
        assert error.unit == "W"
        assert error.value == facts.result("standard_error_location_w", "U3", INTERVAL)
        assert "seed 5202401010017" in of_unit.formula
        assert "at most 32 orders" in of_unit.formula
    else:
        assert not more


def test_a_run_of_two_policies_shares_each_day_by_its_own(session):
    publish_tiny(session)
    later = FIRST_DAY + dt.timedelta(days=1)
    policy = tiny_market.allocation_policy(shapley=RULES["levels"])
    publish_tiny(session, [policy], later, PUBLISHED + dt.timedelta(minutes=30))
    ingest_tiny(session)
    run = settle_tiny(session)
    for day, has_gap in ((FIRST_DAY, False), (later, True)):
        facts = day_facts(session, run, day)
        assert (("gap_location_kw", "market") in facts.results) == has_gap
        assert facts.model.shapley.method == ("levels" if has_gap else "exact")
