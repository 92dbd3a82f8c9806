"""How quantities are written for people: exact, grouped, with their unit; nothing is rounded.

Every function takes an integer. The minus sign is U+2212, which aligns with digits.
"""

from collections.abc import Callable

from common.currencies import MICRO_DIGITS, NO_BREAK_SPACE, currency

MICRO = 1_000_000
MINUS = "\N{MINUS SIGN}"
YEARLY_UNITS = "whole units of the currency per year"


def scaled(value: int, digits: int, *, at_least: int = 0) -> str:
    """Return `value` / 10^digits exactly, grouped, without needless zeros.

    >>> [scaled(value, 3) for value in (1_234_500, -5, 2_000)]
    ['1,234.5', '−0.005', '2']
    >>> scaled(1_200_000, 6, at_least=2)
    '1.20'
    """
    # Of the size and without the sign: divmod rounds down, so -5 of 1,000 would be -1 and 995.
    whole, part = divmod(abs(value), 10**digits)
    decimals = f"{part:0{digits}d}".rstrip("0").ljust(at_least, "0") if digits else ""
    sign = MINUS if value < 0 else ""
    return f"{sign}{whole:,}" + (f".{decimals}" if decimals else "")


def plural(count: int, one: str, more: str = "") -> str:
    """Return a count and what is counted.

    >>> plural(1, "promise"), plural(40, "promise"), plural(0, "day")
    ('1 promise', '40 promises', '0 days')
    """
    return f"{scaled(count, 0)} {one if count == 1 else more or f'{one}s'}"


def energy(wh: int) -> str:
    """Return energy in kWh, or in MWh from one MWh up; exact.

    >>> [energy(value) for value in (0, 999, 1_500, 2_500_000, 1_234_567_890)]
    ['0\xa0kWh', '0.999\xa0kWh', '1.5\xa0kWh', '2.5\xa0MWh', '1,234.56789\xa0MWh']
    """
    return _kilo_or_mega(wh, "Wh")


def power(w: int) -> str:
    """Return power in kW, or in MW from one MW up; exact.

    >>> [power(value) for value in (3_000, 5_300_000, 2_000_000_000)]
    ['3\xa0kW', '5.3\xa0MW', '2,000\xa0MW']
    """
    return _kilo_or_mega(w, "W")


def megawatt_hours(wh: int) -> str:
    """Return energy in MWh however little it is, for arithmetic with prices per MWh; exact.

    >>> megawatt_hours(1_500), megawatt_hours(-2_500_000)
    ('0.0015\xa0MWh', '−2.5\xa0MWh')
    """
    return f"{scaled(wh, 6)}{NO_BREAK_SPACE}MWh"


def megawatts(w: int) -> str:
    """Return power in MW however little it is, for arithmetic; exact.

    >>> megawatts(1_500)
    '0.0015\xa0MW'
    """
    return f"{scaled(w, 6)}{NO_BREAK_SPACE}MW"


def _kilo_or_mega(value: int, unit: str) -> str:
    digits, prefix = (6, "M") if abs(value) >= MICRO else (3, "k")
    return f"{scaled(value, digits)}{NO_BREAK_SPACE}{prefix}{unit}"


def ppm(value: int) -> str:
    """Return parts per million as a percentage, exact.

    >>> ppm(995_000), ppm(123)
    ('99.5\\xa0%', '0.0123\\xa0%')
    """
    return f"{scaled(value, 4)}{NO_BREAK_SPACE}%"


def is_money(unit: str) -> bool:
    """Return whether a unit counts money, so that it takes a currency to write it."""
    return unit in {"micro", YEARLY_UNITS} or unit.startswith(("micro per ", "micro/"))


def quantity(value: int, unit: str) -> str:
    """Return a quantity that is no money in the form that people read; exact.

    >>> quantity(17, "days"), quantity(1_500, "Wh"), quantity(1_234, "")
    ('17\\xa0days', '1.5\\xa0kWh', '1,234')

    Raises:
        ValueError: the unit counts money.
    """
    if is_money(unit):
        raise ValueError(f"it takes a currency to write {unit}")
    write = _WRITERS.get(unit)
    if write is not None:
        return write(value)
    return f"{scaled(value, 0)}{NO_BREAK_SPACE}{unit}" if unit else scaled(value, 0)


def with_unit(value: int, unit: str, code: str) -> str:
    """Return a quantity of a document or a result in the form that people read; exact.

    Args:
        code: of the currency, for units that count money.

    >>> with_unit(90_000_000, "micro per MWh", "GBP"), with_unit(17, "days", "GBP")
    ('£90.00 per\\xa0MWh', '17\\xa0days')
    >>> with_unit(90_000_000, "micro/MWh", "JPY")
    '¥90 per\\xa0MWh'
    """
    if not is_money(unit):
        return quantity(value, unit)
    if unit == YEARLY_UNITS:
        return with_unit(value * MICRO, "micro per year", code)
    of = currency(code)
    amount = f"{of.sign}{scaled(abs(value), MICRO_DIGITS, at_least=of.minor_digits)}"
    per = unit.removeprefix("micro").replace("/", " per ")
    per = per.replace("per ", f"per{NO_BREAK_SPACE}")
    return f"{MINUS if value < 0 else ''}{amount}{per}"


_WRITERS: dict[str, Callable[[int], str]] = {
    "W": power,
    "Wh": energy,
    "ppm": ppm,
    "ppm per year": lambda value: f"{ppm(value)} per{NO_BREAK_SPACE}year",
    "kW": lambda value: power(value * 1_000),
    "m": lambda value: f"{scaled(value, 3)}{NO_BREAK_SPACE}km",
    "W per hour": lambda value: f"{power(value)} per{NO_BREAK_SPACE}hour",
}
