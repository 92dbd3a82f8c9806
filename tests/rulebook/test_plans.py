"""Among ten thousand versions, an index finds those that apply; the benchmark says how fast."""

import datetime as dt
import json

import pytest
from sqlalchemy import event, text

from benchmarks.law_of_day import MARKET, VERSIONS, amend_often
from database.session import make_engine, transaction
from rulebook.law import rules_at, rules_for_period
from rulebook.outlook import changes_ahead
from tests.rulebook.law import publish_gb12

KNOWN = dt.datetime(2024, 6, 1, 9, tzinfo=dt.UTC)
READ_ALL = "Seq Scan"


@pytest.fixture(scope="module")
def amended(clone_database):
    """A database with a market of ten thousand versions, and the days on which they apply."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_gb12(session, KNOWN)
        days = amend_often(session, MARKET)
    with transaction(made) as session:
        session.execute(text("ANALYZE rulebook.version"))
    yield made, days
    made.dispose()


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def plans(engine, ask):
    """Return every node of the plans of the statements that ask for versions."""
    asked = []

    def hear(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    with transaction(engine) as session:
        event.listen(engine, "before_cursor_execute", hear)
        ask(session)
        event.remove(engine, "before_cursor_execute", hear)
        cursor = session.connection().connection.cursor()
        found = []
        for statement, parameters in asked:
            if "rulebook.version" in statement:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
                (explained,) = cursor.fetchone()
                plan = explained if isinstance(explained, list) else json.loads(explained)
                found += list(nodes(plan[0]["Plan"]))
        return found


def test_there_are_as_many_versions_as_are_said(amended):
    engine, days = amended
    with transaction(engine) as session:
        count = session.scalar(text("SELECT count(*) FROM rulebook.version"))
        assert count == VERSIONS // 32 * 32 + 16
        rules = rules_at(session, MARKET, days[7], KNOWN)
        assert len(rules.versions) == 16


@pytest.mark.parametrize(
    "ask",
    [
        lambda session, days: rules_at(session, MARKET, days[150], KNOWN),
        lambda session, days: rules_for_period(session, MARKET, days[150], days[156], KNOWN),
        lambda session, days: changes_ahead(session, MARKET, KNOWN, KNOWN),
    ],
    ids=["rules_at", "rules_for_period", "changes_ahead"],
)
def test_the_law_of_a_day_is_found_by_indexes(amended, ask):
    engine, days = amended
    found = plans(engine, lambda session: ask(session, days))
    assert found
    assert READ_ALL not in {node["Node Type"] for node in found}
    used = {node["Index Name"] for node in found if "Index Name" in node}
    assert "ix_version_market_valid_recorded" in used
    assert "ix_version_market" not in used, "it finds every version of the market"
