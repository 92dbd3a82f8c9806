"""Reading one statement from its pages, and holding its balances to its entries.

What cannot be read is None, and whoever checks the statement further leaves it alone.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from common.refusals import Finding
from ledger.payments.bank_files import Note
from ledger.payments.camt_balances import AVAILABLE, read_closing, read_opening
from ledger.payments.camt_entries import Entries, read_entries, unbooked_notes
from ledger.payments.camt_fields import Fields, Money, account_of, text
from ledger.payments.camt_pages import Paged
from ledger.payments.statements import Statement, Transaction
from ledger.rules import LedgerRule


@dataclass(frozen=True)
class ReadStatement:
    """A statement as far as it could be read; None for what could not be.

    Attributes:
        place: how findings name it.
        account: as `common.bank_accounts` writes it.
        currencies: of its account, balances and entries; one where all is well.
        sequence_number: None too where the bank sends none.
        transactions: None where one of them could not be read.
    """

    place: str
    identification: str | None
    sequence_number: int | None
    account: str | None
    currencies: frozenset[str]
    opened_on: date | None
    closed_on: date | None
    opening_minor: int | None
    closing_minor: int | None
    transactions: tuple[Transaction, ...] | None

    def as_statement(self, account: str) -> Statement | None:
        """Return it as it is stored under an account; None where something could not be read."""
        if (
            self.identification is None
            or self.opened_on is None
            or self.closed_on is None
            or self.opening_minor is None
            or self.closing_minor is None
            or self.transactions is None
            or len(self.currencies) != 1
        ):
            return None
        (currency,) = self.currencies
        return Statement(
            self.identification, self.sequence_number, account, currency,
            self.opened_on, self.closed_on, self.opening_minor, self.closing_minor,
            self.transactions,
        )  # fmt: skip


def read_statement(paged: Paged, notes: list[Note], findings: list[Finding]) -> ReadStatement:
    """Return a statement; `notes` gathers what was left out, `findings` what is wrong."""
    elements, fields = paged.elements, Fields(paged.place, findings)
    entries = read_entries([each for page in elements for each in page.findall("{*}Ntry")], fields)
    of_balances = Fields(paged.place)
    opening = read_opening(elements, of_balances)
    opened = opening.money if opening else None
    computed = _add(opened, entries)
    closing = read_closing(elements, of_balances, computed)
    closed = closing.money if closing else None
    if closing and closing.code == AVAILABLE:
        words = f"closes with {closed}, which the bank calls available (CLAV); what is booked comes"
        notes.append(Note(paged.place, f"{words} to the same"))
    _hold_balances(closed, computed, entries, of_balances)
    if paged.lacks and of_balances.findings:
        # What its balances lack is on the pages that are not there.
        fields.refuse(LedgerRule.STATEMENT_LACKS_PAGES, f"a statement without {paged.lacks}")
    else:
        findings += of_balances.findings
    notes += unbooked_notes(entries)
    account = account_of(elements[0], "Acct", "Acct/Svcr")
    if not account:
        fields.missing("Acct/Id/IBAN or Acct/Id/Othr/Id")
    stated = text(elements[:1], "Acct/Ccy")
    of_amounts = {money.currency for money in (opened, closed) if money is not None}
    return ReadStatement(
        place=paged.place,
        identification=fields.needed(elements[0], "Id"),
        sequence_number=_sequence_number(elements[0]),
        account=account or None,
        currencies=frozenset(of_amounts | entries.currencies | ({stated} if stated else set())),
        opened_on=opening.on if opening else None,
        closed_on=closing.on if closing else None,
        opening_minor=opened.minor if opened else None,
        closing_minor=closed.minor if closed else None,
        transactions=tuple(entries.transactions) if entries.is_whole else None,
    )


def _add(opened: Money | None, entries: Entries) -> Money | None:
    """Return what opening balance and entries come to; None where not all of it is known."""
    if opened is None or not entries.is_whole or entries.currencies - {opened.currency}:
        return None
    return Money(opened.minor + sum(money.minor for money in entries.moved), opened.currency)


def _hold_balances(
    closed: Money | None, computed: Money | None, entries: Entries, fields: Fields
) -> None:
    """Hold the closing balance to what the entries come to, where both are known."""
    if closed is None or computed is None or closed == computed:
        return
    if closed.currency != computed.currency:
        return
    unbooked = [amount for _, _, amount in entries.unbooked]
    read = [amount for amount in unbooked if amount is not None]
    if read and computed.minor + sum(amount.minor for amount in read) == closed.minor:
        for place, status, amount in entries.unbooked:
            value = f"status {status} of {amount}, which the closing balance counts"
            fields.findings.append(LedgerRule.ENTRY_IS_NOT_BOOKED.finding(place, value))
        return
    without = f", without {len(unbooked)} that are not booked" if unbooked else ""
    value = f"opening balance and entries{without} of {computed}, and a closing one of {closed}"
    fields.refuse(LedgerRule.STATEMENT_DOES_NOT_ADD_UP, value)


def _sequence_number(element: Any) -> int | None:
    for name in ("ElctrncSeqNb", "LglSeqNb"):
        written = text([element], name)
        if written.isascii() and written.isdecimal() and len(written) <= 18:
            return int(written)
    return None
