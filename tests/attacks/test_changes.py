"""Attacks on the life of a change, by whoever writes rows without asking the code: each is refused.

Rows are made and sealed as the code would, but for what the attack changes, and stored at once.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.roles.granting import plain_url
from database.roles.names import Role
from database.session import make_engine, transaction
from ledger.people.roles import Role as AccountRole
from rulebook.changes import store
from rulebook.changes.life import state_after
from rulebook.changes.records import EventRow
from rulebook.changes.steps import Kind, State
from rulebook.versions import instant_text
from settlement.enactment.changes import find
from tests.settlement.study_cases import metered
from tests.settlement.trial_cases import capped, try_tiny
from tests.worlds import changing, people, tiny_market
from tests.worlds.changing import MINUTE
from tests.worlds.people import act_as
from tests.worlds.roles import url_as
from tests.worlds.settled import publish_tiny

LONG = {"ends_at": instant_text(changing.OPENED + dt.timedelta(days=60))}
REVIEWED_LATER = {"review_from": instant_text(changing.OPENED + dt.timedelta(days=400))}


@pytest.fixture
def tiny(session):
    """The tiny market with its law; rolled back."""
    publish_tiny(session)
    return session


def forged(session: Session, number: int, kind: Kind, state: State, **changes: Any) -> EventRow:
    """Return an event that follows the last, sealed, but for what the attack changes."""
    life = find(session, number)
    last = life.events[-1]
    row = EventRow(
        number, last.sequence + 1, kind.value, state.value, "grace", None, last.at + MINUTE, "Mine",
        life.revision.digest if life.revision else None, None, None, {}, last.digest,
    )  # fmt: skip
    return row._replace(**changes)


def refused(session: Session, row: EventRow, account: str | None = None) -> str:
    """Store an event by hand, as an account; return the code of what refused it."""
    act_as(session, account or row.account)
    with pytest.raises(Refused) as found, session.begin_nested():
        store.append_event(session, row)
    return found.value.findings[0].code


@dataclass(frozen=True)
class Forgery:
    """A step that is stored by hand in review, and the code of what refuses it."""

    kind: Kind
    state: State
    code: str
    changes: dict[str, Any]


ORDER, OTHERS = "change-step-out-of-order", "change-step-of-others"
FORGERIES = {
    "a step that the state does not allow": Forgery(Kind.ACCEPT, State.DETERMINED, ORDER, {}),
    "a state that the step does not lead to": Forgery(Kind.CONSULT, State.APPROVED, ORDER, {}),
    "a step that nobody knows": Forgery(Kind.COMMENT, State.IN_REVIEW, ORDER, {"kind": "bless"}),
    "an approval of nothing": Forgery(
        Kind.APPROVE, State.APPROVED, ORDER, {"proposal": 1}
    ),
    "a step before the last one": Forgery(
        Kind.ASK_CHANGES, State.CHANGES_ASKED, ORDER, {"at": changing.OPENED - MINUTE}
    ),
    "a step that names another before it": Forgery(
        Kind.ASK_CHANGES, State.CHANGES_ASKED, ORDER, {"previous_digest": bytes(32)}
    ),
    "a regulator's step by an operator": Forgery(
        Kind.CONSULT, State.IN_CONSULTATION, OTHERS, {"account": "olga", "body": LONG}
    ),
    "a step for a participant of others": Forgery(
        Kind.COMMENT, State.IN_REVIEW, OTHERS, {"participant": "cedar"}
    ),
    "a withdrawal by another than the author": Forgery(
        Kind.WITHDRAW, State.WITHDRAWN, OTHERS, {}
    ),
    "changes asked for by who wrote the text": Forgery(
        Kind.ASK_CHANGES, State.CHANGES_ASKED, "two-people", {"account": "ada"}
    ),
    "an assessment without a consultation": Forgery(
        Kind.ASSESS, State.ASSESSED, ORDER, {"body": {"trials": {}, "uncounted": "All"}}
    ),
    "a consultation of a day": Forgery(
        Kind.CONSULT, State.IN_CONSULTATION, ORDER,
        {"body": {"ends_at": instant_text(changing.OPENED + dt.timedelta(days=1))}},
    ),
    "a consultation without an end": Forgery(Kind.CONSULT, State.IN_CONSULTATION, ORDER, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_step_in_review_is_refused(tiny, name):
    forgery = FORGERIES[name]
    number = changing.reviewed(tiny)
    row = forged(tiny, number, forgery.kind, forgery.state)._replace(**forgery.changes)
    assert refused(tiny, row) == forgery.code


def test_a_step_in_anothers_name_is_refused(tiny):
    number = changing.reviewed(tiny)
    row = forged(tiny, number, Kind.ASK_CHANGES, State.CHANGES_ASKED)
    assert refused(tiny, row, "eve") == OTHERS


@pytest.mark.parametrize("kind", [Kind.ASK_CHANGES, Kind.CONSULT, Kind.COMMENT])
def test_a_service_takes_no_step(tiny, kind):
    # It is nobody's, so whoever holds its token would judge a text of their own.
    number = changing.reviewed(tiny)
    people.add_service(tiny, "timer", AccountRole.REGULATOR)
    with pytest.raises(Refused) as found:
        changing.step(tiny, number, kind, "timer", body=LONG if kind is Kind.CONSULT else {})
    assert [each.code for each in found.value.findings] == ["service-takes-step"]
    state = state_after(State.IN_REVIEW, kind)
    row = forged(tiny, number, kind, state, account="timer", body=LONG)
    assert refused(tiny, row) == "two-people"


def test_a_step_of_an_older_text_is_refused(tiny):
    number = changing.reviewed(tiny)
    older = find(tiny, number).revision.digest
    changing.revised(tiny, number, [capped(tiny_market.market_rules(), 90_000_000)])
    changing.step(tiny, number, Kind.ASK_REVIEW, "ada")
    row = forged(tiny, number, Kind.ASK_CHANGES, State.CHANGES_ASKED, revision_digest=older)
    assert refused(tiny, row) == "change-went-on"


def test_a_text_that_nobody_saved_by_a_step_is_not_committed(tiny):
    number = changing.reviewed(tiny)
    row = find(tiny, number).revision._replace(number=2, parent=1)
    act_as(tiny, "ada")
    store.append_revision(tiny, row)
    with pytest.raises(DBAPIError, match="no step of a change says so"):
        tiny.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_a_text_of_a_change_that_is_over_is_not_committed(tiny):
    number = changing.reviewed(tiny)
    changing.step(tiny, number, Kind.WITHDRAW, "ada")
    act_as(tiny, "ada")
    row = find(tiny, number).revision._replace(number=2, parent=1)
    store.append_revision(tiny, row)
    event = forged(tiny, number, Kind.REVISE, State.DRAFT, account="ada", at=row.made_at)
    assert refused(tiny, event) == ORDER


def test_a_consultation_is_not_closed_early_nor_over_a_response_without_an_answer(tiny):
    number = changing.reviewed(tiny)
    life = changing.consult(tiny, number)
    ends_at = life.consultation_ends_at
    row = forged(tiny, number, Kind.CLOSE, State.CONSULTED)
    assert refused(tiny, row) == ORDER
    changing.step(tiny, number, Kind.RESPOND, "desk-of-doric", participant="doric")
    row = forged(tiny, number, Kind.CLOSE, State.CONSULTED, at=ends_at)
    assert refused(tiny, row) == ORDER
    late = {"account": "desk-of-doric", "participant": "doric", "at": ends_at}
    row = forged(tiny, number, Kind.RESPOND, State.IN_CONSULTATION, **late)
    assert refused(tiny, row) == ORDER


def test_an_answer_to_what_is_no_question_is_refused(tiny):
    number = changing.reviewed(tiny)
    row = forged(tiny, number, Kind.ANSWER, State.IN_REVIEW, answers=1)
    assert refused(tiny, row) == ORDER
    said = changing.step(tiny, number, Kind.COMMENT, "rufus")
    changing.step(tiny, number, Kind.ANSWER, "ada", answers=said.sequence)
    row = forged(tiny, number, Kind.ANSWER, State.IN_REVIEW, answers=said.sequence)
    assert refused(tiny, row) == "answered-already"


def test_an_assessment_by_a_trial_of_another_draft_is_refused(session):
    metered(session)
    number = changing.reviewed(session, urgency="Now")
    other = try_tiny(session, [capped(tiny_market.market_rules(), 90_000_000)]).trial
    for named in ({str(other.id): other.digest.hex()}, {"no trial": "00"}):
        body = {"trials": named, "uncounted": "Habits"}
        row = forged(session, number, Kind.ASSESS, State.ASSESSED, body=body)
        assert refused(session, row) == "trial-of-another-draft"


def test_a_proposal_of_another_text_is_refused(tiny):
    first, proposal, _ = changing.waiting(tiny)
    number = changing.determined(tiny)
    row = forged(tiny, number, Kind.PROPOSE, State.WAITING, account="ada", proposal=proposal)
    with pytest.raises(DBAPIError, match="uq_change_event_proposed_once"):
        store.append_event(tiny, row)
    assert first != number


def test_an_approval_that_nobody_gave_is_refused(tiny):
    number, proposal, _ = changing.waiting(tiny)
    row = forged(tiny, number, Kind.APPROVE, State.APPROVED, proposal=proposal)
    assert refused(tiny, row) == "proposal-of-another-text"


@pytest.fixture(scope="module")
def url(clone_database) -> str:
    """A database with two changes: one in review, one whose author has not asked for it."""
    made = clone_database()
    engine = make_engine(made)
    with transaction(engine) as session:
        publish_tiny(session)
        changing.reviewed(session)
        changing.opened(session, "desk-of-doric", participant="doric")
    engine.dispose()
    return made


@pytest.mark.parametrize("table", ["change", "revision", "change_event"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET digest = digest", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_no_role_changes_what_happened(url, table, statement):
    for role in (Role.WRITER, Role.PORTAL, Role.PORTAL_AUTH, Role.AUDITOR):
        address = plain_url(url_as(url, role))
        with (
            psycopg.connect(address, autocommit=True) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(statement.format(f"rulebook.{table}"))
    with (
        psycopg.connect(plain_url(url), autocommit=True) as owner,
        pytest.raises(psycopg.Error, match="append-only"),
    ):
        owner.execute(statement.format(f"rulebook.{table}"))


def test_the_web_process_stores_no_step_and_reads_no_draft_of_others(url):
    with psycopg.connect(plain_url(url_as(url, Role.PORTAL)), autocommit=True) as reader:
        token = people.token_of("desk-of-cedar")
        reader.execute("SELECT set_config('tallystick.token', %s, false)", [token])
        seen = reader.execute("SELECT number FROM rulebook.change").fetchall()
        assert seen == [(1,)]
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("INSERT INTO rulebook.change_event SELECT * FROM rulebook.change_event")
