"""The fields of ISO 20022: texts, amounts, sides, days and accounts, read or named as unreadable.

A field that cannot be read is None and a finding. Nothing stands in its place, so that nothing is
concluded from it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from common.bank_accounts import account_key
from common.currencies import BILLABLE, currency, minor_text
from common.refusals import Finding, shown
from ledger.rules import LedgerRule

SIGNS = {"CRDT": 1, "DBIT": -1}
LARGEST_WHOLE_DIGITS = 12
"""Of an amount before its point: as many as the ledger's millionths hold."""

# As XML Schema writes a decimal; leading zeros, a plus and zeros at the end mean nothing.
_AMOUNT = re.compile(r"\+?0*([0-9]*)(?:\.([0-9]*?)0*)?")
# A date of XML Schema may name its zone, and a moment has one; neither makes another day of it.
_DAY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)


class Money(NamedTuple):
    """An amount, of either sign, in minor units of its currency."""

    minor: int
    currency: str

    def __str__(self) -> str:
        whole, point, part = minor_text(abs(self.minor), self.currency).partition(".")
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{int(whole):,}{point}{part} {self.currency}"


@dataclass
class Fields:
    """Reads fields at a place; findings gather what cannot be read there."""

    place: str
    findings: list[Finding] = field(default_factory=list)

    def at(self, place: str) -> "Fields":
        """Return what reads fields at a place within this one, with the same findings."""
        return Fields(f"{self.place}, {place}", self.findings)

    def amount(self, element: Any | None) -> Money | None:
        """Return an amount without a sign, and its currency."""
        written = "" if element is None else (element.text or "").strip()
        code = "" if element is None else (element.get("Ccy") or "").strip()
        if code not in BILLABLE:
            self.missing(f"amount in a currency of ISO 4217 with at most two decimals, found "
                         f"{shown(f'{written} {code}'.strip())}")  # fmt: skip
            return None
        digits = currency(code).minor_digits
        matched = _AMOUNT.fullmatch(written)
        whole, part = (matched[1], matched[2] or "") if matched else ("", "")
        has_digits = any(each.isdecimal() for each in written)
        if matched is None or not has_digits or len(part) > digits:
            form = "without decimals" if digits == 0 else "of at most two decimals"
            self.missing(f"amount {form}, found {shown(written)}")
            return None
        if len(whole) > LARGEST_WHOLE_DIGITS:
            self.missing(f"amount below {10**LARGEST_WHOLE_DIGITS:,}, found {shown(written)}")
            return None
        return Money(int(f"{whole or '0'}{part.ljust(digits, '0')}"), code)

    def sign(self, element: Any) -> int | None:
        """Return +1 for a credit and -1 for a debit."""
        side = (element.findtext("{*}CdtDbtInd") or "").strip()
        if side not in SIGNS:
            self.missing(f"CdtDbtInd of CRDT or DBIT, found {shown(side)}")
        return SIGNS.get(side)

    def signed(self, element: Any, amount: Any | None) -> Money | None:
        """Return an amount with the sign of the element that it belongs to."""
        sign, money = self.sign(element), self.amount(amount)
        if sign is None or money is None:
            return None
        return Money(sign * money.minor, money.currency)

    def day(self, element: Any, name: str) -> date | None:
        """Return the day of a date, or of a moment as the bank's clock has it."""
        inner = f"{{*}}{name}/{{*}}"
        written = element.findtext(f"{inner}Dt") or element.findtext(f"{inner}DtTm") or ""
        matched = _DAY.fullmatch(written.strip())
        try:
            if matched:
                return date.fromisoformat(matched[1])
        except ValueError:
            pass
        self.missing(f"{name} as a date, found {shown(written)}")
        return None

    def needed(self, element: Any, path: str) -> str | None:
        """Return a text that must be there."""
        found = text([element], path)
        if not found:
            self.missing(path)
        return found or None

    def missing(self, what: str) -> None:
        """Say what is not there, or not as it should be."""
        self.refuse(LedgerRule.STATEMENT_FIELD_IS_MISSING, f"no {what}")

    def refuse(self, rule: LedgerRule, value: str) -> None:
        """Say what breaks a rule."""
        self.findings.append(rule.finding(self.place, value))


def text(elements: Sequence[Any], path: str, none: str = "") -> str:
    """Return every text at a path, in order, joined by spaces and without needless white space.

    Composed, as one export of a statement has ü as one character and another as two.
    """
    steps = _steps(path)
    texts = [found.text or "" for element in elements for found in element.iterfind(steps)]
    if not texts:
        return ""
    joined = " ".join(" ".join(each for each in texts if each.strip() != none).split())
    return unicodedata.normalize("NFC", joined)


@cache
def _steps(path: str) -> str:
    """Return a path in which each step is of any namespace; a file asks for few, and often."""
    return "/".join(f"{{*}}{step}" for step in path.split("/"))


def account_of(element: Any, account: str, agent: str) -> str:
    """Return an account as `common.bank_accounts` writes it; empty where none is named.

    Args:
        account, agent: paths of the account and of the bank that keeps it. Where the account has
            no IBAN, the number of the branch may stand with the bank, and belongs before it.
    """
    number = account_key(text([element], f"{account}/Id/IBAN"))
    if number:
        return number
    number = account_key(text([element], f"{account}/Id/Othr/Id"))
    branch = account_key(text([element], f"{agent}/FinInstnId/ClrSysMmbId/MmbId"))
    if not number or number.startswith(branch):
        return number
    return branch + number
