"""Forms of documents: every field has one, and a form that nobody touched changes nothing."""

import copy
import datetime as dt
import json
from functools import cache
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.quantities import MINUS
from portal.editing.bodies import NOTHING, path_of, path_text, value_at, with_value
from portal.editing.fields import (
    NAMED_BY,
    Leaf,
    Part,
    Rows,
    Values,
    blank_document,
    every_leaf,
    fixed_fields,
    spec_at,
    spec_of,
)
from portal.editing.items import MOST_VALUES, ROWS_A_PAGE
from portal.editing.judging import WantedLaw, judge
from portal.editing.measures import Measure, as_typed, measure_of, number_text, read_number
from portal.editing.sheets import (
    every_page,
    page_of_path,
    sheet_of,
    text_of,
    value_of,
)
from portal.editing.typed import differences, do, place_words, with_taken, with_typed
from portal.settings import DATA_UPLOAD_MAX_NUMBER_FIELDS
from rulebook.digest import canonical_bytes, document_body
from rulebook.documents import KINDS, Document
from rulebook.edit_words import edit_lines
from rulebook.folders import read_files
from rulebook.merging import edits_between
from rulebook.reading import document_of
from tests.examples import tried
from tests.rulebook.law import GRID, RULES, SCENARIOS, body

CODE = "GBP"
MARKETS = ["gb12", "gb12-published", "gb12-variants", "rts-gmlc", "two-region"]
WIDGETS = {"text", "words", "number", "day", "flag", "choice"}
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
NO_LAW = WantedLaw((), START.date(), "Europe/London")
BESIDE = 4
"""Fields of a form beside those of the document: token, version, tick of the cap, button."""
LEAVES = [(kind, path, leaf) for kind in KINDS for path, leaf in every_leaf(spec_of(kind))]


@cache
def documents_of(market) -> list[Document]:
    """Every document in a folder of law, variants of one instrument too."""
    placed, findings = read_files([SCENARIOS / market])
    assert placed and findings == []
    return [document for _, document in placed]


def test_no_folder_of_law_is_left_out():
    folders = {path.name for path in SCENARIOS.iterdir() if path.is_dir()}
    no_law = {name for name in folders if name.endswith("-readings")} | {"overlays"}
    assert folders - no_law == set(MARKETS)


def specs(spec):
    """Yield a part of a form and all within it."""
    yield spec
    if isinstance(spec, Part | Rows):
        for field in (spec if isinstance(spec, Part) else spec.row).fields:
            yield from specs(field)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_kind_has_title_help_and_widget(kind):
    for field in specs(spec_of(kind)):
        if field is not spec_of(kind):
            assert field.title and field.help, field.name
        if isinstance(field, Leaf):
            assert field.widget in WIDGETS
            assert bool(field.choices) == (field.widget == "choice"), field.name


@pytest.mark.parametrize(("kind", "path", "leaf"), LEAVES, ids=lambda each: str(each)[:60])
def test_every_number_has_a_measure_in_which_people_type_it(kind, path, leaf):
    measure = measure_of(leaf.unit, CODE, leaf.name)
    assert leaf.unit == "" or measure.label, "a unit stands beside its number"
    assert not leaf.unit or leaf.widget == "number"
    # Whoever reads the help reads the numbers that are typed, and not those of the file.
    assert "_0" not in as_typed(leaf.help, CODE, measure), path


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_holds_every_field_of_the_model(kind):
    fields = {field.name for field in spec_of(kind).fields}
    assert fields | fixed_fields(kind) == set(KINDS[kind].model_fields)
    is_named = "instrument" in vars(KINDS[kind])
    assert is_named == (len(fixed_fields(kind)) == 3), "what names the instrument is fixed"


@pytest.mark.parametrize("kind", KINDS)
def test_no_page_of_a_form_has_more_fields_than_a_request_may(kind):
    def most(field, *, is_document=False) -> int:
        if isinstance(field, Leaf):
            return 1
        if isinstance(field, Values):
            return MOST_VALUES if field.most is None else min(field.most, MOST_VALUES)
        if isinstance(field, Rows):
            is_there = field.row.is_flat and not is_document
            return ROWS_A_PAGE * len(field.row.fields) if is_there else 0
        shown = [each for each in field.fields if not (is_document and isinstance(each, Part))]
        return sum(most(each, is_document=is_document) for each in shown)

    for field in specs(spec_of(kind)):
        if isinstance(field, Part):
            is_document = field is spec_of(kind)
            assert most(field, is_document=is_document) + BESIDE <= DATA_UPLOAD_MAX_NUMBER_FIELDS


