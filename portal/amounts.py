"""How quantities and money are written for people: exact, grouped, with their unit.

Every function takes integers and writes the exact value; nothing is rounded here except where a
name says so. The minus sign is U+2212, which aligns with digits.
"""

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

MICRO = 1_000_000
MICRO_DIGITS = 6
MINUS = "\N{MINUS SIGN}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
SIGN_OF_CURRENCY = {"GBP": "£", "EUR": "€", "USD": "$"}
SHOWN_DIGEST_LETTERS = 12
_TYPED = re.compile(r"(-?)[£€$]?(\d{1,15})(?:\.(\d{1,2}))?", re.ASCII)


def scaled(value: int, digits: int, *, at_least: int = 0) -> str:
    """Return `value` / 10^digits exactly, grouped, without needless zeros.

    >>> [scaled(value, 3) for value in (1_234_500, -5, 2_000)]
    ['1,234.5', '−0.005', '2']
    >>> scaled(1_200_000, 6, at_least=2)
    '1.20'
    """
    whole, part = divmod(abs(value), 10**digits)
    decimals = f"{part:0{digits}d}".rstrip("0").ljust(at_least, "0") if digits else ""
    sign = MINUS if value < 0 else ""
    return f"{sign}{whole:,}" + (f".{decimals}" if decimals else "")


def money_parts(micro: int, currency: str) -> tuple[str, str]:
    """Return an exact amount as pounds and pence, and the four digits below the penny.

    >>> money_parts(-1_234_567_890, "GBP")
    ('−£1,234.56', '7890')
    """
    whole, part = divmod(abs(micro), MICRO)
    digits = f"{part:0{MICRO_DIGITS}d}"
    sign = MINUS if micro < 0 else ""
    return f"{sign}{currency_sign(currency)}{whole:,}.{digits[:2]}", digits[2:]


def money_exact(micro: int, currency: str) -> str:
    """Return an exact amount, to the millionth.

    >>> money_exact(-1_234_567_890, "GBP")
    '−£1,234.567890'
    """
    return "".join(money_parts(micro, currency))


def money_minor(minor: int, currency: str) -> str:
    """Return an amount in pence as pounds and pence.

    >>> money_minor(123_456, "GBP")
    '£1,234.56'
    """
    whole, part = divmod(abs(minor), 100)
    return f"{MINUS if minor < 0 else ''}{currency_sign(currency)}{whole:,}.{part:02d}"


def micro_of(text: str) -> int | None:
    """Return what somebody wrote as an amount, in micro; None where it is none.

    >>> micro_of("£1,234.5"), micro_of("12"), micro_of("1.2345678"), micro_of("-1")
    (1234500000, 12000000, None, None)
    """
    plain = text.strip().lstrip("".join(SIGN_OF_CURRENCY.values())).replace(",", "").strip()
    found = re.fullmatch(r"(\d{1,12})(?:\.(\d{1,6}))?", plain, re.ASCII)
    if found is None:
        return None
    return int(found[1]) * MICRO + int((found[2] or "").ljust(MICRO_DIGITS, "0"))


def currency_sign(currency: str) -> str:
    """Return the sign of a currency, or its code and a space.

    >>> currency_sign("DKK")
    'DKK\\xa0'
    """
    return SIGN_OF_CURRENCY.get(currency, f"{currency}{NO_BREAK_SPACE}")


def energy_parts(wh: int) -> tuple[str, str]:
    """Return exact energy as MWh with three decimals, and the three digits below the kWh.

    >>> energy_parts(-1_234_567_890)
    ('−1,234.567', '890')
    """
    whole, part = divmod(abs(wh), MICRO)
    digits = f"{part:0{MICRO_DIGITS}d}"
    return f"{MINUS if wh < 0 else ''}{whole:,}.{digits[:3]}", digits[3:]


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


def _kilo_or_mega(value: int, unit: str) -> str:
    digits, prefix = (6, "M") if abs(value) >= MICRO else (3, "k")
    return f"{scaled(value, digits)}{NO_BREAK_SPACE}{prefix}{unit}"


def ppm(value: int) -> str:
    """Return parts per million as a percentage, exact.

    >>> ppm(995_000), ppm(123)
    ('99.5\\xa0%', '0.0123\\xa0%')
    """
    return f"{scaled(value, 4)}{NO_BREAK_SPACE}%"


def read_minor(text: str) -> int | None:
    """Return pence of an amount as people type it; None for anything else.

    >>> [read_minor(text) for text in ("1,234.5", "-0.05", " £7 ", "1.234", "seven")]
    [123450, -5, 700, None, None]
    """
    matched = _TYPED.fullmatch(text.strip().replace(MINUS, "-").replace(",", ""))
    if matched is None:
        return None
    minor = int(matched[2]) * 100 + int((matched[3] or "").ljust(2, "0"))
    return -minor if matched[1] else minor


def short_digest(digest: bytes) -> str:
    """Return the first letters of a digest in hexadecimal.

    >>> short_digest(bytes(32))
    '000000000000…'
    """
    return f"{digest.hex()[:SHOWN_DIGEST_LETTERS]}…"


def local_time(instant: dt.datetime, zone: str) -> str:
    """Return an instant by the local clock, with its zone.

    >>> local_time(dt.datetime(2024, 7, 1, 11, 30, tzinfo=dt.UTC), "Europe/London")
    '1 Jul 2024, 12:30 BST'
    """
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"


def with_unit(value: int, unit: str, currency: str = "GBP") -> str:
    """Return a quantity of a document or a result in the form that people read; exact.

    >>> with_unit(90_000_000, "micro per MWh"), with_unit(17, "days")
    ('£90.00 per\\xa0MWh', '17\\xa0days')
    """
    write = _WRITERS.get(unit)
    if write is not None:
        return write(value)
    if unit == "micro" or unit.startswith(("micro per ", "micro/")):
        amount = f"{currency_sign(currency)}{scaled(abs(value), MICRO_DIGITS, at_least=2)}"
        per = unit.removeprefix("micro").replace("/", " per ")
        per = per.replace("per ", f"per{NO_BREAK_SPACE}")
        return f"{MINUS if value < 0 else ''}{amount}{per}"
    return f"{scaled(value, 0)}{NO_BREAK_SPACE}{unit}" if unit else scaled(value, 0)


_WRITERS: dict[str, Callable[[int], str]] = {
    "W": power,
    "Wh": energy,
    "ppm": ppm,
    "kW": lambda value: power(value * 1_000),
    "m": lambda value: f"{scaled(value, 3)}{NO_BREAK_SPACE}km",
    "W per hour": lambda value: f"{power(value)} per{NO_BREAK_SPACE}hour",
}
