"""Numbers as people type them, and the integers that documents hold: exact both ways, no float."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from common.currencies import NO_BREAK_SPACE, currency
from common.quantities import MINUS, YEARLY_UNITS

LONGEST_NUMBER = 40
"""Signs of a number that is read; the longest that a field holds has sixteen digits."""

_SIGN = "{sign}"
"""Stands for the sign of the market's currency."""

_NUMBER = re.compile(
    r"(?P<minus>[-\u2212]?)(?P<whole>[0-9]+|[0-9]{1,3}(?:[,\u0020\u00a0\u202f][0-9]{3})+)"
    r"(?:\.(?P<decimals>[0-9]+))?"
)


@dataclass(frozen=True)
class Measure:
    """What people type a number in.

    Attributes:
        label: as it stands beside the field; empty for a plain number.
        digits: how many decimals make the unit of the document: one MW is 10^6 W.
    """

    label: str
    digits: int

    @property
    def words(self) -> str:
        """Say what is typed, such as `a number in £/MWh, with at most 6 decimals`."""
        kind = "a number" if self.digits else "a whole number"
        unit = f" in {self.label}" if self.label else ""
        return f"{kind}{unit}, with at most {self.digits} decimals" if self.digits else kind + unit


_COUNTED = (
    "days", "hours", "households", "intervals", "kV", "lines", "minutes", "orders", "pieces",
    "seconds", "weeks", "years",
)  # fmt: skip
_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "": Measure("", 0),
        **{unit: Measure(unit, 0) for unit in _COUNTED},
        "ppm": Measure("%", 4),
        "ppm per year": Measure("% a year", 4),
        "ppm of one per unit": Measure("per unit", 6),
        "W": Measure("MW", 6),
        "W per hour": Measure("MW per hour", 6),
        "Wh": Measure("MWh", 6),
        "m": Measure("km", 3),
        "g per kWh": Measure("g/kWh", 0),
        "micro": Measure(_SIGN, 6),
        "micro per MWh": Measure(f"{_SIGN}/MWh", 6),
        "micro per kWh": Measure(f"{_SIGN}/kWh", 6),
        "micro per MW and hour": Measure(f"{_SIGN}/MW and hour", 6),
        "micro per month": Measure(f"{_SIGN} a month", 6),
        "micro per piece": Measure(f"{_SIGN} apiece", 6),
        "micro per year": Measure(f"{_SIGN} a year", 6),
        YEARLY_UNITS: Measure(f"{_SIGN} a year", 0),
    }
)
"""By the unit of a field; a unit that is not here has no form yet."""

_OF_HOUSEHOLDS: Mapping[str, Measure] = MappingProxyType({"magnitude_w": Measure("kW", 3)})
"""By name of a field, where its quantity is of another size than its unit mostly is."""


_SCALED = "|".join(
    re.escape(unit) for unit in sorted(_MEASURES, key=len, reverse=True) if _MEASURES[unit].digits
)
_WITH_UNIT = re.compile(rf"(?<![\w.])(?P<number>-?[0-9][0-9_]*) (?P<unit>{_SCALED})(?!\w)")
_GROUPED = re.compile(r"(?<![\w.-])-?[0-9]{1,3}(?:_[0-9]{3})+(?!\w)")
_ANY_NUMBER = re.compile(r"(?<![\w.-])-?[0-9][0-9_]*(?![\w.])")


def measure_of(unit: str, code: str, field: str = "") -> Measure:
    """Return what people type a field in.

    Args:
        unit: of the document.
        code: of the market's currency.
        field: its name.

    Raises:
        KeyError: nobody has said yet how people write this unit.

    >>> measure_of("micro per MWh", "GBP"), measure_of("W", "GBP", "magnitude_w")
    (Measure(label='£/MWh', digits=6), Measure(label='kW', digits=3))
    """
    measure = _OF_HOUSEHOLDS.get(field) or _MEASURES[unit]
    if _SIGN not in measure.label:
        return measure
    sign = currency(code).sign.rstrip(NO_BREAK_SPACE)
    return Measure(measure.label.replace(_SIGN, sign), measure.digits)


def as_typed(text: str, code: str, measure: Measure | None = None) -> str:
    """Return a sentence with the numbers of documents as people type them.

    Args:
        text: with numbers and the units of documents, as findings write them.
        code: of the market's currency.
        measure: of the field that it speaks of; it is that of numbers without a unit, where these
            are written with digits in groups.

    >>> as_typed("it is at most 90_000_000 micro per MWh at 1_500_000 ppm", "GBP")
    'it is at most 90 £/MWh at 150 %'
    """

    def with_unit(found: re.Match[str]) -> str:
        own = measure_of(found["unit"], code)
        return f"{number_text(_whole(found['number']), own.digits)} {own.label}"

    written = _WITH_UNIT.sub(with_unit, text)
    if measure is None or not measure.digits:
        return written
    digits, label = measure.digits, measure.label
    return _GROUPED.sub(lambda found: f"{number_text(_whole(found[0]), digits)} {label}", written)


def number_as_typed(text: str, measure: Measure) -> str:
    """Return a sentence of which every number is a value of one field, as people type it.

    >>> megawatts = Measure("MW", 6)
    >>> number_as_typed("the least is 0", megawatts), number_as_typed("-1_500_000", megawatts)
    ('the least is 0 MW', '-1.5 MW')
    """

    def in_measure(found: re.Match[str]) -> str:
        return f"{number_text(_whole(found[0]), measure.digits)} {measure.label}".rstrip()

    return _ANY_NUMBER.sub(in_measure, text)


def _whole(written: str) -> int:
    return int(written.replace("_", ""))


def number_text(value: int, digits: int) -> str:
    """Return an integer of a document as people type it: exact, without needless zeros.

    >>> number_text(6_000_000_000, 6), number_text(-1_500, 6), number_text(7, 0)
    ('6000', '-0.0015', '7')
    """
    # Of the size and without the sign: divmod rounds down, so -5 of 1,000 would be -1 and 995.
    whole, part = divmod(abs(value), 10**digits)
    decimals = f"{part:0{digits}d}".rstrip("0") if digits else ""
    return f"{'-' if value < 0 else ''}{whole}" + (f".{decimals}" if decimals else "")


def read_number(text: str, digits: int) -> int | None:
    """Return the integer that a typed number stands for; None where it is none that fits.

    Thousands may stand apart by commas or blanks. Nothing is rounded: a number with more decimals
    than the unit of the document has does not fit.

    >>> read_number("6,000", 6), read_number("0.0015", 3), read_number("1,5", 6)
    (6000000000, None, None)
    """
    if len(text) > LONGEST_NUMBER:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    decimals = (found["decimals"] or "").rstrip("0")
    if len(decimals) > digits:
        return None
    whole = re.sub(r"[^0-9]", "", found["whole"])
    one: int = 10**digits
    size = int(whole) * one + int(decimals.ljust(digits, "0") or "0")
    return -size if found["minus"] in ("-", MINUS) else size
