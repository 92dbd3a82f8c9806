"""What a draft changes, in words: every field by its title, in the units of people."""

from rulebook.digest import document_body
from rulebook.edit_words import edit_lines
from rulebook.merging import ABSENT, Edit, edits_between
from tests.settlement.trial_cases import capped, changed
from tests.worlds import tiny_market


def lines_of(before, after):
    edits = list(edits_between(document_body(before), document_body(after)))
    return list(edit_lines({before.instrument: edits}, "GBP"))


def test_a_cap_and_the_curves_that_share_it_are_two_lines():
    rules = tiny_market.market_rules()
    assert lines_of(rules, capped(rules, 150_000_000)) == [
        "market-rules, curve, line 3, price of system, zone, node: "
        "£6,000.00 per\xa0MWh → £150.00 per\xa0MWh",
        "market-rules, price cap: £6,000.00 per\xa0MWh → £150.00 per\xa0MWh",
    ]


def test_shares_flags_words_and_parts_are_written_as_people_read_them():
    policy = tiny_market.allocation_policy()
    pots = [pot.model_dump(mode="json") | {"weight_ppm": 250_000} for pot in policy.pots]
    assert lines_of(policy, changed(policy, pots=pots[:1], title="Another policy")) == [
        "allocation-policy, weight of adequacy: 60\xa0% → 25\xa0%",
        "allocation-policy, pots of location: is left out",
        "allocation-policy, title: Tiny allocation-policy → Another policy",
    ]


def test_a_curve_of_another_length_is_told_whole():
    rules = tiny_market.market_rules()
    body = document_body(rules)
    layers = [layer | {"curve": layer["curve"][1:]} for layer in body["layers"]]
    (line,) = lines_of(rules, changed(rules, layers=layers))
    assert line.startswith("market-rules, curve of system, zone, node: tightness 0\xa0%, price £0")
    assert " → tightness 90\xa0%, price £90.00 per\xa0MWh; " in line


def test_what_is_new_left_out_or_in_another_order_says_so():
    edits = {
        "tiny/registration/elm": [Edit("", ABSENT, {})],
        "tiny/market-rules": [
            Edit("products[barn]", ABSENT, {}),
            Edit("products[home]", {}, ABSENT),
            Edit("products (order)", [], []),
        ],
    }
    assert list(edit_lines(edits, "GBP")) == [
        "registration elm, the document: is new",
        "market-rules, products of barn: is new",
        "market-rules, products of home: is left out",
        "market-rules, products: stand in another order",
    ]
