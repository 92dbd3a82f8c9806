"""Disputes on real documents: opened under the law of the day, refused by rule, settled by run."""

import datetime as dt
import uuid
from dataclasses import fields, replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.refusals import Refused
from ledger.disputes import attached, queries
from ledger.disputes.attachments import Attachment
from ledger.disputes.claims import Claim
from ledger.disputes.corrections import suggestions
from ledger.disputes.course import Action, Role, State
from ledger.disputes.records import Actor
from ledger.disputes.rules import DisputeRule
from ledger.disputes.sealing import EventRow
from ledger.disputes.steps import StepRequest, take_step
from ledger.disputes.store import insert_event
from ledger.disputes.tables import Attachment as StoredAttachment
from ledger.rules import LedgerRule
from settlement.billing.disputing import dispute_line, terms_at_issue
from settlement.billing.issuing import issue_month
from settlement.verification import list_checks
from tests.ledger.rules import rule_of
from tests.settlement.people_units import STORAGE_UNITS
from tests.worlds import tiny_market
from tests.worlds.disputed import (
    MINUTE,
    OPERATOR,
    READINGS,
    REGULATOR,
    actor_of,
    dispute_tiny,
    line_of,
    note_of,
    opened,
    settled,
    step,
    upheld,
)
from tests.worlds.law import publish
from tests.worlds.people import act_as, acting_as, add_second
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    RESETTLED,
    SETTLED,
    bill_tiny,
    correct_tiny,
    publish_tiny,
    settle_tiny,
)

JANUARY = dt.date(2024, 1, 1)
SOON = SETTLED + MINUTE
DAY = dt.timedelta(days=1)


@pytest.fixture
def billed(world_of):
    """The tiny market, settled and billed once."""
    with rolled_back(world_of(bill_tiny)[0]) as session:
        yield session


def resettle(session):
    """Settle the corrected days again and bill the difference; return the run."""
    correct_tiny(session)
    run = settle_tiny(session, "SF", RESETTLED)
    issue_month(session, "tiny", JANUARY, now=RESETTLED)
    return run.id


def codes(refused) -> list:
    return [rule_of(refusal) for refusal in refused.value.findings]


def refused_opening(session, now=SOON, **changes):
    document, line = line_of(session, "cedar", "charge.fuel")
    given = {
        "document": document,
        "line": line,
        "claim": Claim(amount_micro=1_000_000),
        "actor": actor_of("cedar"),
        "reason": "The meter counted twice.",
    } | changes
    with pytest.raises(Refused) as refused:
        dispute_line(session, **given, now=now)
    return codes(refused)


OPENINGS = {
    "too late": ({"now": SETTLED + 91 * DAY}, DisputeRule.RAISED_TOO_LATE),
    "before its issue": ({"now": SETTLED - MINUTE}, DisputeRule.MOMENT_IS_EARLIER),
    "another participant": ({"actor": actor_of("doric")}, DisputeRule.PARTY_IS_WRONG),
    "the operator": ({"actor": OPERATOR}, DisputeRule.PARTY_IS_WRONG),
    "unknown document": ({"document": "tiny-invoice-9"}, DisputeRule.DOCUMENT_IS_UNKNOWN),
    "unknown line": ({"line": 99}, DisputeRule.LINE_IS_UNKNOWN),
    "above the line": ({"claim": Claim(10**15)}, DisputeRule.CLAIM_IS_ABOVE_LINE),
    "quantity above the line": (
        {"claim": Claim(quantity=10**15)},
        DisputeRule.CLAIM_IS_ABOVE_LINE,
    ),
    "nothing claimed": ({"claim": Claim()}, DisputeRule.CLAIM_IS_MALFORMED),
    "both claimed": ({"claim": Claim(1, 1)}, DisputeRule.CLAIM_IS_MALFORMED),
    "below zero": ({"claim": Claim(-5)}, DisputeRule.CLAIM_IS_MALFORMED),
    "empty reason": ({"reason": " \n"}, DisputeRule.REASON_IS_MALFORMED),
    "endless reason": ({"reason": "x" * 4_001}, DisputeRule.REASON_IS_MALFORMED),
    "reason with a zero": ({"reason": "a\0b"}, DisputeRule.REASON_IS_MALFORMED),
    "too large": (
        {"attachment": Attachment("a.txt", b"x" * 10_000_001)},
        DisputeRule.ATTACHMENT_IS_TOO_LARGE,
    ),
    "another type": (
        {"attachment": Attachment("a.html", b"<html>")},
        DisputeRule.ATTACHMENT_IS_OF_ANOTHER_TYPE,
    ),
}


