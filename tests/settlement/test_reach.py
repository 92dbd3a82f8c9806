"""A change of law that looks back shows the settled days, documents and runs that it asks for."""

import datetime as dt
import json
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command

import database.session
from common.refusals import Refused
from database.session import transaction
from ledger.people import store
from ledger.sealing import seal_days
from rulebook.documents.market_rules import CalendarRun
from rulebook.folders import write_files
from rulebook.standing import Record
from rulebook.yaml_text import write_yaml
from settlement.enactment.propose import propose_ending, propose_publication
from settlement.enactment.reach import (
    ProposedLaw,
    Reach,
    SettledDay,
    TouchedDays,
    TouchedDocument,
    days_of_other_law,
    reach_lines,
    touched_ranges,
)
from settlement.enactment.reaching import reach_of
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.people import acting_as
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    PUBLISHED,
    RESETTLED,
    SETTLED,
    bill_tiny,
    fill_tiny,
    seal_request,
    settle_tiny,
)

NOW = SETTLED + dt.timedelta(hours=1)
ZONE = tiny_market.ZONE
A, B = b"a" * 32, b"b" * 32
RUNS = (
    CalendarRun(run="II", title="First", lag_days=5),
    CalendarRun(run="SF", title="Second", lag_days=20),
)
DAYS = [dt.date(2024, 1, day) for day in range(1, 6)]


def record(digest, start, end=None, known=PUBLISHED):
    times = start, end, known, None
    return Record(*times, (), uuid.uuid4(), "i", digest, "ada", "grace", 1, "", None)


def instant(day):
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def proposed(texts, first=DAYS[1], end=DAYS[4]):
    return ProposedLaw(instant(first), instant(end), texts)


@pytest.mark.parametrize(
    ("texts", "touched"),
    [
        ({"i": B}, DAYS[1:3]),  # on the 4th it says so already
        ({"i": A}, DAYS[3:4]),  # until then it says so already
        ({"i": None}, DAYS[1:4]),
        ({"new": B}, DAYS[1:4]),
        ({"new": None}, []),
        ({"i": A, "new": B}, DAYS[1:4]),
    ],
)
def test_a_day_is_touched_where_it_would_have_another_text(texts, touched):
    histories = {"i": [record(A, instant(DAYS[0]), instant(DAYS[3])), record(B, instant(DAYS[3]))]}
    assert days_of_other_law(DAYS, "UTC", proposed(texts), histories, NOW) == touched


def test_days_are_joined_where_the_same_run_takes_them_up():
    settled = [
        SettledDay(DAYS[0], ("II",), RUNS),
        SettledDay(DAYS[1], ("II",), RUNS),
        SettledDay(DAYS[2], ("II", "SF"), RUNS),
        SettledDay(DAYS[4], ("II",), RUNS),
        SettledDay(dt.date(2024, 1, 6), ("R1",), RUNS),
    ]
    lag = dt.timedelta(days=20)
    assert touched_ranges(settled) == (
        TouchedDays(DAYS[0], DAYS[1], ("II",), "SF", DAYS[0] + lag, DAYS[1] + lag),
        TouchedDays(DAYS[2], DAYS[2], ("II", "SF"), None, None, None),
        TouchedDays(DAYS[4], DAYS[4], ("II",), "SF", DAYS[4] + lag, DAYS[4] + lag),
        # Of a calendar that has none of what is posted, the first run comes next.
        TouchedDays(
            dt.date(2024, 1, 6), dt.date(2024, 1, 6), ("R1",), "II",
            dt.date(2024, 1, 11), dt.date(2024, 1, 11),
        ),
    )  # fmt: skip


def test_it_is_said_in_lines_and_what_is_left_out_is_counted():
    documents = tuple(
        TouchedDocument(f"t-{number}", "doric", "invoice", DAYS[0]) for number in range(12)
    )
    days = touched_ranges([SettledDay(DAYS[0], ("II", "SF"), RUNS)])
    first, second = reach_lines(Reach(days, documents))
    assert first == (
        "   It touches 1 settled day, 2024-01-01, posted under II, SF; no run of the calendar is "
        "left that takes it up: adjust a later period"
    )
    assert second.startswith("   It touches 12 issued documents: t-0 of doric, t-1 of doric")
    assert second.endswith("t-9 of doric, and 2 more, which --json lists")
    assert list(reach_lines(Reach((), ()))) == ["   It touches no settled day."]


def other_rules(**changes):
    rules = tiny_market.documents()[0]
    return rules.model_copy(update={"title": "Other rules", **changes})


def propose(session, documents, first=FIRST_DAY, to=None, now=NOW):
    with acting_as(session, "ada"):
        _, made = propose_publication(
            session, documents, valid_from=first, valid_to=to, now=now, reason="It was wrong"
        )
    return made


