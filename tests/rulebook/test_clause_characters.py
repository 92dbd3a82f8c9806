"""What people cannot see in a clause, or tell from other letters, is refused; the rest stays."""

import doctest

import pytest

from rulebook import clause_characters
from rulebook.checks import check_document
from tests.rulebook.law import RULES, with_clause

UNSEEN = [
    ("The cap is £6\u00ad.", "U+00AD (soft hyphen) after 'The cap is £6'"),
    ("A price\u200b cap.", "U+200B (zero width space) after 'A price'"),
    ("A price\U000e0020 cap.", "U+E0020 (tag space) after 'A price'"),
    ("A price\ufe0f cap.", "U+FE0F (variation selector-16) after 'A price'"),
    ("A price\u3164cap.", "U+3164 (hangul filler) after 'A price'"),
]
MIXED = [
    ("s\u0456x pounds", "U+0456 (cyrillic small letter byelorussian-ukrainian i) in 's\u0456x'"),
    ("the pr\u03bfmise", "U+03BF (greek small letter omicron) in 'pr\u03bfmise'"),
    ("the \u0440rice", "U+0440 (cyrillic small letter er) in '\u0440rice'"),
]
SEEN = [
    "Haléře, øre and kuruş; naïve cafés and façades.",
    "A price of \u0426\u0435\u043d\u0430 in Cyrillic, \u03c4\u03b9\u03bc\u03ae in Greek.",
    "Powers in \u00b5W\u00a0and\u2009k\u2126, areas in m² and CO₂.",
    "The \u201ccap\u201d \u2013 that\u2019s it\u2026",
]


@pytest.mark.parametrize(
    ("code", "text", "value"),
    [("clause-unseen-character", *case) for case in UNSEEN]
    + [("clause-mixed-scripts", *case) for case in MIXED],
)
def test_what_people_cannot_see_or_tell_apart_is_refused(code, text, value):
    document = with_clause(RULES, ["time_zone"], text)
    findings = [each for each in check_document(document, "test") if each.code.startswith("clause")]
    assert [(each.code, each.place, each.value) for each in findings] == [
        (code, "test: clauses[0].text", value)
    ]
    assert document.clauses[0].anchor in findings[0].limit
    assert findings[0].remedy


@pytest.mark.parametrize("text", SEEN)
def test_what_people_see_is_lawful_in_any_script(text):
    findings = check_document(with_clause(RULES, ["time_zone"], text), "test")
    assert [each for each in findings if each.code.startswith("clause")] == []


def test_every_unseen_character_is_found_once():
    document = with_clause(RULES, ["time_zone"], "The\u200b zone\u200b is\u00ad that.")
    findings = [each for each in check_document(document, "test") if each.code.startswith("clause")]
    assert [each.value for each in findings] == [
        "U+200B (zero width space) after 'The'",
        "U+00AD (soft hyphen) after 'The\\u200b zone\\u200b is'",
    ]


def test_examples_in_docstrings_hold():
    results = doctest.testmod(clause_characters)
    assert results.attempted
    assert not results.failed
