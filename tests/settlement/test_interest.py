"""Interest on late money: worked by hand, day by day, posted once, billed with the next bill."""

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from common.refusals import Refused
from ledger.causes import CHARGE_INTEREST, PAYMENT_INTEREST
from ledger.invoice import Family
from ledger.payments import queries
from ledger.payments.interest_queries import posted_interest
from settlement.accounts.interest import (
    INTEREST_KINDS,
    LateDocument,
    Rate,
    draft_interest,
    interest_micro,
)
from settlement.accounts.late import post_interest
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.datasets.bank import Payment
from settlement.runs.settle import settle
from settlement.verification import list_checks
from tests.worlds.banked import PAYER, bank_file, take
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    SETTLED,
    bill_tiny,
    ingest_tiny,
)

DUE = dt.date(2024, 2, 1)
EIGHT = Rate(80_000, 365, 3)
HUNDRED = 100_000_000


def after(days: int) -> dt.date:
    return DUE + dt.timedelta(days=days)


def document(principal=HUNDRED, *paid, posted=0, count=0, until=None):
    return LateDocument(
        "tiny", "tiny-invoice-000001", "cedar", "GBP", DUE, principal,
        tuple((after(days), amount) for days, amount in paid), posted, count, until,
    )  # fmt: skip


WORKED = {
    # what, document, days after the due day, micro; GBP 100 at 8 % / 365 is 21,917.8 a day
    "not due": (document(), 0, 0),
    "within the grace": (document(), 3, 0),
    "after the grace, from the due day": (document(), 4, 87_671),
    "a month": (document(), 30, 657_534),
    "paid on the due day": (document(HUNDRED, (0, HUNDRED)), 30, 0),
    "paid early": (document(HUNDRED, (-5, HUNDRED)), 30, 0),
    "paid on the last day of grace": (document(HUNDRED, (3, HUNDRED)), 30, 0),
    "paid a day later": (document(HUNDRED, (4, HUNDRED)), 30, 87_671),
    "half within the grace": (document(HUNDRED, (2, HUNDRED // 2)), 30, 328_767),
    "half late": (document(HUNDRED, (10, HUNDRED // 2)), 30, 438_356),
    "paid after the day asked about": (document(HUNDRED, (40, HUNDRED)), 30, 657_534),
    "paid and taken back": (document(HUNDRED, (10, HUNDRED), (20, -HUNDRED)), 30, 438_356),
    "paid more than the principal": (document(HUNDRED, (10, 2 * HUNDRED)), 30, 219_178),
    "owed by the market": (document(-HUNDRED), 30, -657_534),
    "owed by the market and half paid": (document(-HUNDRED, (10, -HUNDRED // 2)), 30, -438_356),
}


@pytest.mark.parametrize("what", WORKED)
def test_interest_worked_by_hand(what):
    of, days, expected = WORKED[what]
    assert interest_micro(of, after(days), EIGHT) == expected


payments = st.lists(st.tuples(st.integers(-10, 90), st.integers(1, HUNDRED // 3)), max_size=3)


@given(st.integers(-HUNDRED, HUNDRED).filter(bool), payments, st.integers(0, 400_000))
def test_days_sum_to_their_whole_and_to_the_slow_reference(principal, drawn, ppm):
    sign = 1 if principal > 0 else -1
    of = document(principal, *((days, sign * amount) for days, amount in drawn))
    rate = Rate(ppm, 365, 3)
    posted = 0
    for days in range(61):
        drafted = draft_interest(
            document(principal, *((at, sign * amount) for at, amount in drawn), posted=posted),
            after(days),
            rate,
            7,
        )
        posted += drafted.journal.postings[0].amount if drafted else 0
        assert drafted is None or drafted.row.borne_micro == posted
    assert posted == interest_micro(of, after(60), rate)
    left, exact = abs(principal), Fraction(0)
    for days, amount in sorted((at, amount) for at, amount in drawn if at <= 60):
        part = min(left, amount)
        exact += Fraction(part * (days if days > 3 else 0) * ppm, 365_000_000)
        left -= part
    exact += Fraction(left * 60 * ppm, 365_000_000)
    assert posted == sign * (exact.numerator // exact.denominator)


REASONS = {
    "first": (document(), 30, "30 days to 2 March 2024, due 1 February 2024"),
    "next": (
        document(until=after(20), posted=438_356, count=1),
        30,
        "10 days to 2 March 2024, billed to 21 February 2024",
    ),
    "paid meanwhile": (
        document(HUNDRED, (12, HUNDRED)),
        30,
        "12 days to 13 February 2024, due 1 February 2024",
    ),
    "earlier value": (
        document(HUNDRED, (10, HUNDRED), posted=657_534, until=after(30), count=1),
        30,
        "corrected to 2 March 2024 for a payment of earlier value",
    ),
}


@pytest.mark.parametrize("what", REASONS)
def test_a_journal_says_what_it_is_for(what):
    of, days, expected = REASONS[what]
    journal = draft_interest(of, after(days), EIGHT, 7).journal
    assert journal.reason == f"Interest on tiny-invoice-000001, {expected}, at 8 % a year"


@pytest.fixture
def billed(world_of):
    """The tiny market, settled and billed on 1 March: documents are due on 15 March."""
    with rolled_back(world_of(bill_tiny)[0]) as session:
        yield session


DUE_ON = SETTLED.date() + dt.timedelta(days=14)
LATE = dt.datetime(2024, 4, 14, 9, tzinfo=dt.UTC)
UNTIL = DUE_ON + dt.timedelta(days=30)


def documents(session):
    return {document.name: document for document in queries.documents(session, "tiny")}


def posted(session):
    return posted_interest(session, "tiny", INTEREST_KINDS)


def test_what_is_late_bears_interest_both_ways_and_once(billed):
    found = post_interest(billed, "tiny", UNTIL, now=LATE)
    open_ones = documents(billed)
    assert len(found) == len(open_ones)
    for name, document in open_ones.items():
        exact = abs(document.due_minor) * 10_000 * 30 * 80_000 // (1_000_000 * 365)
        assert abs(posted(billed)[name].amount_micro) == exact
        assert posted(billed)[name].amount_micro * document.due_minor > 0
    assert post_interest(billed, "tiny", UNTIL, now=LATE) == []
    kinds = set(billed.scalars(text("SELECT kind FROM ledger.account WHERE kind ~ 'interest'")))
    assert kinds == {CHARGE_INTEREST, PAYMENT_INTEREST, "interest"}


def test_an_earlier_day_takes_nothing_back(billed):
    post_interest(billed, "tiny", UNTIL, now=LATE)
    before = posted(billed)
    for days in (1, 20, 29):
        with pytest.raises(Refused) as refused:
            post_interest(billed, "tiny", DUE_ON + dt.timedelta(days=days), now=LATE)
        (finding,) = refused.value.findings
        assert (finding.code, str(UNTIL) in finding.remedy) == ("interest-posted-further", True)
    assert post_interest(billed, "tiny", DUE_ON, now=LATE) == []
    assert posted(billed) == before


def test_a_payment_of_earlier_value_that_comes_late_moves_only_the_difference(billed):
    post_interest(billed, "tiny", UNTIL, now=LATE)
    document = next(each for each in documents(billed).values() if each.due_minor > 0)
    before = posted(billed)[document.name].amount_micro
    value_on = DUE_ON + dt.timedelta(days=10)
    paid = [[Payment(document.due_minor, value_on, "Cedar", PAYER, document.name)]]
    take(billed, bank_file(paid, on=value_on), LATE)
    (journal,) = post_interest(billed, "tiny", UNTIL, now=LATE)
    after_it = posted(billed)[document.name].amount_micro
    assert after_it == document.due_minor * 10_000 * 10 * 80_000 // (1_000_000 * 365) < before
    assert journal.key.endswith(":2")
    assert post_interest(billed, "tiny", UNTIL, now=LATE) == []


def test_interest_is_a_line_of_the_next_document_with_its_clause_and_no_tax(billed):
    post_interest(billed, "tiny", LAST_DAY + dt.timedelta(days=100), now=LATE)
    april = dt.date(2024, 4, 1)
    ingest_tiny(billed, april, april, received_at=LATE)
    now = LATE + dt.timedelta(hours=1)
    run = settle(billed, "tiny", "II", april, april, known_at=now, now=now).run
    post(billed, run, now=now)
    issued = issue_month(billed, "tiny", april, now=now)
    lines = [
        (invoice.row.participant, line)
        for invoice in issued.invoices
        for line in invoice.lines
        if line.kind in INTEREST_KINDS
    ]
    assert {line.subject for _, line in lines} == set(posted(billed))
    for _, line in lines:
        assert line.amount_micro == posted(billed)[line.subject].amount_micro
        assert line.description.startswith(f"Interest on {line.subject}, ")
        assert (line.tax_category, line.quantity, line.quality) == ("E", None, "none")
        assert line.clauses == ("ST-3",)
    families = {
        line.kind: invoice.row.series for invoice in issued.invoices for line in invoice.lines
    }
    assert families[CHARGE_INTEREST].endswith(Family.INVOICE)
    assert families[PAYMENT_INTEREST].endswith(Family.SELF_BILLED)
    # Interest bears none: what the first documents left open is all that grows.
    later = post_interest(billed, "tiny", UNTIL + dt.timedelta(days=60), now=now + dt.timedelta(90))
    grown = {journal.key.split(":")[2] for journal in later}
    assert grown == set(documents(billed))
    billed.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert [finding for check in list_checks() for finding in check.run(billed)] == []


def test_a_later_run_of_the_day_leaves_the_interest_where_it_is(billed):
    until = DUE_ON + dt.timedelta(days=20)
    ingest_tiny(billed, until, until, received_at=LATE)
    post_interest(billed, "tiny", until, now=LATE)
    before = posted(billed)
    now = LATE + dt.timedelta(hours=1)
    for kind in ("II", "SF"):
        run = settle(billed, "tiny", kind, until, until, known_at=now, now=now).run
        post(billed, run, now=now)
    assert posted(billed) == before


def test_a_day_ahead_is_refused(billed):
    with pytest.raises(Refused) as refused:
        post_interest(billed, "tiny", UNTIL, now=SETTLED)
    assert [finding.code for finding in refused.value.findings] == ["day-ahead"]


def test_a_market_without_terms_on_the_due_day_is_refused(billed, monkeypatch):
    billed.execute(text("SET LOCAL session_replication_role = replica"))
    billed.execute(text("DELETE FROM rulebook.version WHERE kind = 'settlement-terms'"))
    with pytest.raises(Refused) as refused:
        post_interest(billed, "tiny", UNTIL, now=LATE)
    assert [finding.code for finding in refused.value.findings] == ["terms-missing"]
    assert FIRST_DAY < DUE_ON
