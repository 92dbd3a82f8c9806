"""Statements imported and allocated on PostgreSQL; what is refused writes nothing."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from common.refusals import Refused
from ledger.invoice import Family
from ledger.issuing import issue
from ledger.journal import Account, Posting
from ledger.payments import queries
from ledger.payments.allocate import allocate
from ledger.payments.import_file import BankAccount, import_file
from ledger.payments.verification import verify_payments
from ledger.posting import post
from ledger.rules import LedgerRule as Code
from ledger.verification import verify
from settlement.datasets.bank import Payment, StatementHead, statement_xml
from tests.examples import tried
from tests.ledger.bank import IBAN, PAYER, Entry, File
from tests.ledger.drafts import DAY, GENERATOR, MARKET, MONTH, SUPPLIER, invoice, journal, line
from tests.ledger.rules import rule_of
from tests.worlds.people import acting_as

ACCOUNT = BankAccount(MARKET, IBAN, "GBP", {PAYER: frozenset({SUPPLIER})})
INVOICE, SELF_BILLED = "gb12-invoice-000001", "gb12-self-billed-000001"
ON = dt.date(2024, 3, 1)
TABLES = ("bank_file", "bank_statement", "bank_transaction", "allocation", "journal", "posting")


@pytest.fixture
def billed(session, now):
    """An invoice of 500.30 and a self-billed one of 490.01."""
    bill(session, now, 50_030, 49_001)
    return session


def bill(session, now, *dues, month=MONTH):
    """Issue an invoice and a self-billed invoice of these pence."""
    charged, paid = (amount * 10_000 for amount in dues)
    charge = Account(MARKET, "GBP", SUPPLIER, "charge.fuel", "N0-P1")
    payment = Account(MARKET, "GBP", GENERATOR, "payment.fuel", "U1")
    rest = Account(MARKET, "GBP", None, "equalisation", "market")
    amounts = {charge: charged, payment: -paid, rest: paid - charged}
    postings = tuple(Posting(account, amount) for account, amount in amounts.items() if amount)
    post(session, replace(journal(month + (DAY - MONTH)), postings=postings), now)
    drafts = [
        invoice(line(charge, charged)),
        invoice(line(payment, -paid), participant=GENERATOR, family=Family.SELF_BILLED),
    ]
    issue(session, [replace(one, billing_month=month) for one in drafts], now)


def written(*payments, number=1, opening=0):
    entries = [[Payment(amount, ON, "Payer", PAYER, words)] for amount, words in payments]
    return statement_xml(StatementHead(f"S-{number}", number, IBAN, "GBP", opening, ON), entries)


def take(session, content, now, account=ACCOUNT):
    return import_file(session, account, "s.xml", content, received_by="bea", now=now)


def counts(session):
    return {one: session.scalar(text(f"SELECT count(*) FROM ledger.{one}")) for one in TABLES}


def balances(session):
    return {one.name: one.balance_minor for one in queries.documents(session, MARKET)}


def bank_minor(session):
    total = session.scalar(
        text(
            "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.posting JOIN ledger.account "
            "ON code = account WHERE kind = 'bank'"
        )
    )
    return total // 10_000


def refused(call, *args, **named):
    with pytest.raises(Refused) as raised:
        call(*args, **named)
    return {rule_of(refusal) for refusal in raised.value.findings}


def sound(session):
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    return [*verify(session), *verify_payments(session)] == []


def test_payments_move_money_from_the_bank_to_documents_and_to_the_queue(billed, now):
    content = written((50_030, INVOICE), (-49_001, SELF_BILLED), (777, "what for?"))
    imported = take(billed, content, now)
    assert not imported.is_repeat
    assert balances(billed) == {INVOICE: 0, SELF_BILLED: 0}
    (left,) = queries.queue(billed, MARKET)
    assert (left.transaction.name, left.rest_minor) == ("gb12-bank-000001/3", 777)
    assert "none of lumen-supply has its amount" in left.latest.reason
    assert bank_minor(billed) == 50_030 - 49_001 + 777
    assert sound(billed)


def test_the_same_file_again_returns_the_original(billed, now):
    content = written((50_030, INVOICE))
    first = take(billed, content, now)
    before = counts(billed)
    again = take(billed, content, now + dt.timedelta(days=1))
    assert (again.is_repeat, again.statements) == (True, first.statements)
    assert counts(billed) == before


REFUSALS = {
    "same statement, other content": (
        written((1, "x")),
        {Code.STATEMENT_HAS_OTHER_CONTENT},
    ),
    "an earlier day": (
        File([], head="<Id>S-X</Id><ElctrncSeqNb>2</ElctrncSeqNb>", opening="500.30",
             closing="500.30").xml(),
        {Code.STATEMENT_IS_OUT_OF_SEQUENCE},
    ),
    "another opening balance": (
        written((1, "x"), number=2, opening=50_029),
        {Code.STATEMENT_IS_OUT_OF_SEQUENCE},
    ),
    "another account": (
        File([], iban=PAYER, head="<Id>S-2</Id><ElctrncSeqNb>2</ElctrncSeqNb>",
             opening="500.30", closing="500.30").xml(),
        {Code.STATEMENT_IS_OF_ANOTHER_ACCOUNT},
    ),
    "another currency": (
        File([], currency="EUR", head="<Id>S-2</Id><ElctrncSeqNb>2</ElctrncSeqNb>",
             opening="500.30", closing="500.30").xml(),
        {Code.STATEMENT_CURRENCY_DIFFERS},
    ),
    "all of it at once": (
        File([Entry(status="XXXX"), Entry(currency="EUR"), Entry(side="")],
             head="<Id>S-9</Id>").xml(),
        {
            Code.STATEMENT_FIELD_IS_MISSING,
            Code.ENTRY_IS_NOT_BOOKED,
            Code.STATEMENT_CURRENCY_DIFFERS,
            Code.STATEMENT_IS_OUT_OF_SEQUENCE,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_a_statement_that_does_not_follow_is_refused_and_nothing_is_written(billed, now, what):
    take(billed, written((50_030, INVOICE)), now)
    before = counts(billed)
    content, codes = REFUSALS[what]
    assert refused(take, billed, content, now) == codes
    assert counts(billed) == before


@pytest.mark.parametrize(("days", "is_taken"), [(1, True), (2, False)])
def test_a_day_ahead_of_the_clock_would_let_no_other_statement_follow(billed, now, days, is_taken):
    before = counts(billed)
    head = StatementHead("S-9", 9, IBAN, "GBP", 0, now.date() + dt.timedelta(days=days))
    content = statement_xml(head, [])
    if is_taken:
        assert take(billed, content, now).statements
    else:
        assert refused(take, billed, content, now) == {Code.STATEMENT_IS_OF_THE_FUTURE}
        assert counts(billed) == before


def test_a_day_ahead_is_named_beside_what_does_not_follow(billed, now):
    """Whoever is told that a statement is missing alone would go on without it, in vain."""
    take(billed, written((50_030, INVOICE)), now)
    head = StatementHead("S-9", 9, IBAN, "GBP", 0, now.date() + dt.timedelta(days=400))
    codes = {Code.STATEMENT_IS_OUT_OF_SEQUENCE, Code.STATEMENT_IS_OF_THE_FUTURE}
    assert refused(take, billed, statement_xml(head, []), now) == codes


def test_the_first_number_of_a_new_year_follows(billed, now):
    take(billed, written((50_030, INVOICE), number=7), now)
    head = StatementHead("S-2025-1", 1, IBAN, "GBP", 50_030, dt.date(2025, 1, 2))
    take(billed, statement_xml(head, []), now + dt.timedelta(days=366))
    assert [one.number for one in queries.statements(billed, MARKET)] == [2, 1]


def test_a_person_allocates_what_rests_and_a_correction_names_what_it_reverses(billed, now):
    take(billed, written((50_000, "who knows")), now)
    name = "gb12-bank-000001/1"
    first = queries.decided_transactions(billed, MARKET, 1, 1)[0].latest.journal_number
    posted = allocate(
        billed, name, {INVOICE: 50_000}, decided_by="bea", reason="Asked the payer", now=now
    )
    assert balances(billed)[INVOICE] == 30
    reason = billed.scalar(
        text("SELECT reason FROM ledger.journal WHERE number = :number"), {"number": posted.number}
    )
    assert reason == f"Payment {name}, by bea: Asked the payer; reverses journal {first}"
    with acting_as(billed, "cal"):
        allocate(billed, name, {}, decided_by="cal", reason="Wrong payer", now=now)
    (back,) = queries.queue(billed, MARKET)
    assert (back.rest_minor, back.latest.reverses) == (50_000, posted.number)
    assert [one.decided_by for one in back.decisions] == ["bea", "bea", "cal"]
    assert balances(billed)[INVOICE] == 50_030
    assert bank_minor(billed) == 50_000
    assert sound(billed)


DECISIONS = {
    "unknown payment": (("gb12-bank-000001/9", {}), {}, {Code.TRANSACTION_IS_UNKNOWN}),
    "no payment's name": (("seven", {}), {}, {Code.TRANSACTION_IS_UNKNOWN}),
    "unknown document": (
        ("gb12-bank-000001/1", {"gb12-invoice-000009": 1}),
        {},
        {Code.DOCUMENT_IS_UNKNOWN},
    ),
    "more than the payment": (
        ("gb12-bank-000001/1", {INVOICE: 50_001}),
        {},
        {Code.ALLOCATION_IS_TOO_MUCH},
    ),
    "another sign": (("gb12-bank-000001/1", {INVOICE: -1}), {}, {Code.ALLOCATION_IS_TOO_MUCH}),
    "a document of the other direction": (
        ("gb12-bank-000001/1", {SELF_BILLED: 5}),
        {},
        {Code.ALLOCATION_IS_TOO_MUCH},
    ),
    "nothing new": (("gb12-bank-000001/1", {}), {}, {Code.ALLOCATION_CHANGES_NOTHING}),
    "nobody": (
        ("gb12-bank-000001/1", {INVOICE: 1}),
        {"decided_by": " "},
        {Code.DECISION_IS_NOT_SIGNED},
    ),
    "no reason, and too much": (
        ("gb12-bank-000001/1", {INVOICE: 50_001}),
        {"reason": ""},
        {Code.DECISION_IS_NOT_SIGNED, Code.ALLOCATION_IS_TOO_MUCH},
    ),
}


@pytest.mark.parametrize("what", DECISIONS)
def test_a_decision_is_refused_and_nothing_is_written(billed, now, what):
    take(billed, written((50_000, "who knows")), now)
    before = counts(billed)
    args, changed, codes = DECISIONS[what]
    named = {"decided_by": "Bea", "reason": "Because", "now": now} | changed
    assert refused(allocate, billed, *args, **named) == codes
    assert counts(billed) == before


def test_a_payment_that_the_bank_takes_back_leaves_the_document_open(billed, now):
    taken = [
        [Payment(50_030, ON, "Payer", PAYER, INVOICE)],
        [Payment(-50_030, ON, "Payer", PAYER, INVOICE, is_reversal=True)],
    ]
    head = StatementHead("S-1", 1, IBAN, "GBP", 0, ON)
    take(billed, statement_xml(head, taken), now)
    assert balances(billed)[INVOICE] == 50_030
    assert queries.queue(billed, MARKET) == []
    assert bank_minor(billed) == 0
    assert sound(billed)


def test_a_reversal_of_what_rests_leaves_what_another_paid(billed, now):
    stranger = "GB94TSBX00003457937802"
    take(billed, written((50_030, INVOICE)), now)
    head = StatementHead("S-2", 2, IBAN, "GBP", 50_030, ON)
    again = [[Payment(50_030, ON, "Stranger", stranger, INVOICE)]]
    take(billed, statement_xml(head, again), now)
    head = StatementHead("S-3", 3, IBAN, "GBP", 100_060, ON)
    back = [[Payment(-50_030, ON, "Stranger", stranger, INVOICE, is_reversal=True)]]
    take(billed, statement_xml(head, back), now)
    assert balances(billed)[INVOICE] == 0
    assert [waits.rest_minor for waits in queries.queue(billed, MARKET)] == [50_030, -50_030]
    latest = queries.latest_transactions(billed)
    assert list(latest) == queries.decided_transactions(billed, MARKET)[::-1]
    waiting = queries.latest_transactions(billed, waiting=True)
    assert (len(latest), len(waiting)) == (3, 2)
    assert [waiting[0:1], waiting[1:2]] == [latest[0:1], latest[1:2]]
    assert sound(billed)


def test_a_batch_entry_is_matched_payment_by_payment(billed, now):
    batch = [Payment(50_000, ON, "A", PAYER, INVOICE), Payment(30, ON, "B", PAYER, "", INVOICE)]
    content = statement_xml(StatementHead("S-1", 1, IBAN, "GBP", 0, ON), [batch])
    take(billed, content, now)
    assert balances(billed)[INVOICE] == 0
    assert [one.transaction.part for one in queries.decided_transactions(billed, MARKET)] == [1, 2]


def test_what_an_account_held_at_a_moment_stays_to_be_asked(billed, now):
    later = now + dt.timedelta(days=3)
    take(billed, written((50_030, INVOICE)), later)
    before = {one.name: one.paid_minor for one in queries.documents(billed, MARKET, now)}
    assert before == {INVOICE: 0, SELF_BILLED: 0}
    assert queries.documents(billed, MARKET, now - dt.timedelta(days=1)) == []


drawn = st.lists(
    st.tuples(
        st.integers(-60_000, 60_000).filter(bool),
        st.sampled_from([INVOICE, SELF_BILLED, "", "gb12-invoice-000009"]),
    ),
    max_size=5,
)
moves = st.lists(
    st.tuples(
        st.integers(1, 5), st.sampled_from([INVOICE, SELF_BILLED]), st.integers(-60_000, 60_000)
    ),
    max_size=5,
)


@settings(max_examples=tried(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn, moves)
def test_allocations_sum_to_their_payments_whatever_is_decided(session, now, drawn, moves):
    with session.begin_nested() as nested:
        bill(session, now, 50_030, 49_001)
        take(session, written(*drawn), now)
        for line_of, document, amount in moves:
            try:
                with session.begin_nested():
                    allocate(
                        session, f"gb12-bank-000001/{line_of}", {document: amount},
                        decided_by="bea", reason="Drawn", now=now,
                    )  # fmt: skip
            except Refused:
                continue
        for one in queries.decided_transactions(session, MARKET):
            assert sum(one.amounts.values()) + one.rest_minor == one.transaction.amount_minor
        assert bank_minor(session) == sum(amount for amount, _ in drawn)
        for document in queries.documents(session, MARKET):
            low, high = sorted((0, document.due_minor))
            assert low <= document.paid_minor <= high
        assert sound(session)
        nested.rollback()
