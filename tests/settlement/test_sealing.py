"""Sealed days of a settled market: what is refused of them, by the product and by the database."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.sealing import seal_days, seals_of
from settlement.calendar.market_calendar import seal
from settlement.runs.settle import settle
from settlement.verification import list_checks
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    ingest_tiny,
    publish_tiny,
    seal_request,
    settle_tiny,
)

DAYS = [FIRST_DAY + dt.timedelta(days=offset) for offset in range(3)]
LATER = RESETTLED + dt.timedelta(days=1)


def law():
    """Return the law of the tiny market without its settlement terms."""
    return [document for document in tiny_market.documents() if document.kind != "settlement-terms"]


def closed(session, **terms):
    """Publish with terms, meter, settle every run of the calendar and seal."""
    terms = {"sealed_after_days": 30} | terms
    publish_tiny(session, [*law(), tiny_market.settlement_terms(**terms)])
    ingest_tiny(session)
    for hour, kind in enumerate(("II", "SF", "R1")):
        settle_tiny(session, kind, RESETTLED + dt.timedelta(hours=hour))


@pytest.fixture(scope="module")
def closed_database(clone_database):
    made = make_engine(clone_database())
    with transaction(made) as session:
        closed(session)
    yield made
    made.dispose()


@pytest.fixture
def closed_days(closed_database):
    """The tiny market with every run of the calendar settled, so that its days may be sealed."""
    with rolled_back(closed_database) as session:
        yield session


def seal_tiny(session, first_day=FIRST_DAY, last_day=LAST_DAY, now=LATER, **changes):
    said = {"sealed_by": "bea", "reason": "Year's end"} | changes
    return seal(session, "tiny", first_day, last_day, now=now, **said)


def codes(refused):
    return [finding.code for finding in refused.value.findings]


def proof(session):
    return [finding for check in list_checks() for finding in check.run(session)]


def test_days_are_sealed_once_their_last_run_is_posted_and_the_days_have_passed(closed_days):
    seals = seal_tiny(closed_days)
    assert [seal.row.settlement_day for seal in seals] == DAYS
    assert seals[0].row.begins_at == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    assert proof(closed_days) == []
    assert [seal.is_repeat for seal in seal_tiny(closed_days)] == [True] * 3


def test_a_day_is_sealed_on_the_first_day_that_the_terms_allow_and_not_before(session):
    closed(session, sealed_after_days=64)  # of 2024-01-01, that is 2024-03-05
    midnight = dt.datetime(2024, 3, 5, tzinfo=dt.UTC)
    with pytest.raises(Refused) as refused:
        seal_tiny(session, now=midnight - dt.timedelta(seconds=1))
    (finding,) = refused.value.findings
    assert finding.code == "seal-too-early"
    assert finding.place == f"tiny {FIRST_DAY} to {LAST_DAY}"
    assert "2024-03-07" in finding.remedy, "when the last of the days may be sealed"
    assert seals_of(session) == []
    assert len(seal_tiny(session, last_day=FIRST_DAY, now=midnight)) == 1


def test_a_day_whose_last_run_is_missing_is_not_sealed(session):
    publish_tiny(session, [*law(), tiny_market.settlement_terms(sealed_after_days=30)])
    ingest_tiny(session)
    settle_tiny(session, "II")
    with pytest.raises(Refused) as refused:
        seal_tiny(session)
    (finding,) = refused.value.findings
    assert finding.code == "last-run-missing"
    assert finding.place == f"tiny {FIRST_DAY} to {LAST_DAY}"
    assert finding.value == "posted: II"
    assert "R1, due on 2024-01-16 to 2024-01-18" in finding.remedy


def test_without_settlement_terms_no_day_is_sealed(session):
    publish_tiny(session, law())
    ingest_tiny(session)
    with pytest.raises(Refused) as refused:
        seal_tiny(session)
    assert codes(refused) == ["last-run-missing", "no-settlement-terms"]
    assert "publish settlement terms" in refused.value.findings[-1].remedy


def test_readings_of_a_sealed_day_are_refused_unless_they_say_nothing_new(closed_days):
    seal_tiny(closed_days, last_day=DAYS[1])
    with pytest.raises(Refused) as refused, closed_days.begin_nested():
        ingest_tiny(closed_days, seed=2, only=["B-home"], received_at=LATER)
    (finding,) = refused.value.findings
    assert finding.code == "day-is-sealed"
    assert finding.place.endswith(f": tiny {FIRST_DAY} to {DAYS[1]}")
    assert finding.value.startswith("2 day vectors")
    assert "open a dispute" in finding.remedy
    ingest_tiny(closed_days, DAYS[2], DAYS[2], seed=2, only=["B-home"], received_at=LATER)
    content = tiny_market.readings_csv(FIRST_DAY, LAST_DAY, only=["C-home"])
    assert content
    ingest_tiny(closed_days, only=["C-home"], received_at=LATER)


def test_a_sealed_day_is_not_settled_before_any_work_is_done(closed_days):
    seal_tiny(closed_days, DAYS[1], DAYS[1])
    correct_day = LATER - dt.timedelta(hours=1)
    ingest_tiny(closed_days, LAST_DAY, LAST_DAY, seed=2, only=["B-home"], received_at=correct_day)
    runs = closed_days.scalar(text("SELECT count(*) FROM settlement.result"))
    with pytest.raises(Refused) as refused:
        settle(closed_days, "tiny", "R1", FIRST_DAY, LAST_DAY, known_at=LATER, now=LATER)
    assert codes(refused) == ["day-is-sealed"]
    assert str(DAYS[1]) in refused.value.findings[0].place
    assert closed_days.scalar(text("SELECT count(*) FROM settlement.result")) == runs


def publish_again(session, valid_from, valid_to=None, **changes):
    return publish(
        session,
        [tiny_market.allocation_policy(**{"title": "Another policy", **changes})],
        valid_from=valid_from,
        valid_to=valid_to,
        known=LATER + dt.timedelta(hours=1),
        reason="Second thoughts",
    )


LAWS = [
    ("from before the sealed days", DAYS[0], None, {}, True),
    ("from the first sealed day", DAYS[1], None, {}, True),
    ("from the day after them", DAYS[2], None, {}, False),
    ("over a sealed day alone", DAYS[1], DAYS[2], {}, True),
    ("until the first sealed day", DAYS[0], DAYS[1], {}, False),
]


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "by the database"])
@pytest.mark.parametrize(
    ("valid_from", "valid_to", "changes", "is_refused"),
    [case[1:] for case in LAWS],
    ids=[case[0] for case in LAWS],
)
def test_the_law_of_a_sealed_day_stands(
    closed_days, valid_from, valid_to, changes, is_refused, checked, monkeypatch
):
    if not checked:
        for module in ("propose", "approve"):
            monkeypatch.setattr(f"settlement.enactment.{module}.sealed_spans", lambda _: {})
    seal_days(closed_days, seal_request(DAYS[1], DAYS[1]), RESETTLED)
    if not is_refused:
        publish_again(closed_days, valid_from, valid_to, **changes)
        closed_days.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        assert proof(closed_days) == []
        return
    with pytest.raises(Refused) as refused, closed_days.begin_nested():
        publish_again(closed_days, valid_from, valid_to, **changes)
    assert codes(refused) == ["law-of-sealed-day"]


def test_a_new_participant_does_not_join_a_sealed_day(closed_days):
    seal_tiny(closed_days)
    elder, *_ = tiny_market.charges()
    with pytest.raises(Refused) as refused:
        publish(
            closed_days, [elder], valid_from=FIRST_DAY, known=LATER + dt.timedelta(hours=1),
            reason="Late",
        )  # fmt: skip
    assert codes(refused) == ["law-of-sealed-day"]
    assert "3 sealed days" in refused.value.findings[0].value


DATABASE = [
    (
        "INSERT INTO settlement.reading SELECT market, settlement_day, measure, entity, "
        "revision + 1, values, quality, received_at, file_id, digest FROM settlement.reading "
        "WHERE entity = 'U1' LIMIT 1",
        "sealed at",
    ),
    (
        "UPDATE rulebook.version SET recorded = tstzrange(lower(recorded), now()) "
        "WHERE kind = 'grid-model'",
        "would no longer be the law",
    ),
]


@pytest.mark.parametrize(("statement", "words"), DATABASE)
def test_the_database_itself_keeps_readings_and_law_of_a_sealed_day(closed_days, statement, words):
    seal_tiny(closed_days)
    with pytest.raises(DBAPIError, match=words), closed_days.begin_nested():
        closed_days.execute(text(statement))
        closed_days.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


BEHIND = [
    (
        "UPDATE settlement.reading SET received_at = :later WHERE entity = 'U1'",
        "settlement.reading tiny 2024-01-01",
    ),
    (
        "UPDATE rulebook.version SET recorded = tstzrange(:later, NULL) WHERE kind = 'grid-model'",
        "rulebook.version",
    ),
]


@pytest.mark.parametrize(("statement", "place"), BEHIND)
def test_what_came_to_a_sealed_day_afterwards_is_found(closed_days, statement, place):
    seal_tiny(closed_days)
    closed_days.execute(text("SET LOCAL session_replication_role = replica"))
    closed_days.execute(text(statement), {"later": LATER + dt.timedelta(days=1)})
    seals = next(check for check in list_checks() if check.name == "seals")
    assert any(found.place.startswith(place) for found in seals.run(closed_days))
