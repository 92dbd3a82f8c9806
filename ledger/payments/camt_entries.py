"""Reading the entries of a statement: payments of a batch, charges, and what is not booked.

What an entry moved is the sum of its payments, less the charges that the bank kept of them where it
states those before charges:

    entry 1474.00 in    payments 1000.00 and 500.00    charges 26.00, debited
    -> 1000.00, 500.00 and -26.00, the last as part 0 of the entry

Where the bank does not say what each payment of a batch came to, the entry is one transaction;
where they are of several payers, nobody knows whose the money is, and it is marked as undivided.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ledger.payments.bank_files import Note
from ledger.payments.camt_fields import SIGNS, Fields, Money, account_of, text
from ledger.payments.statements import CHARGES, UNDIVIDED, Transaction
from ledger.rules import LedgerRule

BOOKED = "BOOK"
UNBOOKED = {
    "PDNG": "it is pending, and comes again once the bank has booked it",
    "INFO": "it is for information, and moved nothing",
    "FUTR": "it is announced for a later day, and comes again once the bank has booked it",
}
"""Why an entry of another status is left out."""

STRUCTURED = (
    "RmtInf/Strd/CdtrRefInf/Ref",
    "RmtInf/Strd/RfrdDocInf/Nb",
    "RmtInf/Strd/RfrdDocInf/LineDtls/Id/Nb",
    "RltdRmtInf/RmtId",
    "Refs/Prtry/Ref",
)
"""Where a payment names documents by reference rather than in words."""

IN_WORDS = ("RmtInf/Ustrd", "RmtInf/Strd/AddtlRmtInf", "AddtlTxInf")
"""Where a payment speaks in words, the payer's first."""

CHARGES_WORDS = "Charges that the bank deducted"


@dataclass
class Entries:
    """What the entries of a statement hold; `is_whole` where all that is booked was read."""

    transactions: list[Transaction] = field(default_factory=list)
    moved: list[Money] = field(default_factory=list)
    unbooked: list[tuple[str, str, Money | None]] = field(default_factory=list)
    is_whole: bool = True

    @property
    def currencies(self) -> set[str]:
        """The currencies of what is booked."""
        return {money.currency for money in self.moved}


def read_entries(elements: Iterable[Any], fields: Fields) -> Entries:
    """Return the entries of a statement, whose findings `fields` gathers."""
    entries = Entries()
    for number, element in enumerate(elements, start=1):
        at = fields.at(f"entry {number}")
        status = _status(element)
        if status in UNBOOKED:
            # It is named, not counted, so what cannot be read of it is no fault of the statement.
            amount = Fields(at.place).signed(element, element.find("{*}Amt"))
            entries.unbooked.append((at.place, status, amount))
            continue
        before = len(fields.findings)
        if status != BOOKED:
            at.refuse(LedgerRule.ENTRY_IS_NOT_BOOKED, f"status {status or 'none'}")
        entries.transactions += _Entry(element, number, at, entries).transactions()
        entries.is_whole = entries.is_whole and len(fields.findings) == before
    return entries


def unbooked_notes(entries: Entries) -> Iterator[Note]:
    """Yield what was left out for it is not booked."""
    for place, status, amount in entries.unbooked:
        worth = f"{amount}; " if amount is not None else ""
        yield Note(place, f"left out: {worth}{UNBOOKED[status]} ({status})")


def _status(element: Any) -> str:
    # A text up to .001.02, then a code or the bank's own word.
    return text([element], "Sts/Cd") or text([element], "Sts/Prtry") or text([element], "Sts")


