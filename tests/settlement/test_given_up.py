"""A proposal that no change made is withdrawn by who made it, or rejected by another person."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.people import store
from ledger.people.granting import Wanted, propose_grant
from ledger.people.proposals import find_open
from ledger.people.roles import Outcome, Role
from ledger.people.rows import ProposalEndRow
from ledger.people.tables import ProposalEnd
from ledger.people.verification import verify_people
from rulebook.changes.steps import State
from settlement.enactment.approve import approve
from settlement.enactment.change_list import list_changes
from settlement.enactment.giving_up import give_up
from settlement.enactment.payees import answer, proposed_payees
from settlement.enactment.propose import propose_ending, propose_publication
from settlement.notices.derivation import derive_notices
from settlement.notices.store import given_up
from tests.settlement.trial_cases import capped
from tests.worlds import changing, people, tiny_market
from tests.worlds.people import acting_as
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import PUBLISHED, publish_tiny

MINUTE = dt.timedelta(minutes=1)
PROPOSED = PUBLISHED + dt.timedelta(days=1)
LATER = PROPOSED + MINUTE
ENDS = dt.date(2024, 12, 1)
WITHDRAWN, REJECTED = Outcome.WITHDRAWN, Outcome.REJECTED


@pytest.fixture
def tiny(world_of):
    with rolled_back(world_of(publish_tiny)[0]) as session:
        yield session


def proposed(session, account="ada"):
    """Propose a lower cap; return number and digest."""
    with acting_as(session, account):
        _, made = propose_publication(
            session, [capped(tiny_market.market_rules())], valid_from=ENDS, now=PROPOSED,
            reason="Lower",
        )  # fmt: skip
    return made.number, made.content_digest.hex()


def ended(session, number, outcome, account, reason="Not now", at=LATER):
    with acting_as(session, account):
        return give_up(session, number, outcome, reason=reason, now=at)


def codes(act):
    with pytest.raises(Refused) as refused:
        act()
    return sorted(finding.code for finding in refused.value.findings)


@pytest.mark.parametrize(("outcome", "account"), [(WITHDRAWN, "ada"), (REJECTED, "rufus")])
def test_what_was_given_up_is_approved_no_more(tiny, outcome, account):
    number, digest = proposed(tiny)
    stored = ended(tiny, number, outcome, account, " Not now ")
    assert (stored.outcome, stored.ended_by, stored.end_reason) == (outcome, account, "Not now")
    assert store.proposal(tiny, number) == stored and not stored.is_open
    assert number not in [each.number for each in store.proposals(tiny, open_only=True)]
    with acting_as(tiny, "grace"):
        assert codes(lambda: approve(tiny, number, digest, LATER)) == ["proposal-not-open"]
    assert codes(lambda: ended(tiny, number, outcome, account)) == ["proposal-not-open"]
    listed = next(each for each in list_changes(tiny, LATER) if each.proposal == number)
    state = State.WITHDRAWN if outcome is WITHDRAWN else State.REJECTED
    assert (listed.state, listed.at) == (state, LATER)
    (told,) = given_up(tiny)
    assert told == ("tiny", number, "Lower", outcome, account, LATER, "Not now")
    tiny.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert list(verify_people(tiny)) == []


def test_who_may_give_up_what_is_asked_with_every_reason_at_once(tiny):
    number, _ = proposed(tiny)
    people.add_service(tiny, "timer", Role.REGULATOR)
    people.add_second(tiny, "ada", "ada-two", Role.REGULATOR)
    refusals = {
        ("ada", REJECTED): ["role-missing", "two-people"],
        ("ada-two", REJECTED): ["two-people"],
        ("bea", WITHDRAWN): ["proposal-of-another"],
        ("bea", REJECTED): ["role-missing"],
        ("audrey", WITHDRAWN): ["proposal-of-another", "role-missing"],
        ("desk-of-doric", REJECTED): ["role-missing"],
        ("timer", REJECTED): ["service-ends-proposal"],
    }
    for (account, outcome), expected in refusals.items():
        act = lambda who=account, how=outcome: ended(tiny, number, how, who, " ")  # noqa: E731
        assert codes(act) == sorted([*expected, "text-malformed"]), account
    assert codes(lambda: ended(tiny, number, WITHDRAWN, "ada", "x" * 20_001)) == ["text-malformed"]
    assert codes(lambda: ended(tiny, 999, WITHDRAWN, "ada")) == ["proposal-not-open"]
    assert find_open(tiny, number).is_open
    # Another account of the same person takes back what that person proposed.
    assert ended(tiny, number, WITHDRAWN, "ada-two").outcome is WITHDRAWN


def test_what_is_law_or_of_a_change_is_not_given_up(tiny):
    with acting_as(tiny, "ada"):
        made = propose_grant(tiny, Wanted("pia", Role.AUDITOR), PROPOSED)
    number = made.number
    with acting_as(tiny, "grace"):
        approve(tiny, number, made.content_digest.hex(), LATER)
    assert codes(lambda: ended(tiny, number, WITHDRAWN, "ada")) == ["proposal-not-open"]
    _, of_change, _ = changing.waiting(tiny)
    assert codes(lambda: ended(tiny, of_change, WITHDRAWN, "ada")) == ["proposal-of-change"]
    for proposal, words in ((number, "was approved"), (of_change, "is of a change")):
        assert words in refused_by_database(
            tiny, ProposalEndRow(proposal, "withdrawn", "ada", LATER, "x")
        )


def refused_by_database(session, row):
    """Append the end of a proposal by hand, as whom it names; return what the database says."""
    with (
        acting_as(session, row.ended_by),
        pytest.raises(Refused) as refused,
        session.begin_nested(),
    ):
        store.append(session, ProposalEnd, [row])
    return str(refused.value.findings[0])


@pytest.mark.parametrize(
    ("outcome", "account", "words"),
    [
        ("withdrawn", "bea", "is not withdrawn by"),
        ("withdrawn", "grace", "is not withdrawn by"),
        ("rejected", "ada", "is not rejected by"),
        ("rejected", "bea", "no role that rejects"),
        ("rejected", "audrey", "no role that rejects"),
        ("rejected", "desk-of-doric", "no role that rejects"),
    ],
)
def test_the_database_asks_who_gives_up(tiny, outcome, account, words):
    number, _ = proposed(tiny)
    row = ProposalEndRow(number, outcome, account, LATER, "Mine")
    assert words in refused_by_database(tiny, row)


def test_the_database_refuses_words_and_answers_after_the_end(tiny):
    number, digest = proposed(tiny)
    ended(tiny, number, REJECTED, "grace")
    by_hand = text(
        "INSERT INTO people.approval VALUES "
        "(:number, decode(:digest, 'hex'), 'rufus', now(), sha256('x'))"
    )
    refused = pytest.raises(DBAPIError, match="was given up")
    with acting_as(tiny, "rufus"), refused, tiny.begin_nested():
        tiny.execute(by_hand, {"number": number, "digest": digest})
    for statement in (
        "UPDATE people.proposal_end SET reason = 'Another'",
        "DELETE FROM people.proposal_end",
        "TRUNCATE people.proposal_end",
    ):
        with pytest.raises(DBAPIError, match="append-only"), tiny.begin_nested():
            tiny.execute(text(statement))


def test_a_right_is_given_up_too_by_another_who_might_approve_it(tiny):
    with acting_as(tiny, "ada"):
        made = [
            propose_grant(tiny, Wanted("pia", role), PROPOSED)
            for role in (Role.AUDITOR, Role.OPERATOR)
        ]
    assert ended(tiny, made[0].number, REJECTED, "olga").outcome is REJECTED
    assert ended(tiny, made[1].number, WITHDRAWN, "ada").outcome is WITHDRAWN
    assert given_up(tiny) == [], "what is no law is told to nobody but on its page"
    assert list(verify_people(tiny)) == []


def test_a_participant_whose_end_or_payee_was_proposed_is_told(tiny):
    with acting_as(tiny, "ada"):
        _, made = propose_ending(
            tiny, "tiny", "registration/doric", ENDS, now=PROPOSED, reason="It leaves"
        )
        paid_elsewhere = tiny_market.registrations()[1].model_copy(
            update={"iban": "GB50TSBX00123412345678"}
        )
        _, payee = propose_publication(tiny, [paid_elsewhere], valid_from=ENDS, now=PROPOSED)
    ended(tiny, made.number, REJECTED, "grace", "It stays")
    ended(tiny, payee.number, WITHDRAWN, "ada", "A mistake")
    told = derive_notices(tiny, LATER)
    endings = [
        (each.subject, each.participant, each.reason) for each in told if each.sort == "ending"
    ]
    assert endings == [("rejected", "doric", "It stays"), ("proposed", "doric", "It leaves")]
    (waits,) = proposed_payees(tiny, [payee.number])
    assert (waits.waits, waits.outcome, waits.ended_by) == (False, "withdrawn", "ada")
    steps = [each.subject for each in told if each.proposal == payee.number]
    assert sorted(steps) == ["proposed", "withdrawn"]
    owner = waits.change.participant
    with acting_as(tiny, f"desk-of-{owner}"):
        act = lambda: answer(tiny, payee.number, payee.content_digest.hex(), LATER, agrees=True)  # noqa: E731
        assert codes(act) == ["proposal-not-open"]


@pytest.fixture
def racing(clone_database):
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
    yield made
    made.dispose()


def test_of_an_approval_and_an_end_at_once_one_stands(racing):
    with transaction(racing) as session:
        number, digest = proposed(session)
    ready = threading.Barrier(2)

    def run(act, account):
        with transaction(racing) as session:
            people.act_as(session, account)
            ready.wait()
            try:
                act(session)
            except Refused as refused:
                session.rollback()
                return {finding.code for finding in refused.findings}
        return "done"

    acts = (
        (lambda session: approve(session, number, digest, LATER), "grace"),
        (lambda session: give_up(session, number, REJECTED, reason="No", now=LATER), "rufus"),
    )
    with ThreadPoolExecutor(2) as pool:
        came = list(pool.map(lambda act: run(*act), acts))
    assert sorted(map(str, came))[0] == "done" and came.count("done") == 1
    with transaction(racing) as session:
        stored = store.proposal(session, number)
    assert (stored.approved_by is None) != (stored.outcome is None)
