"""Two texts word by word: what both say, what the first alone, and what the second alone; pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple

MOST_WORDS = 600
"""Of the middle of a text that is matched word by word: the time for it grows with the square."""

_WORD = re.compile(r"\s+|[^\s]+")


class Said(StrEnum):
    """In which of two texts some words stand."""

    BOTH = "both"
    BEFORE = "before"
    AFTER = "after"


class Words(NamedTuple):
    """Words that follow each other, with the space between them, and where they stand."""

    said: Said
    text: str


def word_changes(before: str, after: str) -> tuple[Words, ...]:
    """Return the words of two texts in order; those of BOTH and BEFORE make the first, and so on.

    A middle of more than `MOST_WORDS` words is left out whole and put in whole.

    >>> [tuple(each) for each in word_changes("a low cap", "a high cap")]  # doctest: +ELLIPSIS
    [(<Said.BOTH: 'both'>, 'a '), (<...BEFORE...>, 'low'), (<...AFTER...>, 'high'), (..., ' cap')]
    """
    first, second = _WORD.findall(before), _WORD.findall(after)
    begin = _shared(first, second)
    end = _shared(first[begin:][::-1], second[begin:][::-1])
    old, new = first[begin : len(first) - end], second[begin : len(second) - end]
    runs = [(Said.BOTH, first[:begin]), *_middle(old, new), (Said.BOTH, first[len(first) - end :])]
    return tuple(_joined(runs))


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many words both begin with."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Said, Sequence[str]]]:
    if max(len(old), len(new)) > MOST_WORDS:
        yield Said.BEFORE, old
        yield Said.AFTER, new
        return
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for kind, start, stop, other_start, other_stop in matcher.get_opcodes():
        if kind == "equal":
            yield Said.BOTH, old[start:stop]
        else:
            yield Said.BEFORE, old[start:stop]
            yield Said.AFTER, new[other_start:other_stop]


def _joined(runs: Sequence[tuple[Said, Sequence[str]]]) -> Iterator[Words]:
    """Yield runs as text, neighbours of one kind as one, and none that is empty."""
    said, text = Said.BOTH, ""
    for kind, words in runs:
        if kind is not said and words:
            if text:
                yield Words(said, text)
            said, text = kind, ""
        text += "".join(words)
    if text:
        yield Words(said, text)
