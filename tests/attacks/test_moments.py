"""Attacks on when something was done: by the writer with the product's functions, and by the owner.

What the writer states of another day, the database refuses; what the owner wrote or restored, the
checkpoints of the log deny. Tests write what happened long ago as the owner, who is not asked.
"""

import datetime as dt

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.refusals import Refused
from database.moments import MOMENTS, NOT_HELD, TOLERANCE_MINUTES
from database.roles.granting import plain_url
from database.roles.names import Role
from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from ledger.log.moment_verification import UNTRUE, verify_moments
from ledger.log.verification import sources
from ledger.people.granting import Wanted as Right
from ledger.people.granting import propose_grant
from ledger.people.roles import Role as AccountRole
from ledger.sealing import seal_days
from rulebook.changes import store
from rulebook.changes.life import Wanted, next_event
from rulebook.changes.steps import Kind
from rulebook.versions import instant_text
from settlement.billing.issuing import issue_month
from settlement.enactment.change_verification import COURSE, verify_changes
from settlement.enactment.changes import consultation_body, find, take_step
from settlement.enactment.propose import propose_publication
from tests.settlement.trial_cases import capped
from tests.worlds import changing, tiny_market
from tests.worlds.banked import bank_file, take
from tests.worlds.changing import MINUTE, OPENED
from tests.worlds.disputed import opened
from tests.worlds.law import publish
from tests.worlds.logged import signer
from tests.worlds.people import act_as, acting_as
from tests.worlds.roles import url_as
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    RESETTLED,
    SETTLED,
    bill_tiny,
    correct_tiny,
    seal_request,
    settle_tiny,
)

FIVE_WEEKS = dt.timedelta(days=35)
AN_HOUR = dt.timedelta(hours=1)


def utc_now():
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def made(clone_database):
    """A database with a change in review, as the owner wrote it, and a log that has a key."""
    url = clone_database()
    engine = make_engine(url)
    with transaction(engine) as session:
        bill_tiny(session)
        correct_tiny(session)
        settle_tiny(session, "SF", RESETTLED)
        changing.reviewed(session)
        publish_checkpoint(session, signer(1), OPENED + AN_HOUR)
    yield url, engine
    engine.dispose()


@pytest.fixture(scope="module")
def writers(made):
    engine = make_engine(url_as(made[0], Role.WRITER))
    yield engine
    engine.dispose()


@pytest.fixture
def writer(writers):
    """A session of the writer's, rolled back."""
    with rolled_back(writers) as session:
        yield session


@pytest.fixture
def owner(made):
    """A session of the owner's, rolled back."""
    with rolled_back(made[1]) as session:
        yield session


def consult(session, number, at):
    act_as(session, "grace")
    last_day = at.date() + FIVE_WEEKS
    body = consultation_body(session, "tiny", last_day, at)
    return take_step(session, number, Wanted(Kind.CONSULT, "Say", body=body), at)


def codes(refused):
    return [finding.code for finding in refused.value.findings]


def test_the_writer_holds_no_consultation_of_five_weeks_in_a_second(writer):
    """With the product's own functions: neither begun in the past, nor closed in the future."""
    for at in (utc_now() - FIVE_WEEKS - AN_HOUR, utc_now() - AN_HOUR, utc_now() + AN_HOUR):
        with pytest.raises(Refused) as refused, writer.begin_nested():
            consult(writer, 1, at)
        assert codes(refused) == ["change-moment"]
    ends_at = consult(writer, 1, utc_now()).consultation_ends_at
    with pytest.raises(Refused) as refused, writer.begin_nested():
        take_step(writer, 1, Wanted(Kind.CLOSE, "Nobody came"), ends_at)
    assert codes(refused) == ["change-moment"]


def test_the_writer_proposes_nothing_at_another_moment(writer):
    act_as(writer, "ada")
    rules = capped(tiny_market.market_rules())
    long_ago = utc_now() - dt.timedelta(days=400)
    acts = (
        lambda: propose_publication(
            writer, [rules], valid_from=utc_now().date(), now=long_ago, reason="Lower"
        ),
        lambda: propose_grant(writer, Right("pia", AccountRole.AUDITOR), long_ago),
    )
    for act in acts:
        with pytest.raises(Refused, match="state the present moment"), writer.begin_nested():
            act()


def state_of_another_day(session):
    """Documents whose window to dispute is over, a dispute within one, and days sealed in time."""
    return (
        lambda: issue_month(session, "tiny", tiny_market.VALID_FROM, now=RESETTLED),
        lambda: opened(session, "cedar", "charge.fuel", SETTLED + MINUTE),
        lambda: seal_days(session, seal_request(), RESETTLED),
        lambda: take(session, bank_file([], on=RESETTLED.date()), RESETTLED),
    )


@pytest.mark.parametrize("position", range(4))
def test_the_writer_states_no_document_dispute_seal_or_payment_of_another_day(writer, position):
    """What the owner writes, below, the writer does not: with the product's own functions."""
    with pytest.raises(Refused, match="state the present moment"):
        state_of_another_day(writer)[position]()


def test_the_writer_signs_no_log_of_another_day(writer):
    consult(writer, 1, utc_now())
    with pytest.raises(DBAPIError, match="the clock of the database says"), writer.begin_nested():
        publish_checkpoint(writer, signer(1), OPENED + dt.timedelta(days=9))
    assert publish_checkpoint(writer, signer(1), utc_now()).is_new


MOMENTS_OF_FACTS = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
    AND atttypid IN ('timestamptz'::regtype, 'tstzrange'::regtype)
