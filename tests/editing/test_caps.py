"""A price cap in one place: the points that stand at it, and whether they follow."""

import copy

from portal.editing.caps import CAP, cap_note, moves_with_cap, with_points_at_cap
from rulebook.checks import check_document
from tests.rulebook.law import RULES, body, made

POUND = 1_000_000


def last_prices(values):
    return [layer["curve"][-1]["price_micro_per_mwh"] for layer in values["layers"]]


def body_without_sell_curves():
    """Return market rules whose net export is paid by the curve of energy taken."""
    values = body(RULES)
    for layer in values["layers"]:
        layer["sell_curve"] = []
    return values


def test_the_points_at_the_cap_move_with_it_and_the_law_is_sound():
    before = body(RULES)
    after = with_points_at_cap(before, before | {CAP: 3_000 * POUND}, before)
    assert last_prices(after) == [3_000 * POUND] * 5
    assert check_document(made(after), RULES) == ()
    apart = copy.deepcopy(before)
    for values in (after, apart):
        for layer in values["layers"]:
            del layer["curve"][-1], layer["sell_curve"][-1]
    assert after["layers"] == apart["layers"], "no other point moved"


def test_without_them_publication_finds_each():
    values = body(RULES) | {CAP: 3_000 * POUND}
    findings = check_document(made(values), RULES)
    assert [finding.code for finding in findings] == ["curve-price-outside-bounds"] * 10


def test_points_elsewhere_stay():
    before = body_without_sell_curves()
    before["layers"][0]["curve"][-1]["price_micro_per_mwh"] = 5_999 * POUND
    before["layers"][1]["sell_curve"] = copy.deepcopy(before["layers"][1]["curve"])
    assert cap_note(before, None).points == (
        "region at 150\N{NO-BREAK SPACE}%",
        "region (sell curve) at 150\N{NO-BREAK SPACE}%",
        *(f"{name} at 150\N{NO-BREAK SPACE}%" for name in ("zone", "cluster", "node")),
    )
    after = with_points_at_cap(before, before | {CAP: 7_000 * POUND}, None)
    assert last_prices(after) == [5_999 * POUND] + [7_000 * POUND] * 4
    assert after["layers"][1]["sell_curve"][-1]["price_micro_per_mwh"] == 7_000 * POUND


def test_a_cap_that_is_no_number_yet_moves_nothing_and_forgets_nothing():
    base = body_without_sell_curves()
    typo = with_points_at_cap(base, base | {CAP: "3ooo"}, base)
    assert last_prices(typo) == last_prices(base)
    assert len(cap_note(typo, base).points) == 5
    put_right = with_points_at_cap(typo, typo | {CAP: 3_000 * POUND}, base)
    assert last_prices(put_right) == [3_000 * POUND] * 5


def test_points_at_the_last_cap_of_the_copy_follow_over_what_is_no_number():
    base = body_without_sell_curves()
    first = with_points_at_cap(base, base | {CAP: 2_500 * POUND}, base)
    typo = with_points_at_cap(first, first | {CAP: "2ooo"}, base)
    assert last_prices(typo) == [2_500 * POUND] * 5 and len(cap_note(typo, base).points) == 5
    put_right = with_points_at_cap(typo, typo | {CAP: 3_500 * POUND}, base)
    assert last_prices(put_right) == [3_500 * POUND] * 5
    apart = copy.deepcopy(base) | {CAP: 9_000 * POUND}  # law whose curves never reached its cap
    typo = apart | {CAP: None}
    assert with_points_at_cap(typo, typo | {CAP: 8_000 * POUND}, apart)["layers"] == base["layers"]


def test_a_cap_above_every_point_is_said_to_never_bind():
    base = body(RULES)
    assert cap_note(base, base).highest == ""
    assert cap_note(base | {CAP: 7_000 * POUND}, base).highest == "6000"
    assert cap_note(base | {CAP: 5_999 * POUND}, base).highest == "", "that is refused"
    assert cap_note(base | {CAP: "soon"}, base).highest == ""


HARDLY_BEGUN = [
    {},
    {CAP: 5},
    {CAP: 5, "layers": None},
    {CAP: 5, "layers": [None, {}, 7]},
    {CAP: 5, "layers": [{"curve": [{}, None, {"price_micro_per_mwh": True}]}]},
]


def test_a_draft_that_is_hardly_begun_has_no_points():
    for values in HARDLY_BEGUN:
        assert cap_note(values, None).points == ()
        assert with_points_at_cap(values, values | {CAP: 6}, None) == values | {CAP: 6}
    nameless = {CAP: 5, "layers": [{"curve": [{"price_micro_per_mwh": 5}]}]}
    assert cap_note(nameless, None).points == ("layer 1",)


def test_other_documents_have_no_cap():
    assert moves_with_cap("market-rules") and not moves_with_cap("grid-model")
