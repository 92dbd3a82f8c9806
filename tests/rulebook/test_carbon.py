"""Carbon intensity of a unit: law that need not be stated, and moves no digest where it is not."""

import pytest

from rulebook.checks.document import check_document
from rulebook.clause_units import unit_at
from rulebook.digest import document_body, document_digest
from rulebook.reading import document_of
from tests.rulebook.law import HIGHLAND, body, made, scenario


def stated(grams):
    """Return the registration with the carbon intensity of its first unit, as it is written."""
    written = body(HIGHLAND)
    written["units"][0] |= {"carbon_g_per_kwh": grams}
    return written


def not_stated():
    """Return the registration without it, as it was written before there was such a field."""
    written = body(HIGHLAND)
    written["units"][0].pop("carbon_g_per_kwh", None)
    return written


def test_what_is_not_stated_leaves_the_digest_as_it_was():
    registration = made(not_stated())
    assert "carbon_g_per_kwh" not in document_body(registration)["units"][0]
    assert document_digest(made(stated(None))) == document_digest(registration)
    assert document_digest(made(stated(0))) != document_digest(registration)
    assert document_body(made(stated(490)))["units"][0]["carbon_g_per_kwh"] == 490


@pytest.mark.parametrize("grams", [-1, 10_001, 1.5, "490"])
def test_an_intensity_that_is_none_is_refused(grams):
    document, findings = document_of(stated(grams), "x.yaml")
    assert document is None
    assert [finding.place for finding in findings] == ["x.yaml: units[0].carbon_g_per_kwh"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It emits 490 g/kWh.", "490 g/kWh"),
        ("It emits 490 grams per kilowatt hour.", "490 grams per kilowatt hour"),
        ("It emits 490 kg per MWh.", "490 kg per MWh"),
        ("It emits 0.49 tonnes per megawatt hour.", "0.49 tonnes per megawatt hour"),
        ("It emits 490 pounds, 490 MWh and 11 g/kWh.", None),
    ],
)
def test_a_clause_does_not_repeat_it(text, number):
    values = stated(490)
    values["clauses"] = [
        values["clauses"][0] | {"text": text, "fields": ["units.carbon_g_per_kwh"]}
    ]
    findings = [each for each in check_document(made(values), "test") if "number" in each.code]
    assert [each.value for each in findings] == [repr(number)] * (number is not None)
    named = values["clauses"][0] | {"text": "It emits {units.carbon}."}
    assert not check_document(made(values | {"clauses": [named]}), "test")


def test_its_units_are_read_in_one_measure():
    measures = {unit_at(text, 1)[0].measure for text in ("1 g/kWh", "1 kg/MWh", "1 t/MWh")}
    assert measures == {"carbon"}
    assert unit_at("1 t/MWh", 1)[0].factor == 1_000


MEDIANS = {"wind": 11, "nuclear": 12, "gas": 490, "battery": None}
"""Grams a kWh over the life cycle: IPCC AR5 WG III annex III, table A.III.2; it has no battery."""


@pytest.mark.parametrize("name", ["gb12", "gb12-published"])
def test_the_markets_state_the_medians_that_they_cite(name):
    registrations = {
        instrument: document
        for instrument, document in scenario(name).items()
        if document.kind == "registration"
    }
    units = [
        (unit, 12 if instrument.endswith("/eastern-reach-wind") else MEDIANS[unit.technology])
        for instrument, document in registrations.items()
        for unit in document.units
    ]
    assert {unit.technology for unit, _ in units} == set(MEDIANS)
    assert all(unit.carbon_g_per_kwh == grams for unit, grams in units)
