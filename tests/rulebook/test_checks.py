"""One bent value a row, and the code of the finding that it must raise."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from rulebook.checks import InForce, check_document, check_law, methods
from rulebook.documents import Registration
from settlement.core.clusters import MAXIMUM_CLUSTERS
from settlement.core.cuts import MAXIMUM_NODES
from settlement.core.holarchy import tree_of_layers
from settlement.core.levels_plan import MAXIMUM_BESIDE, MAXIMUM_USES, levels_plan
from settlement.core.shapley import MAXIMUM_UNITS
from settlement.rules.compile import compile_grid
from tests.rulebook.law import GRID, HEARTH, HIGHLAND, POLICY, RULES, TERMS, body, made, scenario


def knot(tightness, price):
    return {"tightness_ppm": tightness, "price_micro_per_mwh": price}


def set_curve(*knots):
    return lambda v: v["layers"][1].update(curve=[knot(*k) for k in knots], sell_curve=[])


def unuse(values):
    for layer in values["layers"]:
        layer["in_use"] = False


def twice(field, position=0):
    return lambda v: v[field].append(v[field][position])


def tax(category, rate_ppm):
    return lambda v: v["tax"].update(category=category, rate_ppm=rate_ppm)


def spelt_otherwise(field, name, **changes):
    def bend(values):
        first = values[field][0]
        values[field].append(first | {name: first[name].swapcase()} | changes)

    return bend


def fair_play(*, with_clauses=True, **changes):
    def bend(values):
        values["fair_play"] |= changes
        for clause in values["clauses"]:
            if not with_clauses and clause["anchor"].startswith("AP-5."):
                clause["lines"] = []

    return bend


def without_clause(anchor):
    def bend(values):
        values["clauses"] = [each for each in values["clauses"] if each["anchor"] != anchor]

    return bend


def holon(name, **changes):
    def bend(values):
        next(h for h in values["holons"] if h["holon"] == name).update(changes)

    return bend


def without_holon(name):
    def bend(values):
        values["holons"] = [h for h in values["holons"] if h["holon"] != name]

    return bend


def circle(values):
    holon("scotland", layer="cluster", parent="scotland-north")(values)
    holon("scotland-north", layer="zone", parent="scotland")(values)


def step(method, **limits):
    return {"method": method, "measures": ["metered_demand_wh"], **limits}


def estimate(*steps, missing="estimate"):
    return lambda v: v["meter_data"].update(missing=missing, estimation=list(steps))


CLUSTERS = {"trunk_nodes": ["N1", "N16", "N17"], "hop_limit": 2}


ALONE = [
    (RULES, lambda v: v.update(time_zone="Europe/Londinium"), ["time-zone-unknown"]),
    (RULES, lambda v: v.update(time_zone="../etc/passwd"), ["time-zone-unknown"]),
    (RULES, lambda v: v.update(interval_minutes=25), ["interval-does-not-divide-hour"]),
    (RULES, without_clause("MR-7.1"), ["online-without-clause"]),
    (RULES, lambda v: v["online"].update(tick_seconds=1_800), []),
    (RULES, lambda v: v["online"].update(tick_seconds=700), ["tick-does-not-divide-interval"]),
    (RULES, lambda v: v["online"].update(tick_seconds=3_600), ["tick-does-not-divide-interval"]),
    (RULES, lambda v: v.update(price_floor_micro_per_mwh=6_000_000_000),
     ["floor-not-below-cap"] + ["curve-price-outside-bounds"] * 50),
    (RULES, unuse, ["no-layer-in-use"]),
    (RULES, twice("layers"), ["clause-unknown-name"] * 2 + ["layer-repeated"]),
    (RULES, set_curve((0, 0), (0, 5)), ["curve-tightness-not-rising"]),
    (RULES, set_curve((5, 0), (4, 5), (4, 6)), ["curve-tightness-not-rising"] * 2),
    (RULES, set_curve((0, 6), (1, 5)), ["curve-price-falls"]),
    (RULES, set_curve((0, -1), (1, 6_000_000_001)), ["curve-price-outside-bounds"] * 2),
    (RULES, twice("products"), ["product-repeated"]),
    (RULES, spelt_otherwise("products", "product"), ["product-repeated"]),
    (RULES, spelt_otherwise("settlement_calendar", "run", lag_days=900), ["run-repeated"]),
    (GRID, spelt_otherwise("lines", "line"), ["line-repeated"]),
    (RULES, lambda v: v["products"][0].update(window_minutes=5), ["window-does-not-fit-timing"]),
    (RULES, lambda v: v["products"][1].update(window_minutes=None), ["window-does-not-fit-timing"]),
    (RULES, lambda v: v["products"][1].update(window_minutes=470), ["window-of-part-intervals"]),
    (RULES, lambda v: v["products"][4].update(excess_price_micro_per_mwh=0),
     ["excess-price-without-block"]),
    # Case 161: a rate that its category does not have was found when the month was billed.
    *((RULES, tax(category, rate_ppm), ["tax-rate-does-not-fit-category"])
      for category, rate_ppm in (("Z", 200_000), ("S", 0), ("E", 1), ("AE", 5_000), ("O", 50_000))),
    (RULES, lambda v: v["settlement_calendar"][1].update(lag_days=5), ["calendar-not-in-order"]),
    (TERMS, lambda v: v["operator"].update(iban="GB00TSBX00123412345678"), ["iban-wrong"]),
    (TERMS, lambda v: v["operator"].pop("iban"), ["account-missing"]),
    (TERMS, lambda v: v["operator"].update(iban="GB50 TSBX 0012 3412 3456 78",
     national_account={"sort_code": "00-12-34", "account_number": "12345678"}), []),
    (TERMS, lambda v: v["operator"].update(iban=None,
     national_account={"account_number": "12345678"}), []),
    (TERMS, lambda v: v["operator"].update(
        national_account={"sort_code": "001235", "account_number": "12345678"}),
     ["accounts-differ"]),
    (TERMS, lambda v: v["credit"].update(exposure=["unpaid"] * 2), ["exposure-repeated"]),
    (TERMS, lambda v: v["credit"]["levels"][1].update(level="notice"), ["level-repeated"]),
    (TERMS, lambda v: v["credit"]["levels"][1].update(from_ppm=750_000), ["levels-not-in-order"]),
    (HEARTH, lambda v: v.update(iban="GB79TSBX00002926305614"), ["iban-wrong"]),
    (HEARTH, lambda v: v.update(national_account={"account_number": "99999999"}),
     ["accounts-differ"]),
    (RULES, lambda v: v["settlement_calendar"][1].update(run="II"), ["run-repeated"]),
    (RULES, lambda v: v["settlement_calendar"][1].update(run="study"), ["run-is-a-study"]),
    (RULES, lambda v: v["meter_data"].update(accepted_quality=["measured"] * 2),
     ["quality-repeated"]),
    (RULES, lambda v: v["meter_data"].update(missing="estimate"), ["estimation-without-steps"]),
    (RULES, estimate(step("zero"), missing="refuse"), ["estimation-unused"]),
    (RULES, lambda v: v["meter_data"].update(implausible="estimate"),
     ["implausible-not-estimated"]),
    (RULES, estimate(step("interpolate"), step("profile")), ["step-limit-missing"] * 2),
    (RULES, estimate(step("like-day", weeks=1, at_most_intervals=2)), ["step-limit-unused"]),
    (RULES, estimate(step("like-day", weeks=1), step("like-day", weeks=2)), ["step-repeated"]),
    (RULES, estimate(step("zero"), step("like-day", weeks=2)), ["step-not-reached"]),
    (RULES, twice("clauses"), ["clause-repeated"]),
    (RULES, lambda v: v["clauses"][0].update(anchor="AP-1.1"), ["clause-of-another-kind"]),
    (RULES, lambda v: v["clauses"][0].update(fields=["layers.colour"]), ["clause-unknown-field"]),
    (GRID, twice("nodes"), ["node-repeated"]),
    (GRID, twice("lines"), ["line-repeated"]),
    (GRID, twice("holons"), ["holon-repeated"]),
    (GRID, lambda v: v["layers"].append("node"), ["layer-repeated"]),
    (GRID, lambda v: v["lines"][5].update(to_node="N99"),
     ["line-unknown-node", "grid-not-connected"]),
    (GRID, lambda v: v["lines"][0].update(to_node="N0"),
     ["line-joins-itself", "grid-not-connected"]),
    (GRID, lambda v: v["lines"].pop(0), ["grid-not-connected"]),
    (GRID, lambda v: v["lines"][0].update(rating_w=0, reverse_rating_w=0), ["grid-not-connected"]),
    (GRID, holon("scotland", layer="shire"),
     ["holon-unknown-layer", "holon-parent-not-in-next-layer", "holon-parent-not-in-next-layer",
      "layer-misses-node", "area-unknown"]),
    (GRID, holon("gb", parent="north"), ["holon-parent-not-allowed"]),
    (GRID, holon("N0", parent="scotland"),
     ["holon-parent-not-in-next-layer", "holon-empty", "layer-misses-node"]),
    (GRID, holon("N0", parent=None),
     ["holon-parent-not-in-next-layer", "holon-empty"] + ["layer-misses-node"] * 4),
    (GRID, without_holon("N0"), ["holon-empty"] + ["layer-misses-node"] * 5),
    (GRID, holon("N0", holon="N00"), ["holon-not-a-node"] + ["layer-misses-node"] * 5),
    (GRID, lambda v: v["nodes"].append({"node": "N40", "title": "New"}),
     ["grid-not-connected"] + ["layer-misses-node"] * 5),
    (POLICY, lambda v: v["pots"][0].update(weight_ppm=499_999), ["weights-do-not-sum"]),
    (POLICY, lambda v: v.update(flexibility=None), ["clause-unknown-name"] * 2 + ["part-missing"]),
    (POLICY, lambda v: [v["pots"][i].update(weight_ppm=w) for i, w in enumerate((0, 0, 0,
     1_000_000))], ["part-unused"]),
    (POLICY, lambda v: v["target"].update(rule="equalisation"), ["part-missing"]),
    (POLICY, lambda v: v["target"].update(benchmark_annual_units=5), ["part-unused"]),
    (POLICY, lambda v: v["charging"][0].update(mode="mixed"), ["part-missing"]),
    (POLICY, lambda v: v["charging"][1].update(dynamic_ppm=5), ["part-unused"]),
    (POLICY, lambda v: v["pots"][3].update(pot="location"), ["pot-repeated"]),
    (POLICY, twice("regulated_technologies"), ["technology-repeated"]),
    (POLICY, twice("charging"), ["charging-repeated"]),
    (POLICY, lambda v: v["shapley"].update(method="clusters"), ["part-missing"]),
    (POLICY, lambda v: v["shapley"].update(method="sampled"), ["part-missing"]),
    (POLICY, lambda v: v["shapley"].update(clusters=CLUSTERS, sampled={"seed": 1}),
     ["part-unused"] * 2),
    (POLICY, lambda v: v["shapley"].update(method="clusters",
     clusters=CLUSTERS | {"trunk_nodes": ["N1", "N1"]}), ["trunk-node-repeated"]),
    (POLICY, fair_play(products=[{"product": "P1"}] * 2), ["fair-play-repeated"]),
    (POLICY, without_clause("AP-5.6"), ["least-taken-without-clause"]),
    (POLICY, lambda v: (without_clause("AP-5.6")(v), fair_play(least_taken_ppm=None)(v)), []),
    (HIGHLAND, lambda v: v["roles"].append("generator"), ["role-repeated"]),
    (HIGHLAND, lambda v: v.update(roles=["supplier"]), ["role-missing"]),
    (HEARTH, lambda v: v.update(roles=["generator"]), ["role-missing"]),
    (HIGHLAND, lambda v: v["units"][0].update(minimum_w=10**12), ["minimum-above-capacity"]),
    (HIGHLAND, lambda v: v["units"][0].update(storage_wh=1), ["storage-incomplete"]),
    (HIGHLAND, lambda v: v["units"][0].update(round_trip_efficiency_ppm=1), ["storage-incomplete"]),
]  # fmt: skip


@pytest.mark.parametrize(("instrument", "bend", "expected"), ALONE)
def test_a_document_alone(instrument, bend, expected):
    values = body(instrument)
    bend(values)
    findings = check_document(made(values), "law.yaml")
    assert [finding.code for finding in findings] == expected
    for finding in findings:
        assert finding.place.startswith("law.yaml: ")
        assert finding.value and finding.limit and finding.remedy


def test_a_circle_of_holons_ends():
    values = body(GRID)
    circle(values)
    assert "layer-misses-node" in {f.code for f in check_document(made(values), "law.yaml")}


@pytest.mark.parametrize("instrument", [RULES, GRID, POLICY, HIGHLAND, HEARTH])
def test_a_sound_document_has_no_findings(instrument):
    assert check_document(scenario()[instrument], "law.yaml") == ()


def in_force(bent):
    law = {**scenario(), **bent}
    return InForce(
        market_rules=law[RULES],
        grid_model=law[GRID],
        allocation_policy=law[POLICY],
        registrations=tuple(d for d in law.values() if isinstance(d, Registration)),
        places={GRID: "grid.yaml"},
        settlement_terms=law[TERMS],
    )


def more_units(values):
    template = values["units"][0]
    values["units"] += [template | {"unit": f"X{number}"} for number in range(4)]


def test_a_reading_must_fit_into_every_day_of_the_law():
    """On Lord Howe Island clocks change by half an hour: a day is no whole number of hours."""
    hourly = body(HEARTH)
    hourly["supply_points"][0]["resolution_minutes"] = 60
    island = body(RULES) | {"time_zone": "Australia/Lord_Howe"}
    law = in_force({HEARTH: made(hourly), RULES: made(island)})
    always = replace(law, days=(dt.date(2024, 1, 1), None))
    (finding,) = check_law(always)
    assert finding.code == "resolution-does-not-fit-day"
    assert "2024-04-07 is not" in finding.limit
    assert check_law(replace(law, days=(dt.date(2024, 1, 1), dt.date(2024, 4, 7)))) == ()


ALBION = "Albion Nuclear Holdings plc"
ALBIONS_TAX = body("gb12/registration/albion-nuclear")["tax_identifier"]
TOGETHER = [
    (TERMS, lambda v: v.update(sealed_after_days=599), ["sealed-before-last-run"]),
    (RULES, lambda v: v["layers"].reverse(), ["layers-differ"]),
    (RULES, lambda v: v["products"].pop(),
     ["charging-unknown-product"] + ["registration-unknown-product"] * 8),
    (POLICY, lambda v: v["charging"].pop(), ["charging-misses-product"]),
    (POLICY, lambda v: v["clauses"][0].update(lines=[]), ["line-without-clause"]),
    (HIGHLAND, lambda v: v["units"][1].update(node="N99"), ["registration-unknown-node"]),
    (HEARTH, lambda v: v["supply_points"][1].update(node="N99"), ["registration-unknown-node"]),
    (HEARTH, lambda v: v["supply_points"][1].update(product="P9"),
     ["registration-unknown-product"]),
    (HEARTH, lambda v: v["supply_points"][1].update(household_count=0),
     ["contract-of-no-household"]),
    (HEARTH, lambda v: v["supply_points"][1].update(household_count=0, product="NR"), []),
    (HEARTH, lambda v: v["supply_points"][1].update(resolution_minutes=20),
     ["resolution-does-not-fit-interval"]),
    (HIGHLAND, lambda v: v["units"][1].update(resolution_minutes=40),
     ["resolution-does-not-fit-interval"]),
    (HIGHLAND, lambda v: v["units"][1].update(unit="G1"), ["entity-registered-twice"]),
    (HIGHLAND, lambda v: v["units"][1].update(unit="N0-P1"), ["entity-registered-twice"]),
    # In the eyes of people one unit; the finding names both spellings.
    (HIGHLAND, lambda v: v["units"][1].update(unit="g1"), ["entity-registered-twice"]),
    (HIGHLAND, lambda v: v["units"][1].update(unit="n0-P1"), ["entity-registered-twice"]),
    (HEARTH, lambda v: v["supply_points"][1].update(supply_point="N34-P1"),
     ["entity-registered-twice"]),
    # Three ways to read as Albion does, and one legal person that is two participants.
    (HIGHLAND, lambda v: v.update(legal_name=ALBION), ["legal-name-of-another"]),
    (HIGHLAND, lambda v: v.update(legal_name=ALBION.upper()), ["legal-name-of-another"]),
    (HIGHLAND, lambda v: v.update(legal_name="\u0410lbi\u043en Nuclear  H\uff4fldings plc"),
     ["legal-name-of-another"]),
    (HIGHLAND, lambda v: v.update(legal_name=ALBION, tax_identifier=ALBIONS_TAX), []),
    (HIGHLAND, more_units, ["too-many-units-for-exact"]),
    (POLICY, fair_play(products=[{"product": "P9"}]), ["fair-play-unknown-product"]),
    (POLICY, fair_play(with_clauses=False), ["line-without-clause"] * 2),
    (POLICY, fair_play(with_clauses=False, moves_money=False), []),
    (POLICY, lambda v: v.update(fair_play=None), ["block-without-fair-play"] * 4),
    (POLICY, lambda v: v["charging"][1].update(mode="dynamic"), ["block-of-dynamic-product"]),
]  # fmt: skip


@pytest.mark.parametrize(("instrument", "bend", "expected"), TOGETHER)
def test_documents_side_by_side(instrument, bend, expected):
    values = body(instrument)
    bend(values)
    findings = check_law(in_force({instrument: made(values)}))
    assert [finding.code for finding in findings] == expected


def wide_law(method, unit_nodes=(), nodes=(), fair_play=None):
    """The law with another method, many more units at a node, or many more nodes with a unit."""
    policy, grid, highland, rules = body(POLICY), body(GRID), body(HIGHLAND), body(RULES)
    for product in rules["products"]:  # no block without Fair Play
        product["energy_wh"] = None
    policy |= {"shapley": method, "fair_play": fair_play}
    template = highland["units"][0]
    highland["units"] += [
        template | {"unit": f"X{number}", "node": node}
        for number, node in enumerate([*unit_nodes, *nodes])
    ]
    for node in nodes:
        line = grid["lines"][0] | {"line": f"L-{node}", "from_node": "N0", "to_node": node}
        grid["nodes"].append({"node": node, "title": node})
        grid["lines"].append(line)
        grid["holons"].append(
            {"holon": node, "layer": "node", "parent": "scotland-north", "title": node}
        )
    made_of = {POLICY: policy, GRID: grid, HIGHLAND: highland, RULES: rules}
    return in_force({instrument: made(values) for instrument, values in made_of.items()})


MORE_NODES = [f"M{number}" for number in range(200)]
EXACT, LEVELS = {"method": "exact"}, {"method": "levels"}
SAMPLED = {"method": "sampled", "sampled": {"seed": 1}}
CLUSTERED = {"method": "clusters", "clusters": CLUSTERS}


@pytest.mark.parametrize(
    ("method", "changes", "expected"),
    [
        (EXACT, {"unit_nodes": ["N0"] * 3}, []),
        (EXACT, {"unit_nodes": ["N0"] * 4}, ["too-many-units-for-exact"]),
        (EXACT, {"nodes": MORE_NODES[:3]}, []),
        (EXACT, {"nodes": MORE_NODES[:9]},
         ["too-many-units-for-exact", "too-many-nodes-for-exact"]),
        (CLUSTERED, {"nodes": MORE_NODES[:11]}, []),
        (CLUSTERED, {"nodes": MORE_NODES[:12]}, ["too-many-clusters"]),
        (CLUSTERED | {"clusters": CLUSTERS | {"trunk_nodes": ["N1", "N99", "N98"]}}, {},
         ["trunk-node-unknown"] * 2),
        (LEVELS, {"unit_nodes": ["N0"] * 16}, []),
        (LEVELS, {"unit_nodes": ["N0"] * 17}, ["too-many-beside-for-levels"]),
        (LEVELS, {"nodes": MORE_NODES[:12]}, []),
        (LEVELS, {"nodes": MORE_NODES[:19]}, ["too-many-choices-for-levels"] * 20),
        (LEVELS, {"nodes": MORE_NODES[:20]}, ["too-many-beside-for-levels"]),
        (SAMPLED, {"unit_nodes": ["N0"] * 40, "nodes": MORE_NODES[:40]}, []),
    ],
)  # fmt: skip
def test_a_method_fits_the_market(method, changes, expected):
    law = wide_law(method, **changes)
    findings = check_law(law)
    assert [finding.code for finding in findings] == expected
    assert all(finding.value and finding.limit and finding.remedy for finding in findings)
    if method == LEVELS:
        assert is_planned(law) == (not expected)


def is_planned(law) -> bool:
    """Whether the levels method itself takes the grid and its units."""
    grid = compile_grid(law.grid_model)
    units = [grid.nodes.index(unit.node) for one in law.registrations for unit in one.units]
    try:
        levels_plan(tree_of_layers(grid), np.array(units))
    except ValueError:
        return False
    return True


def test_the_limits_are_those_of_the_engine():
    assert methods.MOST_UNITS_EXACT == MAXIMUM_UNITS
    assert methods.MOST_NODES_EXACT == MAXIMUM_NODES
    assert methods.MOST_CLUSTERS == MAXIMUM_CLUSTERS
    assert (methods.MOST_BESIDE, methods.MOST_CHOICES) == (MAXIMUM_BESIDE, MAXIMUM_USES)


def test_a_sound_law_has_no_findings():
    assert check_law(in_force({})) == ()


def test_fair_play_takes_grids_on_which_flows_are_found_in_time():
    rules = body(POLICY)["fair_play"]
    assert check_law(wide_law(SAMPLED, nodes=MORE_NODES[:188], fair_play=rules)) == ()
    (finding,) = check_law(wide_law(SAMPLED, nodes=MORE_NODES[:189], fair_play=rules))
    assert finding.code == "too-many-nodes-for-fair-play"
    assert (finding.place, finding.value) == (f"{POLICY}: fair_play", "201 nodes")
    assert finding.limit == "Fair Play takes grids of at most 200 nodes"


def test_over_take_is_not_charged_at_a_negative_cap():
    rules = body(RULES)
    rules.update(price_cap_micro_per_mwh=-1)
    findings = check_law(in_force({RULES: made(rules)}))
    assert [finding.code for finding in findings] == ["over-take-price-negative"]
