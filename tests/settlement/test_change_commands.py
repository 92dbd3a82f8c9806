"""Changes of the law by commands: from a problem to law, and what is refused on the way."""

import json

import pytest

from rulebook.yaml_text import write_yaml
from tests.settlement.trial_cases import capped
from tests.test_commands import DAYS, command_on, metered_alone  # noqa: F401 -- fixtures
from tests.worlds import tiny_market
from tests.worlds.people import as_account

OPENING = (
    "--title", "Lower the cap", "--problem", "It is far above any cost",
    "--objectives", "Lower bills", "--do-nothing", "It stays", "--option", "Lower it",
    "--reason", "The winter showed it",
)  # fmt: skip
WHY = ("--reason", "For good reasons")


@pytest.fixture
def by(command_on, metered_alone, monkeypatch):  # noqa: F811
    """Return what runs a command as an account."""
    command = command_on(metered_alone)

    def run(account, *arguments):
        with as_account(monkeypatch, account):
            return command(*arguments)

    return run


@pytest.fixture
def draft(tmp_path):
    """A folder with a lower cap in it."""
    (tmp_path / "market-rules.yaml").write_text(write_yaml(capped(tiny_market.market_rules())))
    return tmp_path


def test_an_urgent_change_becomes_law_by_commands(by, draft):
    opened = by("ada", "change", "open", "tiny", *OPENING, "--urgent", "Bills", "--json")
    assert opened.status == 0, opened.err
    assert json.loads(opened.out)["state"] == "draft"
    revise = ("change", "revise", "1", draft, "--valid-from", "2030-01-01", *WHY)
    told = by("ada", *revise)
    assert "price cap: £6,000.00" in told.out
    assert by("ada", "change", "ask-review", "1", *WHY).status == 0
    said = by("rufus", "change", "comment", "1", "--document", "tiny/market-rules", *WHY, "--json")
    event = json.loads(said.out)["last_event"]
    unanswered = by("grace", "change", "assess", "1", "--uncounted", "Habits", *WHY)
    assert (unanswered.status, unanswered.codes) == (1, ["comments-unanswered"])
    assert by("ada", "change", "answer", "1", event, *WHY).status == 0
    tried = json.loads(by("ada", "trial", "tiny", "--draft", "change/1", *DAYS, "--json").out)
    assess = ("change", "assess", "1", "--uncounted", "Habits", "--trial", tried["trial"], *WHY)
    assert by("grace", *assess).status == 0
    stale = by("grace", "change", "accept", "1", "--review-on", "2031-01-01", "--seen", "2", *WHY)
    assert stale.codes == ["change-went-on"]
    assert by("grace", "change", "accept", "1", "--review-on", "2031-01-01", *WHY).status == 0
    proposed = json.loads(by("ada", "change", "propose", "1", *WHY, "--json").out)
    (listed,) = json.loads(by("ada", "changes", "--market", "tiny", "--json").out)[:1]
    assert (listed["state"], listed["proposal"]) == ("waiting for approval", proposed["proposal"])
    (waiting,) = json.loads(by("grace", "proposals", "--json").out)
    digest = waiting["content_digest"]
    assert by("grace", "approve", waiting["number"], digest).status == 0
    shown = by("eve", "changes", "1")
    assert "\nscheduled; " in shown.out
    assert f"approved it (proposal {waiting['number']})" in shown.out
    assert json.loads(by("ada", "verify", "--json").out)["holds"]


def test_a_proposal_of_an_older_text_is_void_and_is_listed_so(by, draft):
    by("ada", "change", "open", "tiny", *OPENING, "--urgent", "Bills")
    revise = ("change", "revise", "1", draft, "--valid-from", "2030-01-01", *WHY)
    by("ada", *revise)
    by("ada", "change", "ask-review", "1", *WHY)
    by("grace", "change", "assess", "1", "--uncounted", "Habits", *WHY)
    by("grace", "change", "accept", "1", "--review-on", "2031-01-01", *WHY)
    by("ada", "change", "propose", "1", *WHY)
    (waiting,) = json.loads(by("grace", "proposals", "--json").out)
    assert waiting["void_by_change"] is None
    lower = capped(tiny_market.market_rules(), 90_000_000)
    (draft / "market-rules.yaml").write_text(write_yaml(lower))
    assert by("ada", *revise).status == 0
    assert "void, as change 1 went on" in by("grace", "proposals").out
    refused = by("grace", "approve", waiting["number"], waiting["content_digest"])
    assert (refused.status, refused.codes) == (1, ["proposal-of-older-revision"])


def test_a_proposal_that_was_made_without_a_change_stands_in_the_same_list(by, draft):
    proposed = by("ada", "propose", "law", draft, "--valid-from", "2030-01-01", "--json")
    number = json.loads(proposed.out)["proposal"]
    listed = by("ada", "changes")
    assert f"proposal {number}" in listed.out
    assert "waiting for approval" in listed.out


def test_what_nobody_may_do_is_refused_with_every_reason(by, draft):
    assert by("eve", "change", "open", "tiny", *OPENING).codes == ["role-missing"]
    assert by("ada", "change", "ask-review", "7", *WHY).codes == ["change-unknown"]
    by("ada", "change", "open", "tiny", *OPENING)
    refused = by("bea", "change", "accept", "1", "--review-on", "2031-01-01", *WHY)
    assert refused.codes == [
        "change-step-out-of-order", "change-without-revision", "change-step-of-others",
    ]  # fmt: skip
    unchanged = draft / "market-rules.yaml"
    unchanged.write_text(write_yaml(tiny_market.market_rules()))
    revise = by("ada", "change", "revise", "1", draft, "--valid-from", "2030-01-01", *WHY)
    assert revise.codes == ["draft-changes-nothing"]


def test_the_end_of_a_registration_asks_whose_its_points_are_then(by):
    end = ("propose", "end", "tiny", "registration/doric", "2030-01-01", *WHY)
    assert by("ada", *end).codes == ["supply-points-left"]
    assert by("ada", *end[:4], "1990-01-01", *WHY).codes == [
        "supply-points-left", "ends-before-it-begins",
    ]  # fmt: skip
    assert by("ada", *end[:4], "0001-01-01", *WHY).status == 2
    assert by("ada", *end[:3], "registration/nobody", *end[4:]).codes == ["document-unknown"]
    assert by("grace", "proposals", "--json").out.strip() == "[]", "nothing was proposed"
    proposed = json.loads(by("ada", *end, "--unsupplied", "--json").out)["proposal"]
    # Who proposed it takes it back; the words of the command are those of the record.
    wrong = by("grace", "proposal", "withdraw", proposed, *WHY)
    assert (wrong.status, wrong.codes) == (1, ["proposal-of-another"])
    told = by("ada", "proposal", "withdraw", proposed, *WHY)
    assert told.out.startswith(f"proposal {proposed}: withdrawn by ada at "), told.err
    assert by("grace", "proposals", "--json").out.strip() == "[]"
    (listed,) = [
        each
        for each in json.loads(by("grace", "proposals", "--all", "--json").out)
        if each["number"] == proposed
    ]
    assert (listed["outcome"], listed["ended_by"]) == ("withdrawn", "ada")
    again = json.loads(by("ada", *end, "--unsupplied", "--json").out)["proposal"]
    rejected = json.loads(by("grace", "proposal", "reject", again, *WHY, "--json").out)
    assert (rejected["outcome"], rejected["ended_by"]) == ("rejected", "grace")
    assert by("rufus", "approve", again, "0" * 8).codes == ["proposal-not-open"]
