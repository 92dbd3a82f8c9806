"""Whoever acts, acts as themselves, and two people decide, by the database alone too.

The attacker has the writer's password, and one account or two. What the product refuses is tried
past it, too, by statements of SQL.
"""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.refusals import Refused
from ledger.people import accounts, granting, store
from ledger.people.founding import Founder, found
from ledger.people.granting import Wanted
from ledger.people.roles import Role
from ledger.people.verification import verify_people
from settlement.enactment.approve import approve
from settlement.enactment.propose import propose_publication
from tests.worlds import people, tiny_market
from tests.worlds.settled import publish_tiny

NOW = dt.datetime(2024, 3, 1, 12, 0, tzinfo=dt.UTC)
FROM = dt.date(2031, 1, 1)


@pytest.fixture
def proposal(session):
    """Law that Ada proposes: the registration of a participant, from a later day on."""
    publish_tiny(session)
    document = tiny_market.registrations()[0]
    with people.acting_as(session, "ada"):
        _, made = propose_publication(
            session, [document.model_copy(update={"title": "Another title"})], valid_from=FROM,
            now=NOW, reason="A later day",
        )  # fmt: skip
    assert made is not None
    return made


def codes(refused) -> list[str]:
    return [finding.code for finding in refused.value.findings]


def refused_by_database(session, statement: str, **values: object) -> str:
    """Return the constraint that refuses a statement."""
    with pytest.raises(DBAPIError) as refused, session.begin_nested():
        session.execute(text(statement), values)
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    return refused.value.orig.diag.constraint_name


APPROVE = (
    "INSERT INTO people.approval (proposal, content_digest, approved_by, approved_at, digest) "
    "SELECT number, content_digest, :by, now(), sha256('x') FROM people.proposal "
    "WHERE number = :number"
)


def test_the_approver_is_another_person_whatever_account_they_use(session, proposal):
    people.add_second(session, "ada", "ada-at-night", Role.REGULATOR)
    people.act_as(session, "ada-at-night")
    with pytest.raises(Refused) as refused, session.begin_nested():
        approve(session, proposal.number, proposal.content_digest.hex(), NOW)
    assert codes(refused) == ["two-people"]
    by_hand = refused_by_database(session, APPROVE, by="ada-at-night", number=proposal.number)
    assert by_hand == "two_people"


@pytest.mark.parametrize(
    "name", ["ADA", "A\u200bda", "\u0410d\u0430", "Dr. Ada", "Ada <a@b.example>"]
)
def test_the_author_in_another_spelling_is_no_other_person(session, name):
    with people.acting_as(session, "bea"), pytest.raises(Refused) as refused:
        accounts.add_person(session, "someone-new", name, NOW)
    assert codes(refused) == ["person-alike"]


def test_nobody_approves_in_the_name_of_another(session, proposal):
    people.act_as(session, "ada")
    found = refused_by_database(session, APPROVE, by="grace", number=proposal.number)
    assert found == "acts_as_itself"


@pytest.mark.parametrize("token", ["", "grace", "token-of-nobody"])
def test_without_a_token_nobody_acts(session, proposal, token):
    session.execute(text("SELECT set_config('tallystick.token', :token, true)"), {"token": token})
    found = refused_by_database(session, APPROVE, by="grace", number=proposal.number)
    assert found == "acts_as_itself"


def test_a_token_that_ended_lets_nobody_act(session, proposal):
    people.act_as(session, "grace")
    session.execute(text("UPDATE people.token SET expires_at = now() - interval '1 s'"))
    found = refused_by_database(session, APPROVE, by="grace", number=proposal.number)
    assert found == "acts_as_itself"


def test_a_service_approves_nothing(session, proposal):
    with people.acting_as(session, "bea"):
        accounts.add_account(session, "timer", None, NOW)
    people.let_sign_in(session, "timer")
    people.act_as(session, "timer")
    found = refused_by_database(session, APPROVE, by="timer", number=proposal.number)
    assert found == "two_people"


def test_what_a_service_proposed_is_approved_by_nobody(session, proposal, monkeypatch):
    # Whoever holds the token of a service approves by an account of their own: one person.
    people.add_service(session, "timer", Role.OPERATOR)
    people.act_as(session, "timer")
    with pytest.raises(Refused) as refused:
        granting.propose_grant(session, Wanted("cal", Role.REGULATOR), NOW)
    assert codes(refused) == ["service-proposes"]
    monkeypatch.setattr("ledger.people.proposals.check_proposer", lambda *_: ())
    _, made = propose_publication(
        session, [tiny_market.registrations()[0].model_copy(update={"title": "Mine"})],
        valid_from=FROM, now=NOW, reason="To decide alone",
    )  # fmt: skip
    people.act_as(session, "grace")
    found = refused_by_database(session, APPROVE, by="grace", number=made.number)
    assert found == "two_people"
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(APPROVE), {"by": "grace", "number": made.number})
    session.execute(text("SET LOCAL session_replication_role = origin"))
    found = [finding.value for finding in verify_people(session)]
    assert "grace approves what no person proposed" in found


