"""The ready-made scenarios are sound law, and say what the published case says."""

import csv
from decimal import Decimal
from fractions import Fraction

import pytest

from rulebook.checks import InForce, check_document, check_law
from rulebook.checks.curves import price_at
from rulebook.documents import ChargeList, Registration
from tests.conftest import SHARED
from tests.rulebook.law import GRID, POLICY, RULES, scenario

NAMES = ("gb12", "gb12-published")


def part(name, kind):
    return scenario(name)[f"{name}/{kind}"]


def registrations(name):
    return tuple(d for d in scenario(name).values() if isinstance(d, Registration))


def charge_lists(name):
    return tuple(d for d in scenario(name).values() if isinstance(d, ChargeList))


def units(name):
    return {unit.unit: unit for r in registrations(name) for unit in r.units}


def supply_points(name):
    return {p.supply_point: p for r in registrations(name) for p in r.supply_points}


@pytest.mark.parametrize("name", [*NAMES, "two-region", "rts-gmlc"])
def test_a_scenario_is_sound(name):
    law = scenario(name)
    for document in law.values():
        assert check_document(document, document.instrument) == ()
    together = InForce(
        market_rules=part(name, "market-rules"),
        grid_model=part(name, "grid-model"),
        allocation_policy=part(name, "allocation-policy"),
        registrations=registrations(name),
        places={},
        charge_lists=charge_lists(name),
        settlement_terms=part(name, "settlement-terms"),
    )
    assert check_law(together) == ()


@pytest.mark.parametrize("name", NAMES)
def test_its_size_is_that_of_the_published_case(name):
    grid = part(name, "grid-model")
    assert (len(grid.nodes), len(grid.lines), len(units(name))) == (12, 12, 21)
    assert len(supply_points(name)) == 40
    assert grid.layers == ("system", "region", "zone", "cluster", "node")
    households = dict.fromkeys(("P1", "P2", "P3", "P4", "NR"), 0)
    for point in supply_points(name).values():
        assert point.supply_point == f"{point.node}-{point.product}"
        households[point.product] += point.household_count
    assert households == {
        "P1": 19_000_000,
        "P2": 6_000_000,
        "P3": 2_500_000,
        "P4": 1_500_000,
        "NR": 0,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_supply_point_bears_the_use_of_the_grid(name):
    (charges,) = charge_lists(name)
    linked = {code: set() for code in ("TUOS", "LEVY", "DUOS-HOME", "DUOS-SITE", "CONNECT")}
    for link in charges.links:
        linked[link.charge].add(link.supply_point)
        point = supply_points(name)[link.supply_point]
        if link.charge == "DUOS-HOME":
            assert link.quantity == point.household_count
    assert linked["TUOS"] == linked["LEVY"] == set(supply_points(name))
    assert linked["DUOS-HOME"] | linked["DUOS-SITE"] == set(supply_points(name))
    assert not linked["DUOS-HOME"] & linked["DUOS-SITE"]


SHOWN_IN_GB12_ALONE = {
    "allocation-policy": (
        ("clauses", "pots", "flexibility", "reserve", "equalisation_returned_to", "fair_play"),
        "every mechanism moves there; the published market has the thesis's two pots alone",
    ),
    "market-rules": (
        ("clauses", "layers"),
        "the published market has one curve for all layers, and sells at it",
    ),
    "registration": (("clauses",), "clauses name the lines of what is shown"),
}


def test_the_scenarios_differ_in_ratings_names_contracts_and_what_is_shown():
    """The published market shows the thesis's own figures: nobody there is refused anything."""
    reinforced, published = scenario("gb12"), scenario("gb12-published")
    assert len(reinforced) == len(published)
    for document in reinforced.values():
        other = published[document.instrument.replace("gb12/", "gb12-published/", 1)]
        one, two = document.model_dump(), other.model_dump()
        assert (one.pop("market"), two.pop("market")) == NAMES
        if document.instrument == GRID:
            one.pop("title"), two.pop("title")
            for line in two["lines"]:
                line["rating_w"] *= 3
                line["reverse_rating_w"] *= 3
        if document.kind == "market-rules":
            assert not any(product.pop("energy_wh", None) for product in two["products"])
            assert all(product.pop("energy_wh") for product in one["products"][:4])
            assert one["products"][4].pop("energy_wh", None) is None
            assert one.pop("online") and "online" not in two
        fields, _ = SHOWN_IN_GB12_ALONE.get(document.kind, ((), ""))
        changed = [field for field in fields if one.pop(field) != two.pop(field)]
        assert list(fields) == changed or document.kind == "registration"
        assert one == two


def test_an_inner_layer_is_nowhere_cheaper_than_one_that_holds_it():
    """As the clause says, and so that all can bind; net export is paid less than all of them."""
    layers = part("gb12", "market-rules").layers
    knots = {knot.tightness_ppm for layer in layers for knot in (*layer.curve, *layer.sell_curve)}
    assert len({layer.curve for layer in layers}) == 5
    for tightness_ppm in sorted(knots - {0, max(knots)}):
        prices = [price_at(layer.curve, tightness_ppm) for layer in layers]
        assert prices == sorted(prices) and prices[0] < prices[-1]
        assert {price_at(layer.sell_curve, tightness_ppm) for layer in layers} < {
            Fraction(price) for price in range(0, int(prices[0]), 1_000_000)
        }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kind", "anchor", "field"),
    [
        ("market-rules", "MR-2.2", "layers.curve"),
        ("market-rules", "MR-2.3", "price_cap_micro_per_mwh"),
        ("market-rules", "MR-2.4", "layers"),
        ("market-rules", "MR-4.1", "meter_data.accepted_quality"),
        ("market-rules", "MR-6.1", "currency"),
        ("grid-model", "GM-1.1", "lines.rating_w"),
        ("allocation-policy", "AP-2.1", "regulated_technologies"),
        ("allocation-policy", "AP-3.2", "pots.timing"),
        ("allocation-policy", "AP-3.3", "pots.timing"),
        ("allocation-policy", "AP-4.1", "charging.mode"),
        ("allocation-policy", "AP-4.2", "charging.mode"),
    ],
)
def test_what_invoices_cite_is_there(name, kind, anchor, field):
    assert anchor in part(name, kind).clauses_governing(field)