def test_a_list_of_values_that_is_longer_than_any_page_stays_whole():
    values = body(RULES)
    values["meter_data"]["accepted_quality"] = ["measured"] * (MOST_VALUES + 7)
    sheet = sheet_of("market-rules", values, ("meter_data",), 1, CODE)
    table = next(item for item in sheet.items if item.name == "meter_data.accepted_quality")
    assert (len(table.rows), table.hidden_count, table.is_full) == (MOST_VALUES, 7, True)
    sent = {control.name: control.text for control in sheet.controls()}
    assert with_typed(values, sheet, sent) == values


def typed_unchanged(kind, values, code=CODE):
    """Return a body after every page of its form was sent as it was shown."""
    before = copy.deepcopy(values)
    for path, page in every_page(kind, values):
        sheet = sheet_of(kind, values, path, page, code)
        sent = {control.name: control.text for control in sheet.controls()}
        assert len(sent) + BESIDE <= DATA_UPLOAD_MAX_NUMBER_FIELDS
        values = with_typed(values, sheet, sent)
    assert values is not before
    return values


@pytest.mark.parametrize("market", MARKETS)
def test_a_form_sent_as_it_was_shown_gives_the_same_bytes(market):
    for document in documents_of(market):
        values = document_body(document)
        after = typed_unchanged(document.kind, values)
        assert canonical_bytes(after) == canonical_bytes(document_body(document))


@pytest.mark.parametrize("market", MARKETS)
def test_what_every_control_shows_is_read_as_the_value_that_it_shows(market):
    """Nothing rests on a field that was left alone: each text by itself gives its value again."""
    for document in documents_of(market):
        values = document_body(document)
        for path, page in every_page(document.kind, values):
            for control in sheet_of(document.kind, values, path, page, CODE).controls():
                held = value_at(values, control.path)
                if held not in (None, NOTHING):
                    assert value_of(control.leaf, control.text, control.measure) == held


@pytest.mark.parametrize("market", MARKETS)
def test_every_field_stands_on_one_page_and_is_found_there(market):
    for document in documents_of(market):
        values, seen = document_body(document), set()
        for path, page in every_page(document.kind, values):
            for control in sheet_of(document.kind, values, path, page, CODE).controls():
                assert page_of_path(document.kind, values, control.path) == (path, page)
                assert control.path not in seen
                seen.add(control.path)
        fixed = fixed_fields(document.kind)
        assert {path for path in plain_paths(values) if path[0] not in fixed} <= seen


def plain_paths(values, path=()):
    """Yield the path to every plain value of a body that is not empty."""
    if isinstance(values, dict | list):
        members = values.items() if isinstance(values, dict) else enumerate(values)
        for step, member in members:
            yield from plain_paths(member, (*path, step))
    elif values is not None:
        yield path


@given(value=st.integers(-(10**17), 10**17), digits=st.sampled_from([0, 3, 4, 6]))
def test_a_number_is_typed_and_read_exactly(value, digits):
    text = number_text(value, digits)
    assert read_number(text, digits) == value
    assert read_number(text.replace("-", MINUS), digits) == value
    whole, _, decimals = text.lstrip("-").partition(".")
    grouped = f"{'-' if value < 0 else ''}{int(whole):,}" + (f".{decimals}" if decimals else "")
    assert read_number(grouped, digits) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "1,5", "1,00", "12,34,567", "1.", ".5", "1e3", "+1", "--1", "0x10", "١٢", "£5", "1 0",
     "1.0000001", "6,000.5.1", "nan", "9" * 41, "1_000"],
)  # fmt: skip
def test_what_is_no_number_or_does_not_fit_is_not_read(text):
    assert read_number(text, 6) is None


def test_decimals_that_say_nothing_are_no_hindrance():
    assert read_number("1.5000000000", 1) == 15
    assert read_number("7.000", 0) == 7
    assert read_number("7.1", 0) is None


def test_findings_are_told_in_the_measures_of_the_form():
    price = measure_of("micro per MWh", CODE)
    assert as_typed("found 6_000_000_000 micro per MWh", CODE) == "found 6000 £/MWh"
    within = "between the floor of 0 and the cap of 3_000_000_000"
    assert as_typed(within, CODE, price) == "between the floor of 0 and the cap of 3000 £/MWh"
    assert as_typed("at most 100_000 entries", CODE, Measure("", 0)) == "at most 100_000 entries"


