"""A day's partition is as every other's, and what is not is named: on whichever day."""

import pytest
from sqlalchemy import text

from database.catalogue.verification import verify_schema

MAKE = "SELECT market.make_days(:parent, ARRAY[date '2024-02-29', '2024-03-01'])"


@pytest.fixture
def partitioned(session):
    for parent in ("event", "publication", "event"):
        session.execute(text(MAKE), {"parent": parent})
    return session


def found(session) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in verify_schema(session)]


def test_days_that_were_written_leave_the_schema_what_it_is(partitioned):
    assert found(partitioned) == []
    names = "SELECT count(*) FROM pg_inherits WHERE inhparent::regclass::text LIKE 'market.event'"
    assert partitioned.scalar(text(names)) == 3


@pytest.mark.parametrize(
    ("attack", "code", "place"),
    [
        (
            "DROP TRIGGER refuse_truncate ON market.event_20240229",
            "schema-missing",
            "market.event_20240229 trigger refuse_truncate",
        ),
        (
            "ALTER TABLE market.event_20240229 DISABLE TRIGGER refuse_row_change",
            "schema-changed",
            "market.event_20240229 trigger refuse_row_change",
        ),
        (
            "GRANT UPDATE ON market.publication_20240301 TO PUBLIC",
            "schema-changed",
            "market.publication_20240301",
        ),
        (
            "ALTER TABLE market.event DETACH PARTITION market.event_20240229",
            "schema-missing",
            "market.event child market.event_20240229",
        ),
        (
            "CREATE INDEX beside ON market.event_20240229 (entity)",
            "schema-added",
            "market.event_20240229 index beside",
        ),
        (
            "CREATE TABLE market.event_20240302 (day date)",
            "schema-changed",
            "market.event_20240302 column day",
        ),
        (
            "CREATE TABLE market.event_aside PARTITION OF market.event "
            "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
            "schema-added",
            "market.event_aside",
        ),
        (
            "CREATE TABLE market.event_20249901 PARTITION OF market.event "
            "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
            "schema-added",
            "market.event child market.event_20249901",
        ),
    ],
)
def test_a_partition_that_is_otherwise_is_named(partitioned, attack, code, place):
    partitioned.execute(text(attack))
    assert (code, place) in found(partitioned)
