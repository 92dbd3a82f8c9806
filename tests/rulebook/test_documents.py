"""Every field is described, and a refusal names place, value, limit and remedy."""

import json

import pytest
from pydantic import BaseModel

from rulebook.digest import document_body, document_digest
from rulebook.documents import KINDS
from rulebook.documents.paths import has_field
from rulebook.reading import document_of, read_document
from rulebook.yaml_text import write_yaml
from tests.rulebook.law import HIGHLAND, POLICY, RULES, body, made, scenario

UNIT_SUFFIXES = (
    "_ppm",
    "_w",
    "_wh",
    "_micro",
    "_per_mwh",
    "_per_kwh",
    "_per_h",
    "_minutes",
    "_days",
    "_m",
)


def models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for name in model.model_fields:
        from rulebook.documents.paths import model_within

        inner = model_within(model, [name])
        if inner is not None:
            found |= models_of(inner)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_title_description_and_unit(kind):
    for model in models_of(KINDS[kind]):
        for name, field in model.model_fields.items():
            assert field.title, f"{model.__name__}.{name}"
            assert field.description, f"{model.__name__}.{name}"
            if name.endswith(UNIT_SUFFIXES):
                assert field.json_schema_extra["unit"], f"{model.__name__}.{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_json_schema_can_be_made(kind):
    schema = json.dumps(KINDS[kind].model_json_schema())
    assert '"unit"' in schema


def test_every_integer_is_bounded():
    for kind in KINDS.values():
        for model in models_of(kind):
            schema = model.model_json_schema()["properties"]
            for name, field in schema.items():
                for choice in field.get("anyOf", [field]):
                    if choice.get("type") == "integer":
                        assert {"minimum", "maximum"} <= choice.keys(), f"{model.__name__}.{name}"


def set_at(values, path, value):
    *outer, last = path
    for step in outer:
        values = values[step]
    values[last] = value


@pytest.mark.parametrize(
    ("instrument", "path", "value", "code", "place"),
    [
        (RULES, ("interval_minutes",), "30", "not-an-integer", "interval_minutes"),
        (RULES, ("interval_minutes",), 30.0, "not-an-integer", "interval_minutes"),
        (RULES, ("interval_minutes",), True, "not-an-integer", "interval_minutes"),
        (RULES, ("interval_minutes",), float("nan"), "not-an-integer", "interval_minutes"),
        (RULES, ("interval_minutes",), 0, "too-small", "interval_minutes"),
        (RULES, ("interval_minutes",), 61, "too-large", "interval_minutes"),
        (RULES, ("layers", 2, "in_use"), "yes", "not-true-or-false", "layers[2].in_use"),
        (RULES, ("layers", 2, "in_use"), 1, "not-true-or-false", "layers[2].in_use"),
        (RULES, ("layers", 0, "curve"), [], "too-short", "layers[0].curve"),
        (RULES, ("layers", 0, "curve"), "steep", "not-a-list", "layers[0].curve"),
        (RULES, ("layers", 0), 7, "not-a-mapping", "layers[0]"),
        (RULES, ("title",), 7, "not-text", "title"),
        (RULES, ("title",), "", "too-short", "title"),
        (RULES, ("title",), "two\nlines", "not-well-formed", "title"),
        (RULES, ("title",), "ends in space ", "not-well-formed", "title"),
        (RULES, ("title",), "a\x00b", "not-well-formed", "title"),
        (RULES, ("title",), "x" * 2001, "too-long", "title"),
        (RULES, ("market",), "GB 12", "not-well-formed", "market"),
        (RULES, ("publication_date",), "2024-02-30", "not-a-day", "publication_date"),
        (RULES, ("publication_date",), 20240101, "not-a-day", "publication_date"),
        (RULES, ("publication_date",), "2024-01-01T00:00", "not-a-day", "publication_date"),
        (RULES, ("currency",), "PTS", "unknown-value", "currency"),
        (RULES, ("clauses", 0, "anchor"), "mr 1", "not-well-formed", "clauses[0].anchor"),
        (POLICY, ("pots", 0, "pot"), "luck", "unknown-value", "pots[0].pot"),
        (HIGHLAND, ("units", 0, "node"), "N/0", "not-well-formed", "units[0].node"),
        (HIGHLAND, ("units", 0, "capacity_w"), -1, "too-small", "units[0].capacity_w"),
        (HIGHLAND, ("units", 0, "annual_fixed_micro"), 2**53, "too-large", "annual_fixed_micro"),
        (HIGHLAND, ("contacts", 0, "email"), "nobody", "not-well-formed", "contacts[0].email"),
        (HIGHLAND, ("units", 0, "capacity"), 1, "unknown-field", "units[0].capacity"),
        (HIGHLAND, ("kind",), "licence", "unknown-kind", "kind"),
        (HIGHLAND, ("kind",), ["registration"], "unknown-kind", "kind"),
    ],
)
def test_a_bad_value_is_refused(instrument, path, value, code, place):
    values = body(instrument)
    set_at(values, path, value)
    document, findings = document_of(values, "law.yaml")
    assert document is None
    assert [finding.code for finding in findings] == [code]
    (finding,) = findings
    assert finding.place.startswith("law.yaml: ")
    assert finding.place.endswith(place)
    assert finding.value
    assert finding.limit
    assert finding.remedy
    assert "\n" not in str(finding)


