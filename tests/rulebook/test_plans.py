"""Among ten thousand versions, an index finds those that apply; the benchmark says how fast."""

import datetime as dt
import json
import re

import pytest
from sqlalchemy import event, text

from benchmarks.law_of_day import MARKET, VERSIONS, amend_often
from database.known_law import CREATE_VERSIONS_WITHIN
from database.roles.names import Role
from database.session import make_engine, transaction
from rulebook.law import rules_at, rules_for_period
from rulebook.outlook import changes_ahead
from tests.rulebook.law import publish_gb12
from tests.worlds.people import act_as
from tests.worlds.roles import url_as

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


@pytest.fixture(scope="module")
def as_web_process(amended):
    """The same database as the web process reads it: by policies of rows, for an operator."""
    made = make_engine(url_as(plain(amended[0]), Role.PORTAL))
    yield made
    made.dispose()


def plain(engine):
    return engine.url.render_as_string(hide_password=False)


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
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
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


def indexes_of(found):
    assert found
    assert READ_ALL not in {node["Node Type"] for node in found}
    used = {node["Index Name"] for node in found if "Index Name" in node}
    assert "ix_version_market" not in used, "it finds every version of the market"
    return used


def test_changes_ahead_are_found_by_an_index(amended):
    engine, _ = amended
    found = plans(engine, lambda session: changes_ahead(session, MARKET, KNOWN, KNOWN))
    assert "ix_version_market_valid_recorded" in indexes_of(found)


@pytest.mark.parametrize("reader", ["owner", "web process"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda session, days: rules_at(session, MARKET, days[150], KNOWN),
        lambda session, days: rules_for_period(session, MARKET, days[150], days[156], KNOWN),
    ],
    ids=["rules_at", "rules_for_period"],
)
def test_the_law_of_a_day_is_found_by_indexes(amended, as_web_process, ask, reader):
    """For whoever reads: a policy of rows keeps nobody from what an index finds."""
    engine, days = amended
    engine = engine if reader == "owner" else as_web_process
    found = plans(engine, lambda session: ask(session, days))
    assert "pk_version" in indexes_of(found), "by the identities that the function returns"
    (asked,) = (node for node in found if node.get("Function Name") == "versions_within")
    assert 16 <= asked["Actual Rows"] < 200, "of ten thousand"


def test_what_applies_at_a_moment_is_found_by_the_index_of_times(amended):
    """The body of the function, as the planner is given it."""
    body = CREATE_VERSIONS_WITHIN.partition("BEGIN ATOMIC")[2].partition(";")[0]
    for name in ("of_market", "starts", "ends", "known_at"):
        body = re.sub(rf"\b{name}\b", f":{name}", body)
    engine, days = amended
    moment = dt.datetime.combine(days[150], dt.time(), dt.UTC)
    values = {"of_market": MARKET, "starts": moment, "ends": moment + dt.timedelta(seconds=1),
              "known_at": KNOWN}  # fmt: skip
    with transaction(engine) as session:
        plan = "\n".join(session.scalars(text(f"EXPLAIN {body}"), values))
    assert "ix_version_market_valid_recorded" in plan


def test_the_function_tells_identities_and_no_more(amended, as_web_process):
    """Whoever may not read a registration learns of it that there is a version of that identity."""
    within = text(
        "SELECT count(*), count(version.id) FROM rulebook.versions_within("
        ":market, :at, :at + interval '1 s', :known) AS found "
        "LEFT JOIN rulebook.version ON version.id = found"
    )
    engine, days = amended
    values = {"market": MARKET, "known": KNOWN,
              "at": dt.datetime.combine(days[150], dt.time(12), dt.UTC)}  # fmt: skip
    with transaction(as_web_process) as session:
        act_as(session, "eve")
        found, read = session.execute(within, values).one()
    with transaction(engine) as session:
        registrations = session.scalar(
            text("SELECT count(DISTINCT instrument) FROM rulebook.version "
                 "WHERE kind = 'registration'")
        )  # fmt: skip
    assert found - read == registrations
