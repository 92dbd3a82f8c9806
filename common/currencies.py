"""The one table of currencies: names and signs from Unicode's CLDR, minor units from ISO 4217.

CLDR (by way of Babel) has figures of its own for minor units, such as none for the forint, of which
ISO 4217 counts two. Documents are sums of minor units, so the figures are those of the standard.
"""

from dataclasses import dataclass
from functools import cache

from babel.numbers import get_currency_name, get_currency_symbol

MICRO_DIGITS = 6
MOST_DECIMALS = 2
"""EN 16931 states amounts with two decimals at most."""

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_LANGUAGE = "en"

# ISO 4217, list one, by how many decimals the minor unit is; the codes are also those that
# EN 16931 knows.
_CODES_OF_DECIMALS: dict[int | None, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
        "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
        "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
        "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
        "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
        "XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    None: "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX",
}
DECIMALS = {
    code: decimals for decimals, codes in _CODES_OF_DECIMALS.items() for code in codes.split()
}
"""Decimals of the minor unit of every currency of ISO 4217; None where it has no minor unit."""

BILLABLE = tuple(
    sorted(
        code
        for code, decimals in DECIMALS.items()
        if decimals is not None and decimals <= MOST_DECIMALS
    )
)
"""The currencies that documents can be written in."""

# What CLDR does not name, for the currencies in which people would miss it.
_MINOR_NAMES = {
    "cents": "AUD CAD EUR HKD NZD SGD USD ZAR",
    "pence": "FKP GBP GIP SHP",
    "øre": "DKK NOK",
    "öre": "SEK",
    "centimes": "CHF",
    "groszy": "PLN",
    "haléře": "CZK",
    "bani": "RON",
    "fillér": "HUF",
    "agorot": "ILS",
    "paise": "INR",
    "centavos": "BRL MXN PHP",
    "fen": "CNY",
    "kuruş": "TRY",
}
_NAME_OF_MINOR = {code: name for name, codes in _MINOR_NAMES.items() for code in codes.split()}


@dataclass(frozen=True)
class Currency:
    """A currency.

    Attributes:
        code: of ISO 4217.
        name: of one of it, such as `British Pound`.
        plural: of many of it, such as `British pounds`.
        sign: before an amount, ready for a digit: `£`, or `DKK` and a space.
        decimals: of its minor unit; None where it has none.
        minor_name: of many minor units, such as `pence`.
    """

    code: str
    name: str
    plural: str
    sign: str
    decimals: int | None
    minor_name: str

    @property
    def minor_digits(self) -> int:
        """The decimals with which its amounts are written; for what has no minor unit, two."""
        return MOST_DECIMALS if self.decimals is None else self.decimals


@cache
def currency(code: str) -> Currency:
    """Return a currency by its code.

    Raises:
        LookupError: ISO 4217 has no currency of this code.

    >>> currency("GBP").sign, currency("DKK").sign, currency("HUF").decimals
    ('£', 'DKK\\xa0', 2)
    >>> currency("JPY").minor_name, currency("KES").minor_name
    ('whole Japanese yen', 'hundredths of the Kenyan Shilling')
    """
    if code not in DECIMALS:
        raise LookupError(f"ISO 4217 has no currency {code!r}")
    decimals = DECIMALS[code]
    name, plural = (get_currency_name(code, count, _LANGUAGE) for count in (None, 2))
    sign = get_currency_symbol(code, _LANGUAGE)
    return Currency(
        code,
        name,
        plural,
        f"{sign}{NO_BREAK_SPACE}" if sign[-1].isalpha() else sign,
        decimals,
        f"whole {plural}"
        if decimals == 0
        else _NAME_OF_MINOR.get(code, f"hundredths of the {name}"),
    )


@cache
def money_words() -> tuple[str, ...]:
    """Return what people call currencies, in the singular and the plural, longest first.

    >>> {"pound", "pounds", "kroner", "yen"} <= set(money_words())
    True
    """
    names = (name for code in BILLABLE for name in (currency(code).name, currency(code).plural))
    last_words = {name.split()[-1].lower() for name in names if name[-1].islower()}
    last_words -= {"unit", "units", "gold"}  # which mean other things to most readers
    return tuple(sorted(last_words, key=lambda word: (-len(word), word)))


@cache
def money_origins() -> tuple[str, ...]:
    """Return what stands before the last word in names of currencies, such as `british`.

    >>> {"british", "danish", "us"} <= set(money_origins())
    True
    """
    names = (currency(code).plural for code in BILLABLE)
    return tuple(sorted({word.lower() for name in names for word in name.split()[:-1]}))


@cache
def money_signs() -> tuple[str, ...]:
    """Return the signs and codes of all currencies, longest first."""
    signs = {*BILLABLE, *(currency(code).sign.strip() for code in BILLABLE)}
    return tuple(sorted(signs, key=lambda sign: (-len(sign), sign)))


def minor_words() -> tuple[str, ...]:
    """Return what people call minor units, in the singular too where that is the word less its s.

    >>> {"cents", "cent", "pence", "øre"} <= set(minor_words())
    True
    """
    return tuple(sorted({*_MINOR_NAMES, *(name.removesuffix("s") for name in _MINOR_NAMES)}))


def minor_unit_micro(code: str) -> int:
    """Return how many millionths of a currency its minor unit is.

    >>> minor_unit_micro("GBP"), minor_unit_micro("JPY")
    (10000, 1000000)
    """
    return int(10 ** (MICRO_DIGITS - currency(code).minor_digits))


def minor_digits_of(unit_micro: int) -> int:
    """Return the decimals of a minor unit that is so many millionths, as a stored document says.

    >>> minor_digits_of(10_000), minor_digits_of(1_000_000)
    (2, 0)
    """
    return MICRO_DIGITS - len(str(unit_micro)) + 1


def minor_text(minor: int, code: str) -> str:
    """Write an amount in minor units as a plain decimal number, without a sign of the currency.

    >>> minor_text(-5, "GBP"), minor_text(1_234, "JPY")
    ('-0.05', '1234')
    """
    digits = currency(code).minor_digits
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")


def why_not_billable(code: str) -> str | None:
    """Return what keeps documents from being written in a currency; None for nothing.

    >>> why_not_billable("KWD")
    'amounts of EN 16931 have two decimals at most, and KWD has 3'
    """
    if code not in DECIMALS:
        return f"ISO 4217 has no currency {code}"
    decimals = DECIMALS[code]
    if decimals is None:
        return f"{code} has no minor unit in which an invoice could be paid"
    if decimals > MOST_DECIMALS:
        return f"amounts of EN 16931 have two decimals at most, and {code} has {decimals}"
    return None
