"""Findings of a working copy say numbers as its forms have them typed, whatever a file holds."""

import re

import pytest

from portal.editing.bodies import with_value
from portal.editing.fields import Leaf, Part, Rows, Values, spec_of
from portal.editing.judging import located, read_bodies
from portal.editing.keys import kind_of
from portal.editing.measures import measure_of, number_text
from portal.models import WorkingCopy
from portal.views.draft_pages import found_on_page, refusal_sentences
from rulebook.digest import document_body
from rulebook.reading import read_document
from tests.rulebook.law import SCENARIOS

CODE = "GBP"
FAR = 10**30


def documents():
    for file in sorted((SCENARIOS / "gb12").rglob("*.yaml")):
        document, findings = read_document(file.read_text(), file.name)
        assert not findings
        yield document.instrument, document_body(document)


def numbers(spec, held, path=()):
    """Yield every field of a body that holds a number, with where it stands."""
    if isinstance(spec, Leaf):
        if spec.widget == "number" and isinstance(held, int):
            yield path, spec
    elif isinstance(spec, Part) and isinstance(held, dict):
        for field in spec.fields:
            if field.name in held:
                yield from numbers(field, held[field.name], (*path, field.name))
    elif isinstance(spec, Rows | Values) and isinstance(held, list):
        row = spec.row if isinstance(spec, Rows) else spec.value
        for position, member in enumerate(held[:3]):
            yield from numbers(row, member, (*path, position))


def fields():
    seen = set()
    for instrument, body in documents():
        kind = kind_of(instrument)
        for path, leaf in numbers(spec_of(kind), body):
            names = ".".join((kind, *(step for step in path if isinstance(step, str))))
            if names not in seen:
                seen.add(names)
                yield pytest.param(instrument, body, path, leaf, id=names)


@pytest.mark.parametrize(("instrument", "body", "path", "leaf"), [*fields()])
def test_what_is_wrong_with_a_number_is_said_in_the_measure_of_its_field(
    instrument, body, path, leaf
):
    measure = measure_of(leaf.unit, CODE, leaf.name)
    for value in (FAR, -FAR):
        copy = WorkingCopy(market="gb12", bodies={instrument: with_value(body, path, value)})
        _, findings = read_bodies(copy.bodies, CODE)
        shown = found_on_page(copy, [located(each, copy.bodies) for each in findings], CODE)
        own = [each.words for each in shown if each.finding.code in ("too-large", "too-small")]
        assert own, "every number of a document has bounds"
        written = f"{number_text(value, measure.digits)} {measure.label}".rstrip()
        for words in (*own, *refusal_sentences(copy, findings, CODE)):
            assert f"found {written};" in words, words
            assert "_" not in words and str(value) not in words.replace(written, ""), words
            if leaf.unit and leaf.unit != measure.label:
                assert not re.search(rf"(?<!\w){re.escape(leaf.unit)}(?!\w)", words), words


def test_every_kind_with_numbers_is_among_them():
    kinds = {each.id.partition(".")[0] for each in fields()}
    assert {"registration", "market-rules", "grid-model", "allocation-policy"} <= kinds
