"""The refusal table: what publication would find stands beside its field, whatever the check."""

import copy
import dataclasses
import datetime as dt
import re
from functools import cache

import pytest

from portal.editing.bodies import path_text
from portal.editing.judging import Located, WantedLaw, judge, located, name_beside, read_bodies
from portal.editing.keys import instrument_of, key_of, kind_of
from portal.editing.sheets import page_of_path, sheet_of
from rulebook.days import day_start
from rulebook.digest import document_body
from rulebook.documents import Registration
from rulebook.resolve import RulePeriod, RuleSet
from tests.conftest import ROOT
from tests.rulebook.law import GRID, HIGHLAND, POLICY, RULES, TERMS, body, scenario
from tests.rulebook.test_charge_lists import ALONE as CHARGE_LISTS
from tests.rulebook.test_charge_lists import made as made_list
from tests.rulebook.test_checks import (
    ALONE,
    CLUSTERED,
    CLUSTERS,
    MORE_NODES,
    SAMPLED,
    TOGETHER,
    wide_law,
)

CODE, DAY, ZONE = "GBP", dt.date(2024, 1, 1), "Europe/London"
START = day_start(DAY, ZONE)
CHARGES = "gb12/charge-list/isles-networks"
CODE_IN_SOURCE = re.compile(r'(?:Finding\(\s*|repeated\([^"]*"[^"]*", )"([a-z]+(?:-[a-z]+)+)"')


@cache
def law() -> WantedLaw:
    """The law of the twelve-node market, from a day on."""
    rules = RuleSet(
        "gb12",
        DAY,
        (),
        scenario()[RULES],
        scenario()[GRID],
        scenario()[POLICY],
        tuple(d for d in scenario().values() if isinstance(d, Registration)),
        (scenario()[CHARGES],),
        scenario()[TERMS],
    )
    return WantedLaw((RulePeriod(DAY, DAY, rules),), DAY, ZONE)


def judged(**bodies) -> list[Located]:
    """Return what is found about documents that were drawn from the law, by key."""
    named = {instrument_of("gb12", key.replace("__", ".")): each for key, each in bodies.items()}
    return judge_bodies(named)


def judge_bodies(bodies) -> list[Located]:
    base = {name: body(name) for name in bodies if name in scenario()}
    return judge("gb12", bodies, base, START, law(), CODE)


def page_and_name(instrument, values, found: Located):
    """Return the page that a finding leads to, and what it stands beside there."""
    path, page = page_of_path(kind_of(instrument), values, found.path)
    sheet = sheet_of(kind_of(instrument), values, path, page, CODE)
    assert sheet is not None, (found.finding, path)
    return path, name_beside(sheet.names(), found.path)


@pytest.mark.parametrize(("instrument", "bend", "expected"), [*ALONE, *TOGETHER])
def test_each_finding_of_publication_stands_beside_its_field(instrument, bend, expected):
    values = body(instrument)
    bend(values)
    found = judge_bodies({instrument: values})
    codes = [each.finding.code for each in found]
    assert set(expected) <= set(codes) and bool(expected) == bool(codes)
    for each in found:
        if each.document != key_of(instrument):
            # It fell due elsewhere: in law that the copy leaves as it is, which is named.
            assert each.document == "" and each.finding.place.startswith("gb12/")
            continue
        path, name = page_and_name(instrument, values, each)
        assert each.path, each.finding
        assert name, f"{each.finding.place} stands beside nothing on page {path}"
        assert name == path_text(each.path) or path_text(each.path).startswith(f"{name}.")
        assert each.finding.limit and each.finding.remedy


def clause(text, *fields):
    return lambda v: v["clauses"].append({"anchor": "MR-99", "text": text, "fields": list(fields)})


def sell_curve(*knots):
    return lambda v: v["layers"][2].update(
        sell_curve=[{"tightness_ppm": at, "price_micro_per_mwh": price} for at, price in knots]
    )


def energy_accounts(layer, *areas):
    losses = [{"area": area, "loss_ppm": 1, "of": "demand"} for area in areas]
    return lambda v: v.update(energy_accounts={"layer": layer, "losses": losses})


