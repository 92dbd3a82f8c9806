"""YAML holds no surprises: words stay words, numbers stay exact, and nothing is said twice."""

import datetime as dt

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rulebook.checks import check_document
from rulebook.digest import document_digest
from rulebook.reading import document_of, read_document
from rulebook.yaml_text import YamlRefused, read_yaml, write_yaml
from tests.examples import tried
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
        ("a: !!python/object:os.system x\n", "no tag '!!python/object:os.system'", 1),
        (f"a: {'9' * 5_000}\n", "a number of 5,000 digits", 1),
        (f"%YAML 1.{'9' * 5_000}\n---\na: 1\n", "version of YAML", 1),
        ('a: 1\nb: "\\U55555555"\n', "no character of Unicode", 2),
        ('a: "\\UFFFFFFFF"\n', "no character of Unicode", 1),
        ('a: "\\uD83D\\uDE00"\n', "half a character", 1),
        ("a: !%ff x\n", "a tag escapes", 1),
        ("a: !!float x\n", "not what its tag !!float says", 1),
        ("a: !!int 3:00\n", "not what its tag !!int says", 1),
        ("a: !!bool maybe\n", "not what its tag !!bool says", 1),
        ("a: !!null something\n", "not what its tag !!null says", 1),
        ("a: !!timestamp today\n", "not what its tag !!timestamp says", 1),
        ("a: !!binary eA==\n", "no tag '!!binary'", 1),
        ("a: !!set {b}\n", "no tag '!!set'", 1),
        ("a: !!str [b]\n", "no tag '!!str'", 1),
        ("a: !metre 5\n", "no tag '!metre'", 1),
        ("a: .nan\n", "no number", 1),
        ("a: -.inf\n", "no number", 1),
        ("a: 1e999\n", "no number", 1),
        ("a: &one 1\n", "anchor 'one'", 1),
        ("a: 1\n*one : 2\n", "alias", 2),
        ("a: b\n---\nc: d\n", "another document", 2),
        ("a: 'unfinished\n", "unexpected end of stream", 2),
        ("a: 1\nb: \x07\n", "not allowed", 2),
        ("a\tb: {", "", 1),
    ],
)
def test_text_that_is_refused(text, problem, line):
    with pytest.raises(YamlRefused) as refused:
        read_yaml(text)
    assert problem in str(refused.value)
    assert refused.value.problems[-1].line >= line


def test_every_fault_of_a_text_that_can_be_parsed_is_found_at_once():
    text = "a: 1\na: 2\nb: !!int x\nc:\n  - .inf\n  - &d 2024-02-30\n  - *d\n  - [1]: 2\n"
    with pytest.raises(YamlRefused) as refused:
        read_yaml(text)
    assert [each[:2] for each in refused.value.problems] == [
        (2, 1), (3, 4), (5, 5), (6, 5), (6, 5), (7, 5), (8, 5),
    ]  # fmt: skip
    _, findings = read_document(text, "law.yaml")
    assert [finding.code for finding in findings] == ["not-yaml"] * 7
    assert findings[0].place == "law.yaml: line 2, column 1"
    assert "'a' stands twice, first in line 1" in findings[0].value


def test_a_bomb_of_aliases_is_refused_before_anything_is_multiplied():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(YamlRefused, match="alias"):
        read_yaml("\n".join(rows))
    with pytest.raises(YamlRefused, match="alias"):
        read_yaml("a: &a {b: 1}\nc:\n  <<: *a\n")


def test_a_tag_that_says_what_stands_there_does_no_harm():
    read = read_yaml("a: !!int 5\nb: !!str 5\nc: !!float 1.5\nd: !!null\ne: !!map {f: !!seq []}\n")
    assert read == {"a": 5, "b": "5", "c": 1.5, "d": None, "e": {"f": []}}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_and_not_a_crash(opening):
    with pytest.raises(YamlRefused, match="too deeply"):
        read_yaml(opening * 20_000)


def test_digits_are_written_in_one_row_which_every_editor_reads_as_a_number():
    text = write_yaml(made(body(HIGHLAND)))
    assert "capacity_w: 12000000000\n" in text
    assert "expected_payback_years: 15\n" in text


def test_files_with_digits_in_groups_are_still_read_and_have_the_same_digest():
    document = made(body(HIGHLAND))
    text = write_yaml(document).replace("12000000000", "12_000_000_000")
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


pieces = st.sampled_from(
    ["kind: ", "market-rules", "registration", "\n", "\n  ", "- ", ": ", "? ", "[", "]", "{", "}",
     ", ", "&a ", "*a", "<<", "!!int ", "!!float ", "!!set ", "!<x> ", "!%41 ", "|", ">-", "'", '"',
     "\\U", "\\x", "ffffffff", "D800", "9" * 4_400, "1_0", "0x", ".inf", ".nan", "1e999", "~", "#",
     "%YAML ", "1.2", "%TAG ", "---", "...", "\t", "\ufeff", "\x07", "\u2028", "null", "2024-02-30",
     "title: ", "market: ", "clauses: ", "fields: ", "publication_date: ", "time_zone: "]
)  # fmt: skip
unruly = st.text(max_size=200) | st.lists(pieces | st.text(max_size=3), max_size=40).map("".join)


@settings(max_examples=tried(1_000))
@given(text=unruly)
def test_any_text_is_a_document_or_a_refusal(text):
    document, findings = read_document(text, "file")
    assert (document is None) == bool(findings)
    for finding in findings:
        str(finding).encode()


@settings(max_examples=tried(300))
@given(
    field=st.sampled_from(sorted(body(RULES))),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=10,
    ),
)
def test_any_value_of_any_field_is_a_document_or_a_refusal(field, value):
    text = yaml.safe_dump(short_body(RULES) | {field: value}, allow_unicode=True)
    document, findings = read_document(text, "file")
    assert (document is None) == bool(findings)
    for finding in findings:
        str(finding).encode()
    if document is not None:
        assert isinstance(check_document(document, "file"), tuple)


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
    assert yaml.load(text, Loader=CoreReader) == document.model_dump(mode="json")
