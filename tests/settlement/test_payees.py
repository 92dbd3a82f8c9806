"""What is asked of a change of who is paid: each refusal, and the whole path to the payout."""

import datetime as dt

import pytest

from common.refusals import Refused
from ledger.people.rights import Answered, Rights
from rulebook.documents import Registration
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.enactment.approve import approve
from settlement.enactment.payee_rules import (
    Delay,
    PayeeChange,
    check_answerer,
    check_answers,
    check_delay,
    words_of,
)
from settlement.enactment.payees import answer
from settlement.enactment.propose import propose_publication
from settlement.runs.settle import settle
from settlement.verification import list_checks
from tests.worlds import people, tiny_market
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny

AT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
OLD, NEW = "GB82WEST12345698765432", "GB50TSBX00123412345678"
PAYEE = {
    "legal_name": "Cedar Limited",
    "tax_identifier": "GB 1",
    "iban": OLD,
    "sort_code": None,
    "account_number": None,
}
CHANGE = PayeeChange("cedar", (PAYEE,), PAYEE | {"iban": NEW}, (), None, ())
MOVE = PayeeChange("cedar", (), None, ("U1", "U2"), "birch", ())
ADA, GRACE, DESK = (Rights(name, n, frozenset()) for n, name in enumerate(("ada", "grace", "desk")))
ROBOT = Rights("robot", None, frozenset())
YES, NO = (Answered("cedar", agrees, "desk", DESK.person, AT) for agrees in (True, False))

DELAYS = {
    "in time": (Delay(True, 14), 14 * DAY, []),
    "a moment too early": (
        Delay(True, 14), 14 * DAY - dt.timedelta.resolution, ["payee-changes-too-early"]
    ),
    "in the past": (Delay(True, 1), -DAY, ["payee-changes-too-early"]),
    "no delay is stated": (Delay(True, None), 300 * DAY, ["payee-change-undated"]),
    "there is nobody to pay yet": (Delay(False, None), -DAY, []),
}  # fmt: skip


@pytest.mark.parametrize("case", DELAYS)
def test_when_a_change_may_apply(case):
    delay, after, expected = DELAYS[case]
    found = check_delay("tiny", [CHANGE, MOVE], delay, AT, AT + after)
    assert [each.code for each in found] == expected, "units wait for a word alone"


ANSWERS = {
    "confirmed": ([YES], ADA, GRACE, []),
    "not confirmed": ([], ADA, GRACE, ["payee-change-unconfirmed"]),
    "confirmed for another": (
        [YES._replace(participant="doric")], ADA, GRACE, ["payee-change-unconfirmed"]
    ),
    "confirmed by who proposed it": ([YES], DESK, GRACE, ["payee-change-unconfirmed"]),
    "confirmed by who approves it": ([YES], ADA, DESK, ["two-people"]),
    "objected": ([NO], ADA, GRACE, ["payee-change-objected", "payee-change-unconfirmed"]),
    "confirmed, and objected": ([YES, NO], ADA, GRACE, ["payee-change-objected"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_what_words_let_a_change_be_approved(case):
    given, proposer, approver, expected = ANSWERS[case]
    found = check_answers(1, [CHANGE, MOVE], Delay(True, 1), given, proposer, approver)
    assert [each.code for each in found] == expected


ANSWERERS = {
    "who acts for it": (DESK, ["cedar"], True, []),
    "who acts for nobody that it concerns": (DESK, [], True, ["answer-not-asked"]),
    "a service": (ROBOT, ["cedar"], True, ["service-answers"]),
    "who proposed it": (ADA, ["cedar"], True, ["two-people"]),
    "who proposed it, and thinks better of it": (ADA, ["cedar"], False, []),
}


@pytest.mark.parametrize("case", ANSWERERS)
def test_who_may_give_a_word(case):
    rights, owners, agrees, expected = ANSWERERS[case]
    found = check_answerer(1, rights, ADA, owners, agrees=agrees)
    assert [each.code for each in found] == expected


def test_accounts_are_told_shortened_and_names_whole():
    national = {"iban": None, "sort_code": "200000", "account_number": "55779911"}
    change = CHANGE._replace(after=PAYEE | national | {"legal_name": "Cedar plc"})
    assert [tuple(word) for word in words_of(change)] == [
        ("legal name", "Cedar Limited", "Cedar plc"),
        ("bank account", "GB··5432", "none"),
        ("sort code", "none", "··000"),
        ("account number", "none", "··9911"),
    ]
    assert [tuple(word) for word in words_of(change, whole=True)][1:] == [
        ("bank account", "GB82 WEST 1234 5698 7654 32", "none"),
        ("sort code", "none", "200000"),
        ("account number", "none", "55779911"),
    ]
    (word,) = words_of(MOVE)
    assert tuple(word) == ("units", "U1, U2, paid to cedar", "paid to birch")


def test_an_account_that_ends_as_the_old_one_is_told_apart_though_shortened():
    alike = CHANGE._replace(after=PAYEE | {"iban": "GB12TSBX00123498765432"})
    assert words_of(alike)[0][1:] == ("GB··5432", "GB··5432, another that ends alike")


def test_payouts_go_to_the_old_account_until_the_day_of_a_confirmed_change(session):
    """Proposed, refused, confirmed, approved; each month names the account of its own days."""
    before, first = dt.datetime(2023, 12, 1, tzinfo=dt.UTC), dt.date(2024, 2, 1)
    cedar = next(each for each in tiny_market.registrations() if each.participant == "cedar")
    stated, wanted = (
        Registration.model_validate(cedar.model_dump() | {"iban": iban}) for iban in (OLD, NEW)
    )
    others = [each for each in tiny_market.documents() if each.instrument != cedar.instrument]
    publish_tiny(session, [*others, stated], known=before)
    now = before + dt.timedelta(hours=1)
    with people.acting_as(session, "ada"):
        _, made = propose_publication(
            session, [wanted], valid_from=first, now=now, reason="Another bank"
        )
    digest = made.content_digest.hex()
    with people.acting_as(session, "grace"), pytest.raises(Refused, match="has not confirmed"):
        approve(session, made.number, digest, now)
    with people.acting_as(session, "desk-of-cedar"):
        assert answer(session, made.number, digest, now, agrees=True) == ["cedar"]
    with people.acting_as(session, "grace"):
        (published,) = approve(session, made.number, digest, now)
    assert published.appended and published.valid_from.date() == first
    last_of_january = first - DAY
    ingest_tiny(session, last_of_january, first)
    run = settle(session, "tiny", "II", last_of_january, first, known_at=SETTLED, now=SETTLED).run
    post(session, run, now=SETTLED)
    for month, iban in ((dt.date(2024, 1, 1), OLD), (first, NEW)):
        (document,) = [
            each.row
            for each in issue_month(session, "tiny", month, now=SETTLED).invoices
            if each.row.participant == "cedar"
        ]
        assert document.buyer_iban == iban
    for check in list_checks():
        assert list(check.run(session)) == [], check.name
