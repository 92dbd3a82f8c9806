"""An insider imports a genuine file of the bank, and stores another payment beside it.

They use the product's own functions: the file is the bank's, every digest is right, and what was
paid follows from the rows. That the rows do not stand in the file, `verify` reads.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from database.session import make_engine
from ledger.payments import import_file as importing
from ledger.payments import queries
from ledger.payments.camt_statement import ReadStatement
from ledger.payments.statements import UNSTATED
from ledger.payments.verification import verify_payments
from settlement.datasets.bank import Payment
from tests.worlds.banked import PAYER, bank_file, take
from tests.worlds.rolled_back import rolled_back

PAID = dt.datetime(2024, 4, 2, 9, tzinfo=dt.UTC)
THEIRS = "GB50TSBX00123412345678"


@pytest.fixture(scope="module")
def engine(clone_billed_database) -> Iterator:
    made = make_engine(clone_billed_database())
    yield made
    made.dispose()


@pytest.fixture
def market(engine) -> Iterator[Session]:
    with rolled_back(engine) as session:
        yield session


def genuine(session: Session) -> bytes:
    """A file of two payments of what is due."""
    due = [each for each in queries.documents(session, "tiny") if each.due_minor > 200][:2]
    on = PAID.date()
    return bank_file([[Payment(100, on, "Cedar Limited", PAYER, each.name)] for each in due], on=on)


def of_first_payment(**changes: object) -> Callable[[ReadStatement], ReadStatement]:
    def change(read: ReadStatement) -> ReadStatement:
        first, *others = read.transactions
        return replace(read, transactions=(replace(first, **changes), *others))

    return change


def paid_more(read: ReadStatement) -> ReadStatement:
    changed = of_first_payment(amount_minor=150)(read)
    return replace(changed, closing_minor=read.closing_minor + 50)


def with_another_payment(read: ReadStatement) -> ReadStatement:
    more = replace(read.transactions[-1], entry=3, amount_minor=70)
    return replace(
        read, transactions=(*read.transactions, more), closing_minor=read.closing_minor + 70
    )


def moved_before(read: ReadStatement) -> ReadStatement:
    """What moved without a statement, of which there is none before."""
    bridge = replace(read.transactions[0], entry=UNSTATED, amount_minor=90)
    return replace(
        read, transactions=(bridge, *read.transactions), opening_minor=read.opening_minor - 90
    )


FORGERIES: dict[str, Callable[[ReadStatement], ReadStatement]] = {
    "more is paid": paid_more,
    "a payment is added": with_another_payment,
    "a payment is left out": lambda read: replace(
        read, transactions=read.transactions[1:], closing_minor=read.closing_minor - 100
    ),
    "it was paid by another": of_first_payment(counterparty_account=THEIRS),
    "another document is named": of_first_payment(remittance="for something"),
    "it counts from another day": of_first_payment(value_on=dt.date(2024, 3, 1)),
    "it is taken back": of_first_payment(is_reversal=True),
    "another day closes it": lambda read: replace(read, closed_on=dt.date(2024, 4, 3)),
    "it moved before": moved_before,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_row_that_the_banks_file_does_not_hold_is_named(market, monkeypatch, forgery):
    honest = importing.read_file

    def read_file(*values):
        found = honest(*values)
        found.statements = [FORGERIES[forgery](each) for each in found.statements]
        return found

    with monkeypatch.context() as within:
        within.setattr(importing, "read_file", read_file)
        take(market, genuine(market), PAID)
    found = list(verify_payments(market))
    assert {(each.code, each.place) for each in found} == {
        ("bank-file", "ledger.bank_statement tiny-bank-000001")
    }


def test_a_file_of_another_account_is_named(market, monkeypatch):
    content = genuine(market).replace(b"GB82WEST12345698765432", THEIRS.encode())
    honest = importing.read_file
    monkeypatch.setattr(importing, "read_file", lambda given, *_: honest(given))
    monkeypatch.setattr(importing, "_known", lambda *_: [])
    monkeypatch.setattr(importing, "judge_statements", of_any_account(importing.judge_statements))
    take(market, content, PAID)
    assert [each.code for each in verify_payments(market)] == ["bank-file"]


def of_any_account(judge: Callable) -> Callable:
    """Return what judges statements of other accounts as those of the one."""

    def judge_all(read, known, account, *values, **named):
        own = [replace(each, account=account) for each in read]
        return judge(own, known, account, *values, **named)

    return judge_all


def test_a_file_as_the_bank_wrote_it_holds_its_rows(market):
    take(market, genuine(market), PAID)
    assert list(verify_payments(market)) == []
