"""How money, energy and time are written for people on pages, and read as people type them.

Every function takes integers and writes the exact value; nothing is rounded here except where a
name says so. The minus sign is U+2212, which aligns with digits.
"""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from common.quantities import MICRO, MICRO_DIGITS, MINUS, SIGN_OF_CURRENCY, currency_sign

SHOWN_DIGEST_LETTERS = 12
# Fifteen digits of pounds are seventeen of pence, which int8 holds; ASCII, as \d alone takes
# the digits of every script.
_TYPED = re.compile(r"(-?)[£€$]?(\d{1,15})(?:\.(\d{1,2}))?", re.ASCII)


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


def parse_micro(text: str) -> int | None:
    """Return what somebody wrote as an amount, in micro; None where it is none.

    >>> parse_micro("£1,234.5"), parse_micro("12"), parse_micro("1.2345678"), parse_micro("-1")
    (1234500000, 12000000, None, None)
    """
    plain = text.strip().lstrip("".join(SIGN_OF_CURRENCY.values())).replace(",", "").strip()
    # Twelve digits before the point and six after it fit int8 in micro.
    found = re.fullmatch(r"(\d{1,12})(?:\.(\d{1,6}))?", plain, re.ASCII)
    if found is None:
        return None
    return int(found[1]) * MICRO + int((found[2] or "").ljust(MICRO_DIGITS, "0"))


def energy_parts(wh: int) -> tuple[str, str]:
    """Return exact energy as MWh with three decimals, and the three digits below the kWh.

    >>> energy_parts(-1_234_567_890)
    ('−1,234.567', '890')
    """
    whole, part = divmod(abs(wh), MICRO)
    digits = f"{part:0{MICRO_DIGITS}d}"
    return f"{MINUS if wh < 0 else ''}{whole:,}.{digits[:3]}", digits[3:]


def parse_minor(text: str) -> int | None:
    """Return pence of an amount as people type it; None for anything else.

    >>> [parse_minor(text) for text in ("1,234.5", "-0.05", " £7 ", "1.234", "seven")]
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
