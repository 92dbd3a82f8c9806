"""`manage.py market feed`: a day's readings into the inbox, once, at a speed or at once."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from database.bulk import driver_connection
from database.session import transaction
from market import store
from market.core.events import Event, Kind, Outcome
from market.core.machine import Machine
from market.fed_days import events_of_day
from market.rules import required_online_market
from portal import market_feed, signing
from portal.management import base
from portal.management.commands import market as market_command
from rulebook.law import rules_at, rules_for_period
from settlement.core.engine import settle_day
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.inputs import run_inputs
from tests.market.test_ex_post import last_told
from tests.settlement.trial_cases import changed
from tests.worlds import tiny_market
from tests.worlds.online import lead
from tests.worlds.settled import FIRST_DAY, INGESTED, SETTLED, ingest_tiny, publish_tiny

ONLINE = {"deadband_micro_per_mwh": 0, "accepted_delay_minutes": 10, "forward_hours": 48}
BOOKINGS = {
    "anchor": "MR-9", "text": "A booking.", "fields": ["online"], "lines": ["charge.booking"],
}  # fmt: skip
DAY = FIRST_DAY


def law_online(online=ONLINE):
    """The tiny market's law with the market online, and a clause that bookings rest on."""
    return [
        changed(document, online=online, clauses=[*clauses_of(document), BOOKINGS])
        if document.kind == "market-rules"
        else document
        for document in tiny_market.documents()
    ]


def clauses_of(document):
    return document.model_dump(mode="json")["clauses"]


@pytest.fixture
def use(monkeypatch):
    def use(engine):
        for module in (base, signing, market_command, market_feed):
            monkeypatch.setattr(module, "transaction", lambda: transaction(engine))
        return engine

    return use


@pytest.fixture
def online_tiny(committed_database, use):
    """The tiny market with a market online and three days of readings."""
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
        ingest_tiny(session)
    return use(committed_database)


def waiting(engine) -> list[Event]:
    """All that waits, in the order in which it would be taken."""
    with transaction(engine) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "MOST_OF_A_BATCH", 10**6)
        return [each.event for each in store.pending(driver_connection(session), "tiny")]


