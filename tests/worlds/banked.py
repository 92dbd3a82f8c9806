"""Bank statements of the tiny market: who pays what, and the file that says so."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from ledger.payments import queries
from ledger.payments.allocate import allocate
from ledger.payments.import_file import Imported
from settlement.accounts.bank_statements import import_statements
from settlement.datasets.bank import Payment, StatementHead, statement_xml

OPERATOR = "GB82WEST12345698765432"
"""The account in `tiny_market.settlement_terms`."""

PAYER = "GB41TSBX00003391422946"


def bank_file(
    entries: Sequence[Sequence[Payment]], *, number: int = 1, opening: int = 0, on: dt.date
) -> bytes:
    """Return a file of one statement of the tiny market's account."""
    head = StatementHead(f"TINY-{number}", number, OPERATOR, "GBP", opening, on)
    return statement_xml(head, entries)


def take(session: Session, content: bytes, now: dt.datetime) -> Imported:
    """Import a file for the tiny market."""
    return import_statements(session, "tiny", "bank.xml", content, received_by="bea", now=now)


def pay_tiny(session: Session, now: dt.datetime) -> None:
    """Import two statements: a batch, a part, what the bank took back, and what nobody can place.

    Then a person allocates a payment, takes it back, and allocates another.
    """
    on = now.date()
    first, second, *_ = [
        document for document in queries.documents(session, "tiny") if document.due_minor > 0
    ]
    paid = [
        [
            Payment(first.due_minor, on, "Cedar Limited", PAYER, first.name),
            Payment(second.due_minor - 100, on, "Doric Limited", PAYER, reference=second.name),
        ],
        [Payment(-first.due_minor, on, "Cedar Limited", PAYER, first.name, is_reversal=True)],
        [Payment(2_000, on, "Cedar Limited", PAYER, "for something")],
        [Payment(100, on, "Doric Limited", PAYER, "the rest")],
    ]
    take(session, bank_file(paid, on=on), now)
    opening = sum(payment.amount_minor for entry in paid for payment in entry)
    later = [[Payment(-70, on, "A bank", PAYER, "its fee")]]
    take(session, bank_file(later, number=2, opening=opening, on=on), now)
    for name, amounts in (
        ("tiny-bank-000001/4", {first.name: 1_000}),
        ("tiny-bank-000001/4", {}),
        ("tiny-bank-000001/5", {second.name: 100}),
    ):
        allocate(session, name, amounts, decided_by="bea", reason="Asked", now=now)
