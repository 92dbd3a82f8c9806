"""Bank accounts in one form: what files, registrations and terms write in many is compared as this.

An account is named by its IBAN (ISO 13616), or within a country by the number of its branch, in
Britain the sort code, and its own. People and banks write both with blanks, dashes and small
letters, which mean nothing.
"""

import unicodedata

_PRINTED_BEFORE = "IBAN"


def account_key(written: str) -> str:
    """Return an account as it is stored and compared: capital letters and digits alone.

    >>> account_key("gb50 tsbx-0012 3412 3456 78"), account_key("IBAN GB50TSBX00123412345678")
    ('GB50TSBX00123412345678', 'GB50TSBX00123412345678')
    >>> account_key("00-12-34 12345678")
    '00123412345678'
    """
    # NFKC, as the blanks and digits of a word processor are not those of a keyboard.
    kept = "".join(each for each in unicodedata.normalize("NFKC", written) if each.isalnum())
    return kept.upper().removeprefix(_PRINTED_BEFORE)


def is_iban(key: str) -> bool:
    """Return whether an account is named by its IBAN, as far as its form shows.

    >>> is_iban("GB50TSBX00123412345678"), is_iban("00123412345678")
    (True, False)
    """
    return key[:2].isalpha() and key[2:4].isdecimal()


def account_words(printed: str) -> str:
    """Return an account with the word for what names it, as documents print it.

    >>> account_words("GB50TSBX00123412345678"), account_words("001234 12345678")
    ('IBAN GB50TSBX00123412345678', 'account 001234 12345678')
    """
    return f"{'IBAN' if is_iban(printed) else 'account'} {printed}"


def account_names(iban: str | None, national: str | None) -> tuple[str, ...]:
    """Return every key by which an account goes; the first is the one it is stored under.

    A national number is the end of an IBAN, with or without the four letters that some countries
    put before it for the bank.

    >>> account_names("GB50TSBX00123412345678", None)
    ('GB50TSBX00123412345678', 'TSBX00123412345678', '00123412345678')
    >>> account_names(None, "00123412345678")
    ('00123412345678',)
    """
    names = [iban, iban[4:], iban[8:] if iban[4:8].isalpha() else None] if iban else []
    return tuple(dict.fromkeys(name for name in (*names, national) if name))