@pytest.mark.parametrize("case", OPENINGS)
def test_an_opening_that_breaks_a_rule_is_refused_and_writes_nothing(billed, case):
    changes, code = OPENINGS[case]
    assert refused_opening(billed, **changes) == [code]
    assert queries.disputes(billed) == []


def test_every_breach_is_said_at_once(billed):
    found = refused_opening(billed, actor=actor_of("doric"), reason="", claim=Claim())
    assert found == [
        DisputeRule.PARTY_IS_WRONG,
        DisputeRule.CLAIM_IS_MALFORMED,
        DisputeRule.REASON_IS_MALFORMED,
    ]


def test_the_last_day_for_disputing_ends_at_local_midnight(billed):
    terms = terms_at_issue(billed, "tiny", SETTLED)
    assert terms.raise_by(SETTLED) == dt.date(2024, 5, 30)
    assert opened(billed, "cedar", "charge.fuel", dt.datetime(2024, 5, 30, 22, 59, tzinfo=dt.UTC))


def test_a_line_has_one_open_dispute_and_may_be_disputed_again_after_it(billed):
    first = opened(billed, "cedar", "charge.fuel", SOON)
    assert refused_opening(billed, reason="Another one.") == [DisputeRule.LINE_IS_IN_DISPUTE]
    step(billed, first, Action.WITHDRAW, actor_of("cedar"), SOON)
    second = opened(billed, "cedar", "charge.fuel", SOON)
    assert (first.row.number, second.row.number) == (1, 2)


def test_the_same_step_sent_twice_is_taken_once(billed):
    first = opened(billed, "cedar", "charge.fuel", SOON, attachment=READINGS)
    assert opened(billed, "cedar", "charge.fuel", SOON + MINUTE, attachment=READINGS) == first
    answered = step(billed, first, Action.REJECT, OPERATOR, SOON)
    assert step(billed, first, Action.REJECT, OPERATOR, SOON + MINUTE) == answered
    assert [event.number for event in answered.events] == [1, 2]


def test_events_are_gapless_in_the_market_and_chained_in_the_dispute(billed):
    records = dispute_tiny(billed, SOON)
    numbers = sorted(event.number for record in records for event in record.events)
    assert numbers == list(range(1, 11))
    for record in records:
        before = [record.digest, *record.event_digests]
        assert [event.previous_digest for event in record.events] == before[:-1]
    assert [finding for check in list_checks() for finding in check.run(billed)] == []


def test_a_line_opened_and_withdrawn_again_and_again_fills_no_disk(billed, monkeypatch):
    monkeypatch.setattr(attached, "OF_ACCOUNT", attached.Bounds(files=3, size_bytes=10**9))
    now, owner = SOON, actor_of("cedar")
    for each in range(3):
        file = Attachment("a.txt", b"reading %d" % each)
        record = opened(billed, "cedar", "charge.fuel", now, attachment=file)
        step(billed, record, Action.WITHDRAW, owner, now + MINUTE)
        now += 2 * MINUTE
    beyond = [DisputeRule.ACCOUNT_ATTACHED_TOO_MUCH]
    assert refused_opening(billed, now, attachment=READINGS) == beyond
    opened(billed, "cedar", "charge.fuel", now)  # in words it may be said
    another = actor_of("doric")
    assert not list(attached.room_breaches(billed, "tiny", None, another.account, READINGS, now))
    later = now + attached.PERIOD
    assert not list(attached.room_breaches(billed, "tiny", None, owner.account, READINGS, later))


def test_a_dispute_holds_so_many_bytes_whoever_attaches_them(billed, monkeypatch):
    size = len(READINGS.content)
    monkeypatch.setattr(attached, "OF_DISPUTE", attached.Bounds(files=9, size_bytes=2 * size - 1))
    record = opened(billed, "cedar", "charge.fuel", SOON, attachment=READINGS)
    with pytest.raises(Refused) as refused:
        step(billed, record, Action.REJECT, OPERATOR, SOON + MINUTE, attachment=READINGS)
    assert codes(refused) == [DisputeRule.DISPUTE_HOLDS_TOO_MUCH]
    step(billed, record, Action.REJECT, OPERATOR, SOON + MINUTE)


