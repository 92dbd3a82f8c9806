"""Notices follow from the ledger: what moved for somebody after it was first posted is told."""

import datetime as dt
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ledger.sealing import seal_days
from settlement.accounts.credit_report import credit_report
from settlement.billing.issuing import issue_month
from settlement.notices.derivation import derive_notices
from settlement.notices.notice import Document, Law, Movement, Paid, SealedDays, Sort, notices_of
from settlement.notices.store import ledger_state
from tests.worlds import tiny_market
from tests.worlds.disputed import MINUTE, dispute_tiny, opened
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    SETTLED,
    bill_tiny,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    seal_request,
    settle_tiny,
)

JANUARY = dt.date(2024, 1, 1)
NOON = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
DAYS = (JANUARY, JANUARY + dt.timedelta(days=1))


def movement(run=1, participant="cedar", kind="charge.fuel", amount=5, commodity="GBP", number=9):
    return Movement(
        "tiny", participant, uuid.UUID(int=run), "SF", commodity, kind, amount, DAYS, number, NOON
    )


DUE = dt.date(2024, 3, 1)


def document(number="tiny-invoice-000001", kind="invoice", last=9, due=100, original=None):
    return Document(
        "tiny", "cedar", number, kind, JANUARY, NOON, last, "GBP", due, DUE, original, None
    )


movements = st.builds(
    movement,
    run=st.integers(1, 3),
    participant=st.sampled_from(["cedar", "doric"]),
    kind=st.sampled_from(["charge.fuel", "charge.dynamic"]),
    amount=st.integers(-9, 9),
    commodity=st.sampled_from(["GBP", "WH"]),
)


@given(st.lists(movements))
def test_every_movement_is_in_the_one_notice_of_its_run_and_participant(moved):
    found = notices_of(moved, [], [])
    assert len(found) == len({(moves.run_id, moves.participant) for moves in moved})
    assert len({notice.key for notice in found}) == len(found)
    told = Counter()
    for notice in found:
        for change in notice.changes:
            told[notice.run_id, notice.participant, change.commodity] += change.amount
    said = Counter()
    for move in moved:
        said[move.run_id, move.participant, move.commodity] += move.amount
    assert {key: value for key, value in told.items() if value} == {
        key: value for key, value in said.items() if value
    }


def test_a_correction_says_by_how_much_and_where_it_is_billed():
    moved = [movement(amount=-7), movement(kind="demand", commodity="WH", amount=3)]
    billed = [document(last=8), document("tiny-credit-000001", "credit note", last=9, original="x")]
    correction = next(
        notice for notice in notices_of(moved, billed, []) if notice.sort is Sort.CORRECTION
    )
    assert correction.money == (("GBP", -7),)
    assert correction.energy == (("demand", 3),)
    assert correction.documents == ("tiny-credit-000001",)
    (unbilled,) = (
        notice for notice in notices_of(moved, billed[:1], []) if notice.sort is Sort.CORRECTION
    )
    assert unbilled.documents == ()


def test_a_correction_is_billed_by_one_document_of_each_family():
    issued = [
        document("tiny-self-1", "self-billed credit note", original="x"),
        document("tiny-debit-1", "debit note", original="y"),
        document("tiny-debit-2", "debit note", last=12, original="y"),
    ]
    found = [
        notice for notice in notices_of([movement()], issued, []) if notice.sort is Sort.CORRECTION
    ]
    assert found[0].documents == ("tiny-self-1", "tiny-debit-1")


def test_a_document_is_told_and_a_note_says_what_it_corrects():
    note = document("tiny-debit-000001", "debit note", original="tiny-invoice-000001", due=-4)
    found, whole = notices_of([], [document(), note], [])
    assert (whole.sort, whole.due_minor, whole.due_on) == (Sort.INVOICE, 100, DUE)
    assert (found.subject, found.due_minor, found.original) == (
        "debit note",
        -4,
        "tiny-invoice-000001",
    )


def test_seals_are_told_to_each_participant():
    seals = [
        SealedDays("tiny", name, 12, DAYS, "bea", "Year's end", NOON) for name in ("cedar", "doric")
    ]
    found = notices_of([], [], seals)
    assert [(notice.participant, notice.days) for notice in found] == [
        ("doric", DAYS),
        ("cedar", DAYS),
    ]


def fill(session):
    bill_tiny(session)
    correct_tiny(session)
    settle_tiny(session, "SF", RESETTLED)
    issue_month(session, "tiny", JANUARY, now=RESETTLED)
    seal_days(session, seal_request(FIRST_DAY, FIRST_DAY), RESETTLED)


@pytest.fixture
def corrected(world_of):
    """The tiny market, settled and billed twice, its first day sealed."""
    with rolled_back(world_of(fill)[0]) as session:
        yield session


MOVED = """
SELECT account.participant, account.commodity, sum(posting.amount)::int8
  FROM ledger.posting JOIN ledger.journal ON number = journal_number
  JOIN ledger.account ON code = account
 WHERE run_kind = 'SF' AND account.participant IS NOT NULL GROUP BY 1, 2
"""