def test_a_text_that_is_no_number_stays_and_is_shown_again():
    values = body(RULES)
    sheet = sheet_of("market-rules", values, (), 1, CODE)
    after = with_typed(values, sheet, {"price_cap_micro_per_mwh": " six thousand "})
    assert after["price_cap_micro_per_mwh"] == "six thousand"
    shown = sheet_of("market-rules", after, (), 1, CODE)
    (cap,) = (c for c in shown.controls() if c.name == "price_cap_micro_per_mwh")
    assert cap.text == "six thousand"
    assert values == body(RULES), "what was there before stays as it was"


def test_a_field_that_is_emptied_is_none_or_needed_and_never_a_default():
    values = body("gb12/allocation-policy")
    for path, page in every_page("allocation-policy", values):
        for control in sheet_of("allocation-policy", values, path, page, CODE).controls():
            if value_at(values, control.path) is None or isinstance(control.path[-1], int):
                continue
            sheet = sheet_of("allocation-policy", values, path, page, CODE)
            after = with_typed(values, sheet, {control.name: ""})
            document, findings = document_of(after, "law")
            if control.leaf.is_optional:
                assert document is not None
                # A field that came after the first laws is left out of a body where it is empty.
                assert value_at(document_body(document), control.path) in (None, NOTHING)
            else:
                assert [finding.place for finding in findings], control.name


def test_breaks_of_a_wide_field_are_blanks():
    values = body(RULES)
    path = ("clauses", 0)
    sheet = sheet_of("market-rules", values, path, 1, CODE)
    after = with_typed(values, sheet, {"clauses.0.text": " One\r\nline.\n"})
    assert after["clauses"][0]["text"] == "One line."


def test_rows_are_added_removed_and_moved():
    values = body(RULES)
    more, path = do("market-rules", values, "add layers.1.curve")
    assert path == ("layers", 1, "curve", 6) and more["layers"][1]["curve"][6] == {}
    moved, path = do("market-rules", values, "down layers.1.curve.0")
    assert path == ("layers", 1, "curve")
    curve = values["layers"][1]["curve"]
    assert moved["layers"][1]["curve"][:2] == [curve[1], curve[0]]
    back, _ = do("market-rules", moved, "up layers.1.curve.1")
    assert back == values
    fewer, _ = do("market-rules", values, "remove layers.1.curve.5")
    assert fewer["layers"][1]["curve"] == curve[:-1]
    assert fewer["layers"][0] == values["layers"][0]
    same, _ = do("market-rules", values, "up layers.0")
    assert same == values, "the first has none before it"


def test_optional_parts_are_stated_and_left_out():
    values = body(GRID)
    stated, path = do("grid-model", values | {"energy_accounts": None}, "state energy_accounts")
    assert path == ("energy_accounts",)
    assert stated["energy_accounts"] == {"losses": []}
    gone, _ = do("grid-model", stated, "leave-out energy_accounts")
    assert gone["energy_accounts"] is None


@pytest.mark.parametrize(
    "action",
    ["", "add", "add tax", "add nothing", "remove layers", "remove layers.9", "remove layers.-1",
     "up layers.99", "state tax", "leave-out tax", "state layers", "erase layers.0", "add layers.x",
     "leave-out sell_curve", "remove 0", "add clauses.0.fields.0"],
)  # fmt: skip
def test_a_button_that_is_not_there_does_nothing(action):
    with pytest.raises(LookupError):
        do("market-rules", body(RULES), action)


def test_a_list_takes_no_more_than_it_may_hold():
    values = body(RULES)
    for number in count(len(values["settlement_calendar"])):
        if number == 20:
            break
        values, _ = do("market-rules", values, "add settlement_calendar")
    with pytest.raises(LookupError, match="no room"):
        do("market-rules", values, "add settlement_calendar")
    table = sheet_of("market-rules", values, ("settlement_calendar",), 1, CODE).items[0]
    assert table.is_full


def test_a_long_list_stands_on_pages_that_hold_each_row_once():
    values = body(GRID)
    values["nodes"] = [{"node": f"N{n}", "title": f"Node {n}"} for n in range(3 * ROWS_A_PAGE + 2)]
    shown = []
    for page in range(1, 5):
        table = sheet_of("grid-model", values, ("nodes",), page, CODE).items[0]
        assert (table.page_count, table.page_number) == (4, page)
        shown += [row.controls[0].text for row in table.rows]
    assert shown == [f"N{n}" for n in range(3 * ROWS_A_PAGE + 2)]
    assert sheet_of("grid-model", values, ("nodes",), 99, CODE).items[0].page_number == 4
    assert page_of_path("grid-model", values, ("nodes", 50, "node")) == (("nodes",), 3)


@pytest.mark.parametrize("part", ["", "layers", "layers.0", "tax", "products.1", "clauses.2"])
def test_a_part_has_an_address(part):
    assert sheet_of("market-rules", body(RULES), path_of(part), 1, CODE)


