"""A page never tells its reader to run a command, whatever was refused."""

import ast
import html
from collections.abc import Iterator

import pytest

from common.refusals import Finding
from ledger.log.witness_rules import WitnessRule
from ledger.rules import LedgerRule
from portal.models import Act, Export
from portal.queries import runs
from portal.views.page_remedies import (
    A_COMMAND,
    ASK_THE_OPERATOR,
    REMEDIES,
    page_remedy,
    page_sentences,
)
from tests.conftest import ROOT

PACKAGES = ("common", "rulebook", "ledger", "settlement", "market", "portal")
NAMED_ELSEWHERE = {"nobody-acts", "participant-missing", "participant-named"}
"""Whose remedies or codes are no plain text where the finding is made."""


def remedies() -> Iterator[tuple[str, str]]:
    """Every code with its remedy, where both stand in the source as text."""
    for rule in (*LedgerRule, *WitnessRule):
        finding = rule.finding("", "")
        yield finding.code, finding.remedy
    sources = (path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    for source in sources:
        if "Finding(" not in source:
            continue  # every process of tests reads all of them, and most make none
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                said = [*node.args, *(each.value for each in node.keywords)]
                if len(said) > 1 and isinstance(said[0], ast.Constant):
                    yield str(said[0].value), ast.unparse(said[-1])


def found(code: str, remedy: str) -> Finding:
    return Finding(code, "here", "a value", "a limit", remedy)


COMMANDS = sorted({(code, text) for code, text in remedies() if A_COMMAND.search(text)})


def test_remedies_with_commands_are_found():
    codes = {code for code, _ in COMMANDS}
    assert {"person-alike", "digest-differs", "ROLE_IS_MISSING"} <= codes
    assert REMEDIES.keys() - NAMED_ELSEWHERE <= codes, "words for what says no command"


@pytest.mark.parametrize(("code", "remedy"), COMMANDS)
def test_no_page_names_a_command(code, remedy):
    (sentence,) = page_sentences([found(code, remedy)])
    assert not A_COMMAND.search(sentence)
    assert REMEDIES.get(code, ASK_THE_OPERATOR) in sentence


def test_other_remedies_are_left_as_they_are():
    remedy = "write it as 2024-01 – or as gb12--x"
    assert page_remedy(found("person-alike", remedy)) == remedy


def test_rows_hold_what_was_found_and_not_what_a_page_says_of_it():
    finding = found("person-alike", "run manage.py people --another")
    act = Act(outcome={"findings": [finding.as_dict()]})
    export = Export(found=[finding.as_dict()])
    assert act.findings == export.findings == [finding]


@pytest.mark.django_db
def test_a_page_of_what_did_not_stop_a_run_names_no_command(sign_in, site, monkeypatch):
    finding = found("reading-estimated", "run manage.py readings gb12")
    monkeypatch.setattr(runs, "run_findings", lambda *_: [finding])
    answer = sign_in("auditor").get(f"/runs/{site.later_run}/")
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 200
    assert f"a limit, found a value; {ASK_THE_OPERATOR}." in page
    assert "manage.py readings" not in page


def test_no_words_name_a_command():
    assert not [code for code, words in REMEDIES.items() if A_COMMAND.search(words)]