class _Entry:
    """Reads one entry."""

    def __init__(self, element: Any, number: int, fields: Fields, entries: Entries) -> None:
        self.element = element
        self.number = number
        self.fields = fields
        self.entries = entries
        # Looked up once: a batch of ten thousand would be searched for each of its payments.
        self.payments: list[Any] = element.findall("{*}NtryDtls/{*}TxDtls")

    def transactions(self) -> list[Transaction]:
        """Return what the entry moved, payment by payment; nothing where it cannot be read."""
        element, fields = self.element, self.fields
        amount = fields.signed(element, element.find("{*}Amt"))
        booked_on = fields.day(element, "BookgDt")
        has_value = element.find("{*}ValDt") is not None
        value_on = fields.day(element, "ValDt") if has_value else booked_on
        if amount is not None:
            self.entries.moved.append(amount)
        parts = self._parts(self.payments, amount) if amount is not None else None
        if parts is None or booked_on is None or value_on is None:
            return []
        is_reversal = text([element], "RvslInd") in ("true", "1")
        return [
            Transaction(
                entry=self.number,
                part=part,
                amount_minor=signed,
                booked_on=booked_on,
                value_on=value_on,
                is_reversal=is_reversal and part != CHARGES,
                bank_reference=text([element], "AcctSvcrRef"),
                **self._words(of_part, part, signed, is_reversal),
            )
            for part, signed, of_part in parts
        ]

    def _words(
        self, payments: list[Any], part: int, signed: int, is_reversal: bool
    ) -> dict[str, str]:
        if part == CHARGES:
            empty = dict.fromkeys(
                ("end_to_end", "counterparty", "counterparty_account", "reference"), ""
            )
            return empty | {"remittance": CHARGES_WORDS}
        own = [text(payments, path) for path in IN_WORDS]
        # What the bank says of an entry is said of its one payment; of one in a batch, only where
        # that says nothing, lest each of them claims what the text names.
        is_alone = len(payments) == len(self.payments)
        if is_alone or not any(own):
            own.append(text([self.element], "AddtlNtryInf"))
        return {
            "end_to_end": text(payments, "Refs/EndToEndId", none="NOTPROVIDED"),
            **_counterparty(payments, signed, is_reversal),
            "reference": " ".join(filter(None, (text(payments, path) for path in STRUCTURED))),
            "remittance": " ".join(dict.fromkeys(filter(None, own))),
        }

    def _parts(self, payments: list[Any], amount: Money) -> list[tuple[int, int, list[Any]]] | None:
        """Return (part, amount, elements) of each payment, then of charges; None if unreadable."""
        if len(payments) < 2:
            return self._one_payment(payments, amount)
        stated = [_own_amount(payment, amount.currency) for payment in payments]
        if not any(own is not None for own in stated):
            return [_undivided(payments, amount)]
        signed = [
            self._signed_payment(payment, own, amount, part)
            for part, (payment, own) in enumerate(zip(payments, stated, strict=True), start=1)
        ]
        if any(money is None for money in signed):
            return None
        found = [money for money in signed if money is not None]
        # In the payers' currencies; what each of them is here, the bank does not say.
        if any(money.currency != amount.currency for money in found):
            return [_undivided(payments, amount)]
        total = sum(money.minor for money in found)
        charges = _charges(self.element, payments, amount, total)
        if charges is None:
            value = f"{len(found)} payments sum to {Money(total, amount.currency)}, the entry is "
            stated_charges = _charge_words(self.element, payments)
            self.fields.refuse(LedgerRule.ENTRY_DOES_NOT_ADD_UP, f"{value}{amount}{stated_charges}")
            return None
        whole = [
            _before_charges(payment, money) for payment, money in zip(payments, found, strict=True)
        ]
        charges += total - sum(whole)
        parts = [
            (part, minor, [payment])
            for part, (minor, payment) in enumerate(zip(whole, payments, strict=True), start=1)
        ]
        return parts + ([(CHARGES, charges, [])] if charges else [])

    def _signed_payment(self, payment: Any, own: Any, amount: Money, part: int) -> Money | None:
        at = self.fields.at(f"payment {part}")
        money = at.amount(own)
        sign: int | None = 1 if amount.minor > 0 else -1
        if payment.find("{*}CdtDbtInd") is not None:
            sign = at.sign(payment)
        return None if money is None or sign is None else Money(sign * money.minor, money.currency)

    def _one_payment(self, payments: list[Any], amount: Money) -> list[tuple[int, int, list[Any]]]:
        """Return the payment as it was before charges, where the bank says both, and the charges.

        What it says of the payment in another currency, or without charges that explain it, is the
        payer's side: what came in is the entry.
        """
        for payment in payments:
            for path in (*OWN_AMOUNTS, INSTRUCTED):
                # Read quietly: the entry holds without it.
                money = Fields("").amount(payment.find(path))
                if money is None or money.currency != amount.currency:
                    continue
                gross = money.minor if amount.minor > 0 else -money.minor
                charges = _charges(self.element, payments, amount, gross)
                if charges:
                    return [(1, gross, payments), (CHARGES, charges, [])]
        return [(1, amount.minor, payments)]


OWN_AMOUNTS = ("{*}Amt", "{*}AmtDtls/{*}TxAmt/{*}Amt")
COUNTER_VALUE = "{*}AmtDtls/{*}CntrValAmt/{*}Amt"
"""What a payment in another currency came to in that of the account."""