@pytest.mark.parametrize(
    "part",
    ["title", "layers.9", "layers.x", "tax.note", "layers.0.curve.0", "kind", "nothing", "0",
     "layers.0.curve.0.price_micro_per_mwh", "meter_data.accepted_quality", "layers..0", "."],
)  # fmt: skip
def test_what_is_no_part_has_none(part):
    assert sheet_of("market-rules", body(RULES), path_of(part), 1, CODE) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_is_begun_from_an_empty_form_that_says_all_that_it_needs(kind):
    begun = blank_document(kind, "gb12", "newcomer")
    document, findings = document_of(begun, kind)
    assert document is None
    assert {finding.code for finding in findings} <= {"missing-field", "too-short"}
    for path, page in every_page(kind, begun):
        sheet = sheet_of(kind, begun, path, page, CODE)
        for control in sheet.controls():
            # What is filled in for a start is what the model would take, and is seen.
            if control.text:
                assert control.leaf.default == value_at(begun, control.path)


def test_two_editors_differ_field_by_field_and_either_is_taken():
    stored = body(RULES) | {"title": "Rules as the other has them"}
    sent = {"title": "Rules as I have them", "price_cap_micro_per_mwh": "3000", "market": "x",
            "interval_minutes": "30", "layers.7.layer": "x", "products.0.title": "B"}  # fmt: skip
    found = {each.name: each for each in differences("market-rules", stored, sent, CODE)}
    assert set(found) == {
        "title", "price_cap_micro_per_mwh", "layers.7.layer", "products.0.title",
    }  # fmt: skip
    assert found["title"].yours == "Rules as I have them"
    assert found["title"].stored == "Rules as the other has them"
    assert found["price_cap_micro_per_mwh"].stored == "6000"
    assert not found["layers.7.layer"].can_be_taken
    taken = {name: sent[name] for name in ("price_cap_micro_per_mwh", "layers.7.layer", "market")}
    after = with_taken("market-rules", stored, taken, CODE)
    assert after == stored | {"price_cap_micro_per_mwh": 3_000_000_000}


@given(st.data())
def test_any_value_of_any_number_comes_back(data):
    kind, path, leaf = data.draw(st.sampled_from([each for each in LEAVES if each[2].unit]))
    held = data.draw(st.integers(-(2**53) + 1, 2**53 - 1))
    measure = measure_of(leaf.unit, CODE, leaf.name)
    assert value_of(leaf, text_of(leaf, held, measure), measure) == held
    assert spec_at(kind, path) is None or spec_of(kind)


def test_a_path_is_written_and_read():
    assert path_of(path_text(("layers", 0, "curve"))) == ("layers", 0, "curve")
    with pytest.raises(LookupError):
        with_value({"a": 1}, ("b", "c"), 2)
    assert json.dumps(with_value({"a": [1, 2]}, ("a", 1), 3)) == '{"a": [1, 3]}'


ODD = st.none() | st.integers() | st.booleans() | st.text(max_size=5) | st.just(["x"])


def bodies_of(spec):
    """Draw what may stand in a field of a working copy: values of its kind, odd ones and none."""
    if isinstance(spec, Leaf):
        of_kind = {
            "number": st.integers(-(2**53), 2**53),
            "flag": st.booleans(),
            "choice": st.sampled_from(spec.choices or ("x",)),
            "day": st.dates().map(str),
        }
        return of_kind.get(spec.widget, st.text("ab ä'\"<&\n", max_size=8)) | ODD
    if isinstance(spec, Values):
        return st.lists(bodies_of(spec.value), max_size=3)
    if isinstance(spec, Rows):
        return st.lists(bodies_of(spec.row), max_size=3) | st.none()
    fields = {field.name: bodies_of(field) for field in spec.fields}
    part = st.fixed_dictionaries({}, optional=fields)
    return part | st.none() if spec.is_optional else part


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=tried(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_copy_holds_its_forms_are_shown_and_change_nothing_unasked(kind, data):
    values = data.draw(bodies_of(spec_of(kind))) | {"kind": kind, "market": "gb12"}
    assert typed_unchanged(kind, values) == values
    name = f"gb12/{kind}" + ("/x" if kind in NAMED_BY else "")
    base = next(document_body(d) for d in documents_of("gb12") if d.kind == kind)
    for each in judge("gb12", {name: values}, {name: base}, START, NO_LAW, CODE):
        page_of_path(kind, values, each.path)
        assert place_words(kind, each.path) or not each.path
    edits = list(edits_between(base, values))
    if document_of(values, kind)[0] is not None:
        assert all(edit_lines({name: edits}, CODE))
