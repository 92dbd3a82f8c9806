"""Checks of every text of a document: people see all of it, and documents can show it."""

from collections.abc import Iterator

from common.refusals import Finding, shown
from rulebook.clause_characters import spelled_out
from rulebook.documents import Document
from rulebook.documents.paths import texts_of
from rulebook.printed_text import unneeded_unseen, unprinted

_SHOWN_BEFORE = 20
"""How much a finding shows of what stands before a character."""


def texts_are_seen(document: Document, place: str) -> Iterator[Finding]:
    """People see every character of a text; what they do not see would tell two names apart."""
    for path, text in texts_of(document):
        if _is_clause(path):
            continue  # which has a check of its own, as law is read more closely than names
        for character, before in unneeded_unseen(text):
            yield Finding(
                "unseen-character",
                f"{place}: {path}",
                _after(spelled_out(character), before),
                "people see every character of a name or a text",
                "take it out, wherever it stands in the text",
            )


def texts_are_printed(document: Document, place: str) -> Iterator[Finding]:
    """An invoice can show every character, each with what is set on it, in one of its fonts."""
    for path, text in texts_of(document):
        for letter, before in unprinted(text):
            yield Finding(
                "unprintable-character",
                f"{place}: {path}",
                _after(" with ".join(map(spelled_out, letter)), before),
                "documents are set in fonts that are shipped, and one of them has the character "
                "with all that is set on it",
                "write the name in other letters, such as those of the register of companies",
            )


def _is_clause(path: str) -> bool:
    return path.startswith("clauses[") and path.endswith("].text")


def _after(character: str, before: str) -> str:
    return f"{character} after {shown(before[-_SHOWN_BEFORE:])}" if before else f"{character} first"


TEXT_CHECKS = (texts_are_seen, texts_are_printed)
"""The checks of texts, in the order in which they run."""