def a_charge(**changes):
    return lambda v: v["tariffs"][0].update(changes)


def a_link(**changes):
    def bend(values):
        link = {"charge": values["tariffs"][0]["code"], "from_day": "2024-01-01"}
        values["links"].append(link | changes)

    return bend


def with_a_gap(values):
    """Take the price of a linked charge away for a month: the law of no one day shows it."""
    (price,) = values["tariffs"][0]["prices"][:1]
    values["tariffs"][0]["prices"] = [
        price | {"from_day": "2000-01-01", "to_day": "2024-02-01"},
        price | {"from_day": "2024-03-01", "to_day": None},
    ]


def nodes(count):
    def bend(values):
        values["nodes"] += [{"node": f"X{n}", "title": f"Node {n}"} for n in range(count)]

    return bend


HIEROGLYPH, UNSEEN, CYRILLIC_A = "\U00013000", "\u200b", "\u0430"
MORE = [
    (RULES, lambda v: v.update(currency="KWD"), "currency-not-billable", "currency"),
    (RULES, lambda v: v.update(title=f"Rules{UNSEEN}"), "unseen-character", "title"),
    (RULES, lambda v: v.update(title=HIEROGLYPH), "unprintable-character", "title"),
    (RULES, clause("A {brace alone"), "clause-brace-alone", "clauses.19.text"),
    (RULES, clause("The {moon} is {price_cap}"), "clause-unknown-name", "clauses.19.text"),
    (RULES, clause("No price is above £6,000.", "price_cap_micro_per_mwh"),
     "clause-repeats-number", "clauses.19.text"),
    (RULES, clause(f"The c{CYRILLIC_A}p."), "clause-mixed-scripts", "clauses.19.text"),
    (RULES, clause(f"The{UNSEEN} cap."), "clause-unseen-character", "clauses.19.text"),
    (RULES, clause("The cap.", "no_such_field"), "clause-unknown-field", "clauses.19.fields.0"),
    (RULES, sell_curve((0, 0)), "curve-too-short", "layers.2.sell_curve"),
    (RULES, sell_curve((0, 0), (100_000, 10**9)), "sell-above-buy", "layers.2.sell_curve"),
    (RULES, lambda v: v.update(price_cap_micro_per_mwh=-1), "over-take-price-negative",
     "price_cap_micro_per_mwh"),
    (RULES, lambda v: v.update(time_zone="Europe/Paris"), "time-zone-changed", "time_zone"),
    (GRID, energy_accounts("moon"), "too-short", "energy_accounts.losses"),
    (GRID, energy_accounts("moon", "scotland"), "energy-unknown-layer", "energy_accounts.layer"),
    (GRID, energy_accounts("region", "x"), "area-unknown", "energy_accounts.losses.0.area"),
    (GRID, energy_accounts("zone", "scotland", "scotland"), "area-repeated",
     "energy_accounts.losses.1.area"),
    (GRID, energy_accounts("zone", "scotland"), "area-without-factor", "energy_accounts.losses"),
    (GRID, nodes(9), "too-many-nodes-for-exact", None),
    (GRID, nodes(189), "too-many-nodes-for-fair-play", None),
    (CHARGES, a_charge(paid_on_to="nobody-here"), "charge-paid-on-to-nobody",
     "tariffs.0.paid_on_to"),
    (CHARGES, with_a_gap, "charge-without-price", "links.0"),
    (CHARGES, a_link(supply_point="no-such"), "link-unknown-supply-point",
     "links.{last}.supply_point"),
    (CHARGES, a_link(unit="no-such"), "link-unknown-unit", "links.{last}.unit"),
    (CHARGES, a_link(sub_meter="no-such"), "link-unknown-sub-meter", "links.{last}.sub_meter"),
    (RULES, lambda v: v.update(price_cap_micro_per_mwh="six"), "not-a-number",
     "price_cap_micro_per_mwh"),
    (RULES, lambda v: v.update(price_cap_micro_per_mwh=10**15), "too-large",
     "price_cap_micro_per_mwh"),
    (RULES, lambda v: v["tax"].pop("note"), "missing-field", "tax.note"),
    (RULES, lambda v: v["layers"][0]["curve"].append({}), "missing-field",
     "layers.0.curve.6.tightness_ppm"),
    (RULES, lambda v: v.update(publication_date="soon"), "not-a-day", "publication_date"),
    (RULES, lambda v: v["layers"][0].update(in_use="perhaps"), "not-true-or-false",
     "layers.0.in_use"),
]  # fmt: skip


