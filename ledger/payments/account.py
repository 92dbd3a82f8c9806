"""A participant's account: statement, open items and their age, from what the ledger holds; pure.

Amounts are in micro of the currency, + owed by the participant. The balance of an account is what
its documents ask for less what was paid of them. What is settled and not billed yet, interest among
it, is in the ledger but not in the balance, so at any moment

    balance + settled and not billed = sum of all postings on the participant's money accounts
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ledger.payments.matching import OpenDocument

BUCKETS = ("not due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "over 90 days")
"""How long something is overdue, in days after the day on which it was due."""

_LAST_DAYS = (0, 30, 60, 90)


class Entry(StrEnum):
    """What a line of a statement of account is about."""

    DOCUMENT = "document"
    PAYMENT = "payment"
    ALLOCATION = "allocation"
    INTEREST = "interest"


@dataclass(frozen=True)
class Movement:
    """Something that happened on an account.

    Attributes:
        at: when it was issued or posted.
        document: the document it is about.
        text: one sentence for people.
        amount_micro: what it moved.
        payment: the bank's transaction, such as `gb12-bank-000001/3`; empty for none.
        value_on: the value day of a payment, the due day of a document, the last day of interest.
        number: of its journal; 0 for a document.
        account: on the other side of a payment, as the bank named it; empty where it named none.
    """

    at: datetime
    entry: Entry
    document: str
    text: str
    amount_micro: int
    payment: str
    value_on: date
    number: int
    account: str = ""

    @property
    def moves_balance(self) -> bool:
        """Whether it moves the balance: interest does when a document bills it."""
        return self.entry is not Entry.INTEREST


@dataclass(frozen=True)
class Line:
    """A movement, and the balance after it."""

    movement: Movement
    balance_micro: int


@dataclass(frozen=True)
class Standing:
    """What an account comes to at a moment.

    Attributes:
        billed_micro: documents as they were issued.
        paid_micro: postings of its `paid` accounts; below zero for what a participant paid.
        unbilled_micro: settled and not billed.
    """

    billed_micro: int = 0
    paid_micro: int = 0
    unbilled_micro: int = 0

    @property
    def balance_micro(self) -> int:
        """What is billed and not paid."""
        return self.billed_micro + self.paid_micro

    @property
    def ledger_micro(self) -> int:
        """The sum of all postings on the participant's money accounts."""
        return self.balance_micro + self.unbilled_micro


@dataclass(frozen=True)
class AccountStatement:
    """A participant's account over a period; `closing` holds at its end."""

    market: str
    participant: str
    currency: str
    first_day: date
    last_day: date
    opening_micro: int
    lines: tuple[Line, ...]
    closing: Standing


@dataclass(frozen=True)
class OpenItem:
    """A document that is not paid, and for how many days it is overdue; 0 or less is not due."""

    document: OpenDocument
    overdue_days: int

    @property
    def bucket(self) -> int:
        """Index into `BUCKETS`."""
        return sum(self.overdue_days > last for last in _LAST_DAYS)


@dataclass(frozen=True)
class Ageing:
    """The open items of a participant, summed by age in minor units."""

    participant: str
    currency: str
    items: tuple[OpenItem, ...]

    @property
    def amounts_minor(self) -> tuple[int, ...]:
        """What is open in each bucket."""
        amounts = [0] * len(BUCKETS)
        for item in self.items:
            amounts[item.bucket] += item.document.balance_minor
        return tuple(amounts)

    @property
    def total_minor(self) -> int:
        """What is open in all."""
        return sum(item.document.balance_minor for item in self.items)


def run_balance(opening_micro: int, movements: Iterable[Movement]) -> Iterator[Line]:
    """Yield each movement with the balance after it."""
    balance = opening_micro
    for movement in movements:
        if movement.moves_balance:
            balance += movement.amount_micro
        yield Line(movement, balance)


def in_order(movements: Iterable[Movement]) -> list[Movement]:
    """Return movements in the order in which they happened; at one moment, documents first."""
    return sorted(movements, key=lambda movement: (movement.at, movement.number, movement.document))


def age_open_items(documents: Sequence[OpenDocument], on: date) -> list[Ageing]:
    """Return what is open on a day by participant and age; without those who owe nothing."""
    items: dict[tuple[str, str], list[OpenItem]] = {}
    for document in sorted(documents, key=lambda each: (each.participant, each.due_on, each.name)):
        if document.balance_minor:
            key = (document.participant, document.currency)
            items.setdefault(key, []).append(OpenItem(document, (on - document.due_on).days))
    return [Ageing(*key, tuple(of_key)) for key, of_key in items.items()]
