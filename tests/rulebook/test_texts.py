"""Every text of every document is seen by people and can be printed, or is refused by name."""

from functools import reduce

import pytest

from rulebook.checks import check_document
from rulebook.documents.paths import texts_of
from rulebook.reading import document_of
from tests.rulebook.law import HEARTH, HIGHLAND, RULES, TERMS, body, made, scenario

CODES = {"unseen-character", "unprintable-character"}
PLACES = [
    (HIGHLAND, "legal_name"),
    (HIGHLAND, "tax_identifier"),
    (HIGHLAND, "address.lines.0"),
    (HIGHLAND, "address.postcode"),
    (HIGHLAND, "contacts.0.name"),
    (HIGHLAND, "units.0.title"),
    (HEARTH, "supply_points.0.title"),
    (RULES, "title"),
    (RULES, "products.0.title"),
    (TERMS, "title"),
    (RULES, "tax.note"),
    (TERMS, "operator.legal_name"),
]


def with_text(instrument, path, text):
    values = body(instrument)
    *outer, last = path.split(".")
    held = reduce(lambda part, name: part[int(name) if name.isdigit() else name], outer, values)
    held[int(last) if last.isdigit() else last] = text
    return values


def found(instrument, path, text):
    findings = check_document(made(with_text(instrument, path, text)), "law.yaml")
    return [each for each in findings if each.code in CODES]


def written(path):
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))[1:]


@pytest.mark.parametrize(("instrument", "path"), PLACES)
@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("North\u202ewind", "unseen-character", "U+202E (right-to-left override) after 'North'"),
        ("\u200bAlder", "unseen-character", "U+200B (zero width space) first"),
        ("Alder \ue000", "unprintable-character", "U+E000 (a character without a name) after"),
        ("Alder \ufffe", "unprintable-character", "U+FFFE (a character without a name) after"),
    ],
)
def test_what_is_not_seen_or_printed_is_refused_wherever_it_stands(
    instrument, path, text, code, named
):
    (finding,) = found(instrument, path, text)
    assert (finding.code, finding.place) == (code, f"law.yaml: {written(path)}")
    assert finding.value.startswith(named)
    assert finding.limit
    assert finding.remedy


def test_every_finding_of_every_text_is_told_at_once():
    values = with_text(HIGHLAND, "legal_name", "A\u200b\u200bB\u202e \ue000\ue001\ue000")
    values["units"][0]["title"] = "\U0002b000 mill"
    findings = check_document(made(values), "law.yaml")
    assert [(each.place.split(": ")[1], each.value.split()[0]) for each in findings] == [
        ("legal_name", "U+200B"),
        ("legal_name", "U+202E"),
        ("legal_name", "U+E000"),
        ("legal_name", "U+E001"),
        ("units[0].title", "U+2B000"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "天地電力株式会社 שלום مرحبا 💡 İşık",
        'Müller & Söhne <AG> "Licht" #1 *fett* $x$ @heim',
        '=HYPERLINK("http://x","y")',
        "می\u200cخواهم",
        "ශ්\u200dරී ලංකා",
        "👨\u200d👩\u200d👧 🇬🇧 1\ufe0f\u20e3",
        "E\u0301lectricite\u0301",
    ],
)
def test_names_of_any_script_are_lawful(name):
    assert found(HIGHLAND, "legal_name", name) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\x00b", "U+0000 (a character without a name)"),
        ("a\x1bb\u2028c", "U+001B (a character without a name), U+2028 (line separator)"),
        ("a\x85b", "U+0085 (a character without a name)"),
        (" Alder", "' Alder'"),
        ("Alder\u3000", "'Alder\\u3000'"),
    ],
)
def test_what_is_no_line_of_text_is_named(text, named):
    document, (finding,) = document_of(with_text(HIGHLAND, "legal_name", text), "law.yaml")
    assert document is None
    assert (finding.code, finding.place) == ("not-well-formed", "law.yaml: legal_name")
    assert finding.value == named
    assert "one line" in finding.limit


def test_the_texts_of_a_document_are_those_of_its_body():
    """Walked through the models, they are what a walk through plain values finds."""

    def walked(value):
        if isinstance(value, str) and not value.isascii():
            yield value
        for member in value.values() if isinstance(value, dict) else ():
            yield from walked(member)
        for member in value if isinstance(value, list) else ():
            yield from walked(member)

    for instrument, document in scenario().items():
        assert [text for _, text in texts_of(document)] == list(walked(body(instrument)))
