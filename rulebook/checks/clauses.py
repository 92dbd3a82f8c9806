"""Checks of the clauses of one document: anchors, the fields they govern, the names they use."""

from collections.abc import Iterator

from common.refusals import Finding, shown
from rulebook.checks.parts import repeated
from rulebook.clause_names import split_text, values_named
from rulebook.documents import Document
from rulebook.documents.paths import has_field


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


CLAUSE_CHECKS = (clause_anchors, clause_fields, clause_names)
"""The checks of clauses, in the order in which they run."""
