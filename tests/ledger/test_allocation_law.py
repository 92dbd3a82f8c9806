"""The law of allocation: what is paid of a document lies between nothing and what it asks for.

Whatever is decided, in whatever order: money that goes out takes back what came in, and what was
built upon a payment holds it where it is.
"""

import pytest
from sqlalchemy import text

from common.refusals import Refused
from ledger.payments import queries, store
from ledger.payments.allocate import allocate, find_transaction
from ledger.payments.journals import allocation_journal, holdings
from ledger.payments.verification import verify_payments
from ledger.posting import post
from ledger.rules import LedgerRule as Code
from ledger.store import journal_head
from tests.ledger.drafts import MARKET, MONTH
from tests.ledger.rules import rule_of
from tests.ledger.test_payments import INVOICE, SELF_BILLED, balances, bill, sound, take, written

OTHER = "gb12-invoice-000002"
FIRST, SECOND, THIRD = (f"gb12-bank-000001/{line}" for line in (1, 2, 3))
UNSAID = "it does not say"


@pytest.fixture
def paid(session, now):
    """Two invoices of 2.00 and two self-billed ones of 3.00; a list of payments comes in."""
    bill(session, now, 200, 300)
    bill(session, now, 200, 300, month=MONTH.replace(month=2))

    def receive(*payments):
        take(session, written(*payments), now)

    def decide(name, amounts):
        allocate(session, name, amounts, decided_by="bea", reason="Asked", now=now)

    return session, receive, decide


def refusal(decide, *args):
    with pytest.raises(Refused) as raised:
        decide(*args)
    return [(rule_of(finding), finding.value) for finding in raised.value.findings]


BUILT_UPON = {
    # what comes in | what a person decides before | and then, which is refused
    "a payment that a refund took back goes to another document": (
        [(100, INVOICE), (-100, UNSAID)],
        [(SECOND, {INVOICE: -100})],
        (FIRST, {OTHER: 100}),
        f"{INVOICE} asks for 2.00 GBP and would be left with -1.00 paid",
    ),
    "a payment that a refund took back returns to the queue": (
        [(100, INVOICE), (-100, UNSAID)],
        [(SECOND, {INVOICE: -100})],
        (FIRST, {}),
        f"{INVOICE} asks for 2.00 GBP and would be left with -1.00 paid",
    ),
    "a payment that a refund took back in part is allocated less of": (
        [(200, INVOICE), (-150, UNSAID)],
        [(SECOND, {INVOICE: -150})],
        (FIRST, {INVOICE: 100, OTHER: 100}),
        f"{INVOICE} asks for 2.00 GBP and would be left with -0.50 paid",
    ),
    "a refund on which a second payment stands": (
        [(200, INVOICE), (-200, UNSAID), (200, UNSAID)],
        [(SECOND, {INVOICE: -200}), (THIRD, {INVOICE: 200})],
        (SECOND, {}),
        f"{INVOICE} asks for 2.00 GBP and would be left with 4.00 paid",
    ),
    "what was paid out and came back": (
        [(-300, SELF_BILLED), (300, UNSAID)],
        [(SECOND, {SELF_BILLED: 300})],
        (FIRST, {}),
        f"{SELF_BILLED} asks for -3.00 GBP and would be left with 3.00 paid",
    ),
}


@pytest.mark.parametrize("what", BUILT_UPON)
def test_a_payment_on_which_others_stand_is_not_moved_away(paid, what):
    session, receive, decide = paid
    payments, decisions, last, value = BUILT_UPON[what]
    receive(*payments)
    for decision in decisions:
        decide(*decision)
    before = balances(session)
    assert refusal(decide, *last) == [(Code.ALLOCATION_IS_BUILT_UPON, value)]
    assert balances(session) == before
    # The way out that the refusal names: what stands on top goes first.
    decide(decisions[-1][0], {})
    decide(*last)
    assert sound(session)


