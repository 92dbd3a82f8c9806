"""`manage.py market demonstrate`: the last day of a demonstration, fed as its operator."""

import datetime as dt
import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from database.session import transaction
from portal import demo_market
from portal.demo_people import OPERATOR
from tests.conftest import ROOT
from tests.market.led import log_of, reading
from tests.market.test_feed import law_online
from tests.worlds.roles import urls_of_roles
from tests.worlds.settled import LAST_DAY, SETTLED, ingest_tiny, publish_tiny, settle_tiny

SPEED = 1_000_000
TOKENS = "SELECT count(*) FROM people.token WHERE account = 'operator'"


@pytest.fixture
def settled(committed_database):
    """A demonstration whose market is online, with three days of readings that are settled."""
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
        ingest_tiny(session)
        settle_tiny(session)
    return committed_database


def demonstrated(engine, *words: str):
    """The command in a process that nobody is signed in to."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "market", "demonstrate", "tiny", *words],
        env=os.environ | urls_of_roles(engine.url.set(query={
            name: value for name, value in engine.url.query.items() if name != "options"
        }).render_as_string(hide_password=False)) | {"XDG_STATE_HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_last_settled_day_is_fed_once_as_the_operator_by_a_token_that_ends(settled):
    with transaction(settled) as session:
        tokens = session.scalars(text(TOKENS)).one()
    status, out, errors = demonstrated(settled, f"--speed={SPEED}", "--json")
    assert status == 0, errors
    told = json.loads(out)
    assert (told["day"], told["left"], told["told_before"]) == (str(LAST_DAY), 0, 0)
    assert told["told_now"] > 48
    with transaction(settled) as session:
        waiting = session.execute(
            text("SELECT DISTINCT day, submitted_by FROM market.submission ORDER BY day")
        ).all()
        deeds = session.scalars(
            text("SELECT words FROM people.deed WHERE account = 'operator' AND command = 'market'")
        ).all()
        assert session.scalars(text(TOKENS)).one() == tokens
    # The clock at the end of the day is the next one's midnight.
    assert waiting == [(LAST_DAY + dt.timedelta(days=n), OPERATOR.account) for n in (0, 1)]
    assert deeds == [f"action demonstrate, day {LAST_DAY}, market tiny, speed {SPEED}"]
    status, out, _ = demonstrated(settled, "--json")
    assert (status, json.loads(out)["told_now"]) == (0, 0)


def test_in_no_demonstration_nobody_acts_who_is_not_signed_in(settled):
    with transaction(settled) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("UPDATE people.founding SET is_demonstration = false"))
    status, _, errors = demonstrated(settled)
    assert status == 1
    assert "[no-demonstration]" in errors
    with reading(settled) as connection:
        assert log_of(connection) == []
    with transaction(settled) as session:
        assert session.scalars(text("SELECT count(*) FROM market.submission")).one() == 0


def test_an_operator_that_lost_the_role_feeds_nothing(settled):
    with transaction(settled) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("DELETE FROM people.account_grant WHERE account = 'operator'"))
    status, _, errors = demonstrated(settled)
    assert status == 1
    assert "[role-missing]" in errors


def test_where_nothing_is_settled_there_is_no_day_to_live_through(committed_database):
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
    status, _, errors = demonstrated(committed_database)
    assert status == 1
    assert "[nothing-settled]" in errors


def test_markets_live_where_a_demonstration_has_them_online(settled, monkeypatch):
    monkeypatch.setattr(demo_market, "transaction", lambda: transaction(settled))
    monkeypatch.setattr(demo_market, "is_demo", lambda: True)
    assert demo_market.living_markets(SETTLED) == ["tiny"]
    monkeypatch.setattr(demo_market, "is_demo", lambda: False)
    assert demo_market.living_markets(SETTLED) == []