INSTRUCTED = "{*}AmtDtls/{*}InstdAmt/{*}Amt"


def _own_amount(payment: Any, code: str) -> Any | None:
    """Return the amount of a payment of a batch: the first in the account's currency, else any."""
    found = [payment.find(path) for path in (*OWN_AMOUNTS, COUNTER_VALUE)]
    stated = [own for own in found if own is not None]
    in_currency = (own for own in stated if (own.get("Ccy") or "").strip() == code)
    return next(in_currency, stated[0] if stated else None)


def _before_charges(payment: Any, money: Money) -> int:
    """Return what was paid of which the bank states what is left of it, and its own charges."""
    instructed = Fields("").amount(payment.find(INSTRUCTED))
    if instructed is None or instructed.currency != money.currency:
        return money.minor
    whole = instructed.minor if money.minor > 0 else -instructed.minor
    for in_total in (False, True):
        kept = sum(_stated_charges([payment], money.currency, in_total=in_total))
        if whole + kept == money.minor:
            return whole
    return money.minor


def _undivided(payments: list[Any], amount: Money) -> tuple[int, int, list[Any]]:
    """Return a batch as one payment that names all that its payments name."""
    payers = {_payer(payment) for payment in payments}
    return (UNDIVIDED if len(payers) > 1 else 1), amount.minor, payments


def _payer(payment: Any) -> tuple[str, ...]:
    """Return who stands on both sides of a payment, by account or else by name."""
    return tuple(
        account_of(payment, f"RltdPties/{side}Acct", f"RltdAgts/{side}Agt") or _name(payment, side)
        for side in ("Dbtr", "Cdtr")
    )


def _name(payment: Any, side: str) -> str:
    party = f"RltdPties/{side}"
    return text([payment], f"{party}/Nm") or text([payment], f"{party}/Pty/Nm")


def _charges(element: Any, payments: list[Any], amount: Money, total: int) -> int | None:
    """Return the charges between payments and entry; 0 for none, None where none explains it."""
    missing = amount.minor - total
    if missing == 0:
        return 0
    for in_total in (False, True):
        of_entry = list(_stated_charges([element], amount.currency, in_total=in_total))
        of_payments = list(_stated_charges(payments, amount.currency, in_total=in_total))
        # A bank states them for the entry, for each payment, or both ways at once.
        for stated in (of_entry, of_payments, of_entry + of_payments):
            if stated and sum(stated) == missing:
                return missing
    return None


def _stated_charges(elements: Iterable[Any], code: str, *, in_total: bool) -> Iterator[int]:
    """Yield the charges of an entry or of payments; below zero for what the bank took.

    One by one or in total: where a record has the tax on it beside it, the total alone has both.
    """
    quiet = Fields("")
    for element in elements:
        for charges in element.findall("{*}Chrgs"):
            # Records from .001.04 on; in .001.02 each charge is an element of its own.
            records = charges.findall("{*}Rcrd") or [charges]
            amounts = [(record, record.find("{*}Amt")) for record in records]
            if in_total or all(amount is None for _, amount in amounts):
                amounts = [(charges, charges.find("{*}TtlChrgsAndTaxAmt"))]
            for record, amount in amounts:
                money = quiet.amount(amount)
                if money is not None and money.currency == code:
                    side = (record.findtext("{*}CdtDbtInd") or "DBIT").strip()
                    yield SIGNS.get(side, -1) * money.minor


def _charge_words(element: Any, payments: list[Any]) -> str:
    found = element.find("{*}Chrgs") is not None or any(
        payment.find("{*}Chrgs") is not None for payment in payments
    )
    return ", and its charges do not explain the rest" if found else ""


def _counterparty(payments: list[Any], amount: int, is_reversal: bool) -> dict[str, str]:
    """Return name and account of who paid or was paid; a reversal has them the other way round."""
    side = "Dbtr" if (amount > 0) != is_reversal else "Cdtr"
    party = f"RltdPties/{side}"
    accounts = {
        account_of(payment, f"RltdPties/{side}Acct", f"RltdAgts/{side}Agt") for payment in payments
    }
    return {
        "counterparty": text(payments, f"{party}/Nm") or text(payments, f"{party}/Pty/Nm"),
        # Of several accounts none says who paid.
        "counterparty_account": accounts.pop() if len(accounts) == 1 else "",
    }