@pytest.mark.parametrize(("instrument", "bend", "code", "name"), MORE)
def test_further_findings_stand_beside_their_fields(instrument, bend, code, name):
    values = body(instrument)
    bend(values)
    found = [each for each in judge_bodies({instrument: values}) if each.finding.code == code]
    assert found
    if name is None:  # what is bent is one document, and what is wrong another
        assert {each.document for each in found} == {""}
        return
    name = name.format(last=len(values.get("links", ())) - 1)
    beside = [page_and_name(instrument, values, each)[1] for each in found]
    assert name in beside, beside


def test_an_owner_who_is_not_registered_is_named_on_the_page_of_the_list():
    name = "gb12/charge-list/newcomer"
    found = judge_bodies({name: body(CHARGES) | {"owner": "newcomer"}})
    (each,) = (each for each in found if each.finding.code == "charge-owner-not-registered")
    assert (each.document, each.path) == ("charge-list.newcomer", ("owner",))
    # No form changes by whom a document is named, so it stands at the head of its page.
    assert page_and_name(name, body(CHARGES), each) == ((), "")


WIDE = [
    ({"method": "exact"}, {"unit_nodes": ["N0"] * 4}, "too-many-units-for-exact"),
    ({"method": "exact"}, {"nodes": MORE_NODES[:9]}, "too-many-nodes-for-exact"),
    ({"method": "levels"}, {"unit_nodes": ["N0"] * 17}, "too-many-beside-for-levels"),
    ({"method": "levels"}, {"nodes": MORE_NODES[:19]}, "too-many-choices-for-levels"),
    (CLUSTERED, {"nodes": MORE_NODES[:12]}, "too-many-clusters"),
    (CLUSTERED | {"clusters": CLUSTERS | {"trunk_nodes": ["N99"]}}, {}, "trunk-node-unknown"),
    (SAMPLED, {"nodes": MORE_NODES[:189], "fair_play": body(POLICY)["fair_play"]},
     "too-many-nodes-for-fair-play"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "changes", "code"), WIDE)
def test_what_is_too_wide_stands_beside_what_asks_for_it(method, changes, code):
    of_law = wide_law(method, **changes)
    highland = next(d for d in of_law.registrations if d.instrument == HIGHLAND)
    bodies = {
        document.instrument: document_body(document)
        for document in (of_law.allocation_policy, of_law.grid_model, highland)
    }
    found = [each for each in judge_bodies(bodies) if each.finding.code == code]
    assert found
    for each in found:
        assert each.document == "allocation-policy"
        _, name = page_and_name(POLICY, bodies[POLICY], each)
        assert name == path_text(each.path) != ""


CLOCKS = [
    ("Australia/Lord_Howe", 60, dt.date(2024, 1, 1), "clock-change-splits-interval",
     "interval_minutes"),
    ("America/St_Johns", 30, dt.date(2010, 8, 1), "clock-change-breaks-day", "time_zone"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "minutes", "day", "code", "name"), CLOCKS)
def test_clocks_that_do_not_fit_stand_beside_zone_or_interval(zone, minutes, day, code, name):
    rules = body(RULES) | {"time_zone": zone, "interval_minutes": minutes}
    wanted = WantedLaw((), day, zone)
    found = judge("gb12", {RULES: rules}, {}, START, wanted, CODE)
    assert (code, name) in [(each.finding.code, path_text(each.path)) for each in found]


@pytest.mark.parametrize("without", [None, body(POLICY)["fair_play"] | {"moves_money": False}])
def test_fair_play_that_ends_within_a_month_stands_beside_itself(without):
    of_law, next_day = law(), dt.timedelta(days=1)
    wanted = dataclasses.replace(of_law, from_day=DAY + next_day, before=of_law.periods)
    policy = body(POLICY) | {"fair_play": without}
    found = judge("gb12", {POLICY: policy}, {}, START, wanted, CODE)
    named = [each for each in found if each.finding.code == "fair-play-before-month-end"]
    assert [(each.document, each.path) for each in named] == [("allocation-policy", ("fair_play",))]
    assert page_and_name(POLICY, policy, named[0])[1] == "fair_play"