def published_figures(file):
    with (SHARED / "data" / "gb12" / file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def scaled(written, factor):
    return int(Decimal(written) * factor) if written else None


@pytest.mark.real_data
def test_lines_carry_the_published_figures():
    lines = {line.line: line for line in part("gb12-published", "grid-model").lines}
    figures = published_figures("lines.csv")
    assert len(figures) == len(lines)
    for row in figures:
        line = lines[row["line"]]
        assert (line.from_node, line.to_node) == (row["from_node"], row["to_node"])
        assert line.rating_w == line.reverse_rating_w == scaled(row["rating_kw"], 1_000)
        assert line.reactance_ppm == scaled(row["reactance_pu"], 1_000_000)
        assert line.voltage_kv == int(row["voltage_kv"])
        assert line.length_m == scaled(row["length_km"], 1_000)


@pytest.mark.real_data
def test_units_carry_the_published_figures():
    figures = published_figures("units.csv")
    assert len(figures) == len(units("gb12"))
    for row in figures:
        unit = units("gb12")[row["unit"]]
        assert (unit.node, unit.technology) == (row["node"], row["technology"])
        assert unit.capacity_w == scaled(row["capacity_kw"], 1_000)
        assert unit.minimum_w == scaled(row["minimum_kw"], 1_000)
        assert unit.ramp_w_per_h == scaled(row["ramp_kw_per_h"], 1_000)
        assert unit.can_reserve is (row["can_reserve"] == "1")
        assert unit.offer_micro_per_mwh == scaled(row["offer_gbp_per_mwh"], 1_000_000)
        assert unit.storage_wh == scaled(row["storage_kwh"], 1_000)
        assert unit.round_trip_efficiency_ppm == (850_000 if unit.storage_wh else None)
        assert unit.annual_capital_micro == scaled(row["annual_capital_gbp"], 1_000_000)
        assert unit.annual_fixed_micro == scaled(row["annual_fixed_opex_gbp"], 1_000_000)
        assert unit.expected_payback_years == int(row["expected_payback_years"])


def test_policy_and_rules_are_those_described():
    policy, rules = scenario()[POLICY], scenario()[RULES]
    assert set(policy.regulated_technologies) == {"nuclear", "wind"}
    weights = {pot.pot: (pot.weight_ppm, pot.timing) for pot in policy.pots}
    assert weights == {
        "adequacy": (400_000, "tightness"),
        "location": (400_000, "served"),
        "flexibility": (150_000, "flat"),
        "reserve": (50_000, "flat"),
    }
    assert policy.reserve.availability_price_micro_per_mw_h == 7_500_000
    assert policy.equalisation_returned_to == "everyone"
    modes = {charging.product: charging.mode for charging in policy.charging}
    assert modes.pop("NR") == "dynamic"
    assert set(modes.values()) == {"subscription"}
    assert rules.price_cap_micro_per_mwh == 6_000 * 1_000_000
    assert all(layer.in_use for layer in rules.layers)
