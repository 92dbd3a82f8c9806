"""How money, energy and time are written for people on pages, and read as people type them.

Every function takes integers and writes the exact value; nothing is rounded here except where a
name says so. The minus sign is U+2212, which aligns with digits.
"""

import datetime as dt
import re
from functools import cache
from zoneinfo import ZoneInfo

from common.currencies import BILLABLE, MICRO_DIGITS, currency, minor_unit_micro
from common.quantities import MICRO, MINUS

SHOWN_DIGEST_LETTERS = 12
LARGEST_TYPED_MICRO = 10**18
"""Twelve digits before the point and six after it fit int8 in micro."""


def money_parts(micro: int, code: str) -> tuple[str, str]:
    """Return an exact amount to its minor unit, and the digits below it.

    >>> money_parts(-1_234_567_890, "GBP"), money_parts(1_234_567_890, "JPY")
    (('−£1,234.56', '7890'), ('¥1,234', '.567890'))
    """
    of = currency(code)
    whole, part = divmod(abs(micro), MICRO)
    digits = f".{part:0{MICRO_DIGITS}d}"
    shown = of.minor_digits + 1 if of.minor_digits else 0
    sign = MINUS if micro < 0 else ""
    return f"{sign}{of.sign}{whole:,}{digits[:shown]}", digits[shown:]


def money_exact(micro: int, code: str) -> str:
    """Return an exact amount, to the millionth.

    >>> money_exact(-1_234_567_890, "GBP")
    '−£1,234.567890'
    """
    return "".join(money_parts(micro, code))


def money_minor(minor: int, code: str) -> str:
    """Return an amount that is counted in minor units.

    >>> money_minor(123_456, "GBP"), money_minor(-123_456, "JPY")
    ('£1,234.56', '−¥123,456')
    """
    shown, _ = money_parts(minor * minor_unit_micro(code), code)
    return shown


def parse_micro(text: str) -> int | None:
    """Return what somebody wrote as an amount, in micro; None where it is none.

    >>> parse_micro("£1,234.5"), parse_micro("12"), parse_micro("1.2345678"), parse_micro("-1")
    (1234500000, 12000000, None, None)
    """
    micro = parse_signed_micro(text)
    is_amount = micro is not None and micro < LARGEST_TYPED_MICRO and not set(text) & {"-", MINUS}
    return micro if is_amount else None


def energy_parts(wh: int) -> tuple[str, str]:
    """Return exact energy as MWh with three decimals, and the three digits below the kWh.

    >>> energy_parts(-1_234_567_890)
    ('−1,234.567', '890')
    """
    whole, part = divmod(abs(wh), MICRO)
    digits = f"{part:0{MICRO_DIGITS}d}"
    return f"{MINUS if wh < 0 else ''}{whole:,}.{digits[:3]}", digits[3:]


def parse_minor(text: str, code: str) -> int | None:
    """Return minor units of an amount as people type it; None for anything else.

    >>> [parse_minor(text, "GBP") for text in ("1,234.5", "-0.05", " £7 ", "1.234", "seven")]
    [123450, -5, 700, None, None]
    >>> parse_minor("¥7", "JPY"), parse_minor("7.5", "JPY")
    (7, None)
    """
    micro = parse_signed_micro(text)
    if micro is None or micro % minor_unit_micro(code):
        return None
    return micro // minor_unit_micro(code)


def parse_signed_micro(text: str) -> int | None:
    """Return micro of an amount as people type it, of either sign; None for anything else.

    >>> parse_signed_micro("-€1.5"), parse_signed_micro("1.2345678")
    (-1500000, None)
    """
    matched = _typed().fullmatch(text.strip().replace(MINUS, "-").replace(",", ""))
    if matched is None:
        return None
    micro = int(matched[2]) * MICRO + int((matched[3] or "").ljust(MICRO_DIGITS, "0"))
    return -micro if matched[1] else micro


@cache
def _typed() -> re.Pattern[str]:
    """Return how people type amounts: with or without the sign of a currency."""
    # Fifteen digits of pounds are seventeen of pence, which int8 holds.
    signs = "|".join(re.escape(currency(code).sign.strip()) for code in BILLABLE)
    return re.compile(rf"(-?)(?:(?:{signs})[ \u00a0]?)?([0-9]{{1,15}})(?:\.([0-9]{{1,6}}))?")


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
