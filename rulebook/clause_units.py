"""Units as clauses write them, and as fields of documents hold them, in one measure each."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from common.currencies import minor_words, money_origins, money_signs, money_words
from rulebook.clause_characters import normal_form
from rulebook.clause_names import NamedValue

MILLIONTH = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class Unit:
    """What a number counts.

    Attributes:
        measure: such as `time` or `money`; numbers of different measures never say the same.
        factor: how much of the measure is one of the unit.
        per_mwh: for a price of energy, how many of what it is per make one MWh.
    """

    measure: str
    factor: Fraction
    per_mwh: Fraction | None = None


_HOUR_WORDS = r"[ \u00a0-]?hours?"
_MONEY_WORD = "|".join(map(re.escape, money_words()))
_ORIGIN = "|".join(map(re.escape, ("english", "sterling", *money_origins())))
_MONEY = rf"(?:(?:[A-Z][A-Za-z.]*|(?i:{_ORIGIN}))[ -]){{0,3}}(?i:(?:{_MONEY_WORD})(?: sterling)?)"
"""Words for money, with whose it is before them: `British pounds`."""

MONEY_SIGN = "|".join(re.escape(normal_form(sign)) for sign in money_signs())
MONEY_BEFORE = rf"(?:{MONEY_SIGN}|(?i:{_MONEY_WORD}))"
"""What may stand before a number in words: `£six thousand`."""
_MINOR_WORD = "|".join(map(re.escape, ("penny", "pennies", *minor_words())))

# Longer forms stand before what they open with: a megawatt hour is no megawatt.
_WRITTEN: tuple[tuple[str, str, str | int], ...] = (
    (rf"(?i:millionths of an? (?:{_MONEY_WORD}|currency unit))", "money", "1/1000000"),
    (rf"(?i:micro)(?:[ -]?(?:{_MONEY}|(?i:units?)))?", "money", "1/1000000"),
    (rf"{_MONEY}|{MONEY_SIGN}", "money", 1),
    (rf"(?i:{_MINOR_WORD})|p", "money", "1/100"),
    (r"(?i:parts (?:per|in a|in one) million|millionths?)|ppm", "part", "1/1000000"),
    (r"%|(?i:per ?cent|percentage points?|pct|parts in (?:a|one) hundred)", "part", "1/100"),
    (r"(?i:basis[ -]points?|bps?)", "part", "1/10000"),
    (r"‰|(?i:per mille|thousandths?)", "part", "1/1000"),
    (r"(?i:hundredths?)", "part", "1/100"),
    (r"(?i:twentieths?)", "part", "1/20"),
    (r"(?i:tenths?)", "part", "1/10"),
    (r"(?i:ninths?)", "part", "1/9"),
    (r"(?i:eighths?)", "part", "1/8"),
    (r"(?i:sevenths?)", "part", "1/7"),
    (r"(?i:sixths?)", "part", "1/6"),
    (r"(?i:fifths?)", "part", "1/5"),
    (r"(?i:thirds?)", "part", "1/3"),
    (r"(?i:hal(?:f|ves)(?![ -]hour))", "part", "1/2"),
    (r"(?i:half[ \u00a0-]hours?)", "time", 1_800),
    (r"(?i:quarter[ \u00a0-]hours?|quarters of an hour)", "time", 900),
    (r"(?i:quarters?)", "part", "1/4"),
    (r"(?i:seconds?)|s", "time", 1),
    (r"(?i:minutes?|mins?)", "time", 60),
    (r"(?i:hours?|hrs?)|h", "time", 3_600),
    (r"(?i:days?)|d", "time", 86_400),
    (r"(?i:weeks?)", "time", 604_800),
    (r"(?i:fortnights?)", "time", 1_209_600),
    (r"(?i:months?)", "months", 1),
    (r"(?i:years?)", "months", 12),
    (rf"(?i:grams? per kilowatt{_HOUR_WORDS})|g(?:/| per )kWh", "carbon", 1),
    (rf"(?i:kilograms? per megawatt{_HOUR_WORDS})|kg(?:/| per )MWh", "carbon", 1),
    (rf"(?i:tonnes? per megawatt{_HOUR_WORDS})|t(?:/| per )MWh", "carbon", 1_000),
    (rf"(?i:gigawatt{_HOUR_WORDS})|GWh", "energy", 10**9),
    (rf"(?i:megawatt{_HOUR_WORDS})|MWh", "energy", 10**6),
    (rf"(?i:kilowatt{_HOUR_WORDS})|kWh", "energy", 1_000),
    (rf"(?i:watt{_HOUR_WORDS})|Wh", "energy", 1),
    (r"(?i:gigawatts?)|GW", "power", 10**9),
    (r"(?i:megawatts?)|MW", "power", 10**6),
    (r"(?i:kilowatts?)|kW", "power", 1_000),
    (r"(?i:watts?)|W", "power", 1),
    (r"(?i:kilovolts?)|kV", "voltage", 1_000),
    (r"(?i:volts?)|V", "voltage", 1),
    (r"(?i:kilomet(?:re|er)s?)|km", "length", 1_000),
    (r"(?i:met(?:re|er)s?)|m", "length", 1),
    (r"(?i:o['’]clock|in the morning)|(?i:a\.?m\.?)", "clock", 1),
    (r"(?i:in the (?:afternoon|evening)|at night)|(?i:p\.?m\.?)", "clock after noon", 1),
    (r"(?i:intervals?)", "intervals", 1),
    (r"(?i:lines?)", "lines", 1),
    (r"(?i:orders?)", "orders", 1),
    (r"(?i:households?)", "households", 1),
    (r"(?i:pieces?)", "pieces", 1),
)  # fmt: skip
_QUALIFIED = re.compile(
    r"(?:calendar|local|settlement|clear|whole|full|consecutive|working|business|more|further)"
    r"[ \u00a0]",
    re.IGNORECASE,
)
_PER = re.compile(
    r"[ \u00a0]?(?:/|per|a|an|each|for (?:a|an|one|each|every))[ \u00a0]?"
    rf"(?:(?P<kwh>kWh|kilowatt{_HOUR_WORDS})|(?P<mwh>MWh|megawatt{_HOUR_WORDS})"
    rf"|(?P<gwh>GWh|gigawatt{_HOUR_WORDS}))(?![A-Za-z])"
)
_PER_MWH = {"kwh": Fraction(1_000), "mwh": Fraction(1), "gwh": Fraction(1, 1_000)}

_HELD = {
    "ppm": Unit("part", MILLIONTH),
    "ppm per year": Unit("part", MILLIONTH),
    "ppm of one per unit": Unit("part", MILLIONTH),
    "seconds": Unit("time", Fraction(1)),
    "minutes": Unit("time", Fraction(60)),
    "hours": Unit("time", Fraction(3_600)),
    "days": Unit("time", Fraction(86_400)),
    "weeks": Unit("time", Fraction(604_800)),
    "years": Unit("months", Fraction(12)),
    "W": Unit("power", Fraction(1)),
    "W per hour": Unit("power", Fraction(1)),
    "Wh": Unit("energy", Fraction(1)),
    "kV": Unit("voltage", Fraction(1_000)),
    "m": Unit("length", Fraction(1)),
    "g per kWh": Unit("carbon", Fraction(1)),
    "micro per MWh": Unit("money", MILLIONTH, Fraction(1)),
    "micro per kWh": Unit("money", MILLIONTH, Fraction(1_000)),
    "whole units of the currency per year": Unit("money", Fraction(1)),
}
_LEAST_STORED_SEEN = 10_000
"""From here on a number without a unit is also held to what is stored, as few numbers are so."""

_SHOWN_FROM_A_MILLION = {"W", "Wh", "W per hour"}


@cache
def _written_units() -> tuple[tuple[re.Pattern[str], str, Fraction], ...]:
    # On first use: every command imports this module, and only a publication reads clauses.
    return tuple(
        (re.compile(rf"(?:{pattern})(?![A-Za-z])"), measure, Fraction(factor))
        for pattern, measure, factor in _WRITTEN
    )


def unit_at(text: str, start: int) -> tuple[Unit | None, int]:
    """Return the unit that stands in `text` at `start`, and where it ends; None for none.

    >>> unit_at("90 pounds per kWh", 2)
    (Unit(measure='money', factor=Fraction(1, 1), per_mwh=Fraction(1000, 1)), 17)
    """
    begins = start + (text[start : start + 1] in {" ", "\u00a0", "-"})
    qualified = _QUALIFIED.match(text, begins)
    begins = qualified.end() if qualified else begins
    for pattern, measure, factor in _written_units():
        found = pattern.match(text, begins)
        if found is not None:
            unit = Unit(measure, factor)
            return with_per(unit, text, found.end()) if measure == "money" else (unit, found.end())
    return None, start


def with_per(money: Unit, text: str, start: int) -> tuple[Unit, int]:
    """Return a unit of money with the energy that it is for, if that stands at `start`."""
    found = _PER.match(text, start)
    if found is None or found.lastgroup is None:
        return money, start
    return replace(money, per_mwh=_PER_MWH[found.lastgroup]), found.end()


def says_the_same(amount: Fraction, unit: Unit | None, held: NamedValue) -> bool:
    """Return whether a number of a clause is the value that a field holds, signs left out.

    Args:
        unit: of the number; without one it is held to what people are shown of the value.
    """
    value = abs(int(held.value))
    if unit is None:
        stored = {Fraction(value)} if value >= _LEAST_STORED_SEEN else set()
        return amount in _shown_numbers(value, held.unit) | stored
    if unit.measure.startswith("clock"):
        hour = amount + 12 if unit.measure == "clock after noon" and amount < 12 else amount
        return held.unit == "hours" and hour == value
    own = _unit_held(held.unit)
    if own.measure != unit.measure:
        return False
    written, kept = amount * unit.factor, value * own.factor
    if unit.per_mwh is not None and own.per_mwh is not None:
        return written * unit.per_mwh == kept * own.per_mwh
    if own.measure == "part" and Fraction(written, MILLIONTH).denominator > 1:
        return abs(written - kept) < MILLIONTH  # a third is stored rounded, up or down
    return written == kept


def _unit_held(unit: str) -> Unit:
    if unit == "micro" or unit.startswith("micro per "):
        return _HELD.get(unit, Unit("money", MILLIONTH))
    return _HELD.get(unit, Unit(unit, Fraction(1)))


def _shown_numbers(value: int, unit: str) -> set[Fraction]:
    own = _unit_held(unit)
    if own.measure == "part":
        return {value * own.factor, value * own.factor * 100}
    if own.measure == "money":
        return {value * own.factor}
    if unit in _SHOWN_FROM_A_MILLION:
        return {Fraction(value, 1_000_000 if value >= 1_000_000 else 1_000)}
    return {Fraction(value, 1_000)} if unit == "m" else {Fraction(value)}