def test_an_attachment_is_stored_once(billed):
    opened(billed, "cedar", "charge.fuel", SOON, attachment=READINGS)
    again = replace(READINGS, name="../same.csv")
    opened(billed, "doric", "charge.dynamic", SOON, attachment=again)
    assert billed.query(StoredAttachment).count() == 1
    names = [record.events[0].attachment_name for record in queries.disputes(billed)]
    assert names == ["Our-readings.csv", "same.csv"]
    found = queries.attachment(billed, queries.disputes(billed)[0], 1)
    assert found == ("Our-readings.csv", "text/csv", READINGS.content)


def test_later_law_does_not_move_the_deadlines_of_an_open_dispute(billed):
    before = opened(billed, "cedar", "charge.fuel", SOON)
    days = tiny_market.settlement_terms().disputes.model_dump() | {"answer_within_days": 1}
    publish(
        billed,
        [tiny_market.settlement_terms(disputes=days)],
        valid_from=tiny_market.VALID_FROM,
        known=SOON + MINUTE,
        reason="Answer sooner",
    )
    again = queries.find(billed, "tiny", 1)
    assert again.course.due(SOON).day == before.course.due(SOON).day == dt.date(2024, 3, 16)
    other = opened(billed, "doric", "charge.dynamic", SOON + 2 * MINUTE)
    assert other.row.terms == again.row.terms  # of the document's day, whatever is known now


def test_without_terms_on_its_day_a_document_cannot_be_disputed(session):
    publish_tiny(session, [d for d in tiny_market.documents() if d.kind != "settlement-terms"])
    with pytest.raises(Refused) as refused:
        terms_at_issue(session, "tiny", SETTLED)
    assert refused.value.findings[0].code == "no-settlement-terms"


STEPS = {
    "unknown dispute": (9, Action.REJECT, OPERATOR, {}, DisputeRule.DISPUTE_IS_UNKNOWN),
    "wrong party": (1, Action.REJECT, REGULATOR, {}, DisputeRule.PARTY_IS_WRONG),
    "another participant": (1, Action.WITHDRAW, actor_of("doric"), {}, DisputeRule.PARTY_IS_WRONG),
    "not in this state": (1, Action.REFUSE, REGULATOR, {}, DisputeRule.STEP_IS_NOT_ALLOWED),
    "too early": (1, Action.ESCALATE, actor_of("cedar"), {}, DisputeRule.STEP_IS_TOO_EARLY),
    "own dispute": (
        1,
        Action.ACCEPT,
        Actor("desk-of-cedar", Role.OPERATOR),
        {},
        DisputeRule.ACTS_FOR_BOTH_SIDES,
    ),
    "no reason": (1, Action.REJECT, OPERATOR, {"reason": ""}, DisputeRule.REASON_IS_MALFORMED),
    "another type": (
        1,
        Action.REJECT,
        OPERATOR,
        {"attachment": Attachment("a.exe", b"MZ\0")},
        DisputeRule.ATTACHMENT_IS_OF_ANOTHER_TYPE,
    ),
}


@pytest.mark.parametrize("case", STEPS)
def test_a_step_that_breaks_a_rule_is_refused_and_writes_nothing(billed, case):
    number, action, actor, more, code = STEPS[case]
    opened(billed, "cedar", "charge.fuel", SOON)
    request = StepRequest(action, actor, **({"reason": "Because."} | more))
    with pytest.raises(Refused) as refused:
        take_step(billed, "tiny", number, request, SOON)
    assert codes(refused) == [code]
    assert len(queries.find(billed, "tiny", 1).events) == 1


@pytest.mark.parametrize("award", [Claim(1_000_001), Claim(quantity=5), Claim(0), Claim(1, 1)])
def test_what_is_upheld_is_a_part_of_the_claim(billed, award):
    record = opened(billed, "cedar", "charge.fuel", SOON)
    with pytest.raises(Refused) as refused:
        upheld(billed, record, SOON, award)
    assert codes(refused) == [DisputeRule.AWARD_IS_ABOVE_CLAIM]


