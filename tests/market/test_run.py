"""`manage.py market run`: leads until told to end, and refuses a market that is not online."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from database.bulk import driver_connection
from database.session import transaction
from market import store
from market.core.events import Event, Kind
from market.inbox import submit
from market.rules import required_online_market
from market.verification import CHECKS
from portal.management import base
from portal.management.commands import market as market_command
from rulebook.law import rules_for_period
from tests.conftest import ROOT
from tests.market.led import log_of, published, reading, wait_until_taken
from tests.market.test_feed import DAY, law_online
from tests.worlds.roles import urls_of_roles
from tests.worlds.settled import SETTLED, publish_tiny

AT_US = 1_704_067_200_000_000


@pytest.fixture
def online(committed_database):
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
    return committed_database


@contextmanager
def running(engine):
    """The command, in a process of its own; ended as a supervisor ends it."""
    environment = os.environ | urls_of_roles(engine.url.render_as_string(hide_password=False))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "market", "run", "tiny"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def told(engine, *events: Event) -> None:
    with transaction(engine) as session:
        assert submit(session, "tiny", events, by="test") == []


def test_it_leads_until_it_is_told_to_end(online):
    with transaction(online) as session:
        (period,) = rules_for_period(session, "tiny", DAY, DAY, SETTLED)
    law = required_online_market(period.rules)
    told(online, Event(DAY, "law", Kind.RULES, "", AT_US, (), (law.digest,)))
    told(online, Event(DAY, "out", Kind.OUTAGE, law.model.units[0], AT_US))
    with running(online) as process:
        wait_until_taken(online)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors == "tiny: leading in epoch 1, from event 1\n"
    assert out == "tiny: stopped; 2 events were taken.\n"
    with reading(online) as connection:
        assert [each.logged.outcome for each in log_of(connection)] == ["taken", "taken"]
        assert [each.publication.cause for each in published(connection)] == ["rules"]
        assert store.sealed_up_to(connection, "tiny") == 2
    with transaction(online) as session:
        assert [found for check in CHECKS for found in check.run(session)] == []


def test_a_second_one_follows_and_takes_over_from_one_that_was_killed(online):
    with running(online) as first:
        assert "leading in epoch 1" in first.stderr.readline()
        with running(online) as second:
            assert second.stderr.readline() == "tiny: another leads; following\n"
            first.kill()
            assert second.stderr.readline() == "tiny: leading in epoch 2, from event 1\n"


def test_a_log_that_does_not_come_out_as_it_is_stored_is_led_by_nobody(online):
    told(online, Event(DAY, "clock", Kind.CLOCK, "", AT_US))
    with running(online):
        wait_until_taken(online)
    with transaction(online) as session:
        connection = driver_connection(session)
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("UPDATE market.event SET entity = 'x'")
    with running(online) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "market.event tiny 1" in errors
    assert "[market-event]" in errors


def test_a_market_that_is_not_online_is_refused(committed_database, monkeypatch):
    with transaction(committed_database) as session:
        publish_tiny(session)
    for module in (base, market_command):
        monkeypatch.setattr(module, "transaction", lambda: transaction(committed_database))
    monkeypatch.setattr("market.law_of_days.transaction", lambda: transaction(committed_database))
    with pytest.raises(CommandError, match="market-not-online"):
        call_command("market", "run", "tiny")
