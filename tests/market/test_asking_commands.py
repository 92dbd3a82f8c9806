"""`manage.py market quote`, `request`, `change`, `cancel`, `bookings`: by the supplier."""

import datetime as dt
import json
import time
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from sqlalchemy import text

from database.session import transaction
from ledger.people.roles import Role
from market.core.booking_records import BookingRecord, State
from market.core.events import Outcome
from market.core.giving_back import GivenBack
from market.core.quotes import Reason, Request, Side
from market.replay_verification import replay_check
from market.verification import CHECKS
from portal import market_asking, market_feed, signing
from portal.management import base, market_bookings
from portal.management.commands import market as market_command
from tests.market.test_feed import DAY, ONLINE, law_online
from tests.market.test_market_replay import lead_all
from tests.worlds import people
from tests.worlds.settled import ingest_tiny, publish_tiny

POINT = "B-home"
WINDOW = ("--earliest", "2024-01-02 06:00", "--latest", "2024-01-02 12:00")
WISH = ("--energy", "0.0005", "--power", "2.4", *WINDOW)
AS_CEDAR = "carla"


@pytest.fixture
def fed(committed_database, monkeypatch, request):
    """The tiny market after a day; who waits for a leader finds that one led."""
    online = getattr(request, "param", ONLINE)
    for module in (base, signing, market_command, market_feed, market_asking):
        monkeypatch.setattr(module, "transaction", lambda: transaction(committed_database))
    leading = SimpleNamespace(
        monotonic=time.monotonic, sleep=lambda _seconds: lead_all(committed_database)
    )
    monkeypatch.setattr(market_asking, "time", leading)
    with transaction(committed_database) as session:
        publish_tiny(session, law_online(online))
        ingest_tiny(session)
        people.add(session, AS_CEDAR, Role.PARTICIPANT, "tiny", "cedar")
    call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    lead_all(committed_database)
    return committed_database


@pytest.fixture
def told(fed, capsys, monkeypatch):
    """Runs a command as who acts for cedar, and returns what it told as JSON."""

    def run(*words: str) -> dict:
        capsys.readouterr()
        with people.as_account(monkeypatch, AS_CEDAR):
            call_command("market", *words, "--json")
        return json.loads(capsys.readouterr().out)

    return run


def placed_wh(told: dict) -> int:
    return sum(each["energy_wh"] for each in told["placed"])


def test_a_booking_is_quoted_asked_for_changed_and_given_up(fed, told):
    quoted = told("quote", "tiny", POINT, *WISH)["quote"]
    assert (quoted["reason"], placed_wh(quoted)) == (None, 500)
    asked = told("request", "tiny", POINT, *WISH)
    (booking,) = asked["bookings"]
    assert asked["outcome"] == "taken"
    assert (booking["participant"], booking["state"], booking["number"]) == ("cedar", "booked", 1)
    assert booking["placed"] == quoted["placed"]
    assert booking["earliest"].startswith("2024-01-02T06:00")
    (booking,) = told("change", "tiny", "1", "--energy", "0.0007")["bookings"]
    assert (booking["energy_wh"], placed_wh(booking), booking["power_w"]) == (700, 700, 2_400)
    assert told("bookings", "tiny", "--participant", "cedar")["bookings"] == [booking]
    assert told("bookings", "tiny", "--participant", "doric")["bookings"] == []
    (booking,) = told("cancel", "tiny", "1")["bookings"]
    assert (booking["state"], booking["reason"]) == ("cancelled", None)
    assert told("bookings", "tiny")["bookings"] == [booking]
    with transaction(fed) as session:
        checks = (*CHECKS, replay_check())
        assert [found for check in checks for found in check.run(session)] == []
        assert session.scalar(text("SELECT count(*) FROM market.booking")) == 3


def test_what_is_booked_is_told_in_words(told, capsys, monkeypatch):
    with people.as_account(monkeypatch, AS_CEDAR):
        call_command("market", "request", "tiny", POINT, *WISH)
    first, asked, *placed = capsys.readouterr().out.splitlines()
    assert first == "Booking 1, cedar: booked."
    assert asked == (
        "  B-home: buy 0.5\xa0kWh, at most 2.4\xa0kW at once, from 2 Jan 2024, 06:00 GMT to "
        "2 Jan 2024, 12:00 GMT, at any price"
    )
    assert placed
    assert all(" at £" in line and "2 Jan 2024" in line for line in placed)


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (("request", "tiny", "B-office", *WISH), ["supply-point-of-another"]),
        (("request", "tiny", "nowhere", *WISH), ["supply-point-unknown"]),
        (("quote", "tiny", "nowhere", *WISH), ["supply-point-unknown"]),
        (
            ("quote", "tiny", POINT, "--energy", "1,5", "--power", "0.0001", "--earliest",
             "2024-01-02", "--latest", "2024-01-02 10:00:30", "--limit", "dear"),
            ["unreadable-word"] * 5,
        ),
        (
            ("quote", "tiny", POINT, "--energy", "1", "--power", "£7", "--limit", "€80",
             "--earliest", "2024-03-31 01:30", "--latest", "2024-03-31 03:30"),
            ["unreadable-word", "moment-left-out", "unreadable-word"],
        ),
        (
            ("request", "tiny", "B-office", "--energy", "0.0", "--power", "0.0", "--earliest",
             "2024-01-02 10:00", "--latest", "2024-01-02 09:00", "--limit", "100001"),
            ["supply-point-of-another", "request-energy", "request-power", "request-window",
             "request-limit"],
        ),
        (("change", "tiny", "7", "--energy", "0.1"), ["booking-unknown"]),
        (("cancel", "tiny", "7"), ["booking-unknown"]),
        (("bookings", "tiny", "--participant", "nope"), ["participant-unknown"]),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_every_reason(fed, told, words, codes, capsys):
    with pytest.raises(CommandError):
        told(*words)
    findings = json.loads(capsys.readouterr().out)["refused"]
    assert [each["code"] for each in findings] == codes
    assert all(each["place"] and each["limit"] and each["remedy"] for each in findings)
    with transaction(fed) as session:
        assert not session.scalar(text("SELECT count(*) FROM market.booking"))


