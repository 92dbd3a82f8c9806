"""YAML holds no surprises: words stay words, numbers stay exact, and nothing is said twice."""

import datetime as dt

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rulebook.digest import document_digest
from rulebook.reading import document_of, read_document
from rulebook.yaml_text import YamlRefused, read_yaml, write_grouped_yaml, write_yaml
from tests.rulebook.core_yaml import CoreReader
from tests.rulebook.law import HIGHLAND, RULES, body, made, short_body


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("0", 0),
        ("-7", -7),
        ("90_000_000", 90_000_000),
        ("9007199254740993", 9_007_199_254_740_993),
        ("1_", "1_"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2024-01-31", dt.date(2024, 1, 31)),
        ("2024-1-31", "2024-1-31"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'5'", "5"),
    ],
)
def test_what_a_plain_word_means(written, value):
    read = read_yaml(f"key: {written}\n")["key"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("a: 1\na: 2\n", "stands twice", 2),
        ("a: &one 1\nb: *one\n", "alias", 2),
        ("a: 2024-02-30\n", "not a day", 1),
        ("1: a\n", "not a plain word", 1),
        ("[a]: b\n", "not a plain word", 1),
        ("a: !!python/object:os.system x\n", "could not determine a constructor", 1),
        ("a: b\n---\nc: d\n", "another document", 2),
        ("a: 'unfinished\n", "unexpected end of stream", 2),
        ("a: 1\nb: \x07\n", "not allowed", 2),
        ("a\tb: {", "", 1),
    ],
)
def test_text_that_is_refused(text, problem, line):
    with pytest.raises(YamlRefused) as refused:
        read_yaml(text)
    assert problem in refused.value.problem
    assert refused.value.line >= line


def test_deep_nesting_is_refused_and_not_a_crash():
    with pytest.raises(YamlRefused):
        read_yaml("[" * 20_000)


def test_digits_are_written_in_one_row_which_every_editor_reads_as_a_number():
    text = write_yaml(made(body(HIGHLAND)))
    assert "capacity_w: 12000000000\n" in text
    assert "expected_payback_years: 15\n" in text


def test_files_with_digits_in_groups_are_still_read_and_have_the_same_digest():
    document = made(body(HIGHLAND))
    text = write_grouped_yaml(document)
    assert "capacity_w: 12_000_000_000\n" in text
    again, findings = read_document(text, "grouped")
    assert findings == ()
    assert document_digest(again) == document_digest(document)


@pytest.mark.parametrize(
    "title",
    ["010", "+5", "5.", "0x1F", "0o17", "True", "FALSE", "Null", "NULL", ".5", "-.inf", ".NaN",
     "1_000", "2024-01-01", "1e3", "no", "on", "1:30", "<<", "=", "- a", "a: b", "#"],
)  # fmt: skip
def test_text_stays_text_for_every_reader_of_yaml_1_2(title):
    document = made(body(HIGHLAND) | {"title": title})
    text = write_yaml(document)
    assert yaml.load(text, Loader=CoreReader)["title"] == title
    assert read_yaml(text)["title"] == title


words = st.text(min_size=1, max_size=60) | st.from_regex(
    r"[-+]?[0-9._exo]{1,6}|0[xo][0-9a-fA-F]{1,4}|(?i:true|false|null|[-+]?\.(inf|nan))",
    fullmatch=True,
)


@given(title=words, price=st.integers(-(10**11), 10**11), note=words)
def test_any_document_survives_yaml(title, price, note):
    values = short_body(RULES)
    values["title"] = title
    values["tax"]["note"] = note
    values["layers"][0]["curve"][0]["price_micro_per_mwh"] = price
    document, findings = document_of(values, "made")
    if document is None:
        assert {finding.code for finding in findings} == {"not-well-formed"}
        return
    text = write_yaml(document)
    again, findings = read_document(text, "again")
    assert findings == ()
    assert again == document
    assert document_digest(again) == document_digest(document)
    assert write_yaml(again) == text
    assert document_digest(read_document(write_grouped_yaml(document), "grouped")[0]) == (
        document_digest(document)
    )
    assert yaml.load(text, Loader=CoreReader) == document.model_dump(mode="json")
