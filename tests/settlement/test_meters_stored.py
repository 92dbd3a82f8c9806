"""Readings on a real PostgreSQL: revisions, what was known when, refusals, proofs."""

import datetime as dt

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from rulebook.law import rules_for_period
from settlement.meters.digest import content_digest
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION
from settlement.meters.store import readings_known_at
from settlement.meters.verification import verify_readings
from settlement.runs.inputs import completed_readings
from settlement.runs.settle import settle
from tests.worlds import tiny_market
from tests.worlds.law import publish

MARKET = tiny_market.MARKET
FIRST, LAST = dt.date(2024, 1, 10), dt.date(2024, 1, 12)
RECEIVED = dt.datetime(2024, 1, 14, 9, 0, tzinfo=dt.UTC)
LATER = RECEIVED + dt.timedelta(days=1)
COMPLETE = MeterFile("january.csv", tiny_market.readings_csv(FIRST, LAST))
VECTORS = 3 * (4 + 2 * 4)


def publish_tiny(session: Session, **changes) -> None:
    publish(
        session,
        tiny_market.documents(),
        **(
            {
                "valid_from": tiny_market.VALID_FROM,
                "known": dt.datetime(2023, 12, 1, tzinfo=dt.UTC),
                "reason": "first law",
            }
            | changes
        ),
    )


@pytest.fixture
def market(session: Session) -> Session:
    publish_tiny(session)
    return session


def one_vector(entity="B-home", measure=DEMAND, day=FIRST, value=5, count=48) -> bytes:
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    lines = ["interval_start,entity,measure,value"]
    for number in range(count):
        start = midnight + number * dt.timedelta(minutes=30)
        lines.append(f"{start.isoformat()},{entity},{measure},{value + number}")
    return "\n".join(lines).encode()


def counts(session: Session) -> tuple[int, int]:
    return tuple(
        session.scalar(text(f"SELECT count(*) FROM settlement.{table}"))
        for table in ("reading_file", "reading")
    )


def known(session: Session, when: dt.datetime, day: dt.date = FIRST):
    return readings_known_at(session, MARKET, day, day, when).days.get(day, {})


def test_a_file_is_stored_as_day_vectors_with_their_file(market):
    (ingested,) = ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    assert ingested.is_new
    assert not ingested.notices
    assert ingested.file.content_digest == content_digest(COMPLETE.content)
    assert (ingested.file.first_day, ingested.file.last_day) == (FIRST, LAST)
    assert (ingested.file.row_count, ingested.file.vector_count) == (VECTORS * 48, VECTORS)
    assert counts(market) == (1, VECTORS)

    readings = readings_known_at(market, MARKET, FIRST, LAST, RECEIVED)
    assert list(readings.days) == [FIRST, FIRST + dt.timedelta(days=1), LAST]
    assert set(readings.days[FIRST]) == {GENERATION, AVAILABLE, DEMAND}
    demand = readings.days[FIRST][DEMAND]
    assert demand.entities == ("B-home", "B-office", "C-home", "C-office")
    assert demand.values.shape == (4, 48)
    assert demand.values.dtype == np.int64
    assert demand.revisions == (1, 1, 1, 1)
    assert demand.quality[0] == "M" * 48
    assert all(len(digest) == 32 for digest in demand.digests)
    swapped = demand.values_of(["C-home", "B-home"])
    assert (swapped == demand.values[[2, 0]]).all()
    periods = rules_for_period(market, MARKET, FIRST, LAST, RECEIVED)
    assert not completed_readings(market, MARKET, periods, RECEIVED)[1].findings
    assert not list(verify_readings(market))


def test_a_revision_is_known_only_from_its_receipt(market):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    before = known(market, RECEIVED)[DEMAND]
    correction = MeterFile("correction.csv", one_vector())
    (ingested,) = ingest(market, MARKET, [correction], received_at=LATER)
    assert (ingested.file.vector_count, ingested.file.unchanged_count) == (1, 0)

    again = known(market, LATER - dt.timedelta(microseconds=1))[DEMAND]
    assert (again.values == before.values).all()
    assert again.digests == before.digests
    after = known(market, LATER)[DEMAND]
    assert after.revisions == (2, 1, 1, 1)
    assert after.values[0].tolist() == list(range(5, 53))
    assert (after.values[1:] == before.values[1:]).all()
    assert not known(market, RECEIVED - dt.timedelta(microseconds=1))
    assert not list(verify_readings(market))


def test_unchanged_vectors_of_a_new_file_are_counted_and_not_stored(market):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    lines = COMPLETE.content.decode().split("\n")
    first = next(n for n, line in enumerate(lines) if ",B-home," in line)
    cells = lines[first].split(",")
    lines[first] = ",".join([*cells[:3], str(int(cells[3]) + 1), cells[4]])
    changed = MeterFile("again.csv", "\n".join(lines).encode())
    (ingested,) = ingest(market, MARKET, [changed], received_at=LATER)
    assert (ingested.file.vector_count, ingested.file.unchanged_count) == (1, VECTORS - 1)
    assert known(market, LATER)[DEMAND].revisions == (2, 1, 1, 1)
    assert not list(verify_readings(market))


