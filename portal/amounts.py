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


def amount_form(code: str | None = None) -> str:
    """Return how an amount is to be typed, for whoever typed it otherwise.

    >>> amount_form("JPY")
    'write it as 1234, without decimals'
    """
    if code is not None and currency(code).minor_digits == 0:
        return "write it as 1234, without decimals"
    return "write it as 12.34 or 1,234.00, with a point before decimals"


def parse_micro(text: str, code: str | None = None) -> int | None:
    """Return what somebody wrote as an amount, in micro; None where it is none.

    With a currency, the sign of another is none.

    >>> parse_micro("£1,234.5"), parse_micro("12"), parse_micro("1.2345678"), parse_micro("-1")
    (1234500000, 12000000, None, None)
    >>> parse_micro("€5", "GBP"), parse_micro("£5", "GBP")
    (None, 5000000)
    """
    micro = _read_micro(text, code)
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

    The sign of another currency is refused; so is a comma that may be a decimal comma, and a point
    that may part thousands.

    >>> [parse_minor(text, "GBP") for text in ("1,234.5", "-0.05", " £7 ", "1.234", "seven", "€7")]
    [123450, -5, 700, None, None, None]
    >>> [parse_minor(text, "GBP") for text in ("1.000", "12.500", "0.500", "1,000.000")]
    [None, None, 50, 100000]
    >>> [parse_minor(text, "JPY") for text in ("¥7", "7.5", "1,234", "1.000")]
    [7, None, 1234, None]
    """
    micro = _read_micro(text, code)
    if micro is None or micro % minor_unit_micro(code):
        return None
    return micro // minor_unit_micro(code)


def typed_unit(unit: str | None) -> str:
    """Return the unit in which people type a quantity: MWh for what is stored in Wh."""
    return {"Wh": "MWh", "W": "MW"}.get(unit or "", unit or "")


def parse_quantity(text: str, unit: str | None) -> int | None:
    """Return what somebody wrote as a quantity, in the unit that it is stored in; None for none.

    Energy and power are typed in MWh and MW, to the Wh and W; anything else is a whole number. A
    comma parts thousands, and with nothing after a point it must not be taken for a decimal comma.

    >>> [parse_quantity(text, "Wh") for text in ("1.5", "1,234.5", "12,5", "1,234", "1.2345678")]
    [1500000, 1234500000, None, None, None]
    >>> [parse_quantity(text, "pieces") for text in ("3", "1,234", "1.5", "£3", "²")]
    [3, 1234, None, None, None]
    """
    matched = _typed().fullmatch(text.strip())
    if matched is None or matched[1] or matched[2] or matched[3] is None:
        return None
    if typed_unit(unit) != unit and unit:
        return parse_micro(text)
    whole = int(matched[3].replace(",", ""))
    return whole if matched[4] is None and whole < LARGEST_TYPED_MICRO else None


def quantity_form(unit: str | None) -> str:
    """Return how a quantity is to be typed, for whoever typed it otherwise.

    >>> quantity_form("Wh"), quantity_form("pieces")
    ('write MWh as 12.34 or 1,234.00, with a point before decimals', 'write whole pieces, as 1234')
    """
    if typed_unit(unit) != unit and unit:
        return f"write {typed_unit(unit)} as 12.34 or 1,234.00, with a point before decimals"
    return f"write whole {unit or 'numbers'}, as 1234"


def parse_signed_micro(text: str, code: str | None = None) -> int | None:
    """Return micro of an amount as people type it, of either sign; None for anything else.

    With a currency, the sign of another is none.

    >>> parse_signed_micro("-€1.5"), parse_signed_micro("1.2345678"), parse_signed_micro("12,34")
    (-1500000, None, None)
    >>> parse_signed_micro("€80.125", "GBP"), parse_signed_micro("£80.125", "GBP")
    (None, 80125000)
    """
    matched = _typed().fullmatch(text.strip().replace(MINUS, "-"))
    if code is not None and matched and matched[2] not in (None, currency(code).sign.strip()):
        return None
    return _read_micro(text, None)


def parse_milli(text: str) -> int | None:
    """Return thousandths of a number without a currency; None where it is no whole number of them.

    >>> parse_milli("7.5"), parse_milli("1,250.00"), parse_milli("£7.5"), parse_milli("0.0001")
    (7500, 1250000, None, None)
    """
    micro = parse_micro(text) if text.strip()[:1].isdecimal() else None
    return None if micro is None or micro % 1_000 else micro // 1_000


def _read_micro(text: str, code: str | None) -> int | None:
    matched = _typed().fullmatch(text.strip().replace(MINUS, "-"))
    if matched is None:
        return None
    minus, sign, whole, part = matched.groups()
    if code is not None and sign not in (None, currency(code).sign.strip()):
        return None
    # One comma and no point is 1234 to one reader and 1.234 to another, but for a currency that
    # has no decimals.
    has_decimals = code is None or currency(code).minor_digits > 0
    if has_decimals and part is None and whole.count(",") == 1:
        return None
    if code is not None and _may_part_thousands(whole, part):
        return None
    micro = int(whole.replace(",", "")) * MICRO + int((part or "").ljust(MICRO_DIGITS, "0"))
    return -micro if minus else micro


def _may_part_thousands(whole: str, part: str | None) -> bool:
    """Return whether a point may part thousands: 1.000 is a thousand in most of Europe.

    Money is written with the decimals of its minor unit, or all six; energy with three, so that
    1.500 MWh has one meaning.
    """
    return part is not None and len(part) == 3 and len(whole) <= 3 and not whole.startswith("0")


@cache
def _typed() -> re.Pattern[str]:
    """Return how people type amounts: with or without the sign of a currency."""
    # Fifteen digits of pounds are seventeen of pence, which int8 holds. A comma parts thousands,
    # as pages write them, and nothing else: most of Europe types 12,34 for what is 12.34 here.
    signs = "|".join(re.escape(currency(code).sign.strip()) for code in BILLABLE)
    grouped = r"[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}"
    return re.compile(
        rf"(-?)(?:({signs})[ \u00a0]?)?([0-9]{{1,15}}|{grouped})(?:\.([0-9]{{1,6}}))?"
    )


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