def test_who_answered_cannot_decide_even_past_the_service(billed):
    add_second(billed, "olga", "olga-two", Role.REGULATOR)
    record = opened(billed, "cedar", "charge.fuel", SOON)
    record = step(billed, record, Action.REJECT, OPERATOR, SOON)
    record = step(billed, record, Action.ESCALATE, actor_of("cedar"), SOON)
    with pytest.raises(Refused) as refused:
        step(billed, record, Action.UPHOLD, replace(REGULATOR, account="olga-two"), SOON)
    assert codes(refused) == [DisputeRule.ACTS_FOR_BOTH_SIDES]
    with pytest.raises(Refused) as refused:
        act_as(billed, "olga-two")
        insert_event(billed, forged(record, "refuse", "olga-two", "regulator"))
    assert codes(refused) == [DisputeRule.ACTS_FOR_BOTH_SIDES]


FORGED = {
    "not allowed": (("settle", "olga", "operator"), {}, DisputeRule.STEP_IS_NOT_ALLOWED),
    "wrong role": (("reject", "olga", "regulator"), {}, DisputeRule.STEP_IS_NOT_ALLOWED),
    "number with a gap": (
        ("reject", "olga", "operator"),
        {"number": 7},
        DisputeRule.EVENT_IS_OUT_OF_ORDER,
    ),
    "another digest": (
        ("reject", "olga", "operator"),
        {"previous_digest": bytes(32)},
        DisputeRule.EVENT_IS_OUT_OF_ORDER,
    ),
    "no reason": (("reject", "olga", "operator"), {"reason": " "}, LedgerRule.ROW_IS_MALFORMED),
    "an award to a rejection": (
        ("reject", "olga", "operator"),
        {"upheld_micro": 1},
        LedgerRule.ROW_IS_MALFORMED,
    ),
}


def forged(record, action: str, actor: str, role: str, **changes) -> EventRow:
    last = record.events[-1]
    return last._replace(
        number=last.number + 1,
        step=last.step + 1,
        action=action,
        actor=actor,
        role=role,
        attachment_name=None,
        attachment_sha256=None,
        run_id=uuid.UUID(int=1) if action == "settle" else None,
        journal_numbers=(1,) if action == "settle" else (),
        previous_digest=record.event_digests[-1],
    )._replace(**changes)


@pytest.mark.parametrize("case", FORGED)
def test_the_database_refuses_what_the_service_would(billed, case):
    step_of, changes, code = FORGED[case]
    record = opened(billed, "cedar", "charge.fuel", SOON)
    with pytest.raises(Refused) as refused:
        insert_event(billed, forged(record, *step_of, **changes))
    assert codes(refused) == [code]


@pytest.mark.parametrize("table", ["attachment", "dispute", "dispute_event"])
@pytest.mark.parametrize("change", ["UPDATE ledger.{} SET digest = digest", "DELETE FROM ledger.{}",
                                    "TRUNCATE ledger.{} CASCADE"])  # fmt: skip
def test_no_row_of_a_dispute_is_changed(billed, table, change):
    opened(billed, "cedar", "charge.fuel", SOON, attachment=READINGS)
    billed.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    with pytest.raises(DBAPIError, match="append-only"):
        billed.execute(text(change.format(table)))


def test_an_upheld_dispute_is_settled_by_the_run_and_the_note_that_corrected_it(billed):
    record, *_ = dispute_tiny(billed, SOON)
    assert suggestions(billed, record) == []
    run_id = resettle(billed)
    (found,) = suggestions(billed, record)
    assert found.correction.run_id == run_id
    assert found.note.id == note_of(billed, record)
    assert [dispute.row.number for dispute, _ in queries.awaiting_settlement(
        billed, RESETTLED, run_id, "tiny")] == [1, 2]  # fmt: skip
    record = settled(billed, record, run_id, RESETTLED + MINUTE)
    assert record.course.state(RESETTLED + MINUTE) is State.SETTLED
    assert record.settlement.journal_numbers == found.correction.journal_numbers
    assert queries.corrected_micro(billed, record) == found.line.amount_micro != 0
    assert [dispute.row.number for dispute in queries.settled_by(billed, run_id)] == [1]
    assert [finding for check in list_checks() for finding in check.run(billed)] == []