def test_flow_through_many_nodes_stands_beside_deliverability():
    grid = body(GRID)
    for number in range(200):
        node = f"X{number}"
        line = grid["lines"][0] | {"line": f"L{number}", "from_node": "N0", "to_node": node}
        holon = {"holon": node, "layer": "node", "parent": "scotland-north", "title": node}
        grid["nodes"].append({"node": node, "title": node})
        grid["lines"].append(line)
        grid["holons"].append(holon)
    bodies = {RULES: body(RULES) | {"deliverability": "max-flow"}, GRID: grid}
    found = {(each.finding.code, each.document, each.path) for each in judge_bodies(bodies)}
    assert ("too-many-nodes-for-max-flow", "market-rules", ("deliverability",)) in found


def test_too_many_words_of_all_clauses_stand_beside_their_list():
    rules = body(RULES)
    more = rules["clauses"][0] | {"text": "a " * 990 + "a"}
    rules["clauses"] += [more | {"anchor": f"MR-9{number}.1"} for number in range(110)]
    found = {(each.finding.code, each.document, each.path) for each in judge_bodies({RULES: rules})}
    assert ("clauses-too-long", "market-rules", ("clauses",)) in found


@pytest.mark.parametrize(("bend", "expected", "path"), CHARGE_LISTS)
def test_findings_of_a_charge_list_stand_beside_its_rows(bend, expected, path):
    values = document_body(made_list(bend))
    name = "tiny/charge-list/elder"
    _, findings = read_bodies({name: values}, CODE)
    assert {finding.code for finding in findings} >= set(expected)
    for finding in findings:
        each = located(finding, {name: values})
        _, beside = page_and_name(name, values, each)
        assert beside, finding.place


def test_the_refusal_table_holds_every_code_of_the_checks():
    """Whoever adds a check adds a row above, or a field of it would have no place in a form."""
    sources = [path.read_text() for path in (ROOT / "rulebook" / "checks").glob("*.py")]
    written = {code for text in sources for code in CODE_IN_SOURCE.findall(text)}
    tried = {code for row in (*ALONE, *TOGETHER) for code in row[2]}
    tried |= {code for row in CHARGE_LISTS for code in row[1]}
    tried |= {row[2] for row in (*MORE, *WIDE)} | {row[3] for row in CLOCKS}
    tried |= {
        "fair-play-before-month-end",
        "charge-owner-not-registered",
        "too-many-nodes-for-max-flow",
        "clauses-too-long",
    }
    assert len(written) > 80
    # Of clocks that split a reading no form is wrong before the market's zone is another.
    assert written - tried == {"resolution-does-not-fit-day"}


def test_a_conflict_with_later_law_stands_beside_the_field_that_both_changed():
    base, mine = body(RULES), body(RULES)
    mine["price_cap_micro_per_mwh"] = 9_000_000_000
    mine["layers"][2]["in_use"] = False
    older = copy.deepcopy(base)
    older["price_cap_micro_per_mwh"] = 8_000_000_000
    older["layers"][2]["curve"][0]["price_micro_per_mwh"] = 1
    older["layers"][2]["in_use"] = True
    mine["layers"][2]["curve"][0]["price_micro_per_mwh"] = 2
    found = judge("gb12", {RULES: mine}, {RULES: older}, START, law(), CODE)
    conflicts = {each.path for each in found if each.finding.code == "amendment-conflict"}
    assert conflicts == {("price_cap_micro_per_mwh",), ("layers", 2, "curve")}


def test_names_within_a_market_are_written_and_read():
    for name in scenario():
        assert instrument_of("gb12", key_of(name)) == name
    for odd in ("", "x", "registration", "registration.", "market-rules.x", "a/b",
                "registration.a/b"):  # fmt: skip
        assert instrument_of("gb12", odd) is None
