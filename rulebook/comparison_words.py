"""A comparison as commands print it: in lines, and as JSON values. Pure."""

from collections.abc import Iterator
from typing import Any

from rulebook.comparison import ClauseChange, Comparison, Counts
from rulebook.edit_words import How, change_lines, how_of
from rulebook.merging import ABSENT
from rulebook.word_changes import Said

MARKS = {How.NEW: "+", How.CHANGED: "~", How.LEFT_OUT: "-"}
"""How a line begins, by what became of what it is about."""
_AROUND = {Said.BOTH: ("", ""), Said.BEFORE: ("[-", "-]"), Said.AFTER: ("{+", "+}")}
_FAR = 60
"""Letters of words that both texts share which are shown beside a change."""


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield how a document differs: its name, then of two texts clauses and values, a line each.

    Words that the earlier text alone has stand in [- -], those of the later in {+ +}.
    """
    document = comparison.document
    mark = MARKS[comparison.how]
    if comparison.how is not How.CHANGED:
        yield f"{mark} {document.instrument}  {document.title}"
        return
    yield f"{mark} {document.instrument}  {document.title}: {counts_words(comparison.counts)}"
    for clause in comparison.clause_changes():
        why = " (by values that it names)" if clause.by_values_alone else ""
        yield f"    {MARKS[clause.how]} {clause.anchor}{why}: {clause_line(clause)}"
    yield from (f"    {line}" for line in value_lines(comparison))


def value_lines(comparison: Comparison) -> Iterator[str]:
    """Yield a line for every value and part of a list that differs between two texts."""
    before, after = comparison.before, comparison.after
    if before and after and before.currency == after.currency:
        yield from change_lines(comparison.document.kind, comparison.edits, after.currency)
        return
    for each in comparison.value_changes():
        member = f" of {each.member}" if each.member else ""
        yield f"{each.what}{member}: {each.change}"


def clause_line(clause: ClauseChange) -> str:
    """Return both readings of a clause in one line; long stretches that both share are cut."""
    parts = []
    for number, words in enumerate(clause.words):
        before, after = _AROUND[words.said]
        text = words.text
        if words.said is Said.BOTH:
            is_last = number == len(clause.words) - 1
            text = _cut(text, begins=number == 0, ends=is_last)
        parts.append(f"{before}{text}{after}")
    return "".join(parts)


def _cut(text: str, *, begins: bool, ends: bool) -> str:
    """Return what both texts share, with dots for what lies far from any change."""
    if begins:
        return text if len(text) <= _FAR else f"...{text[-_FAR:]}"
    if ends:
        return text if len(text) <= _FAR else f"{text[:_FAR]}..."
    return text if len(text) <= 2 * _FAR else f"{text[:_FAR]}...{text[-_FAR:]}"


def counts_words(counts: Counts) -> str:
    """Return how much differs, in words.

    >>> counts_words(Counts(1, 0, 2, 0)), counts_words(Counts(0, 0, 0, 0))
    ('1 clause reads otherwise, 2 parts are new', 'nothing that is shown differs')
    """
    said = [
        (counts.clauses, "clause reads otherwise", "clauses read otherwise"),
        (counts.changed, "value is changed", "values are changed"),
        (counts.new, "part is new", "parts are new"),
        (counts.left_out, "part is left out", "parts are left out"),
    ]
    words = [f"{count:,} {one if count == 1 else several}" for count, one, several in said if count]
    return ", ".join(words) or "nothing that is shown differs"


def comparison_as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values: exact values beside their words."""
    digest_of = {"before": comparison.before, "after": comparison.after}
    return {
        "instrument": comparison.document.instrument,
        "how": comparison.how.name.lower(),
        "titles": {side: text.document.title if text else None for side, text in digest_of.items()},
        "counts": comparison.counts._asdict(),
        "clauses": [
            {
                "anchor": clause.anchor,
                "how": clause.how.name.lower(),
                "by_values_alone": clause.by_values_alone,
                "words": [[words.said, words.text] for words in clause.words],
            }
            for clause in comparison.clause_changes()
        ],
        "edits": [
            {
                "path": edit.path,
                "how": how_of(edit).name.lower(),
                "before": _plain(edit.before),
                "after": _plain(edit.after),
            }
            for edit in comparison.edits
            if edit.path
        ],
        "values": [
            {
                "what": each.what,
                "of": list(each.members),
                "how": each.how.name.lower(),
                "before": each.before,
                "after": each.after,
            }
            for each in comparison.value_changes()
        ],
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON; of one that is not there, nothing."""
    return None if value is ABSENT else value
