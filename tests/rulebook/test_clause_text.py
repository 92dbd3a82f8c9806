"""The text of a clause names fields of its document, and is filled in where people read it."""

import pytest

from rulebook.checks import check_document
from rulebook.clause_text import ValueTable, fill_clause
from rulebook.digest import body_digest, document_body
from rulebook.documents import Document
from rulebook.folders import read_files
from rulebook.yaml_text import write_yaml
from tests.rulebook.law import GRID, HIGHLAND, POLICY, RULES, TERMS, body, made, scenario

CHARGES = "gb12/charge-list/isles-networks"
FILLED = [
    (RULES, "No price is above {price_cap}.", "No price is above £6,000.00 per MWh."),
    (RULES, "{price_cap_micro_per_mwh}", "£6,000.00 per MWh"),
    (RULES, "{products.P2.magnitude} or {products.P2.window}", "10 kW or 480 minutes"),
    (RULES, "{products.NR.magnitude}", "none"),
    (RULES, "{settlement_calendar.SF.lag}", "16 days"),
    (RULES, "{layers.node.in_use}", "yes"),
    (RULES, "{layers.in_use}", "yes"),
    (RULES, "{layers.layer}", "system: system, region: region, zone: zone, "),
    (RULES, "{products.reliability}", "P1: 99.5 %, P2: 98 %, P3: 99.95 %, P4: 99.9 %, NR: 99 %"),
    (RULES, "{meter_data.accepted_quality}", "measured, estimated"),
    (RULES, "{tax}", "(category AE, rate 0 %, note Reverse charge: the buyer accounts for value"),
    (RULES, "{layers.node.curve}", "(tightness 0 %, price £0.00 per MWh; tightness 30 %, price £"),
    (RULES, "{layers.sell_curve}", "(tightness 0 %, price £0.00 per MWh; tightness 30 %, price £"),
    (GRID, "{lines.N0-N1.rating}", "9,000 MW"),
    (GRID, "{lines.N0-N1.voltage} and {lines.N0-N1.length}", "400 kV and 200 km"),
    (POLICY, "{pots.adequacy.weight}", "40 %"),
    (POLICY, "{fair_play.compensation}", "£90.00 per MWh"),
    (TERMS, "{late_payment.annual_rate}", "8 %"),
    (
        TERMS,
        "{payment_term} after issue, on {publication_date}",
        "14 days after issue, on 2 October",
    ),
    (HIGHLAND, "{units.G3.offer}, {units.G3.annual_capital}", "£90.00 per MWh, £680,000,000.00"),
    (CHARGES, "{tariffs.LEVY.prices.price}", "£0.002 per kWh"),
    (CHARGES, "{fees.prices.price}", "£85,000.00 per piece"),
]
UNKNOWN = [
    (RULES, "{price_ceiling}"),
    (RULES, "{layers.village.curve}"),
    (RULES, "{layers.node.curve.node}"),
    (RULES, "{price_cap.more}"),
    (RULES, "{Price_cap}"),
    (RULES, "{price_cap }"),
    (RULES, "{ppm}"),
    (RULES, "{}"),
    (RULES, "{clauses}"),
    (POLICY, "{price_cap}"),
    (CHARGES, "{links.quantity}"),
    (CHARGES, "{links}"),
]


def spaced(text: str) -> str:
    return text.replace("\xa0", " ")


def with_clause(instrument: str, text: str) -> Document:
    values = body(instrument)
    values["clauses"][0]["text"] = text
    return made(values)


def found(document: Document) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in check_document(document, "test")]


@pytest.mark.parametrize(("instrument", "text", "shown"), FILLED)
def test_a_name_is_filled_in_as_people_read_it(instrument, text, shown):
    document = with_clause(instrument, text)
    assert found(document) == []
    assert spaced(str(fill_clause(document, text, "GBP"))).startswith(shown)


@pytest.mark.parametrize(("instrument", "text"), UNKNOWN)
def test_a_name_that_leads_nowhere_is_refused(instrument, text):
    document = with_clause(instrument, text)
    (finding,) = check_document(document, "test")
    assert finding.code == "clause-unknown-name"
    assert finding.place == "test: clauses[0].text"
    assert text in finding.value
    assert document.clauses[0].anchor in finding.limit
    with pytest.raises(ValueError, match="holds nothing"):
        fill_clause(document, text, "GBP")


@pytest.mark.parametrize("text", ["{price_cap", "price_cap}", "{{price_cap}}", "{price{_cap}"])
def test_a_brace_alone_is_refused(text):
    assert ("clause-brace-alone", "test: clauses[0].text") in found(with_clause(RULES, text))


def test_a_list_is_a_table_between_the_words():
    text = "The price is read from {layers.node.curve} at its tightness."
    before, table, after = fill_clause(scenario()[RULES], text, "GBP").parts
    assert before == "The price is read from "
    assert isinstance(table, ValueTable)
    assert table.columns == ("Tightness", "Price")
    assert spaced(table.rows[3][0]) == "90 %"
    assert spaced(table.rows[3][1]) == "£95.00 per MWh"
    assert after == " at its tightness."


def test_layers_whose_curves_differ_stand_one_after_another():
    values = body(RULES)
    values["layers"][4]["curve"][1]["price_micro_per_mwh"] = 30_000_000
    text = spaced(str(fill_clause(made(values), "{layers.curve}", "GBP")))
    assert text.startswith("system: (tightness 0 %, ")
    assert "; node: (tightness 0 %, price £0.00 per MWh; tightness 30 %, price £30.00" in text


def test_amounts_are_in_the_currency_of_the_market():
    filled = fill_clause(scenario()[RULES], "{price_cap}", "DKK")
    assert spaced(str(filled)) == "DKK 6,000.00 per MWh"


def test_the_digest_and_the_export_keep_the_names(tmp_path):
    document = with_clause(RULES, "No price is above {price_cap}.")
    written = write_yaml(document)
    assert "{price_cap}" in written
    (tmp_path / "rules.yaml").write_text(written)
    ((_, again),), findings = read_files([tmp_path])
    assert findings == []
    assert body_digest(document_body(again)) == body_digest(document_body(document))
    dearer = made(document_body(document) | {"price_cap_micro_per_mwh": 7_000_000_000})
    assert dearer.clauses[0].text == document.clauses[0].text
    assert spaced(str(fill_clause(dearer, dearer.clauses[0].text, "GBP"))).endswith(
        "£7,000.00 per MWh."
    )