def test_where_the_law_of_the_day_is_online_no_more_all_that_is_left_is_to_give_up(
    fed, told, capsys
):
    told("request", "tiny", POINT, *WISH)
    with transaction(fed) as session:
        publish_tiny(session, law_online(None), known=dt.datetime.now(dt.UTC))
    for words in (
        ("quote", "tiny", POINT, *WISH),
        ("request", "tiny", POINT, *WISH),
        ("change", "tiny", "1", "--energy", "0.0001"),
    ):
        with pytest.raises(CommandError):
            told(*words)
        findings = json.loads(capsys.readouterr().out)["refused"]
        assert [each["code"] for each in findings] == ["market-not-online"]
    assert told("cancel", "tiny", "1")["bookings"][0]["state"] == "cancelled"


def test_a_booking_is_its_suppliers_to_change(fed, told, monkeypatch):
    told("request", "tiny", POINT, *WISH)
    with transaction(fed) as session:
        people.add(session, "dora", Role.PARTICIPANT, "tiny", "doric")
    with (
        people.as_account(monkeypatch, "dora"),
        pytest.raises(CommandError, match="is cedar"),
    ):
        call_command("market", "cancel", "tiny", "1")
    with pytest.raises(CommandError, match="the participant may run"):
        call_command("market", "cancel", "tiny", "1")  # an operator acts
    told("cancel", "tiny", "1")
    with people.as_account(monkeypatch, AS_CEDAR), pytest.raises(CommandError, match="cancelled"):
        call_command("market", "cancel", "tiny", "1")


def test_what_is_refused_says_why_and_nobody_who_leads_is_told(fed, told, monkeypatch):
    dear = (*WISH, "--limit", "-99000")
    with people.as_account(monkeypatch, AS_CEDAR):
        with pytest.raises(CommandError, match="refused, beyond the price limit"):
            call_command("market", "request", "tiny", POINT, *dear)
        monkeypatch.setattr(market_asking, "PATIENCE_S", 0)
        with pytest.raises(CommandError, match="nobody took it in 0 seconds"):
            call_command("market", "request", "tiny", POINT, *WISH)


def test_a_market_that_nobody_told_of_law_is_asked_nothing(committed_database, monkeypatch):
    for module in (base, market_command, market_asking):
        monkeypatch.setattr(module, "transaction", lambda: transaction(committed_database))
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
    with pytest.raises(CommandError, match="no law in force"):
        call_command("market", "quote", "tiny", POINT, *WISH)


@pytest.mark.parametrize("fed", [ONLINE | {"begun_by": "handed-in"}], indirect=True)
def test_in_a_market_that_runs_in_real_time_what_began_by_the_wall_is_not_to_be_had(fed, told):
    """The clock is told of a day long over, so only the wall says what has begun."""
    assert told("quote", "tiny", POINT, *WISH)["quote"]["reason"] == "window too short"
    with pytest.raises(CommandError, match="window too short"):
        told("request", "tiny", POINT, *WISH)
    with transaction(fed) as session:
        now = session.scalar(text("SELECT now()"))
    soon = [
        word
        for name, hours in (("--earliest", -2), ("--latest", 3))
        for word in (name, (now + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%MZ"))
    ]
    wish = (*WISH[:4], *soon)
    quoted = told("quote", "tiny", POINT, *wish)["quote"]
    (booking,) = told("request", "tiny", POINT, *wish)["bookings"]
    for each in (quoted, booking):
        assert placed_wh(each) == 500
        assert min(dt.datetime.fromisoformat(at["start"]) for at in each["placed"]) > now
    with transaction(fed) as session:
        checks = (*CHECKS, replay_check())
        assert [found for check in checks for found in check.run(session)] == []


def test_what_one_act_owes_is_one_line_and_a_window_that_is_over_is_not_called_too_narrow():
    back = (GivenBack(60, 2_000_000, 1_500_000), GivenBack(60, 2_000_000, 500_000),
            GivenBack(90, 1_000_000, 500_000))  # fmt: skip
    wish = Request(POINT, "", Side.BUY, 500, 2_400, 0, 720, 10**15)
    record = BookingRecord(
        "k", 1, 0, wish, "cedar", ("B", ""), State.REFUSED, Reason.WINDOW, given_back=back
    )
    answer = market_asking.Answer("tiny", "UTC", "GBP", outcome=Outcome.REFUSED, bookings=(record,))
    first, _, *owed = market_bookings.lines(answer)
    over = "window too short by what of it is still to come"
    assert first == f"Booking 1, cedar: refused: {over}."
    assert market_bookings.failure(answer) == f"tiny: refused, {over}"
    assert [line.split(" given")[0] for line in owed] == [
        "  £4.000000 is owed for 4\xa0MWh", "  £0.500000 is owed for 1\xa0MWh",
    ]  # fmt: skip
