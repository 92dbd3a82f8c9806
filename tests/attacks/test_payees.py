"""A participant's payouts go to no other account without its word: by the product, and past it.

The attacker is an insider, or a clerk who was cheated: they propose law, have it approved by a
second person, and hold the writer's password.
"""

import datetime as dt
import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.refusals import Refused
from ledger.people import accounts, store
from ledger.people.roles import Role
from rulebook.documents import Registration
from settlement.enactment import approve as approving
from settlement.enactment import propose as proposing
from settlement.enactment.approve import approve
from settlement.enactment.payees import answer, proposed_payees
from settlement.enactment.propose import propose_publication
from settlement.enactment.verification import verify_enactment
from settlement.notices.derivation import derive_notices
from settlement.notices.notice import Sort
from tests.attacks.test_people import APPROVE, codes, refused_by_database
from tests.worlds import people, tiny_market
from tests.worlds.law import end, publish
from tests.worlds.settled import publish_tiny

LAW = dt.datetime(2023, 12, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
SOON, LATER = dt.date(2024, 3, 2), dt.date(2024, 4, 1)
THEIRS, ANOTHER = "GB82WEST12345698765432", "GB50TSBX00123412345678"
DESK = "desk-of-cedar"


def registration(name: str = "cedar", **changes: object) -> Registration:
    found = next(each for each in tiny_market.registrations() if each.participant == name)
    owned = {"iban": THEIRS} if name == "cedar" else {}
    return Registration.model_validate(found.model_dump() | owned | changes)


@pytest.fixture
def market(session):
    """A market that runs: Cedar is paid to an account of its own."""
    others = [
        each for each in tiny_market.documents() if each.instrument != "tiny/registration/cedar"
    ]
    publish_tiny(session, [*others, registration()], known=LAW)
    return session


def propose(session, *documents, valid_from=LATER, now=NOW, by="ada", **more):
    with people.acting_as(session, by):
        _, made = propose_publication(
            session, list(documents), valid_from=valid_from, now=now, reason="They asked", **more
        )
    return made


def approve_it(session, made, now=NOW + 2 * MINUTE, by="grace"):
    with people.acting_as(session, by):
        return approve(session, made.number, made.content_digest.hex(), now)


def confirm(session, made, by=DESK, *, agrees=True):
    with people.acting_as(session, by):
        digest = made.content_digest.hex()
        return answer(session, made.number, digest, NOW + MINUTE, agrees=agrees)


def trust_the_code(monkeypatch) -> None:
    """Let the product ask nothing of a change: what is left is the database."""
    monkeypatch.setattr(proposing, "check_proposed", lambda *_: [])
    monkeypatch.setattr(approving, "check_approved", lambda *_: [])


def refusing_constraint(act, *values, **named) -> str:
    with pytest.raises(DBAPIError) as refused:
        act(*values, **named)
    return refused.value.orig.diag.constraint_name


NATIONAL = {"sort_code": "200000", "account_number": "55779911"}
CHANGES = {
    "another IBAN": {"iban": ANOTHER},
    "no account any more": {"iban": None},
    "a national account in its place": {"iban": None, "national_account": NATIONAL},
    "another name": {"legal_name": "Cedar Holdings Limited"},
    "the name in other letters": {"legal_name": "CEDAR LIMITED"},
    "another tax number": {"tax_identifier": "GB 999 9999 99"},
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_without_the_word_of_its_participant_is_not_approved(market, case, monkeypatch):
    made = propose(market, registration(**CHANGES[case]))
    with pytest.raises(Refused) as refused, market.begin_nested():
        approve_it(market, made)
    assert codes(refused) == ["payee-change-unconfirmed"]
    trust_the_code(monkeypatch)
    with market.begin_nested() as inside:
        assert refusing_constraint(approve_it, market, made) == "payee_is_confirmed"
        inside.rollback()


@pytest.mark.parametrize(
    "valid",
    [
        {"valid_from": dt.date(2024, 1, 1)},  # back-dated to the first day
        {"valid_from": SOON},
        {"valid_from": dt.date(2024, 2, 1), "valid_to": dt.date(2024, 2, 2)},  # one day of the past
    ],
)
def test_a_change_applies_no_day_too_early(market, valid, monkeypatch):
    with pytest.raises(Refused) as refused:
        propose(market, registration(iban=ANOTHER), **valid)
    assert codes(refused) == ["payee-changes-too-early"]
    trust_the_code(monkeypatch)
    made = propose(market, registration(iban=ANOTHER), **valid)
    confirm(market, made)
    assert refusing_constraint(approve_it, market, made) == "payee_is_confirmed"


def test_an_end_and_a_new_version_is_a_change_too(market):
    end(market, "tiny", "registration/cedar", LATER, known=NOW, reason="Leaves")
    made = propose(market, registration(iban=ANOTHER), valid_from=LATER, now=NOW + MINUTE)
    with pytest.raises(Refused) as refused:
        approve_it(market, made)
    assert codes(refused) == ["payee-change-unconfirmed"]


def test_who_was_paid_before_its_last_change_is_not_paid_again_without_a_word(market):
    publish(market, [registration(iban=ANOTHER)], valid_from=LATER, known=NOW)
    made = propose(market, registration(), now=NOW + MINUTE, valid_from=dt.date(2024, 5, 1))
    with pytest.raises(Refused) as refused:
        approve_it(market, made, NOW + 3 * MINUTE)
    assert codes(refused) == ["payee-change-unconfirmed"]


def newcomer() -> list[Registration]:
    """Return Alder without its units, and who takes them over."""
    alder = registration("alder")
    other = {"participant": "alder-2", "legal_name": "Alder Two Limited", "iban": ANOTHER,
             "tax_identifier": "GB 1"}  # fmt: skip
    return [registration("alder", units=()), registration("alder", **other, units=alder.units)]


def test_units_move_to_another_participant_by_the_word_of_who_was_paid_for_them(market):
    """And by nothing but that: a unit that was sold is corrected for days of the past."""
    made = propose(market, *newcomer(), valid_from=dt.date(2024, 1, 1))
    with pytest.raises(Refused) as refused, market.begin_nested():
        approve_it(market, made)
    assert "alder has not confirmed: units" in str(refused.value)
    people.add(market, "desk-of-alder", Role.PARTICIPANT, "tiny", "alder")
    assert confirm(market, made, "desk-of-alder") == ["alder"]
    assert len(approve_it(market, made)) == 2


def test_units_that_were_taken_away_first_are_its_own_still(market, monkeypatch):
    publish(market, [newcomer()[0]], valid_from=dt.date(2024, 1, 1), known=NOW, reason="Sold")
    made = propose(market, newcomer()[1], now=NOW + MINUTE)
    trust_the_code(monkeypatch)
    late = NOW + 3 * MINUTE
    assert refusing_constraint(approve_it, market, made, late) == "payee_is_confirmed"


def test_what_changes_nothing_of_it_needs_no_word(market):
    """A contact, a title or a unit of its own, for days of the past too."""
    alder = registration("alder", title="The alders")
    (published,) = publish(
        market, [alder], valid_from=dt.date(2024, 2, 1), known=NOW, reason="A slip"
    )
    assert published.appended
    assert list(verify_enactment(market)) == []


def test_nobody_confirms_but_another_person_who_acts_for_it(market):
    people.add(market, "ada", Role.PARTICIPANT, "tiny", "cedar")
    with people.acting_as(market, people.OPERATOR.account):
        accounts.add_account(market, "robot", None, people.FOUNDED)
        people.let_sign_in(market, "robot")
    people.add(market, "robot", Role.PARTICIPANT, "tiny", "cedar")
    made = propose(market, registration(iban=ANOTHER))
    wrong = {
        "bea": ("answer-not-asked", "answers_for_participant"),
        "desk-of-doric": ("answer-not-asked", "answers_for_participant"),
        "ada": ("two-people", "two_people"),
        "robot": ("service-answers", "two_people"),
    }
    for account, (code, constraint) in wrong.items():
        with pytest.raises(Refused) as refused, market.begin_nested():
            confirm(market, made, account)
        assert codes(refused) == [code]
        with people.acting_as(market, account):
            by_hand = refused_by_database(market, ANSWER, by=account, number=made.number)
        assert by_hand == constraint
    with people.acting_as(market, "bea"):
        assert refused_by_database(market, ANSWER, by=DESK, number=made.number) == "acts_as_itself"


ANSWER = (
    "INSERT INTO people.answer (number, proposal, content_digest, market, participant, agrees, "
    "answered_by, answered_at, digest) SELECT 99, number, content_digest, market, 'cedar', true, "
    ":by, now(), sha256('x') FROM people.proposal WHERE number = :number"
)


def test_who_confirms_does_not_approve(market, monkeypatch):
    people.add(market, "rufus", Role.PARTICIPANT, "tiny", "cedar")
    made = propose(market, registration(iban=ANOTHER))
    confirm(market, made, "rufus")
    with pytest.raises(Refused) as refused, market.begin_nested():
        approve_it(market, made, by="rufus")
    assert codes(refused) == ["two-people"]
    trust_the_code(monkeypatch)
    assert refusing_constraint(approve_it, market, made, by="rufus") == "payee_is_confirmed"


def test_an_answer_names_what_was_read_and_is_given_once(market):
    made = propose(market, registration(iban=ANOTHER))
    with people.acting_as(market, DESK), pytest.raises(Refused) as refused:
        answer(market, made.number, "0" * 16, NOW, agrees=True)
    assert codes(refused) == ["digest-differs"]
    confirm(market, made)
    with pytest.raises(Refused) as refused:
        confirm(market, made)
    assert codes(refused) == ["answered-before"]


def test_what_a_participant_objects_to_is_not_approved_even_if_it_had_confirmed(market):
    made = propose(market, registration(iban=ANOTHER))
    confirm(market, made)
    confirm(market, made, agrees=False)
    with pytest.raises(Refused) as refused, market.begin_nested():
        approve_it(market, made)
    assert codes(refused) == ["payee-change-objected"]
    with people.acting_as(market, "grace"):
        by_hand = refused_by_database(market, APPROVE, by="grace", number=made.number)
    assert by_hand == "nobody_objects"


def test_a_delay_that_is_shortened_first_still_holds(market):
    terms = tiny_market.settlement_terms(payee_change_delay_days=30)
    publish(market, [terms], valid_from=dt.date(2024, 1, 1), known=NOW - 20 * MINUTE, reason="30")
    shorter = tiny_market.settlement_terms(payee_change_delay_days=1)
    publish(market, [shorter], valid_from=dt.date(2024, 1, 1), known=NOW - MINUTE, reason="One")
    with pytest.raises(Refused) as refused:
        propose(market, registration(iban=ANOTHER), valid_from=dt.date(2024, 3, 20))
    assert codes(refused) == ["payee-changes-too-early"] and "30 days" in str(refused.value)


def test_terms_without_a_delay_allow_no_change(session):
    documents = [
        tiny_market.settlement_terms(payee_change_delay_days=None)
        if each.kind == "settlement-terms"
        else each
        for each in tiny_market.documents()
    ]
    publish_tiny(session, documents, known=LAW)
    with pytest.raises(Refused) as refused:
        propose(session, registration(iban=ANOTHER))
    assert codes(refused) == ["payee-change-undated"]


def test_a_version_that_is_closed_first_is_what_a_new_one_is_compared_with(market, monkeypatch):
    """As the writer: the old one closed by hand, so that nothing stands when the new one comes."""
    trust_the_code(monkeypatch)
    close = text(
        "UPDATE rulebook.version SET recorded = tstzrange(lower(recorded), :at) "
        "WHERE instrument = 'tiny/registration/cedar' AND upper_inf(recorded)"
    )
    market.execute(close, {"at": NOW - MINUTE})
    made = propose(market, registration(iban=ANOTHER), valid_from=dt.date(2024, 1, 1))
    assert refusing_constraint(approve_it, market, made) == "payee_is_confirmed"


def test_a_version_that_says_it_was_recorded_before_the_last_is_no_first_one(market, monkeypatch):
    trust_the_code(monkeypatch)
    publish(market, [registration("doric", title="Dorics")], valid_from=LATER, known=NOW)
    insert = (
        "INSERT INTO rulebook.version SELECT uuidv7(), market, instrument, kind, body, digest, "
        "tstzrange('2020-01-01', '2020-02-01'), "
        "tstzrange(lower(recorded) - interval '1 day', NULL), "
        "status, author, approver, reason, supersedes, origin, row_digest, approval "
        "FROM rulebook.version WHERE instrument = 'tiny/registration/doric' "
        "AND origin IS NOT NULL"
    )
    assert refused_by_database(market, insert) == "recorded_last"
    market.execute(text("SET LOCAL session_replication_role = replica"))
    market.execute(text(insert))
    market.execute(LOG_IT)
    market.execute(text("SET LOCAL session_replication_role = origin"))
    found = list(verify_enactment(market))
    assert any("recorded later" in each.value for each in found)
    assert all("rulebook.version tiny/registration/doric" in each.place for each in found)


LOG_IT = text(
    "INSERT INTO ledger.log_leaf (index, source, key, digest, leaf_hash) SELECT "
    "(SELECT max(index) + 1 FROM ledger.log_leaf), 'rulebook.version', id::text, row_digest, "
    "sha256(row_digest) FROM rulebook.version WHERE lower(valid) = '2020-01-01'"
)


def without_triggers(session, act, *values):
    """Do something as whoever owns the database: no trigger asks."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    act(session, *values)
    session.execute(text("SET LOCAL session_replication_role = origin"))


FORGERIES = {
    "unconfirmed": {"valid_from": LATER},
    "too early": {"valid_from": dt.date(2024, 1, 1)},
}


@pytest.mark.parametrize("case", FORGERIES)
def test_verify_finds_a_change_that_got_past_the_database(market, case, monkeypatch):
    trust_the_code(monkeypatch)
    made = propose(market, registration(iban=ANOTHER), **FORGERIES[case])
    if case == "too early":
        confirm(market, made)
    without_triggers(market, approve_it, made)
    found = [each for each in verify_enactment(market) if each.code == "payee-unconfirmed"]
    assert [each.place for each in found] == ["rulebook.version tiny/registration/cedar approval"]


def test_verify_finds_an_answer_of_who_did_not_act_for_it(market):
    from ledger.people.verification import verify_people

    made = propose(market, registration(iban=ANOTHER))
    confirm(market, made)
    confirm(market, made, agrees=False)
    assert list(verify_people(market)) == []
    market.execute(text("SET LOCAL session_replication_role = replica"))
    market.execute(text("UPDATE people.answer SET answered_by = 'eve'"))
    market.execute(text(APPROVE), {"by": "grace", "number": made.number})
    places = {each.place.split(" ", 2)[0] for each in verify_people(market)}
    assert {"people.answer", "people.approval"} <= places


def test_the_old_contacts_are_told_whatever_is_changed_first(market):
    """The contacts are changed first, which needs no word; then the account."""
    old = registration().contacts[0].email
    new = [{"name": "New desk", "email": "desk@fraud.example"}]
    publish(market, [registration(contacts=new)], valid_from=dt.date(2024, 1, 1), known=NOW,
            reason="They moved")  # fmt: skip
    made = propose(market, registration(contacts=new, iban=ANOTHER), now=NOW + MINUTE)
    with people.acting_as(market, DESK):
        answer(market, made.number, made.content_digest.hex(), NOW + 2 * MINUTE, agrees=True)
    approve_it(market, made, NOW + 3 * MINUTE)
    told = [each for each in derive_notices(market, NOW) if each.participant == "cedar"]
    steps = [each.subject for each in told if each.sort is Sort.PAYEE]
    assert steps == ["approved", "confirmed", "proposed"]
    for notice in told:
        if notice.sort is Sort.PAYEE:
            assert old in notice.told
            assert notice.words == ("bank account: GB··5432 -> GB··5678",)
    moved = [each for each in told if each.sort is Sort.LAW and each.reason == "They moved"]
    assert [old in each.told for each in moved] == [True]


def test_what_waits_is_told_to_its_own_people_alone(market):
    """The function asks as its owner, and returns no other's."""
    made = propose(market, registration(iban=ANOTHER))
    rows = market.execute(text("SELECT number, participant FROM people.proposed_payees(NULL)"))
    assert [tuple(row) for row in rows] == [(made.number, "cedar")]
    stored = store.proposal(market, made.number)
    assert json.loads(stored.texts)["tiny/registration/cedar"]["body"]["iban"] == ANOTHER


def test_who_asks_about_a_proposal_compares_the_registrations_of_no_other(market):
    first = propose(market, registration(iban=ANOTHER))
    second = propose(market, registration(legal_name="Cedar Holdings Limited"), now=NOW + MINUTE)
    every = proposed_payees(market)
    assert [each.number for each in every] == [first.number, second.number]
    market.execute(text("SET LOCAL track_functions = 'all'"))
    for numbers in ([], [second.number], [second.number + 1], [first.number, second.number]):
        before = comparisons(market)
        found = proposed_payees(market, numbers)
        assert found == [each for each in every if each.number in numbers]
        assert comparisons(market) - before == len(found)


def comparisons(session) -> int:
    """Return how often this transaction asked what documents change."""
    return session.scalar(
        text(
            "SELECT coalesce(sum(pg_stat_get_xact_function_calls(oid)), 0) FROM pg_proc "
            "WHERE oid = CAST('rulebook.payee_changes' AS regproc)"
        )
    )