def fed(capsys, *words: str) -> dict:
    call_command("market", "feed", "tiny", "--day", str(DAY), *words, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_day_is_told_in_order_and_settles_as_the_run_settles_it(online_tiny, capsys):
    told = fed(capsys, "--at-once")
    events = waiting(online_tiny)
    assert told == {
        "market": "tiny", "day": str(DAY), "told_before": 0, "told_now": len(events), "left": 0,
        "outcomes": {}, "waiting": len(events), "is_led": False,
    }  # fmt: skip
    with transaction(online_tiny) as session:
        periods = rules_for_period(session, "tiny", DAY, DAY, SETTLED)
        assert events == events_of_day(session, "tiny", DAY, SETTLED)
        online = required_online_market(periods[0].rules)
        inputs = run_inputs(session, "tiny", periods, SETTLED)
    machine = Machine({online.digest: online})
    taken = machine.take(events)
    assert set(taken.outcomes) == {Outcome.TAKEN}
    settled = settle_day(online.model, inputs.day_readings(DAY, online.model))
    prices = [
        publication.prices for _, publication in sorted(last_told(taken.publications).items())
    ]
    assert len(prices) == 48
    for name in ("tightness_ppm", "price_micro_per_mwh"):
        expected = settled.values(name)
        assert [getattr(each, name).tolist() for each in prices] == expected.T.tolist()


@pytest.fixture
def led_tiny(online_tiny, monkeypatch):
    """The same, where what is told is taken at once."""
    tell = market_feed._tell

    def tell_and_lead(market, events, by):
        tell(market, events, by)
        lead(online_tiny, market)

    monkeypatch.setattr(market_feed, "_tell", tell_and_lead)
    return online_tiny


def test_what_became_of_what_was_told_is_counted(led_tiny, capsys):
    told = fed(capsys, "--at-once")
    assert (told["outcomes"], told["waiting"]) == ({"taken": told["told_now"]}, 0)
    later = str(DAY + dt.timedelta(days=1))
    call_command("market", "feed", "tiny", "--day", later, "--at-once")
    assert "What became of them: " in capsys.readouterr().out


def test_a_day_before_the_first_that_the_market_knows_is_refused(led_tiny, capsys):
    """Its readings would all be of days whose law nobody told: given away as unknown."""
    call_command("market", "feed", "tiny", "--day", str(DAY + dt.timedelta(days=1)), "--at-once")
    with pytest.raises(CommandError, match="market-day-before"):
        fed(capsys, "--at-once")


def test_a_feed_of_which_events_moved_nothing_fails(led_tiny, capsys, monkeypatch):
    told = events_of_day

    def of_nobody(*args):
        return [
            replace(each, entity="nobody") if each.entity == "B-home" else each
            for each in told(*args)
        ]

    monkeypatch.setattr(market_feed, "events_of_day", of_nobody)
    with pytest.raises(CommandError, match="events told moved nothing"):
        call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    assert " unknown" in capsys.readouterr().out


def test_a_day_that_is_fed_again_is_fed_once(online_tiny, capsys):
    first = fed(capsys, "--at-once")
    again = fed(capsys, "--at-once")
    assert (again["told_before"], again["told_now"]) == (first["told_now"], 0)
    assert len(waiting(online_tiny)) == first["told_now"]


def test_a_feed_that_is_stopped_goes_on_with_what_is_left(online_tiny, capsys, monkeypatch):
    slept = []

    def stop_at_noon(seconds: float) -> None:
        slept.append(seconds)
        if len(waiting(online_tiny)) > 500:
            raise KeyboardInterrupt

    monkeypatch.setattr(market_feed.time, "sleep", stop_at_noon)
    stopped = fed(capsys, "--speed", "100000")
    assert stopped["left"] > 0 and slept
    assert len(waiting(online_tiny)) == stopped["told_now"] > 500
    call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    printed = capsys.readouterr().out
    assert "events wait, as nobody leads the market" in printed
    assert (
        f"{stopped['left']:,} events told; {stopped['told_now']:,} had been told before" in printed
    )
    events = waiting(online_tiny)
    with transaction(online_tiny) as session:
        assert events == events_of_day(session, "tiny", DAY, SETTLED)


def test_who_stops_it_is_told_how_far_it_is(online_tiny, capsys, monkeypatch):
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(market_feed.time, "sleep", stop)
    call_command("market", "feed", "tiny", "--day", str(DAY))
    assert "the same command goes on with them" in capsys.readouterr().out


def test_events_are_told_when_they_are_due(online_tiny, capsys, monkeypatch):
    """By a clock that moves only while it sleeps, a day at 8,640 times its speed is ten seconds."""
    clock = [0.0]
    told_at: dict[str, float] = {}
    monkeypatch.setattr(market_feed.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(
        market_feed.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    )
    tell = market_feed._tell

    def keep(market, events, by):
        told_at.update({event.key: (event.at_us, clock[0]) for event in events})
        tell(market, events, by)

    monkeypatch.setattr(market_feed, "_tell", keep)
    fed(capsys, "--speed", "8640")
    first_us = min(at_us for at_us, _ in told_at.values())
    assert clock[0] == pytest.approx(10)
    for at_us, seconds in told_at.values():
        # Told when due, or with what was due within a pause before it.
        early = (at_us - first_us) / 8_640_000_000 - seconds
        assert -1e-5 <= early <= market_feed.PAUSE_S + 1e-5


def test_a_later_reading_is_told_as_a_revision_and_what_was_told_stands(online_tiny, capsys):
    first = fed(capsys, "--at-once")
    with transaction(online_tiny) as session:
        lines = tiny_market.readings_csv(DAY, DAY, only=("B-home",), seed=9)
        ingest(
            session, "tiny", [MeterFile("again.csv", lines)],
            received_at=INGESTED + dt.timedelta(hours=1),
        )  # fmt: skip
    again = fed(capsys, "--at-once")
    events = waiting(online_tiny)
    assert len(events) == first["told_now"] + again["told_now"]
    revised = [each for each in events if each.kind is Kind.READING and each.numbers[1] == 2]
    assert {each.entity for each in revised} == {"B-home"} and len(revised) == 48


def test_a_day_without_readings_or_without_a_market_online_is_refused(
    committed_database, use, capsys
):
    use(committed_database)
    with transaction(committed_database) as session:
        publish_tiny(session)
    with pytest.raises(CommandError, match="market-not-online"):
        call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    with transaction(committed_database) as session:
        (rules,) = (each for each in law_online() if each.kind == "market-rules")
        publish_tiny(session, [rules], known=INGESTED)
        assert rules_at(session, "tiny", DAY, SETTLED).market_rules.online
    with pytest.raises(CommandError, match="no-reading"):
        call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    assert waiting(committed_database) == []


def test_other_content_under_a_key_that_was_told_is_refused(online_tiny, capsys, monkeypatch):
    fed(capsys, "--at-once")
    told = events_of_day

    def other(*args):
        return [
            each if each.kind is not Kind.READING else replace(
                each, numbers=(*each.numbers[:2], each.numbers[2] + 1)
            )
            for each in told(*args)
        ]  # fmt: skip

    monkeypatch.setattr(market_feed, "events_of_day", other)
    with pytest.raises(CommandError, match="event-key-again"):
        call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