def test_a_quality_that_changes_makes_a_revision(market):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    estimated = COMPLETE.content.replace(b"measured", b"estimated", 1)
    estimated = COMPLETE.content.replace(b",measured", b",estimated").replace(
        b"metered", b"metered"
    )
    (ingested,) = ingest(market, MARKET, [MeterFile("e.csv", estimated)], received_at=LATER)
    assert ingested.file.vector_count == VECTORS
    assert known(market, LATER)[DEMAND].quality[0] == "E" * 48


def test_the_same_file_again_changes_nothing_and_says_so(market):
    (first,) = ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    renamed = MeterFile("renamed.csv", COMPLETE.content)
    again, twice = ingest(market, MARKET, [renamed, renamed], received_at=LATER)
    assert not again.is_new
    assert again.file == twice.file == first.file
    assert counts(market) == (1, VECTORS)


def test_the_same_file_twice_in_one_request_is_stored_once(market):
    first, second = ingest(market, MARKET, [COMPLETE, COMPLETE], received_at=RECEIVED)
    assert (first.is_new, second.is_new) == (True, False)
    assert counts(market) == (1, VECTORS)


def test_the_files_of_one_request_are_taken_in_their_order(market):
    correction = MeterFile("correction.csv", one_vector())
    ingest(market, MARKET, [COMPLETE, correction], received_at=RECEIVED)
    assert known(market, RECEIVED)[DEMAND].revisions[0] == 2
    assert known(market, RECEIVED)[DEMAND].values[0, 0] == 5


def test_equal_files_at_equal_instants_have_equal_digests_on_any_machine(
    session, committed_database
):
    publish_tiny(session)
    ingest(session, MARKET, [COMPLETE], received_at=RECEIVED)
    here = known(session, RECEIVED)
    with transaction(committed_database) as other:
        publish_tiny(other)
        ingest(other, MARKET, [COMPLETE], received_at=RECEIVED)
        there = known(other, RECEIVED)
    for measure in (GENERATION, AVAILABLE, DEMAND):
        assert here[measure].digests == there[measure].digests


def test_a_bad_file_beside_a_good_one_leaves_nothing_and_names_every_finding(market):
    bad = one_vector().replace(b",5\n", b",NaN\n").replace(b",B-home,", b",B-hut,", 1)
    worse = MeterFile("worse.csv", b"")
    with pytest.raises(Refused) as refused:
        ingest(market, MARKET, [COMPLETE, MeterFile("bad.csv", bad), worse], received_at=RECEIVED)
    found = {(finding.code, finding.place) for finding in refused.value.findings}
    assert ("not-a-number", "bad.csv row 1") in found
    assert ("unknown-entity", "bad.csv row 1") in found
    assert ("empty-file", "worse.csv") in found
    # The reading under the unknown name is the one that B-home lacks.
    assert not any(code == "missing-intervals" for code, _ in found)
    assert counts(market) == (0, 0)


def test_a_49_interval_day_leaves_nothing(market):
    with pytest.raises(Refused) as refused:
        ingest(market, MARKET, [MeterFile("49.csv", one_vector(count=49))], received_at=RECEIVED)
    assert [finding.code for finding in refused.value.findings] == ["missing-intervals"]
    repeated = one_vector() + b"\n" + one_vector().split(b"\n")[-1]
    with pytest.raises(Refused) as refused:
        ingest(market, MARKET, [MeterFile("49.csv", repeated)], received_at=RECEIVED)
    assert {finding.code for finding in refused.value.findings} == {"interval-count", "duplicate"}
    assert counts(market) == (0, 0)


def test_a_late_file_is_stored_with_a_notice(market):
    late = dt.datetime(2024, 2, 20, tzinfo=dt.UTC)
    (ingested,) = ingest(market, MARKET, [COMPLETE], received_at=late)
    assert [notice.code for notice in ingested.notices] == ["late"]
    assert ingested.file.late_day_count == 3


def test_days_before_the_rules_are_found_and_the_others_still_checked(market):
    file = MeterFile(
        "new-year.csv",
        one_vector(day=dt.date(2023, 12, 31))
        + b"\n"
        + b"\n".join(one_vector("B-hut", day=dt.date(2024, 1, 1)).split(b"\n")[1:]),
    )
    with pytest.raises(Refused) as refused:
        ingest(market, MARKET, [file], received_at=RECEIVED)
    assert [(finding.code, finding.value) for finding in refused.value.findings] == [
        ("no-rules", "2023-12-31, 48 readings"),
        ("unknown-entity", "'B-hut' in 48 rows, here first"),
    ]


def test_a_market_without_rules_is_refused(session):
    with pytest.raises(Refused, match="publish the market's rules"):
        ingest(session, "nowhere", [COMPLETE], received_at=RECEIVED)


def test_a_revision_cannot_be_received_before_the_one_it_follows(market):
    ingest(market, MARKET, [COMPLETE], received_at=LATER)
    with pytest.raises(Refused) as refused:
        ingest(market, MARKET, [MeterFile("c.csv", one_vector())], received_at=RECEIVED)
    assert [finding.code for finding in refused.value.findings] == ["received-before"]
    assert counts(market) == (1, VECTORS)


