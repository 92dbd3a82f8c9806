"""`manage.py market replay`: a fed day comes out as it was led, and its two series are compared."""

import datetime as dt
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from sqlalchemy import text

from database.bulk import driver_connection
from database.session import snapshot, transaction
from market import store, stored_rows
from market.inbox import submit
from market.replay_verification import replay_check
from portal import market_feed, market_replay, signing
from portal.management import base
from portal.management.commands import market as market_command
from portal.management.commands import verify
from tests.market.led import lead_by_its_law
from tests.market.test_feed import DAY, law_online
from tests.worlds.settled import ingest_tiny, publish_tiny

NEXT_DAY = DAY + dt.timedelta(days=1)


def lead_all(engine) -> None:
    with transaction(engine) as session:
        lead_by_its_law(session)


@pytest.fixture
def fed(committed_database, monkeypatch):
    """The tiny market, fed a day and led to its end."""
    for module in (base, signing, market_command, market_feed):
        monkeypatch.setattr(module, "transaction", lambda: transaction(committed_database))
    monkeypatch.setattr(market_replay, "snapshot", lambda: snapshot(committed_database))
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
        ingest_tiny(session)
    call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    monkeypatch.setattr(
        store, "MOST_OF_A_BATCH", 4
    )  # as if it were taken while it is lived through
    lead_all(committed_database)
    return committed_database


def replayed(capsys, day: dt.date = DAY) -> dict:
    capsys.readouterr()
    call_command("market", "replay", "tiny", "--day", str(day), "--json")
    return json.loads(capsys.readouterr().out)


def test_a_fed_day_comes_out_as_it_was_led(fed, capsys):
    told = replayed(capsys)
    with transaction(fed) as session:
        connection = driver_connection(session)
        head = store.head(connection, "tiny")
        days = [each.day for each in store.openings(connection, "tiny")]
        following = store.opening_of_day(connection, "tiny", NEXT_DAY)
        assert replay_check().run(session) == []
    assert days == [DAY, NEXT_DAY], "the day's end begins the next"
    assert told["is_same"] and told["is_closed"] and told["first_difference"] is None
    assert told["last_sequence"] == following.sequence - 1
    assert told["events"] == told["last_sequence"] - told["first_sequence"] + 1
    last = replayed(capsys, NEXT_DAY)
    assert (last["is_same"], last["is_closed"]) == (True, False)
    assert last["event_digest"] == head.event_digest.hex()
    assert last["publication_digest"] == head.publication_digest.hex()


def test_the_series_that_is_published_at_the_end_of_intervals_is_compared_with_that_ex_post(
    fed, capsys
):
    told = replayed(capsys)
    nodes = [each for each in told["series"] if each["layer"] == "at nodes"]
    assert nodes and all(len(each["published_micro_per_mwh"]) == 48 for each in nodes)
    for each in told["series"]:
        assert None not in each["ex_post_micro_per_mwh"]
        assert None not in each["published_micro_per_mwh"]
    for layer in told["apart"]:
        rows = [each for each in told["series"] if each["layer"] == layer["layer"]]
        apart = {
            (each["name"], interval): one - other
            for each in rows
            for interval, (one, other) in enumerate(
                zip(each["published_micro_per_mwh"], each["ex_post_micro_per_mwh"], strict=True)
            )
        }
        assert layer["pairs"] == len(apart) == 48 * len(rows)
        largest = layer["largest_micro_per_mwh"]
        assert abs(largest) == max(map(abs, apart.values()))
        assert apart[layer["name"], layer["interval"]] == largest
        assert layer["mean_micro_per_mwh"] == sum(map(abs, apart.values())) // len(apart)


def test_it_says_so_in_words(fed, capsys):
    call_command("market", "replay", "tiny", "--day", str(DAY))
    printed = capsys.readouterr().out
    assert "Every outcome and every price is as it is stored" in printed
    assert f"at the end is what {NEXT_DAY} began with" in printed
    assert "Published beside ex post, in 48 of 48 intervals:" in printed


def test_the_first_difference_is_named_and_fails(fed, capsys):
    with transaction(fed) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text(
                "UPDATE market.publication SET tightness_ppm[2] = tightness_ppm[2] + 1 "
                "WHERE sequence > 1 AND cardinality(tightness_ppm) > 1"
            )
        )
    with pytest.raises(CommandError, match=r"\d rows differ; the first: .*tightness_ppm of "):
        call_command("market", "replay", "tiny", "--day", str(DAY))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (
            "cause = 'x'",
            r"market\.publication tiny \d+/\d+: .* it says nothing that a market's log",
        ),
        ("at = at + interval '3 days'", "no series comes of what is stored: .* has no interval"),
    ],
)
def test_what_the_stretch_of_another_day_published_of_this_is_named_where_it_is_damaged(
    fed, damage, named
):
    """The day's own events come out as they are stored: it is its series that cannot be made."""
    with transaction(fed) as session:
        following = store.opening_of_day(driver_connection(session), "tiny", NEXT_DAY)
        session.execute(text("SET LOCAL session_replication_role = replica"))
        of_day = "market = 'tiny' AND day = :day AND sequence >= :first AND cause = 'ex post'"
        limits = {"day": DAY, "first": following.sequence}
        assert session.scalar(
            text(f"SELECT count(*) FROM market.publication WHERE {of_day}"), limits
        )
        session.execute(text(f"UPDATE market.publication SET {damage} WHERE {of_day}"), limits)
    with pytest.raises(CommandError, match=named):
        call_command("market", "replay", "tiny", "--day", str(DAY))


def test_a_day_that_the_market_never_saw_is_refused(fed, committed_database):
    with pytest.raises(CommandError, match="market-day-unknown") as refused:
        call_command("market", "replay", "tiny", "--day", "2023-01-01")
    assert f"a day from {DAY} to {NEXT_DAY}" in str(refused.value)


def test_a_market_that_was_never_led_has_no_days(committed_database, monkeypatch):
    for module in (base, signing):
        monkeypatch.setattr(module, "transaction", lambda: transaction(committed_database))
    monkeypatch.setattr(market_replay, "snapshot", lambda: snapshot(committed_database))
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
        assert submit(session, "tiny", [], by="test") == []
    with pytest.raises(CommandError, match="lead the market with `market run`"):
        call_command("market", "replay", "tiny", "--day", str(DAY))


@pytest.mark.parametrize("read", ["sealed_stretches", "events", "publications"])
def test_a_market_that_is_led_while_it_is_verified_holds(fed, capsys, monkeypatch, read):
    """Another day begins between two tables that are read: all are seen as of one moment."""
    monkeypatch.setattr(verify, "transaction", lambda: transaction(fed))
    monkeypatch.setattr(verify, "snapshot", lambda: snapshot(fed))
    monkeypatch.setattr(verify, "list_checks", lambda *_, **__: ())
    of_rows, once = getattr(stored_rows, read), []

    def led_on(connection, market):
        found = list(of_rows(connection, market))
        if not once:
            once.append(call_command("market", "feed", "tiny", "--day", str(NEXT_DAY), "--at-once"))
            lead_all(fed)
        return found if read == "sealed_stretches" else iter(found)

    monkeypatch.setattr(stored_rows, read, led_on)
    capsys.readouterr()
    call_command("verify")
    assert once and "every day of a market online, taken again" in capsys.readouterr().out