def test_whatever_a_later_run_moved_is_told_to_whom_it_moved(corrected):
    told = Counter()
    for notice in derive_notices(corrected, RESETTLED):
        for change in notice.changes:
            told[notice.participant, change.commodity] += change.amount
    moved = {(who, commodity): amount for who, commodity, amount in corrected.execute(text(MOVED))}
    assert {key: value for key, value in told.items() if value} == {
        key: value for key, value in moved.items() if value
    }
    assert moved


def test_every_note_and_seal_is_told(corrected):
    found = derive_notices(corrected, RESETTLED)
    notes = corrected.scalar(text("SELECT count(*) FROM ledger.invoice WHERE original IS NOT NULL"))
    sorts = Counter(notice.sort for notice in found)
    assert sorts[Sort.NOTE] == notes > 0
    whole = corrected.scalar(text("SELECT count(*) FROM ledger.invoice WHERE original IS NULL"))
    assert sorts[Sort.INVOICE] == whole > 0
    sealed = [notice for notice in found if notice.sort is Sort.SEAL]
    assert {notice.participant for notice in sealed} == {"alder", "birch", "cedar", "doric"}
    assert {notice.days for notice in sealed} == {(FIRST_DAY,)}
    corrections = [notice for notice in found if notice.sort is Sort.CORRECTION]
    assert all(notice.documents for notice in corrections if notice.money)
    assert {day for notice in corrections for day in notice.days} <= {
        FIRST_DAY + dt.timedelta(days=offset) for offset in range((LAST_DAY - FIRST_DAY).days + 1)
    }


def test_a_first_run_is_no_correction(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session, "II")
    told = {notice.sort for notice in derive_notices(session, RESETTLED)}
    assert told <= {Sort.CREDIT, Sort.LAW}


def test_the_state_of_the_ledger_changes_with_whatever_makes_a_notice(session):
    publish_tiny(session)
    ingest_tiny(session)
    seen = [ledger_state(session)]
    settle_tiny(session, "II")
    seen.append(ledger_state(session))
    issue_month(session, "tiny", JANUARY, now=SETTLED)
    seen.append(ledger_state(session))
    seal_days(session, seal_request(FIRST_DAY, FIRST_DAY), RESETTLED)
    seen.append(ledger_state(session))
    assert len(set(seen)) == len(seen)


def test_every_step_of_a_dispute_is_told_to_whose_document_it_is(corrected):
    records = dispute_tiny(corrected, RESETTLED + MINUTE)
    now = RESETTLED + dt.timedelta(hours=1)
    told = [notice for notice in derive_notices(corrected, now) if notice.sort is Sort.DISPUTE]
    steps = corrected.scalar(text("SELECT count(*) FROM ledger.dispute_event"))
    assert len(told) == len({notice.key for notice in told}) == steps > 0
    for record in records:
        mine = [notice for notice in told if notice.subject == record.name]
        assert {notice.participant for notice in mine} == {record.row.participant}
        assert {notice.documents for notice in mine} == {(record.line.document,)}


def test_what_the_clock_does_to_a_dispute_is_told_from_its_day_on(corrected):
    opened(corrected, "cedar", "charge.fuel", RESETTLED + MINUTE)
    late = RESETTLED + dt.timedelta(days=400)
    before = {notice.key for notice in derive_notices(corrected, RESETTLED + 10 * MINUTE)}
    new = [notice for notice in derive_notices(corrected, late) if notice.key not in before]
    assert new
    assert all(notice.sort is Sort.DISPUTE and notice.at <= late for notice in new)
    assert all(
        "in time" in notice.reason or "as it was answered" in notice.reason for notice in new
    )


def test_a_credit_level_that_is_reached_is_told_to_whom_it_concerns(corrected):
    at = corrected.scalar(text("SELECT max(posted_at) FROM ledger.journal"))
    reached = {
        credit.participant: (credit.level.level, credit.exposure_micro, credit.cover_micro)
        for credit in credit_report(corrected, "tiny", at).credits
        if credit.level
    }
    told = [notice for notice in derive_notices(corrected, RESETTLED) if notice.sort is Sort.CREDIT]
    assert reached
    assert {
        notice.participant: (notice.subject, notice.exposure_micro, notice.cover_micro)
        for notice in told
    } == reached
    assert len({notice.key for notice in told}) == len(told)


def test_without_settlement_terms_no_credit_level_is_told(session):
    law = [document for document in tiny_market.documents() if document.kind != "settlement-terms"]
    publish_tiny(session, law)
    ingest_tiny(session)
    settle_tiny(session, "II")
    assert derive_notices(session, RESETTLED) == []


def test_a_payment_and_law_to_come_are_told_to_those_whom_they_concern():
    paid = Paid(
        "tiny", "cedar", "tiny-bank-000001/1", 1, ("tiny-invoice-000001",), 100, "GBP", DUE, NOON
    )
    laws = [
        Law("tiny", name, "tiny/market-rules", "Rules", "1", DUE, "Prices", NOON)
        for name in ("cedar", "doric")
    ]
    found = notices_of([], [], [], payments=[paid], laws=laws)
    assert {(notice.sort, notice.participant) for notice in found} == {
        (Sort.PAYMENT, "cedar"),
        (Sort.LAW, "cedar"),
        (Sort.LAW, "doric"),
    }
    assert len({notice.key for notice in found}) == 3
