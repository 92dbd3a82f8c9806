"""Sell curves: curves themselves, and nowhere above what energy taken costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.checks import check_document, check_law
from rulebook.checks.curves import price_at
from settlement.rules.compile import curve_of
from tests.rulebook.law import GRID, POLICY, RULES, body, made
from tests.rulebook.test_checks import in_force, knot, set_curve


def set_sell_curve(*knots):
    """Buy at 20 up to half of supply and 100 when all is in use; sell by the knots given."""

    def bend(values):
        set_curve((500_000, 20), (1_000_000, 100))(values)
        values["layers"][1].update(sell_curve=[knot(*k) for k in knots])

    return bend


@pytest.mark.parametrize(
    ("knots", "codes"),
    [
        (((500_000, 20), (1_000_000, 100)), []),
        (((500_000, 0), (1_000_000, 0)), []),
        (((900_000, 19), (2_000_000, 100)), []),
        (((900_000, 21), (2_000_000, 100)), ["sell-above-buy"]),
        (((0, 0), (750_000, 60), (1_000_000, 60)), ["sell-above-buy"]),
        (((0, 0), (750_000, 61), (1_000_000, 61)), ["sell-above-buy"] * 2),
        (((0, 0), (400_000, 0), (400_001, 90), (1_000_000, 100)), ["sell-above-buy"] * 2),
        (((0, 5),), ["curve-too-short"]),
        (((0, 5), (0, 6)), ["curve-tightness-not-rising"]),
        (((0, 6), (1, 5)), ["curve-price-falls"]),
        (((0, -1), (1, 0)), ["curve-price-outside-bounds"]),
    ],
)
def test_a_sell_curve_is_a_curve_and_never_above_the_buy_curve(knots, codes):
    values = body(RULES)
    set_sell_curve(*knots)(values)
    findings = check_document(made(values), "law.yaml")
    assert [finding.code for finding in findings] == codes
    assert all(f.place.startswith("law.yaml: layers[1].sell_curve") for f in findings)


def test_a_sell_curve_above_by_a_fraction_is_found_with_both_prices():
    values = body(RULES)
    set_curve((0, 0), (3, 1), (4, 1))(values)
    values["layers"][1]["sell_curve"] = [knot(0, 0), knot(2, 1)]
    (finding,) = check_document(made(values), "law.yaml")
    assert finding.value == "1 micro per MWh at a tightness of 2 ppm"
    assert "at most the 0 and a fraction of the buy curve" in finding.limit


CURVE = st.builds(
    lambda knots, prices: list(zip(sorted(knots), sorted(prices), strict=False)),
    st.lists(st.integers(0, 30), min_size=2, max_size=4, unique=True),
    st.lists(st.integers(0, 30), min_size=4, max_size=4),
)


@given(CURVE, CURVE)
def test_selling_is_found_above_buying_just_where_the_engine_could_pay_more(buy, sell):
    values = body(RULES)
    set_curve(*buy)(values)
    values["layers"][1]["sell_curve"] = [knot(*k) for k in sell]
    rules = made(values)
    findings = check_document(rules, "law.yaml")
    every = np.arange(0, 32)
    rule = rules.layers[1]
    sell_prices = curve_of(rule.sell_curve).price_at(every)
    if not findings:
        assert np.all(sell_prices <= curve_of(rule.curve).price_at(every))
    else:
        exact = [(price_at(rule.sell_curve, t), price_at(rule.curve, t)) for t in every.tolist()]
        assert any(one > other for one, other in exact)
        assert [price.__floor__() for price, _ in exact] == sell_prices.tolist()


def many_nodes(values):
    place = values["nodes"][0]["node"]
    parent = next(h["parent"] for h in values["holons"] if h["holon"] == place)
    for number in range(189):
        values["nodes"].append({"node": f"X{number}", "title": "New"})
        values["holons"].append(
            {"holon": f"X{number}", "layer": "node", "parent": parent, "title": "New"}
        )
        values["lines"].append(values["lines"][0] | {"line": f"X{number}", "to_node": f"X{number}"})


def test_maximum_flow_is_limited_to_grids_of_which_a_day_takes_minutes():
    rules, grid, policy = body(RULES), body(GRID), body(POLICY)
    policy |= {"shapley": {"method": "sampled", "sampled": {"seed": 1}}, "fair_play": None}
    many_nodes(grid)
    for product in rules["products"]:  # no block without Fair Play
        product["energy_wh"] = None
    wide = {GRID: made(grid), POLICY: made(policy), RULES: made(rules)}
    assert check_law(in_force(wide)) == ()
    rules["deliverability"] = "max-flow"
    assert check_law(in_force({RULES: made(rules)})) == ()
    (finding,) = check_law(in_force(wide | {RULES: made(rules)}))
    assert finding.code == "too-many-nodes-for-max-flow"
    assert finding.value == "201 nodes in grid.yaml"
