"""Checks of the clauses of one document: anchors, fields they govern, names and numbers in them."""

from collections.abc import Iterator
from dataclasses import replace

from common.refusals import Finding, shown
from rulebook.checks.parts import repeated
from rulebook.clause_characters import spelled_out, unseen_characters, words_of_two_scripts
from rulebook.clause_names import NamedValue, split_text, values_governed, values_named
from rulebook.clause_numbers import stated_numbers
from rulebook.clause_units import says_the_same
from rulebook.documents import Document
from rulebook.documents.base import Clause
from rulebook.documents.paths import has_field

_SHOWN_BEFORE = 20
"""How much a finding shows of what stands before a character that is not seen."""


def clause_anchors(document: Document, place: str) -> Iterator[Finding]:
    """Anchors stand once, and open with the letters of their kind."""
    anchors = [clause.anchor for clause in document.clauses]
    yield from repeated(anchors, f"{place}: clauses[{{}}].anchor", "clause-repeated")
    for position, anchor in enumerate(anchors):
        if not anchor.startswith(document.anchor_prefix + "-"):
            yield Finding(
                "clause-of-another-kind",
                f"{place}: clauses[{position}].anchor",
                shown(anchor),
                f"anchors of {document.kind} open with {document.anchor_prefix}-",
                "rename the anchor",
            )


def clause_fields(document: Document, place: str) -> Iterator[Finding]:
    """A clause governs fields that documents of its kind have."""
    for position, clause in enumerate(document.clauses):
        for number, path in enumerate(clause.fields):
            if not has_field(type(document), path):
                yield Finding(
                    "clause-unknown-field",
                    f"{place}: clauses[{position}].fields[{number}]",
                    shown(path),
                    f"a clause governs fields of {document.kind}",
                    "correct the path, list positions left out",
                )


def clause_names(document: Document, place: str) -> Iterator[Finding]:
    """A name in braces leads to a value of the document that every reader may see."""
    for position, clause in enumerate(document.clauses):
        at = f"{place}: clauses[{position}].text"
        pieces = list(split_text(clause.text))
        for piece, is_name in pieces:
            if is_name and not values_named(document, piece):
                yield Finding(
                    "clause-unknown-name",
                    at,
                    shown(f"{{{piece}}}"),
                    f"clause {clause.anchor} names in braces what this document holds, and every "
                    "reader of it may see",
                    "correct the name; a field may leave its unit out, as in {price_cap}",
                )
        if any("{" in piece or "}" in piece for piece, is_name in pieces if not is_name):
            yield Finding(
                "clause-brace-alone",
                at,
                shown(clause.text),
                f"braces of clause {clause.anchor} open and close around the name of a field",
                "close the brace, or write the clause without it",
            )


def clause_characters(document: Document, place: str) -> Iterator[Finding]:
    """People see every character of a clause, and can tell its letters from others."""
    for position, clause in enumerate(document.clauses):
        at = f"{place}: clauses[{position}].text"
        for character, before in unseen_characters(clause.text):
            yield Finding(
                "clause-unseen-character",
                at,
                f"{spelled_out(character)} after {shown(before[-_SHOWN_BEFORE:])}",
                f"people see every character of clause {clause.anchor}",
                "take it out, wherever it stands in the clause",
            )
        for word, letter in words_of_two_scripts(clause.text):
            yield Finding(
                "clause-mixed-scripts",
                at,
                f"{spelled_out(letter)} in {shown(word)}",
                f"the letters of a word of clause {clause.anchor} are of one script",
                "write the word anew, in the letters of its language",
            )


def clause_numbers(document: Document, place: str) -> Iterator[Finding]:
    """A clause repeats no number that a field holds which it governs: it names the field."""
    anchors = {clause.anchor for clause in document.clauses}
    for position, clause in enumerate(document.clauses):
        stated = stated_numbers(clause.text, anchors)
        held = _numbers_governed(document, clause) if stated else []
        for number in stated:
            for value in held:
                if says_the_same(number.amount, number.unit, value):
                    at = f"{place}: clauses[{position}].text"
                    yield _repeated_number(document, clause, at, number.text, value)
                    break


def _repeated_number(
    document: Document, clause: Clause, at: str, text: str, value: NamedValue
) -> Finding:
    is_open = value.path.split(".")[0] not in document.withheld_fields
    return Finding(
        "clause-repeats-number",
        at,
        shown(text),
        f"clause {clause.anchor} governs {value.path}, and does not repeat a number that it holds",
        f"write {{{value.name}}} in its place, which is filled in wherever people read it; the "
        "text stands in quotes where it opens with a name, or its clause is written in braces"
        if is_open
        else "leave it out: not every reader of the clause may see it",
    )


def _numbers_governed(document: Document, clause: Clause) -> list[NamedValue]:
    return [
        number
        for path in clause.fields
        for value in values_governed(document, path)
        for number in _whole_numbers(value)
    ]


def _whole_numbers(held: NamedValue) -> Iterator[NamedValue]:
    each_value = held.value if isinstance(held.value, tuple) else (held.value,)
    for value in each_value:
        if isinstance(value, int) and not isinstance(value, bool):
            yield replace(held, value=value)


def clauses_together(document: Document, place: str) -> Iterator[Finding]:
    """The clauses of a document are not more than a search can hold the words of."""
    held = sum(len(clause.text.encode()) for clause in document.clauses)
    if held > MOST_CLAUSE_BYTES:
        yield Finding(
            "clauses-too-long",
            f"{place}: clauses",
            f"{held:_} bytes of text",
            f"at most {MOST_CLAUSE_BYTES:_} together, whose words can all be found",
            "say it in fewer words; what repeats a value can name its field in braces",
        )


MOST_CLAUSE_BYTES = 200_000
"""Some thirty thousand words: a text of PostgreSQL's search holds five times as many bytes."""

CLAUSE_CHECKS = (
    clause_anchors,
    clause_fields,
    clause_names,
    clause_characters,
    clause_numbers,
    clauses_together,
)
"""The checks of clauses, in the order in which they run."""
