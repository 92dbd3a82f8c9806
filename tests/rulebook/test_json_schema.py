"""Schemas for editors: a kind has one, any editor can read it, and it refuses no sound law."""

import io
import json
import re
import sys
import unicodedata
from functools import cache

import pytest
import yaml
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from rulebook.digest import document_digest
from rulebook.documents import KINDS
from rulebook.documents.base import Text
from rulebook.documents.registration import EmailAddress
from rulebook.export import export
from rulebook.folders import read_files
from rulebook.json_schema import editor_line, schema_file_name, schema_of, schema_texts
from rulebook.reading import read_document
from rulebook.yaml_text import read_yaml, write_yaml
from tests.rulebook.core_yaml import CoreReader
from tests.rulebook.law import (
    GRID,
    HIGHLAND,
    NEW_YEAR,
    RULES,
    SCENARIOS,
    body,
    made,
    publish_gb12,
    scenario,
    short_body,
)
from tests.rulebook.schema_checker import problems

KIND = re.compile(r"^kind: *(\S+)$", re.MULTILINE)


def kind_of(path) -> str | None:
    """Return the kind that a file states; reading all of it would take long at every collection."""
    found = KIND.search(path.read_text(encoding="utf-8"))
    return found and found[1]


FILES = sorted(path for path in SCENARIOS.rglob("*.yaml") if kind_of(path) in KINDS)
SCHEMAS = {kind: schema_of(kind) for kind in KINDS}

# What ECMA-262 (with the flag u, as JSON Schema asks for) and Python's re read alike. Classes are
# spelled out: neither \s nor \d nor \p{...} means the same to both.
ATOM = r"(?:\\u[0-9a-f]{4}|\\\.|[A-Za-z0-9@_ ])"
COMMON = re.compile(
    rf"\^(?:{ATOM}|\[\^?(?:{ATOM}|[.-])+\]|\((?!\?)|\)|\||[*+?]|\{{[0-9]+(?:,[0-9]*)?\}}|-)*\$"
)


def patterns_of(part):
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from patterns_of(inner)


def as_json(values):
    """Return values as JSON has them: days as text."""
    return json.loads(json.dumps(values, default=str))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_schema_with_a_name_of_its_own(kind):
    schema = json.loads(schema_texts()[schema_file_name(kind)])
    assert schema == SCHEMAS[kind]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:tallystick:rules:{kind}"
    assert schema["properties"]["kind"]["const"] == kind
    assert '"unit"' in json.dumps(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_means_the_same_to_ecma_and_python(kind):
    patterns = set(patterns_of(SCHEMAS[kind]))
    assert patterns
    for pattern in patterns:
        assert COMMON.fullmatch(pattern), pattern
        re.compile(pattern)


@pytest.mark.parametrize("pattern", [r"^\p{L}$", r"^\s$", r"^\d$", r"^(?i)a$", r"^(?P<a>b)$", "a"])
def test_a_pattern_that_is_not_for_both_is_noticed(pattern):
    assert not COMMON.fullmatch(pattern)


def test_text_is_what_it_was_before_its_pattern_was_spelled_out():
    before = TypeAdapter(Text)
    ends = {"Cc", "Zl", "Zp"}
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        category = unicodedata.category(character)
        if category == "Cs" or (point > 0x3000 and category not in ends | {"Zs"}):
            continue
        lawful = [category not in ends, category not in ends and category != "Zs"]
        for text, expected in zip((f"a{character}b", character), lawful, strict=True):
            try:
                before.validate_python(text)
            except ValidationError:
                assert not expected, hex(point)
            else:
                assert expected, hex(point)


ADDRESS = TypeAdapter(EmailAddress)


@given(local=st.text(min_size=1, max_size=8), domain=st.text(min_size=1, max_size=8))
def test_no_address_that_publication_accepts_is_marked_in_an_editor(local, domain):
    address = f"{local}@{domain}.example"
    try:
        ADDRESS.validate_python(address)
    except ValidationError:
        return
    pattern = SCHEMAS["registration"]["$defs"]["Contact"]["properties"]["email"]["pattern"]
    assert re.search(pattern, address)


@cache
def values_of(path):
    """Return a file's values as JSON has them; not to be changed."""
    return as_json(read_yaml(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_every_scenario_file_fits_its_schema(path):
    values = values_of(path)
    assert list(problems(SCHEMAS[values["kind"]], values)) == []


def test_an_independent_validator_agrees():
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    for path in FILES:
        values = values_of(path)
        judge = Draft202012Validator(SCHEMAS[values["kind"]])
        assert list(judge.iter_errors(values)) == [], path


def test_scenarios_hold_every_kind():
    kinds = {values_of(path)["kind"] for path in FILES}
    assert kinds == set(KINDS)


@pytest.mark.parametrize(
    ("instrument", "change", "problem"),
    [
        (RULES, {"title": " "}, "title: pattern is"),
        (RULES, {"colour": "green"}, "colour: is unknown"),
        (RULES, {"interval_minutes": "30"}, "interval_minutes: "),
        (RULES, {"kind": "grid-model"}, "kind: const is 'market-rules'"),
        (GRID, {"nodes": "N0"}, "nodes: type is 'array'"),
        (HIGHLAND, {"publication_date": "soon"}, "publication_date: format is 'date'"),
    ],
)
def test_what_a_schema_marks(instrument, change, problem):
    values = body(instrument) | change
    (found,) = problems(SCHEMAS[instrument.split("/")[1]], values)
    assert found.startswith(problem)


def test_exported_files_name_their_schema_and_are_the_same_law(session, now, tmp_path):
    publish_gb12(session, now)
    files = export(session, "gb12", NEW_YEAR, now, tmp_path)
    call_command("schema", "rules", "--out", str(tmp_path), stdout=io.StringIO())
    for file in files:
        first, text = file.read_text(encoding="utf-8").split("\n", 1)
        comment, _, name = first.partition("$schema=")
        assert comment == "# yaml-language-server: "
        values = yaml.load(text, Loader=CoreReader)
        schema = json.loads((file.parent / name).read_text(encoding="utf-8"))
        assert schema == SCHEMAS[values["kind"]]
        assert list(problems(schema, values)) == []
    again, findings = read_files([tmp_path])
    assert findings == []
    digests = {document.instrument: document_digest(document) for _, document in again}
    assert digests == {name: document_digest(document) for name, document in scenario().items()}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rules"], "--out FOLDER"),
        (["rules", "head", "--out", "x"], "no revision head"),
        (["check", "--out", "x"], "--out goes with rules"),
        (["rules", "--out", "/dev/null/x"], "name another folder"),
    ],
)
def test_what_the_command_refuses(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("schema", *arguments)


def test_the_command_writes_a_file_for_every_kind_and_says_which(tmp_path):
    out = io.StringIO()
    call_command("schema", "rules", "--out", str(tmp_path), stdout=out)
    assert out.getvalue().splitlines() == [str(tmp_path / schema_file_name(k)) for k in KINDS]
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == (
        schema_texts()
    )


@given(price=st.integers(0, 10**9), title=st.text(min_size=1, max_size=40))
def test_a_file_with_its_editor_line_has_the_digest_of_the_document(price, title):
    values = short_body(RULES) | {"price_cap_micro_per_mwh": price}
    document = made(values)
    if not problems(SCHEMAS["market-rules"], values | {"title": title}):
        document = made(values | {"title": title})
    again, findings = read_document(editor_line("market-rules", 0) + write_yaml(document), "file")
    assert findings == ()
    assert document_digest(again) == document_digest(document)