def test_settling_refuses_what_corrects_nothing(billed):
    record, other, _ = dispute_tiny(billed, SOON)
    first_run = billed.scalar(text("SELECT id FROM settlement.run"))
    run_id = resettle(billed)
    note, others_note = note_of(billed, record), note_of(billed, other)
    original = record.row.invoice_id
    tried = {
        (first_run, note): DisputeRule.RUN_IS_NOT_LATER,
        (uuid.UUID(int=5), None): DisputeRule.RUN_IS_NOT_LATER,
        (run_id, None): DisputeRule.NOTE_IS_MISSING,
        (run_id, others_note): DisputeRule.NOTE_IS_OF_ANOTHER,
        (run_id, original): DisputeRule.NOTE_IS_OF_ANOTHER,
        (run_id, uuid.UUID(int=5)): DisputeRule.NOTE_IS_OF_ANOTHER,
    }
    for (run, document), code in tried.items():
        with pytest.raises(Refused) as refused:
            step(billed, record, Action.SETTLE, OPERATOR, RESETTLED, run_id=run, note_id=document)
        assert code in codes(refused), (run, document)
        assert not STORAGE_UNITS.search(str(refused.value))
    assert queries.find(billed, "tiny", 1).settlement is None


def test_an_amount_that_is_upheld_is_not_settled_by_a_run_that_moved_nothing(billed):
    by_amount, by_quantity, _ = dispute_tiny(billed, SOON)
    run_id = settle_tiny(billed, "SF", RESETTLED).id
    assert suggestions(billed, by_amount) == []
    with pytest.raises(Refused) as refused:
        step(billed, by_amount, Action.SETTLE, OPERATOR, RESETTLED, run_id=run_id)
    assert codes(refused) == [DisputeRule.RUN_CORRECTS_NOTHING]
    # What a meter counted may be put right without any money.
    step(billed, by_quantity, Action.SETTLE, OPERATOR, RESETTLED, run_id=run_id)


def test_those_whose_lines_moved_learn_that_a_dispute_was_settled(billed):
    record, *_ = dispute_tiny(billed, SOON)
    people = ("desk-of-birch", "desk-of-doric", "desk-of-cedar", "eve")
    assert [moved_numbers(billed, account) for account in people] == [[], [], [], []]
    settled(billed, record, resettle(billed), RESETTLED)
    assert [moved_numbers(billed, account) for account in people] == [[1], [1], [], []]


def moved_numbers(session, account: str) -> list[int]:
    """Return the disputes of others that moved lines of an account's, of which no more is told."""
    with acting_as(session, account):
        found = queries.settled_moving_own(session)
    told = {each.name for bare in found for each in fields(bare)}
    assert told <= {"market", "number", "billing_month", "terms", "events", "line_kind"}
    return [bare.number for bare in found]


def test_a_lapse_follows_from_the_terms_and_the_clock_alone(billed):
    record = opened(billed, "cedar", "charge.fuel", SOON)
    last_day = record.course.escalate_by
    assert last_day == dt.date(2024, 3, 16) + 20 * DAY
    evening = dt.datetime.combine(last_day, dt.time(22, 59), tzinfo=dt.UTC)
    assert record.course.state(evening) is State.OPENED
    assert record.course.state(evening + MINUTE) is State.LAPSED
    with pytest.raises(Refused) as refused:
        step(billed, record, Action.ESCALATE, actor_of("cedar"), evening + MINUTE)
    assert codes(refused) == [DisputeRule.DISPUTE_HAS_LAPSED]
    assert record.course.missed(evening) == dt.date(2024, 3, 16)
    assert record.course.missed(evening + MINUTE) is None
    assert opened(billed, "cedar", "charge.fuel", evening + MINUTE).row.number == 2


def test_the_public_counts_are_by_market_and_month(billed):
    dispute_tiny(billed, SOON)
    (counted,) = queries.month_counts(billed, SOON + DAY)
    assert (counted.market, counted.billing_month, counted.opened) == ("tiny", JANUARY, 3)
    assert dict(counted.states) == {State.UPHELD: 2, State.WITHDRAWN: 1}


def test_disputes_come_by_deadline_with_what_is_overdue_first(billed):
    over = opened(billed, "cedar", "charge.adequacy", SOON)
    over = step(billed, over, Action.WITHDRAW, actor_of("cedar"), SOON)
    waits = opened(billed, "cedar", "charge.fuel", SOON + 9 * DAY)
    late = opened(billed, "doric", "charge.dynamic", SOON)
    rejected = opened(billed, "cedar", "charge.location", SOON)
    rejected = step(billed, rejected, Action.REJECT, OPERATOR, SOON)
    now = SOON + 16 * DAY
    found = queries.sort_by_deadline(queries.disputes(billed), now)
    assert [record.name for record in found] == [
        record.name for record in (late, rejected, waits, over)
    ]
