"""Two texts of a document beside each other: clause by clause, and value by value; pure.

The texts may be two versions, the law of two days, or a draft and the law. What changed is the same
smallest places by which a draft is laid over law (`merging`), in words (`edit_words`).
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rulebook.clause_names import split_text, values_named
from rulebook.clause_text import fill_clause
from rulebook.digest import document_body
from rulebook.documents import Clause, Document
from rulebook.edit_words import FieldChange, How, field_changes, how_of
from rulebook.merging import ABSENT, Edit, edits_between
from rulebook.word_changes import Words, word_changes

MOST_TOLD_WHOLE = 24
"""Rows of both texts, up to which a list whose rows have no names is one value."""
_CLAUSES = "clauses["
_TEXT = ".text"


@dataclass(frozen=True)
class Text:
    """A text of a document, and the currency that its amounts are in."""

    document: Document
    currency: str


@dataclass(frozen=True)
class ClauseChange:
    """A clause that reads otherwise, with the values that it names filled in.

    Attributes:
        words: both readings, word by word.
        by_values_alone: whether its own words stand, and values that they name changed.
    """

    anchor: str
    how: How
    words: tuple[Words, ...]
    by_values_alone: bool


class Counts(NamedTuple):
    """How much differs between two texts of a document."""

    clauses: int
    changed: int
    new: int
    left_out: int


@dataclass(frozen=True)
class Comparison:
    """Two texts of a document; one of them may be none.

    Attributes:
        withheld: fields that the reader may not see; nothing is said of them.
    """

    before: Text | None
    after: Text | None
    withheld: frozenset[str] = frozenset()

    @cached_property
    def document(self) -> Document:
        """The later text, and the earlier of a document that is left out.

        Raises:
            ValueError: there is neither.
        """
        text = self.after or self.before
        if text is None:
            raise ValueError("two texts are compared, of which one at least is there")
        return text.document

    @property
    def how(self) -> How:
        """What became of the document."""
        if self.before is None:
            return How.NEW
        return How.LEFT_OUT if self.after is None else How.CHANGED

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """Every smallest place at which they differ, but for the words of clauses."""
        before, after = (
            ABSENT if each is None else document_body(each.document)
            for each in (self.before, self.after)
        )
        return tuple(
            part
            for edit in edits_between(before, after)
            if not (_is_of_clause(edit) or _first_name(edit) in self.withheld)
            for part in _by_rows(edit)
        )

    def value_changes(self, start: int = 0, stop: int | None = None) -> Iterator[FieldChange]:
        """Yield what some of the edits change, in words, amounts in the currency of their text."""
        before, after = (each.currency if each else "" for each in (self.before, self.after))
        currencies = before or after, after or before
        yield from field_changes(self.document.kind, self.edits[start:stop], currencies)

    @cached_property
    def changed_clauses(self) -> tuple[tuple[Clause | None, Clause | None], ...]:
        """The clauses that read otherwise, those of the later text first, in its order."""
        before, after = _clauses(self.before), _clauses(self.after)
        pairs = [(before.get(anchor), clause) for anchor, clause in after.items()]
        gone = [(clause, None) for anchor, clause in before.items() if anchor not in after]
        return tuple(pair for pair in (*pairs, *gone) if self._reads_otherwise(*pair))

    def clause_changes(self) -> Iterator[ClauseChange]:
        """Yield every clause that reads otherwise, word by word."""
        for old, new in self.changed_clauses:
            clause = new or old
            if clause is not None:
                yield ClauseChange(
                    clause.anchor,
                    How.NEW if old is None else How.LEFT_OUT if new is None else How.CHANGED,
                    word_changes(_reading(self.before, old), _reading(self.after, new)),
                    old is not None and new is not None and old.text == new.text,
                )

    @cached_property
    def counts(self) -> Counts:
        """How much differs; a part of a list that came or went is one."""
        hows = [how_of(edit) for edit in self.edits]
        return Counts(
            len(self.changed_clauses),
            hows.count(How.CHANGED),
            hows.count(How.NEW),
            hows.count(How.LEFT_OUT),
        )

    def _reads_otherwise(self, old: Clause | None, new: Clause | None) -> bool:
        if old is None or new is None or old.text != new.text:
            return True
        return _values_of(self.before, old) != _values_of(self.after, new)


def differing(
    before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return the digests of each instrument that is another text, or none, on the other side."""
    return {
        instrument: (before.get(instrument), after.get(instrument))
        for instrument in sorted(before.keys() | after.keys())
        if before.get(instrument) != after.get(instrument)
    }


def compare(before: Text | None, after: Text | None, withheld: Collection[str] = ()) -> Comparison:
    """Return two texts of one kind of document beside each other.

    Raises:
        ValueError: there is neither, or they are of two kinds.
    """
    kinds = {each.document.kind for each in (before, after) if each is not None}
    if len(kinds) != 1:
        raise ValueError(f"two texts of one kind are compared, and not of {len(kinds)}")
    return Comparison(before, after, frozenset(withheld))


def _clauses(text: Text | None) -> dict[str, Clause]:
    return {} if text is None else {each.anchor: each for each in text.document.clauses}


def _reading(text: Text | None, clause: Clause | None) -> str:
    if text is None or clause is None:
        return ""
    return str(fill_clause(text.document, clause.text, text.currency))


def _values_of(text: Text | None, clause: Clause) -> list[object]:
    if text is None:
        return []
    names = [piece for piece, is_name in split_text(clause.text) if is_name]
    values = [
        (each.entry, each.value) for name in names for each in values_named(text.document, name)
    ]
    return [text.currency if names else "", values]


def _by_rows(edit: Edit) -> Iterator[Edit]:
    """Yield an edit, or what it does to each row of a long list whose rows have no names.

    Of as many rows as before, each is held to the one in its place, if fewer differ so.
    """
    before, after = edit.before, edit.after
    if not (_is_rows(before) and _is_rows(after)) or len(before) + len(after) <= MOST_TOLD_WHOLE:
        yield edit
        return
    gone, come = _only_in(before, after), _only_in(after, before)
    pairs = list(zip(before, after, strict=False)) if len(before) == len(after) else []
    moved = [place for place, (old, new) in enumerate(pairs) if old != new]
    if pairs and len(moved) <= len(gone) + len(come):
        for place in moved:
            yield from edits_between(*pairs[place], f"{edit.path}[line {place + 1}]")
        return
    yield from (Edit(f"{edit.path}[]", row, ABSENT) for row in gone)
    yield from (Edit(f"{edit.path}[]", ABSENT, row) for row in come)
    if not (gone or come):
        yield Edit(f"{edit.path} (order)", before, after)


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _only_in(rows: Sequence[object], others: Sequence[object]) -> list[object]:
    """Return the rows that others do not have, or have less often, in order."""
    left = Counter(json.dumps(each, sort_keys=True) for each in others)
    found = []
    for row in rows:
        written = json.dumps(row, sort_keys=True)
        left[written] -= 1
        if left[written] < 0:
            found.append(row)
    return found


def _is_of_clause(edit: Edit) -> bool:
    """Return whether an edit is of the words of a clause, or of a clause whole."""
    return edit.path.startswith(_CLAUSES) and edit.path.endswith((_TEXT, "]"))


def _first_name(edit: Edit) -> str:
    return edit.path.partition(".")[0].partition("[")[0].removesuffix(" (order)")
