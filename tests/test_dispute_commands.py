"""Every step of a dispute without a browser: `dispute STEP`, `disputes MARKET`."""

import datetime as dt
import io
import json
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from database.session import make_engine, transaction
from settlement.billing.issuing import issue_month
from tests.portal.site import serving_from
from tests.worlds.disputed import MINUTE, READINGS, line_of
from tests.worlds.people import as_account
from tests.worlds.settled import (
    RESETTLED,
    SETTLED,
    correct_tiny,
    settle_tiny,
)

JANUARY = dt.date(2024, 1, 1)


@pytest.fixture
def run(billed_database, monkeypatch):
    """Return what runs a command on the tiny market, billed once, at a moment of its own."""
    with running_on(billed_database, monkeypatch) as call:
        yield call


@pytest.fixture(scope="module")
def undisputed(clone_billed_database):
    """Engine of the tiny market, billed once, which commands that are refused leave as it is."""
    made = make_engine(clone_billed_database())
    yield made
    made.dispose()


@pytest.fixture
def run_refused(undisputed, monkeypatch):
    """Return what runs a command that disputes nothing, whatever is asked of it."""
    with running_on(undisputed, monkeypatch) as call:
        yield call
        assert call("disputes", "tiny").strip() == "No line is disputed."


@contextmanager
def running_on(engine, monkeypatch):
    """Give what runs a command on a database, by default at the moment after the one before."""
    moment = [SETTLED]

    def clock() -> dt.datetime:
        moment[0] += MINUTE
        return moment[0]

    def call(*arguments, at: dt.datetime | None = None, by: str = "desk-of-cedar") -> str:
        moment[0] = at or moment[0]
        printed = io.StringIO()
        with as_account(monkeypatch, by):
            call_command(*arguments, stdout=printed)
        return printed.getvalue()

    monkeypatch.setattr("portal.management.base.utc_now", clock)
    url = engine.url.render_as_string(hide_password=False)
    with serving_from(url, engine):
        yield call


def opening(**options) -> list[str]:
    with transaction() as session:
        document, line = line_of(session, "cedar", "charge.fuel")
    given = {"participant": "cedar", "amount": "1.5", "reason": "Twice."} | options
    return ["dispute", "open", document, str(line), *(f"--{n}={v}" for n, v in given.items() if v)]


def test_a_dispute_goes_its_whole_way_by_commands(run, tmp_path, billed_database):
    file = tmp_path / "readings.csv"
    file.write_bytes(READINGS.content)
    assert "opened" in run(*opening(attach=str(file)))
    assert "answer due in 15 days, on 16 March 2024" in run("disputes", "tiny", "--open")
    said = "--reason=Because."
    assert "rejected" in run("dispute", "answer", "tiny", 1, "reject", said, by="olga")
    owner = "--participant=cedar"
    assert "escalated" in run("dispute", "escalate", "tiny", 1, owner, said)
    part = "--amount=0.75"
    assert "upheld" in run("dispute", "decide", "tiny", 1, "uphold", part, said, by="rufus")
    with pytest.raises(CommandError, match="no posted run has corrected"):
        run("dispute", "settle", "tiny", 1, said, by="olga")
    with transaction(billed_database) as session:
        correct_tiny(session)
        settle_tiny(session, "SF", RESETTLED)
        issue_month(session, "tiny", JANUARY, now=RESETTLED)
    assert "settled" in run("dispute", "settle", "tiny", 1, said, at=RESETTLED, by="olga")
    assert run("disputes", "tiny", "--open").strip() == "No dispute is open."
    (found,) = json.loads(run("disputes", "tiny", "--json"))
    assert (found["state"], found["claimed_micro"]) == ("settled", 1_500_000)
    assert [event["action"] for event in found["events"]] == [
        "open",
        "reject",
        "escalate",
        "uphold",
        "settle",
    ]
    assert found["events"][3]["upheld_micro"] == 750_000
    assert found["events"][4]["note_id"]


def test_a_dispute_is_withdrawn_by_command(run):
    run(*opening())
    words = run("dispute", "withdraw", "tiny", 1, "--participant=cedar", "--reason=Found it.")
    assert "withdrawn" in words
    assert "withdrawn" in run("disputes", "tiny")


def test_energy_is_typed_and_said_back_in_mwh(run):
    words = run(*opening(amount=None, quantity="0.0015"))
    assert "1.5\u00a0kWh" in words
    (found,) = json.loads(run("disputes", "tiny", "--json"))
    assert found["claimed_quantity"] == 1_500


def test_without_disputes_the_list_says_so(run_refused):
    assert run_refused("disputes", "tiny").strip() == "No line is disputed."


REFUSED = {
    "amount above the line": ({"amount": "99999999"}, "CLAIM_IS_ABOVE_LINE"),
    "another's line": ({"participant": "doric"}, "PARTY_IS_WRONG"),
    "no reason": ({"reason": " "}, "REASON_IS_MALFORMED"),
    "not an amount": ({"amount": "1,5.x"}, "is not an amount"),
    "another currency": ({"amount": "€1.50"}, "is not an amount in GBP"),
    "a decimal comma": ({"amount": None, "quantity": "1,5"}, "write MWh as 12.34"),
    "more than the Wh counts": ({"amount": None, "quantity": "0.0000001"}, "write MWh as"),
    "quantity above the line": ({"amount": None, "quantity": "99999"}, "found 99,999\u00a0MWh of"),
    "no such file": ({"attach": "nowhere.csv"}, "cannot be read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_a_message_and_writes_nothing(run_refused, case):
    options, words = REFUSED[case]
    with pytest.raises(CommandError, match=words):
        run_refused(*opening(**options))
    assert run_refused("disputes", "tiny").strip() == "No line is disputed."


@pytest.mark.parametrize("step", [("answer", "accept"), ("decide", "uphold"), ("settle",)])
def test_a_step_in_no_dispute_is_refused(run_refused, step):
    action, *verdict = step
    with pytest.raises(CommandError, match="DISPUTE_IS_UNKNOWN"):
        run_refused("dispute", action, "tiny", 7, *verdict, "--reason=Because.")