def test_who_lost_the_role_approves_no_more(session, proposal):
    people.withdraw_all(session, "grace")
    people.act_as(session, "grace")
    with pytest.raises(Refused) as refused, session.begin_nested():
        approve(session, proposal.number, proposal.content_digest.hex(), NOW)
    assert codes(refused) == ["role-missing"]
    found = refused_by_database(session, APPROVE, by="grace", number=proposal.number)
    assert found == "holds_role"


def test_another_digest_is_approved_by_nobody(session, proposal):
    people.act_as(session, "grace")
    with pytest.raises(Refused) as refused, session.begin_nested():
        approve(session, proposal.number, "0" * 64, NOW)
    assert codes(refused) == ["digest-differs"]
    found = refused_by_database(
        session,
        APPROVE.replace("SELECT number, content_digest", "SELECT number, sha256('another')"),
        by="grace",
        number=proposal.number,
    )
    assert found == "fk_approval_proposal_content_digest"


PUBLISH = (
    "INSERT INTO rulebook.version (id, market, instrument, kind, body, digest, valid, recorded, "
    "status, author, approver, approval, reason, supersedes, origin, row_digest) "
    "SELECT uuidv7(), market, instrument, kind, body, digest, "
    "tstzrange('1990-01-01', '1991-01-01'), "
    "tstzrange(now(), NULL), status, :author, 'grace', :approval, reason, '{}', NULL, "
    "sha256('x') FROM rulebook.version WHERE instrument = 'tiny/market-rules' LIMIT 1"
)


def test_law_that_nobody_proposed_is_not_published(session, proposal):
    """By the number of a decision about something else, as Ada or as whom you like."""
    people.act_as(session, "grace")
    decided = session.scalar(text("SELECT min(approval) FROM rulebook.version"))
    for approval, author in ((decided, "ada"), (decided, "olga")):
        found = refused_by_database(session, PUBLISH, approval=approval, author=author)
        assert found == "version_is_decided"
    assert refused_by_database(session, PUBLISH, approval=proposal.number, author="ada") in (
        "version_is_decided",
        "fk_version_approval",
    )  # it is not approved


def test_a_right_is_granted_by_two_and_to_neither_of_them(session):
    people.act_as(session, "bea")
    wanted = granting.propose_grant(session, Wanted("rufus", Role.OPERATOR), NOW)
    people.act_as(session, "rufus")
    with pytest.raises(Refused) as refused, session.begin_nested():
        granting.approve_grant(session, wanted.number, wanted.content_digest.hex(), NOW)
    assert codes(refused) == ["two-people"]
    found = refused_by_database(session, APPROVE, by="rufus", number=wanted.number)
    assert found == "two_people"


@pytest.mark.parametrize("approval", ["NULL", "1"])
def test_a_right_that_no_approval_gives_is_refused(session, approval):
    people.act_as(session, "bea")
    found = refused_by_database(
        session,
        "INSERT INTO people.account_grant (number, account, role, approval, granted_at, digest) "
        f"SELECT max(number) + 1, 'eve', 'operator', {approval}, now(), sha256('x') "
        "FROM people.account_grant",
    )
    assert found in ("uq_account_grant_of_founding", "uq_account_grant_approval")


AS_FOUNDED = (
    "INSERT INTO people.account_grant (number, account, role, granted_at, digest) "
    "SELECT (SELECT max(number) + 1 FROM people.account_grant), account, role, granted_at, "
    "sha256('x') FROM people.account_grant WHERE approval IS NULL AND role = 'operator'"
)


def test_who_founded_and_lost_the_role_does_not_give_it_back_by_the_founding(session):
    assert refused_by_database(session, AS_FOUNDED) == "uq_account_grant_of_founding"
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("DROP INDEX people.uq_account_grant_of_founding"))
    session.execute(text(AS_FOUNDED))
    found = [each.place for each in verify_people(session) if each.code == "decision"]
    number = session.scalar(text("SELECT max(number) FROM people.account_grant"))
    assert found == [f"people.account_grant {number}"]


def test_a_market_is_founded_once(session):
    with pytest.raises(Refused) as refused:
        found(session, Founder("one", "One"), Founder("two", "Two"), NOW)
    assert "already-founded" in codes(refused)
    by_hand = refused_by_database(
        session,
        "INSERT INTO people.founding (once, operator, regulator, is_demonstration, founded_at, "
        "digest) VALUES (true, 'bea', 'rufus', false, now(), sha256('x'))",
    )
    assert by_hand == "pk_founding"


def test_a_person_nobody_recorded_is_refused(session):
    found = refused_by_database(
        session,
        "INSERT INTO people.person (number, name, salt, recorded_at, recorded_by, digest) "
        "SELECT max(number) + 1, 'Mallory', decode(repeat('00', 16), 'hex'), now(), NULL, "
        "sha256('x') "
        "FROM people.person",
    )
    assert found == "recorded_by_someone"


def test_a_right_taken_away_counts_at_once(session):
    assert Role.OPERATOR in store.rights_of(session, "olga").roles
    people.withdraw_all(session, "olga")
    assert store.rights_of(session, "olga").roles == frozenset()
