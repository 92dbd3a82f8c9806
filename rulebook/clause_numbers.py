"""The numbers that the text of a clause states, in numerals or in words, with their units.

Anchors, dates and names in braces are left out: they are no numbers of the law.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from rulebook.clause_characters import normal_form
from rulebook.clause_units import MONEY_SIGN, Unit, unit_at, with_per

_SPACE = r"[ \u00a0\u202f]"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_NO_NUMBER = re.compile(
    r"\{[^{}]*\}"
    r"|\b[A-Z]{2}-\d+(?:\.\d+)*"
    r"|\b\d{4}-\d{2}-\d{2}\b"
    r"|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)?{_SPACE}{_MONTH}(?:{_SPACE}\d{{4}})?\b"
    rf"|\b{_MONTH}{_SPACE}\d{{1,2}}(?:st|nd|rd|th)?(?:,?{_SPACE}\d{{4}})?\b"
    rf"|\b{_MONTH}{_SPACE}\d{{4}}\b"
)
_NUMERAL = re.compile(
    r"(?<!\w)(?<!\d\.)(?<![A-Za-z]-)"
    rf"(?:(?P<money>{MONEY_SIGN}|[A-Z]{{3}}){_SPACE}?)?"
    rf"(?P<number>\d{{1,3}}(?:(?:[,_'’]|{_SPACE})\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\.)\.\d+)(?!\d)"
)
_FRACTION = re.compile(rf"{_SPACE}?[/\u2044]{_SPACE}?(\d+)(?!\d)")
_CLOCK = re.compile(r":([0-5]\d)(?!\d)")
_AND_HALF = re.compile(r"(?i:{_SPACE}and{_SPACE}a{_SPACE}half)(?![A-Za-z])")
_HALF = re.compile(r"(?i:half[ -]an?)(?= )")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![A-Za-z])")
_SHORT_MULTIPLES = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9}
_SHORT_MULTIPLE = re.compile(r"(k|mn|m|bn)(?![A-Za-z])")
_WORD = re.compile(r"[A-Za-z]+")
_BETWEEN_WORDS = re.compile(rf"(?:{_SPACE}and{_SPACE}|{_SPACE}|-)")
_BETWEEN_NUMBERS = re.compile(
    rf",?{_SPACE}?(?:-|\u2013|\u2014|,|/|to|and|or|nor){_SPACE}?|,?{_SPACE}(?:and|or|to){_SPACE}"
)
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
_MULTIPLES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}


@dataclass(frozen=True)
class StatedNumber:
    """A number that a text states.

    Attributes:
        text: as it is read there, in normal form, its unit included.
        unit: None where none follows that is known.
        start, end: where it stands in the normal form of the text.
        is_prefixed: whether a sign of money stands before it.
    """

    text: str
    amount: Fraction
    unit: Unit | None
    start: int
    end: int
    is_numeral: bool
    is_prefixed: bool = False


def stated_numbers(text: str) -> list[StatedNumber]:
    """Return the numerals of a text, and its number words that have a unit, in order.

    >>> [each.text for each in stated_numbers("Five layers; ninety pounds on 1 May, by MR-2.2.")]
    ['ninety pounds']
    """
    plain = _NO_NUMBER.sub(lambda found: "\0" * len(found[0]), normal_form(text))
    found = sorted((*_numerals(plain), *_number_words(plain)), key=lambda each: each.start)
    return [each for each in _share_units(found, plain) if each.is_numeral or each.unit]


def _numerals(text: str) -> Iterator[StatedNumber]:
    read = 0
    for found in _NUMERAL.finditer(text):
        if found.start() < read:
            continue  # the second number of a fraction or of a time of day
        amount = Fraction(re.sub(r"[^\d.]", "", found["number"]))
        sign, end, unit = found["money"], found.end(), None
        if sign is not None:
            unit, after_sign = unit_at(sign, 0)
            if unit is None or after_sign != len(sign):
                continue  # the letters open a name, such as AMM2
        part = _FRACTION.match(text, end)
        if part is not None and int(part[1]):
            amount, end = Fraction(amount, int(part[1])), part.end()
        amount, end = _multiplied(amount, text, end, with_short=sign is not None)
        ordinal, clock = _ORDINAL.match(text, end), _CLOCK.match(text, end)
        if clock is not None:
            amount, end = amount + Fraction(int(clock[1]), 60), clock.end()
            unit = Unit("clock", Fraction(1))
        elif unit is not None:
            unit, end = with_per(unit, text, end)
        else:
            end = ordinal.end() if ordinal is not None else end
            unit, end = unit_at(text, end)
        read = end
        if text[end : end + 1].isalpha():
            continue  # a name that begins with digits
        yield StatedNumber(
            text[found.start() : end], amount, unit, found.start(), end, True, sign is not None
        )


def _multiplied(amount: Fraction, text: str, end: int, with_short: bool) -> tuple[Fraction, int]:
    short = _SHORT_MULTIPLE.match(text, end) if with_short else None
    if short is not None:
        return amount * _SHORT_MULTIPLES[short[1]], short.end()
    word = _WORD.match(text, end + 1)
    if word is not None and text[end] in {" ", "\u00a0"} and word[0].lower() in _MULTIPLES:
        return amount * _MULTIPLES[word[0].lower()], word.end()
    return amount, end


def _number_words(text: str) -> Iterator[StatedNumber]:
    end = 0
    for found in _WORD.finditer(text):
        if found.start() < end:
            continue
        half = _HALF.match(text, found.start())
        if half is not None:
            amount, end = Fraction(1, 2), half.end()
        elif _opens_a_number(found[0].lower(), text, found.end()):
            amount, end = _read_words(text, found.start())
        else:
            continue
        and_half = _AND_HALF.match(text, end)
        if and_half is not None:
            amount, end = amount + Fraction(1, 2), and_half.end()
        unit, end = unit_at(text, end)
        yield StatedNumber(text[found.start() : end], amount, unit, found.start(), end, False)


def _opens_a_number(word: str, text: str, end: int) -> bool:
    if word == "a":
        following = _WORD.match(text, end + 1)
        return following is not None and following[0].lower() in _MULTIPLES
    return word in _SMALL or word in _TENS


def _read_words(text: str, start: int) -> tuple[Fraction, int]:
    """Read number words from `start` for as long as they make one number."""
    whole = below = 0  # thousands and more, and what stands below the next of them
    end, at, last = start, start, ""
    while (found := _WORD.match(text, at)) is not None:
        word = found[0].lower()
        if word == "point" and last:
            return _read_decimals(Fraction(whole + below), text, end, found.end())
        if not _follows(word, last):
            break
        if word in _MULTIPLES and word != "hundred":
            whole, below = whole + (below or 1) * _MULTIPLES[word], 0
        elif word == "hundred":
            below = (below or 1) * 100
        else:
            below += 1 if word == "a" else _SMALL.get(word, 0) + _TENS.get(word, 0)
        last, end = word, found.end()
        between = _BETWEEN_WORDS.match(text, end)
        if between is None or ("and" in between[0] and word not in _MULTIPLES):
            break
        at = between.end()
    return Fraction(whole + below), end


def _follows(word: str, last: str) -> bool:
    """Return whether a number word goes on with the number that `last` has read so far."""
    if not last:
        return word == "a" or word in _SMALL or word in _TENS
    if word in _MULTIPLES:
        return True
    if last in _MULTIPLES:
        return word in _SMALL or word in _TENS
    return last in _TENS and word in _SMALL and 0 < _SMALL[word] < 10


def _read_decimals(whole: Fraction, text: str, end: int, at: int) -> tuple[Fraction, int]:
    """Read the digits after `point`, a word each; none of them leaves the number as it was."""
    amount, place = whole, Fraction(1, 10)
    while (found := re.compile(rf"{_SPACE}([a-z]+)").match(text, at)) is not None:
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


def _share_units(found: list[StatedNumber], text: str) -> list[StatedNumber]:
    """Give numbers of a series the unit that stands at its end, or the sign at its head."""
    shared = list(found)
    for position in range(len(shared) - 2, -1, -1):
        this, following = shared[position], shared[position + 1]
        if this.unit is None and _BETWEEN_NUMBERS.fullmatch(text[this.end : following.start]):
            shared[position] = replace(this, unit=following.unit)
    for position in range(1, len(shared)):
        this, before = shared[position], shared[position - 1]
        if (
            this.unit is None
            and before.is_prefixed
            and _BETWEEN_NUMBERS.fullmatch(text[before.end : this.start])
        ):
            shared[position] = replace(this, unit=before.unit, is_prefixed=True)
    return shared
