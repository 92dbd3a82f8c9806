"""Attacks on who is told that the end of a registration is proposed: its participant, no other."""

import datetime as dt

import psycopg
import pytest
from psycopg import errors

from database.acting import TOKEN_SETTING
from database.roles.granting import plain_url
from database.roles.names import Role
from database.session import make_engine, transaction
from ledger.people.granting import Wanted, propose_grant
from ledger.people.roles import Outcome
from ledger.people.roles import Role as Held
from settlement.enactment.giving_up import give_up
from settlement.enactment.propose import propose_ending
from tests.worlds import people
from tests.worlds.people import acting_as
from tests.worlds.roles import url_as
from tests.worlds.settled import PUBLISHED, publish_tiny

AT = PUBLISHED + dt.timedelta(days=1)
TOLD = "SELECT participant, reason, outcome, end_reason FROM people.proposed_endings()"
DORIC = [("doric", "It leaves", "rejected", "It stays"), ("doric", "It leaves now", None, None)]
CEDAR = [("cedar", "Cedar too", None, None)]


@pytest.fixture(scope="module")
def url(clone_database) -> str:
    """The end of Doric was proposed and rejected, and again; Cedar's too; and a right beside."""
    made = clone_database()
    engine = make_engine(made)
    with transaction(engine) as session:
        publish_tiny(session)

        def proposed(participant: str, reason: str) -> int:
            with acting_as(session, "ada"):
                _, found = propose_ending(
                    session, "tiny", f"registration/{participant}", dt.date(2024, 12, 1), now=AT,
                    reason=reason,
                )  # fmt: skip
            return found.number

        number = proposed("doric", "It leaves")
        with acting_as(session, "grace"):
            give_up(session, number, Outcome.REJECTED, reason="It stays", now=AT)
        proposed("doric", "It leaves now")
        proposed("cedar", "Cedar too")
        with acting_as(session, "ada"):
            propose_grant(session, Wanted("pia", Held.PARTICIPANT, "tiny", "doric"), AT)
        people.add(session, "twin", Held.PARTICIPANT, "other", "doric")
    engine.dispose()
    return made


def rows(url, account, statement):
    with psycopg.connect(plain_url(url_as(url, Role.PORTAL)), autocommit=True) as reader:
        token = people.token_of(account) if account else "nobody's"
        reader.execute("SELECT set_config(%s, %s, false)", [TOKEN_SETTING, token])
        return reader.execute(statement).fetchall()


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("desk-of-doric", DORIC),
        ("desk-of-cedar", CEDAR),
        ("desk-of-birch", []),
        ("twin", []),  # a participant of the same name in another market
        ("pia", []),  # who was proposed for it, and has it not
        ("eve", []),
        (None, []),
        *((overseer, [*DORIC, *CEDAR]) for overseer in ("olga", "rufus", "audrey")),
    ],
)
def test_who_is_told_that_a_registration_is_to_end(url, account, told):
    assert rows(url, account, TOLD) == told


def test_a_participant_reads_no_proposal_for_all_that(url):
    for table in ("people.proposal", "people.proposal_end"):
        assert rows(url, "desk-of-doric", f"SELECT * FROM {table}") == []


@pytest.mark.parametrize("role", [Role.PORTAL_AUTH])
def test_the_connection_that_reads_no_fact_does_not_ask(url, role):
    with (
        psycopg.connect(plain_url(url_as(url, role)), autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(TOLD)


def test_a_proposal_that_names_anothers_market_tells_nobody_of_it(url):
    """Written by hand: it ends no registration of its own market, and no participant is told."""
    with psycopg.connect(plain_url(url)) as owner:
        owner.execute("SELECT set_config(%s, %s, true)", [TOKEN_SETTING, people.token_of("ada")])
        owner.execute(
            "INSERT INTO people.proposal (number, kind, market, content, content_digest, texts, "
            "proposed_by, proposed_at, digest) SELECT 999, 'ending', 'other', content, "
            "content_digest, '', 'ada', proposed_at, digest FROM people.proposal "
            "WHERE kind = 'ending' ORDER BY number LIMIT 1"
        )
        found = owner.execute(TOLD).fetchall()
        owner.rollback()
    assert found == [*DORIC, *CEDAR]