def test_every_document_that_would_be_left_untrue_is_named_at_once(paid):
    _, receive, decide = paid
    receive((400, f"{INVOICE} {OTHER}"), (-200, UNSAID), (-200, UNSAID))
    decide(SECOND, {INVOICE: -200})
    decide(THIRD, {OTHER: -200})
    assert refusal(decide, FIRST, {}) == [
        (
            Code.ALLOCATION_IS_BUILT_UPON,
            f"{name} asks for 2.00 GBP and would be left with -2.00 paid",
        )
        for name in (INVOICE, OTHER)
    ]


def test_money_that_goes_out_takes_no_more_back_than_came_in(paid):
    session, receive, decide = paid
    receive((100, INVOICE), (-150, UNSAID))
    assert refusal(decide, SECOND, {INVOICE: -150}) == [
        (
            Code.ALLOCATION_IS_TOO_MUCH,
            f"-1.50 to {INVOICE}, of whose 2.00 GBP other payments paid 1.00",
        )
    ]
    decide(SECOND, {INVOICE: -100})
    assert balances(session)[INVOICE] == 200
    assert [one.rest_minor for one in queries.queue(session, MARKET)] == [-50]
    assert sound(session)


def _decide_unasked(session, name, amounts, now):
    """Decide as code would that forgot to ask for the law."""
    found = find_transaction(session, name)
    transaction, row = found.transaction, found.latest
    after = holdings(transaction, "GBP", amounts, dict.fromkeys(balances(session), "lumen-supply"))
    row = row._replace(
        decision=row.decision + 1,
        decided_by="bea",
        reason="no",
        documents=tuple(amounts),
        amounts_minor=tuple(amounts.values()),
        journal_number=journal_head(session).number + 1,
        reverses=row.journal_number,
    )
    draft = allocation_journal(
        transaction,
        found.digest,
        "",
        "GBP",
        row,
        after,
        {each.account: each.amount_minor for each in found.held},
    )
    store.insert_allocations(session, [row])
    post(session, draft, now)


def test_the_database_keeps_the_law_against_code_that_forgot_to_ask(paid, now):
    session, receive, decide = paid
    receive((100, INVOICE), (-100, UNSAID))
    decide(SECOND, {INVOICE: -100})
    with pytest.raises(Refused) as raised, session.begin_nested():
        _decide_unasked(session, FIRST, {}, now)
    assert {rule_of(finding) for finding in raised.value.findings} == {Code.ALLOCATION_IS_TOO_MUCH}
    assert sound(session)


def test_verification_finds_a_document_that_is_paid_beyond_the_law(paid, now):
    session, receive, decide = paid
    receive((100, INVOICE), (-100, UNSAID))
    decide(SECOND, {INVOICE: -100})
    session.execute(text("SET LOCAL session_replication_role = replica"))
    _decide_unasked(session, FIRST, {}, now)
    found = [str(finding) for finding in verify_payments(session)]
    assert [INVOICE in each and "[payment-law]" in each for each in found] == [True]


SET_OFF = {
    # a payment | what a person would set off against it
    "an invoice less what another is owed": (100, {INVOICE: 200, SELF_BILLED: -100}),
    "money out, less an invoice of another": (-200, {SELF_BILLED: -300, INVOICE: 100}),
    "nothing of my own, and it all for another": (1, {INVOICE: 200, SELF_BILLED: -199}),
}


@pytest.mark.parametrize("what", SET_OFF)
def test_a_person_sets_off_documents_of_one_participant_alone(paid, what):
    session, receive, decide = paid
    amount, amounts = SET_OFF[what]
    receive((amount, UNSAID))
    before = balances(session)
    ((rule, value),) = refusal(decide, FIRST, amounts)
    assert rule is Code.ALLOCATION_TAKES_FROM_OTHERS
    assert "GBP for" in value
    assert balances(session) == before
    assert sound(session)
