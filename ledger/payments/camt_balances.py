"""The balances of a statement: the first booked opening and the last booked closing.

A statement of several days may have a pair for each day, and one of several pages an interim pair
for each page. Only booked balances count: an available one has in it what the bank may still take
back. It closes a statement where no booked one does and what is booked comes to it.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from ledger.payments.camt_fields import Fields, Money, text

OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)
"""Codes of the booked balances; the one the bank closed with before opens a statement too."""

AVAILABLE = "CLAV"
INTERIM = "INTM"
"""Sub-code of a balance that opens or closes a page, and not the statement."""

_WORDS = {
    "CLAV": "available, not booked",
    "OPAV": "available, not booked",
    "ITAV": "available in between",
    "ITBD": "booked in between, before the day was over",
    "FWAV": "available later",
    "XPCD": "expected",
    "INFO": "for information",
}


class Balance(NamedTuple):
    """A balance that was read; None for what could not be."""

    code: str
    money: Money | None
    on: date | None


def has_balance(element: Any, codes: Sequence[str]) -> bool:
    """Return whether a page has a balance of one of these codes, and not of the page alone."""
    return next(_of_codes([element], codes), None) is not None


def read_opening(elements: Sequence[Any], fields: Fields) -> Balance | None:
    """Return the opening balance of the first day; None, and a finding, where there is none."""
    firsts = [
        # The first of those of one day: on later pages the same code may open the page.
        min(found, key=lambda balance: balance.on or date.max)
        for code in OPENING
        if (found := [_read(each, code, fields) for each in _of_codes(elements, (code,))])
    ]
    if not firsts:
        fields.missing(f"booked opening balance (OPBD or PRCD), found {_codes_in(elements)}")
        return None
    opening, *closed_before = firsts
    for before in closed_before:
        # The first day opens with what the bank closed with before, and only later ones say OPBD.
        if before.on and opening.on and before.on < opening.on and before.money != opening.money:
            return before
    return opening


def read_closing(elements: Sequence[Any], fields: Fields, computed: Money | None) -> Balance | None:
    """Return the closing balance of the last day; None, and a finding, where there is none.

    Args:
        computed: what the opening balance and the entries come to; None where that is not known.
    """
    found = [_read(each, code, fields) for code in CLOSING for each in _of_codes(elements, (code,))]
    # The last of those of one day, for the same reason as the first of those that open.
    booked = max(reversed(found), key=lambda balance: balance.on or date.min) if found else None
    if booked is not None and booked.money in (None, computed):
        return booked
    # Read quietly: where a booked balance closes the statement, it holds without this one.
    available = [_read(each, AVAILABLE, Fields("")) for each in _of_codes(elements, (AVAILABLE,))]
    if available and computed is not None and available[-1].money == computed:
        last = available[-1]
        if booked is None or (booked.on and last.on and booked.on < last.on):
            return last
    if booked is not None:
        return booked
    comes = f", where what is booked comes to {computed}" if computed is not None else ""
    fields.missing(f"booked closing balance (CLBD), found {_codes_in(elements)}{comes}")
    return None


def _of_codes(elements: Sequence[Any], codes: Sequence[str]) -> Iterator[Any]:
    for element in elements:
        for balance in element.findall("{*}Bal"):
            kind = text([balance], "Tp/CdOrPrtry/Cd")
            if kind in codes and text([balance], "Tp/SubTp/Cd") != INTERIM:
                yield balance


def _read(element: Any, code: str, fields: Fields) -> Balance:
    at = fields.at(f"balance {code}")
    return Balance(code, at.signed(element, element.find("{*}Amt")), at.day(element, "Dt"))


def _codes_in(elements: Sequence[Any]) -> str:
    """Return the balances that there are, in words."""
    quiet = Fields("")
    found = []
    for element in elements:
        for balance in element.findall("{*}Bal"):
            code = text([balance], "Tp/CdOrPrtry/Cd") or text([balance], "Tp/CdOrPrtry/Prtry")
            amount = quiet.signed(balance, balance.find("{*}Amt"))
            words = _WORDS.get(code)
            found.append(f"{code} of {amount}" + (f" ({words})" if words else ""))
    return " and ".join(found) or "none"
