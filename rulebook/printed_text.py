"""What of a text documents can show: characters that people see, in fonts that are shipped.

A letter and the marks on it are set in one font, so they count together. What fonts can show is in
`printed_characters.txt`, which a test holds to the fonts themselves, and the page setter to it.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

from common.unseen import is_unseen

_ZERO_WIDTH_JOINERS = "\u200c\u200d"
_PRESENTATIONS = "\ufe0e\ufe0f"
"""Whether a sign is shown as text or as a picture."""

_KEYCAP = "\u20e3"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_PICTURES = range(0x1F000, 0x1FB00)
"""Where Unicode adds pictures every year, before the tables of a Python know them."""

_VIRAMA = 9
"""The combining class of what joins letters of India and its neighbours."""


@cache
def font_families() -> tuple[str, ...]:
    """Return the families that are shipped, in the order in which they are asked."""
    return tuple(_ranges_of_fonts())


def unneeded_unseen(text: str) -> Iterator[tuple[str, str]]:
    """Yield each unseen character that its script does not need, once, and what stands before it.

    Persian writes a joiner inside words, Malayalam and Sinhala inside syllables, and a picture may
    be made of several; elsewhere two names that look the same would differ by it.

    >>> list(unneeded_unseen("North\\u200bwind")), list(unneeded_unseen("می\\u200cخواهم"))
    ([('\\u200b', 'North')], [])
    """
    told = set()
    for at, character in enumerate(text):
        if character not in told and is_unseen(character) and not _is_needed(text, at):
            told.add(character)
            yield character, text[:at]


def unprinted(text: str) -> Iterator[tuple[str, str]]:
    """Yield what no shipped font can show: a character, or one with its marks, and what is before.

    >>> list(unprinted("A\\ue000"))
    [('\\ue000', 'A')]
    """
    if text.isascii():
        return
    told = set()
    at = 0
    for letter in _letters(text):
        if letter not in told and not _is_shown(letter):
            told.add(letter)
            yield letter, text[:at]
        at += len(letter)


def _is_needed(text: str, at: int) -> bool:
    character, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if not before:
        return False
    if character in _PRESENTATIONS:
        return _is_picture(before) or after == _KEYCAP
    if character not in _ZERO_WIDTH_JOINERS or not after:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if character == "\u200d" and _is_picture(before) and _is_picture(after):
        return True
    written_joined = [unicodedata.bidirectional(each) for each in (_base(text[:at]), after)]
    return written_joined == ["AL", "AL"]


def _base(text: str) -> str:
    """Return the last letter of a text that is no mark; the last character where all are."""
    return next((each for each in reversed(text) if not unicodedata.combining(each)), text[-1])


def _is_picture(character: str) -> bool:
    return (
        unicodedata.category(character) == "So"
        or character in _PRESENTATIONS
        or ord(character) in _PICTURES
        or (not character.isascii() and unicodedata.category(character) in {"Sm", "Po"})
    )


def _letters(text: str) -> Iterator[str]:
    """Yield the letters of a text, each with what is set on it, as the page setter takes them."""
    letter = ""
    for character in text:
        if letter and not _continues(letter, character):
            yield letter
            letter = ""
        letter += character
    if letter:
        yield letter


def _continues(letter: str, character: str) -> bool:
    return (
        unicodedata.category(character) in {"Mn", "Mc", "Me"}
        or is_unseen(character)
        or ord(character) in _SKIN_TONES
        or letter[-1] == "\u200d"
        or unicodedata.combining(letter[-1]) == _VIRAMA
    )


@lru_cache(maxsize=10_000)
def _is_shown(letter: str) -> bool:
    # What is unseen needs no sign in a font: the page setter leaves it out where there is none.
    seen = [ord(each) for each in letter if not is_unseen(each)]
    return any(
        all(_is_within(starts, ends, each) for each in seen)
        for starts, ends in _ranges_of_fonts().values()
    )


def _is_within(starts: list[int], ends: list[int], code_point: int) -> bool:
    number = bisect_right(starts, code_point) - 1
    return number >= 0 and code_point <= ends[number]


@cache
def _ranges_of_fonts() -> dict[str, tuple[list[int], list[int]]]:
    """Return by family the first and the last code points of what it can show, ascending."""
    text = files("rulebook").joinpath("printed_characters.txt").read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            family, _, ranges = line.partition(": ")
            pairs = [each.partition("-") for each in ranges.split()]
            starts = [int(start, 16) for start, _, _ in pairs]
            found[family] = (starts, [int(end or start, 16) for start, _, end in pairs])
    return found
