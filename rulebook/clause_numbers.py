"""The numbers that the text of a clause states, in numerals or in words, with their units.

Anchors, dates and names in braces are left out: they are no numbers of the law. So are Roman
numerals, and sums and products ("an hour less ten minutes"): what follows is not computed.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from rulebook.clause_characters import normal_form
from rulebook.clause_units import MONEY_BEFORE, MONEY_SIGN, Unit, unit_at, with_per
from rulebook.clause_words import (
    MULTIPLES,
    OPENING_WORDS,
    WORD,
    opens_a_number,
    read_ordinal,
    read_words,
)

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_NO_NUMBER = re.compile(
    r"\{[^{}]*\}"
    r"|\b(?P<anchor>[A-Z]{2}-\d+(?:\.\d+)*)"
    r"|\b\d{4}-\d{2}-\d{2}\b"
    r"|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?\b"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b"
    rf"|\b{_MONTH} \d{{4}}\b"
)
_NUMERAL = re.compile(
    r"(?<![^\W_])(?<!\d\.)"
    rf"(?:(?P<money>{MONEY_SIGN}|[A-Z]{{3}}) ?)?"
    r"(?P<number>\d{1,3}(?:[,_'’ ]\d{3}| ?, ?000)+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\.)\.\d+)(?!\d)"
)
_CONTINENTAL = re.compile(
    r"(?P<whole>\d{1,3}(?:[. ]\d{3})+|\d+),(?P<part>\d{1,2}|\d{4,})(?!\d)"
    r"|(?P<grouped>\d{1,3}(?:\.\d{3}){2,}|[1-9]\d{0,2}\.000)(?![.,]?\d)"
)
_NAME_BEFORE = re.compile(r"(?:[A-Za-z]-|_)\Z")
_FRACTION = re.compile(r" ?/ ?(\d+)(?!\d)")
_MIXED = re.compile(r" (\d+) ?/ ?(\d+)(?!\d)")
_CLOCK = re.compile(r":([0-5]\d)(?!\d)")
_AND_HALF = re.compile(r"(?i: and (?:a|one)[ -]half)(?![A-Za-z])")
_HALF = re.compile(r"(?i:(?:(?:an?|one)[ -])?half(?P<of>[ -](?:of )?an?)?)(?=[ -])")
_ALONE = re.compile(
    r"(?i:(?:an? )?(?P<one>fortnight|half[ -]hour|quarter[ -]hour)"
    r"|(?:(?<=are )|(?<=into )|(?<=last ))(?P<many>half[ -]hours|quarter[ -]hours))(?![A-Za-z])"
)
_OPENING_WORDS = OPENING_WORDS | {"an", "fortnight", "half", "quarter"}
_A_PART = re.compile(r"(?i:an?)[ -]")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![A-Za-z])")
_AFTER_FIRST = re.compile(r"(?i: (?:after|following|from|later|since))(?![A-Za-z])")
_SHORT_MULTIPLES = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9}
_SHORT_MULTIPLE = re.compile(r" ?(k|mn|m|bn)(?![A-Za-z])", re.IGNORECASE)
_MULTIPLE = re.compile(rf"[ -]?({'|'.join(MULTIPLES)})(?![A-Za-z])", re.IGNORECASE)
_MONEY_BEFORE = re.compile(rf"(?<![A-Za-z])({MONEY_BEFORE}) ?\Z")
_LONGEST_MONEY = 20
_SIGN_BEFORE = re.compile(rf"(?![A-Za-z])(?:{MONEY_SIGN}) ?\Z")
_BETWEEN_NUMBERS = re.compile(
    r",? ?(?:-|\u2013|\u2014|,|/|to|and|or|nor) ?|,? (?:and|or|to) ",
)
_OF_A_UNIT = re.compile(r"(?i: (?:of )?(?:an?|one|the|each|every))(?= )")
_IN_EVERY = re.compile(
    r"(?i: (?:parts? )?(?:in|per|out of|an?|(?:for|on)(?= (?:every|each|the)))"
    r"(?: (?:every|each|an?|one|the))? )"
)
_MANY = re.compile(rf"(?:(?:{MONEY_SIGN}) ?)?(\d{{1,3}}(?:[, ]\d{{3}})+|\d+)(?![\d.])")
_ORDINALS_COUNT = frozenset({"time", "months", "money", "energy", "power", "length"})
_PARTS_ARE_OF = frozenset({"time", "months", "money"})
_ONE_PART = Unit("part", Fraction(1))


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


def stated_numbers(text: str, anchors: Collection[str] = ()) -> list[StatedNumber]:
    """Return the numerals of a text, and its number words that have a unit, in order.

    What can be read in two ways, as `1/48 of a day`, is there as both.

    Args:
        anchors: of the document; others, before a unit, are numbers that only look like anchors.

    >>> [each.text for each in stated_numbers("Five layers; ninety pounds on 1 May, by MR-2.2.")]
    ['ninety pounds']
    """
    return list(_stated_numbers(text, frozenset(anchors)))


@lru_cache(maxsize=1024)  # who writes law has the same clauses read with every page that they save
def _stated_numbers(text: str, anchors: frozenset[str]) -> tuple[StatedNumber, ...]:
    plain = _NO_NUMBER.sub(lambda found: _left_out(found, anchors), normal_form(text))
    numerals = list(_numerals(plain))
    words = (
        each
        for each in _number_words(plain)
        if not any(other.start <= each.start < other.end for other in numerals)
    )
    found = sorted((*numerals, *words), key=lambda each: each.start)
    shared = _share_units(found, plain)
    shared += [further for each in shared for further in _read_further(each, plain)]
    said = (each for each in shared if each.is_numeral or each.unit)
    return tuple(sorted(said, key=lambda each: each.start))


def _left_out(found: re.Match[str], anchors: Collection[str]) -> str:
    anchor, text = found["anchor"], found.string
    if anchor is not None and _SIGN_BEFORE.search(text[: found.start()]):
        return "\0\0\0" + anchor[3:]
    if anchor is not None and anchor not in anchors:
        number = _NUMERAL.match(text, found.start() + 3)
        if number is not None:
            _, end = _multiplied(Fraction(1), text, number.end(), with_short=False)
            if unit_at(text, end)[0] is not None:
                return "\0\0\0" + found[0][3:]
    return "\0" * len(found[0])


def _numerals(text: str) -> Iterator[StatedNumber]:
    read = 0
    for found in _NUMERAL.finditer(text):
        if found.start() < read:
            continue  # the second number of a fraction or of a time of day
        sign, unit = found["money"], None
        if sign is not None:
            unit, after_sign = unit_at(sign, 0)
            if unit is None or after_sign != len(sign):
                continue  # the letters open a name, such as AMM2
        amount, end = Fraction(re.sub(r"[^\d.]", "", found["number"])), found.end()
        number = _numeral_with_unit(text, found.start(), end, amount, unit)
        read = end if number is None else number.end
        is_name = number is None or number.unit is None
        if not (is_name and _NAME_BEFORE.search(text[: found.start()])) and number is not None:
            yield number
        other = _CONTINENTAL.match(text, found.start("number"))
        if other is not None:
            digits = f"{other['whole'] or other['grouped']}.".replace(".", "").replace(" ", "")
            amount = Fraction(f"{digits}.{other['part'] or 0}")
            number = _numeral_with_unit(text, found.start(), other.end(), amount, unit)
            if number is not None and number.unit is not None:
                yield number


def _numeral_with_unit(
    text: str, start: int, end: int, amount: Fraction, sign: Unit | None
) -> StatedNumber | None:
    """Return the number whose digits end at `end` with its unit; None for a name with digits."""
    part, mixed = _FRACTION.match(text, end), _MIXED.match(text, end)
    if part is not None and int(part[1]):
        amount, end = Fraction(amount, int(part[1])), part.end()
    elif mixed is not None and int(mixed[2]):
        amount, end = amount + Fraction(int(mixed[1]), int(mixed[2])), mixed.end()
    amount, end = _multiplied(amount, text, end, with_short=sign is not None)
    ordinal, clock = _ORDINAL.match(text, end), _CLOCK.match(text, end)
    unit: Unit | None
    if clock is not None:
        amount, end = amount + Fraction(int(clock[1]), 60), clock.end()
        unit = Unit("clock", Fraction(1))
    else:
        end = ordinal.end() if ordinal is not None else end
        unit, end = with_per(sign, text, end) if sign is not None else unit_at(text, end)
    if sign is None and text[end : end + 1].isalpha():
        return None
    return StatedNumber(text[start:end], amount, unit, start, end, True, sign is not None)


def _multiplied(amount: Fraction, text: str, end: int, with_short: bool) -> tuple[Fraction, int]:
    short = _SHORT_MULTIPLE.match(text, end)
    if short is not None and (with_short or _is_multiple(short, text)):
        return amount * _SHORT_MULTIPLES[short[1].lower()], short.end()
    while (multiple := _MULTIPLE.match(text, end)) is not None:
        amount, end = amount * MULTIPLES[multiple[1].lower()], multiple.end()
    return amount, end


def _is_multiple(short: re.Match[str], text: str) -> bool:
    """Return whether letters after a number multiply it: `6 m` are metres, `6m pounds` are not."""
    if short[1] != "m" and " " not in short[0]:
        return True
    following, _ = unit_at(text, short.end())
    return following is not None and following.measure == "money"


def _number_words(text: str) -> Iterator[StatedNumber]:
    end = 0
    for found in WORD.finditer(text):
        start = found.start()
        if start < end or found[0].lower() not in _OPENING_WORDS:
            continue
        read = _one_alone(text, start) or _half(text, start) or _ordinal(text, start)
        if read is None and opens_a_number(text, start):
            read = _cardinal(text, start)
        if read is not None:
            amount, unit, end = read
            before = _MONEY_BEFORE.search(text[max(0, start - _LONGEST_MONEY) : start])
            if unit is None and before is not None:
                unit, end = with_per(Unit("money", Fraction(1)), text, end)
            yield StatedNumber(text[start:end], amount, unit, start, end, False)


_Read = tuple[Fraction, Unit | None, int]


def _one_alone(text: str, start: int) -> _Read | None:
    """Read a unit that is a number by itself, such as a fortnight."""
    found = _ALONE.match(text, start)
    if found is None or found.lastgroup is None:
        return None
    unit, end = unit_at(text, found.start(found.lastgroup))
    return Fraction(1), unit, end


def _half(text: str, start: int) -> _Read | None:
    found = _HALF.match(text, start)
    if found is None:
        return None
    amount, end = _multiplied(Fraction(1, 2), text, found.end(), with_short=False)
    unit, end = unit_at(text, end)
    if unit is None and found["of"] is None and text.startswith(" of ", found.end()):
        return amount, _ONE_PART, found.end()
    return amount, unit, end


def _ordinal(text: str, start: int) -> _Read | None:
    """Read an ordinal before a unit, or the part that it names, as in `a third of the votes`."""
    part = _A_PART.match(text, start)
    read = read_ordinal(text, part.end() if part else start)
    if read is None:
        return None
    number, end = read
    if part is not None:
        return (Fraction(1, number), _ONE_PART, end) if text.startswith(" of ", end) else None
    unit, after = unit_at(text, end)
    if unit is None or unit.measure not in _ORDINALS_COUNT:
        return None
    if number == 1 and not _AFTER_FIRST.match(text, after):
        return None  # the first day of a month is no number of days
    return Fraction(number), unit, after


def _cardinal(text: str, start: int) -> _Read:
    amount, end = read_words(text, start)
    and_half = _AND_HALF.match(text, end)
    if and_half is not None:
        amount, end = amount + Fraction(1, 2), and_half.end()
    unit, after = unit_at(text, end)
    if unit is None and text[end : end + 1] in {" ", "-"}:
        part = read_ordinal(text, end + 1, with_plural=True)
        if part is not None and part[0] > 2:
            return Fraction(amount, part[0]), _ONE_PART, part[1]
    return amount, unit, after


def _read_further(number: StatedNumber, text: str) -> Iterator[StatedNumber]:
    """Yield what a number says together with what follows: a part of a unit, or one in so many."""
    unit, amount = number.unit, number.amount
    is_part = unit is not None and unit.measure == "part"
    share = amount * unit.factor if unit is not None and is_part else amount
    of_a_unit = _OF_A_UNIT.match(text, number.end)
    if of_a_unit is not None and (is_part or (unit is None and amount.denominator > 1)):
        whole, end = unit_at(text, of_a_unit.end())
        if whole is not None and whole.measure in _PARTS_ARE_OF:
            yield replace(number, text=text[number.start : end], amount=share, unit=whole, end=end)
    in_every = _IN_EVERY.match(text, number.end)
    if in_every is not None and (unit is None or unit.measure == "money"):
        count, end = _how_many(text, in_every.end())
        if count:
            share = amount * unit.factor if unit is not None else amount
            yield replace(
                number,
                text=text[number.start : end],
                amount=Fraction(share, count),
                unit=_ONE_PART,
                end=end,
            )


def _how_many(text: str, start: int) -> tuple[Fraction, int]:
    """Return what a share is counted in, as the hundred of `eight in every hundred`; 0 for none."""
    digits, word = _MANY.match(text, start), WORD.match(text, start)
    if digits is not None:
        return _multiplied(
            Fraction(re.sub(r"\D", "", digits[1])), text, digits.end(), with_short=False
        )
    if opens_a_number(text, start):
        return read_words(text, start)
    if word is not None and word[0].lower() in MULTIPLES:
        return _multiplied(Fraction(1), text, start - 1, with_short=False)
    unit, end = unit_at(text, start)
    return (unit.factor, end) if unit is not None and unit.measure == "money" else (Fraction(0), 0)


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