def test_a_missing_field_names_itself_and_its_unit():
    values = body(HIGHLAND)
    del values["units"][1]["capacity_w"]
    _, (finding,) = document_of(values, "law.yaml")
    assert finding.code == "missing-field"
    assert finding.place == "law.yaml: units[1].capacity_w"
    assert "in W" in finding.limit


def test_an_unknown_field_is_told_the_nearest_name():
    values = body(HIGHLAND)
    values["units"][0]["offer_micro_per_mw"] = 1
    _, (finding,) = document_of(values, "law.yaml")
    assert finding.remedy == "write `offer_micro_per_mwh`"


def test_all_findings_are_reported_at_once():
    values = body(RULES)
    values["interval_minutes"] = "30"
    values["surprise"] = 1
    values["layers"][0]["curve"][0]["tightness_ppm"] = -1
    del values["tax"]
    _, findings = document_of(values, "law.yaml")
    assert {finding.code for finding in findings} == {
        "not-an-integer",
        "unknown-field",
        "too-small",
        "missing-field",
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("  \n", "empty-file"),
        ("# a comment only\n", "not-a-document"),
        ("- a\n- b\n", "not-a-document"),
        ("just words\n", "not-a-document"),
        ("kind: [\n", "not-yaml"),
        ("title: x\n", "unknown-kind"),
    ],
)
def test_text_that_is_no_document_is_refused(text, code):
    document, findings = read_document(text, "law.yaml")
    assert document is None
    assert [finding.code for finding in findings] == [code]


def test_documents_do_not_change():
    with pytest.raises(Exception, match="frozen"):
        scenario()[RULES].title = "Other rules"


def test_clauses_are_found_by_the_field_that_they_govern():
    rules = scenario()[RULES]
    assert rules.clauses_governing("price_cap_micro_per_mwh") == ("MR-2.3",)
    assert rules.clauses_governing("no_such_field") == ()


@pytest.mark.parametrize(
    ("path", "exists"),
    [("layers.curve", True), ("layers", True), ("layers.curve.price", False), ("title.x", False)],
)
def test_field_paths(path, exists):
    assert has_field(KINDS["market-rules"], path) is exists


def test_every_document_reads_back_what_it_writes():
    for document in scenario().values():
        text = write_yaml(document)
        again, findings = read_document(text, "again.yaml")
        assert findings == ()
        assert again == document
        assert write_yaml(again) == text


TERMS = "gb12/settlement-terms"
WRITINGS = [
    "GB50 TSBX 0012 3412 3456 78",
    "gb50tsbx00123412345678",
    "GB50-TSBX-0012-3412-3456-78",
    "GB50\u00a0TSBX\u00a000123412345678",
    "IBAN GB50TSBX00123412345678",
]


@pytest.mark.parametrize("written", WRITINGS)
def test_an_account_is_stored_in_one_form_however_it_was_written(written):
    values = body(TERMS)
    values["operator"]["iban"] = written
    read = made(values)
    assert document_digest(read) == document_digest(scenario()[TERMS])


def test_a_field_that_came_later_is_written_only_where_it_is_stated():
    values = body(TERMS)
    assert "national_account" not in document_body(made(values))["operator"]
    national = {"sort_code": "00-12-34", "account_number": "1234 5678"}
    values["operator"] |= {"iban": None, "national_account": national}
    operator = document_body(made(values))["operator"]
    assert operator["national_account"] == {"sort_code": "001234", "account_number": "12345678"}
    read, findings = read_document(write_yaml(made(values)), "law.yaml")
    assert findings == ()
    assert read.operator.account_names == ("00123412345678",)