"""


def test_every_moment_of_a_leaf_is_held_or_it_is_said_why_not(owner):
    found = {
        f"{source.table}.{column}"
        for source in sources(owner)
        for column in owner.scalars(text(MOMENTS_OF_FACTS), {"table": source.table})
    }
    held = {f"{table}.{moment.column}" for table, moment in MOMENTS.items()}
    assert not held & set(NOT_HELD)
    assert found == held | set(NOT_HELD)


def test_a_moment_is_found_by_the_key_of_its_leaf(owner):
    keys = {source.table: source.key for source in sources(owner)}
    assert {table: moment.key for table, moment in MOMENTS.items()} == {
        table: keys[table] for table in MOMENTS
    }


def test_every_decision_has_the_guard(made):
    with psycopg.connect(plain_url(made[0])) as connection:
        found = connection.execute(
            "SELECT tgrelid::regclass::text, tgargs FROM pg_trigger "
            "WHERE tgfoid = 'people.check_moment()'::regprocedure AND tgenabled = 'O'"
        ).fetchall()
    columns = {table: bytes(given).rstrip(b"\0").decode() for table, given in found}
    assert columns == {table: moment.column for table, moment in MOMENTS.items()}


@pytest.mark.parametrize("minutes", [-TOLERANCE_MINUTES - 1, TOLERANCE_MINUTES + 1])
def test_what_the_owner_wrote_for_another_day_is_named(owner, minutes):
    """An event before the checkpoint that lacks it, or after the one that holds it."""
    assert list(verify_moments(owner)) == []
    off = dt.timedelta(minutes=minutes)
    signed_at = OPENED + AN_HOUR
    if minutes < 0:
        changing.step(owner, 1, Kind.ASK_CHANGES, "grace", signed_at + off)
    else:
        publish_checkpoint(owner, signer(1), signed_at)
        changing.step(owner, 1, Kind.ASK_CHANGES, "grace", signed_at + off)
        publish_checkpoint(owner, signer(1), signed_at)
    found = [(each.code, each.place) for each in verify_moments(owner)]
    assert found == [(UNTRUE, "rulebook.change_event 1/4 at")]


@pytest.mark.parametrize(
    ("position", "table"),
    list(enumerate(("ledger.invoice", "ledger.dispute_event", "ledger.seal", "ledger.bank_file"))),
)
def test_a_document_dispute_seal_or_payment_before_the_checkpoint_without_it_is_named(
    owner, position, table
):
    state_of_another_day(owner)[position]()
    named = [each for each in verify_moments(owner) if each.place.startswith(f"{table} ")]
    assert named and {each.code for each in named} == {UNTRUE}
    assert all(each.place.endswith(MOMENTS[table].column) for each in named)


def test_a_consultation_in_the_span_of_two_checkpoints_is_named(owner):
    """Five weeks of events, written between two checkpoints that lie an hour apart."""
    at = OPENED + AN_HOUR
    ends_at = consult(owner, 1, at + MINUTE).consultation_ends_at
    changing.step(owner, 1, Kind.CLOSE, "grace", ends_at)
    publish_checkpoint(owner, signer(1), at + AN_HOUR)
    assert [each.place for each in verify_moments(owner)] == ["rulebook.change_event 1/5 at"]


def test_a_checkpoint_of_before_the_last_is_named(owner):
    changing.step(owner, 1, Kind.ASK_CHANGES, "grace", OPENED + AN_HOUR)
    size = publish_checkpoint(owner, signer(1), OPENED - AN_HOUR).checkpoint.size
    places = [each.place for each in verify_moments(owner)]
    assert f"ledger.checkpoint {size} signed_at" in places


@pytest.mark.parametrize("days", [0, -30])
def test_a_review_that_is_over_is_accepted_by_no_database(owner, days):
    """Whoever could state one would note the outcome of what is no law yet."""
    number = changing.reviewed(owner, urgency="Now")
    life = changing.assess(owner, number)
    at = life.events[-1].at + MINUTE
    body = {"review_on": "2024-01-01", "review_from": instant_text(at + dt.timedelta(days=days))}
    event = next_event(life, Wanted(Kind.ACCEPT, "Yes", body=body), "grace", at)
    with acting_as(owner, "grace"), pytest.raises(Refused) as refused, owner.begin_nested():
        store.append_event(owner, event)
    assert codes(refused) == ["change-step-out-of-order"]


def test_a_last_day_that_is_not_the_end_is_named(owner):
    """Pages tell the day: who trusts it would respond too late."""
    at = OPENED + AN_HOUR
    ends_at = at + FIVE_WEEKS
    body = {"last_day": str(ends_at.date() + FIVE_WEEKS), "ends_at": instant_text(ends_at)}
    changing.step(owner, 1, Kind.CONSULT, "grace", at, body=body)
    found = [(each.code, each.place) for each in verify_changes(owner)]
    assert found == [(COURSE, "rulebook.change_event 1/4")]
    assert find(owner, 1).consultation_ends_at == ends_at


def test_a_shorter_consultation_that_the_rules_allow_is_not_named(owner):
    rules = capped(tiny_market.market_rules()).model_copy(update={"consultation_days": 14})
    publish(owner, [rules], valid_from=dt.date(2024, 1, 1), known=OPENED + AN_HOUR, reason="x")
    at = OPENED + 2 * AN_HOUR
    body = consultation_body(owner, "tiny", at.date() + dt.timedelta(days=16), at)
    changing.step(owner, 1, Kind.CONSULT, "grace", at, body=body)
    owner.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert list(verify_changes(owner)) == []