def test_missing_vectors_are_named(market):
    part = tiny_market.readings_csv(FIRST, FIRST, only=("U1", "U2", "U3", "U4", "B-home"))
    ingest(market, MARKET, [MeterFile("part.csv", part)], received_at=RECEIVED)
    periods = rules_for_period(market, MARKET, FIRST, FIRST, RECEIVED)
    found = completed_readings(market, MARKET, periods, RECEIVED)[1].findings
    assert [finding.value.split(" known")[0] for finding in found] == [
        "no metered demand of B-office",
        "no metered demand of C-home",
        "no metered demand of C-office",
    ]


@pytest.mark.parametrize("table", ["reading", "reading_file"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET market = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_the_database_refuses_to_edit_readings(market, table, statement):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    market.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    with pytest.raises(DBAPIError, match="append-only"), market.begin_nested():
        market.execute(text(statement.format(f"settlement.{table}")))


def tampered(session: Session, statement: str) -> list:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    assert session.execute(text(statement)).rowcount == 1
    return list(verify_readings(session))


ONE = "measure = 'metered_demand_wh' AND entity = 'B-home' AND settlement_day = '2024-01-10'"


@pytest.mark.parametrize(
    "change",
    [
        "values[7] = values[7] + 1",
        "quality = 'E' || substr(quality, 2)",
        "received_at = received_at - interval '1 microsecond'",
        "revision = 2",
        "entity = 'D-home'",
        "settlement_day = '2024-02-01'",
        "file_id = uuidv7()",
        "digest = sha256('x')",
    ],
)
def test_a_changed_reading_is_named(market, change):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    found = tampered(market, f"UPDATE settlement.reading SET {change} WHERE {ONE}")
    named = [f.place for f in found if f.code == "row-does-not-match-digest"]
    assert len(named) == 1
    assert named[0].startswith("settlement.reading tiny 2024-0")
    assert "metered_demand_wh" in named[0]
    assert "revision" in named[0]


@pytest.mark.parametrize(
    "change",
    [
        "name = 'other.csv'",
        "content_digest = sha256('x')",
        "received_at = received_at + interval '1 second'",
        "first_day = first_day - 1",
        "last_day = last_day + 1",
        "row_count = row_count + 1",
        "vector_count = vector_count + 1",
        "unchanged_count = 9",
        "late_day_count = 9",
        "digest = sha256('x')",
    ],
)
def test_a_changed_file_row_is_named(market, change):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    found = tampered(market, f"UPDATE settlement.reading_file SET {change}")
    assert found[0].code == "row-does-not-match-digest"
    assert "january.csv" in found[0].place or "other.csv" in found[0].place


def test_a_reading_that_went_away_is_missed(market):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    ingest(market, MARKET, [MeterFile("c.csv", one_vector())], received_at=LATER)
    found = tampered(market, f"DELETE FROM settlement.reading WHERE {ONE} AND revision = 1")
    assert {finding.code for finding in found} == {
        "root-of-readings",
        "readings-of-file",
        "revision-gap",
    }


def test_a_database_that_stops_half_way_leaves_nothing_and_the_file_can_come_again(
    committed_database,
):
    with transaction(committed_database) as session:
        publish_tiny(session)
    with pytest.raises(DBAPIError), transaction(committed_database) as session:
        ingest(session, MARKET, [COMPLETE], received_at=RECEIVED)
        assert counts(session) == (1, VECTORS)
        backend = session.scalar(text("SELECT pg_backend_pid()"))
        with committed_database.connect() as other:
            assert other.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    with transaction(committed_database) as session:
        assert counts(session) == (0, 0)
        (ingested,) = ingest(session, MARKET, [COMPLETE], received_at=RECEIVED)
        assert ingested.is_new
    with transaction(committed_database) as session:
        assert counts(session) == (1, VECTORS)
        assert not list(verify_readings(session))


def test_two_files_for_one_market_wait_for_each_other(committed_database):
    with transaction(committed_database) as session:
        publish_tiny(session)
    with transaction(committed_database) as first:
        ingest(first, MARKET, [COMPLETE], received_at=RECEIVED)
        refusal = pytest.raises(DBAPIError, match="lock timeout")
        with refusal, transaction(committed_database) as second:
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            ingest(second, MARKET, [COMPLETE], received_at=RECEIVED)


def test_readings_cannot_have_arrived_before_a_run_looked(market):
    ingest(market, MARKET, [COMPLETE], received_at=RECEIVED)
    looked = RECEIVED + dt.timedelta(hours=1)
    settle(market, MARKET, "II", FIRST, LAST, known_at=looked, now=looked)
    stored = counts(market)
    revised = MeterFile("revised.csv", one_vector())
    with pytest.raises(Refused) as refused:
        ingest(market, MARKET, [revised], received_at=looked)
    assert [finding.code for finding in refused.value.findings] == ["received-before-a-run"]
    assert counts(market) == stored
    (ingested,) = ingest(market, MARKET, [revised], received_at=looked + dt.timedelta.resolution)
    assert ingested.file.vector_count == 1
