"""Numbers in words: cardinals ("six thousand"), ordinals ("fourteenth") and what they are parts of.

Ordinals are read to the ninety-ninth, and the hundredth, thousandth and millionth. Roman numerals,
dozens and the slang of money are no numbers here.
"""

import re
from fractions import Fraction

WORD = re.compile(r"[A-Za-z]+")
_BETWEEN_WORDS = re.compile(r"(?: and | |-)")
_DECIMAL = re.compile(r" ([a-z]+)")
_ORDINAL = re.compile(r"([A-Za-z]+)(?:[ -]([A-Za-z]+))?")
_SMALL = {
    word: number
    for number, word in enumerate(
        [
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen"),
        ]
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
MULTIPLES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def _ordinals() -> dict[str, int]:
    small = {_IRREGULAR.get(word, f"{word}th"): number for word, number in _SMALL.items()}
    tens = {f"{word[:-1]}ieth": number for word, number in _TENS.items()}
    both = {
        f"{word} {ordinal}": ten + number
        for word, ten in _TENS.items()
        for ordinal, number in small.items()
        if 0 < number < 10
    }
    large = {f"{word}th": number for word, number in MULTIPLES.items()}
    return {**small, **tens, **both, **large}


_ORDINALS = _ordinals()

OPENING_WORDS = frozenset(
    {"a", *_SMALL, *_TENS, *(ordinal.partition(" ")[0] for ordinal in _ORDINALS)}
)
"""The first words of all cardinals, ordinals and parts."""


def opens_a_number(text: str, start: int) -> bool:
    """Return whether the word at `start` begins a number in words."""
    found = WORD.match(text, start)
    word = found[0].lower() if found else ""
    if word == "a" and found:
        following = WORD.match(text, found.end() + 1)
        return following is not None and following[0].lower() in MULTIPLES
    return word in _SMALL or word in _TENS


def read_words(text: str, start: int) -> tuple[Fraction, int]:
    """Read number words from `start` for as long as they make one number.

    >>> read_words("six thousand and ten pounds", 0)
    (Fraction(6010, 1), 20)
    """
    whole = below = 0  # thousands and more, and what stands below the next of them
    end, at, last = start, start, ""
    while (found := WORD.match(text, at)) is not None:
        word = found[0].lower()
        if word == "point" and last:
            return _read_decimals(Fraction(whole + below), text, end, found.end())
        if not _follows(word, last):
            break
        if word in MULTIPLES and word != "hundred":
            whole, below = whole + (below or 1) * MULTIPLES[word], 0
        elif word == "hundred":
            below = (below or 1) * 100
        else:
            below += 1 if word == "a" else _SMALL.get(word, 0) + _TENS.get(word, 0)
        last, end = word, found.end()
        between = _BETWEEN_WORDS.match(text, end)
        if between is None or ("and" in between[0] and word not in MULTIPLES):
            break
        at = between.end()
    return Fraction(whole + below), end


def read_ordinal(text: str, start: int, with_plural: bool = False) -> tuple[int, int] | None:
    """Return the ordinal that stands at `start`, and where it ends; None for none.

    >>> read_ordinal("forty-eighths", 0), read_ordinal("forty-eighths", 0, with_plural=True)
    (None, (48, 13))
    """
    found = _ORDINAL.match(text, start)
    if found is None:
        return None
    for last in (2, 1):
        words = " ".join(found[each].lower() for each in range(1, last + 1) if found[each])
        number = _ORDINALS.get(words.removesuffix("s") if with_plural else words)
        if number is not None and found[last]:
            return number, found.end(last)
    return None


def _follows(word: str, last: str) -> bool:
    """Return whether a number word goes on with the number that `last` has read so far."""
    if not last:
        return word == "a" or word in _SMALL or word in _TENS
    if word in MULTIPLES:
        return True
    if last in MULTIPLES:
        return word in _SMALL or word in _TENS
    return last in _TENS and word in _SMALL and 0 < _SMALL[word] < 10


def _read_decimals(whole: Fraction, text: str, end: int, at: int) -> tuple[Fraction, int]:
    """Read the digits after `point`, a word each; none of them leaves the number as it was."""
    amount, place = whole, Fraction(1, 10)
    while (found := _DECIMAL.match(text, at)) is not None:
        digit = _SMALL.get(found[1], 10)
        if digit > 9:
            break
        amount, place, end, at = (
            amount + digit * place,
            Fraction(place, 10),
            found.end(),
            found.end(),
        )
    return amount, end