def test_a_retroactive_publication_shows_its_days_documents_and_runs(session):
    issued = bill_tiny(session)
    second, third = FIRST_DAY + dt.timedelta(days=1), LAST_DAY
    reach = reach_of(session, propose(session, [other_rules()], first=second, to=third), NOW)
    (days,) = reach.days
    following = tiny_market.documents()[0].settlement_calendar[1]
    assert (days.first_day, days.last_day, days.posted) == (second, second, ("II",))
    assert days.run == following.run
    assert days.due_from == days.due_to == second + dt.timedelta(days=following.lag_days)
    assert {each.participant for each in reach.documents} == {
        each.row.participant for each in issued
    }
    assert len(reach.documents) == len(issued)


def test_what_asks_for_a_run_is_the_calendar_that_would_be_in_force(session):
    fill_tiny(session)
    calendar = tiny_market.documents()[0].settlement_calendar
    shorter = other_rules(settlement_calendar=calendar[:1])
    (days,) = reach_of(session, propose(session, [shorter]), NOW).days
    assert (days.first_day, days.last_day, days.run) == (FIRST_DAY, LAST_DAY, None)


def test_a_later_run_moves_what_comes_next(session):
    fill_tiny(session)
    made = propose(session, [other_rules()])
    settle_tiny(session, kind="SF", now=RESETTLED)
    (days,) = reach_of(session, made, RESETTLED).days
    calendar = [run.run for run in tiny_market.documents()[0].settlement_calendar]
    assert days.posted == ("II", "SF")
    assert days.run == calendar[calendar.index("SF") + 1]


def test_what_stands_so_already_or_lies_ahead_touches_nothing(session):
    bill_tiny(session)
    ahead = propose(session, [other_rules()], first=LAST_DAY + dt.timedelta(days=1))
    assert reach_of(session, ahead, NOW) == Reach((), ())
    made = propose(session, [other_rules()], first=LAST_DAY)
    (days,) = reach_of(session, made, NOW).days
    assert (days.first_day, days.last_day) == (LAST_DAY, LAST_DAY)


def test_the_end_of_a_document_touches_the_days_on_which_it_applied(session):
    bill_tiny(session)
    with acting_as(session, "ada"):
        _, made = propose_ending(
            session, "tiny", "settlement-terms", LAST_DAY, now=NOW, reason="No terms"
        )
    reach = reach_of(session, made, NOW)
    assert [(each.first_day, each.last_day) for each in reach.days] == [(LAST_DAY, LAST_DAY)]
    assert reach.documents


def test_what_was_approved_is_law_and_touches_nothing_any_more(session):
    fill_tiny(session)
    publish(session, [other_rules()], valid_from=FIRST_DAY, known=NOW, reason="It was wrong")
    (approved, *_) = store.proposals(session)
    assert reach_of(session, approved, NOW) is None


def test_a_sealed_day_is_refused_and_not_shown(session):
    fill_tiny(session)
    seal_days(session, seal_request(), SETTLED)
    with pytest.raises(Refused) as refused:
        propose(session, [other_rules()])
    assert {finding.code for finding in refused.value.findings} == {"law-of-sealed-day"}


@pytest.fixture
def run(committed_database, monkeypatch, capsys):
    """Run a command on a market that is settled and billed; return what it printed."""
    monkeypatch.setattr(database.session, "engine", lambda: committed_database)
    with transaction(committed_database) as session:
        bill_tiny(session)

    def run(*arguments):
        capsys.readouterr()
        call_command(*map(str, arguments))
        return capsys.readouterr().out

    return run


def test_commands_say_what_a_proposal_touches(run, tmp_path):
    law = write_files(tmp_path, {Path("rules.yaml"): write_yaml(other_rules())})
    words = ("propose", "law", *law, "--valid-from", FIRST_DAY, "--reason", "It was wrong")
    said = run(*words)
    touched = "It touches 3 settled days, 2024-01-01 to 2024-01-03, posted under II; it asks for "
    assert f"   {touched}run SF, due 2024-01-11 to 2024-01-13" in said
    assert "issued documents: tiny-" in said
    proposed = json.loads(run(*words, "--json"))
    (days,) = proposed["touches"]["settled_days"]
    assert (days["first_day"], days["last_day"], days["run"]) == ("2024-01-01", "2024-01-03", "SF")
    assert {each["participant"] for each in proposed["touches"]["documents"]} == {
        "alder", "birch", "cedar", "doric",
    }  # fmt: skip
    assert touched in run("proposals", proposed["proposal"])
    (shown,) = json.loads(run("proposals", proposed["proposal"], "--json"))
    assert shown["touches"] == proposed["touches"]
    ended = json.loads(
        run("propose", "end", "tiny", "settlement-terms", LAST_DAY, "--reason", "None", "--json")
    )
    assert ended["touches"]["settled_days"][0]["first_day"] == str(LAST_DAY)
