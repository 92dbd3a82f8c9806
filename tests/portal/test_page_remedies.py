"""A page never tells its reader to run a command, whatever was refused."""

import ast
from collections.abc import Iterator

import pytest

from common.refusals import Finding
from ledger.log.witness_rules import WitnessRule
from ledger.rules import LedgerRule
from portal.models import Act
from portal.page_remedies import A_COMMAND, ASK_THE_OPERATOR, REMEDIES, for_page, page_sentences
from tests.conftest import ROOT

PACKAGES = ("common", "rulebook", "ledger", "settlement", "portal")
NAMED_ELSEWHERE = {"nobody-acts", "participant-missing", "participant-named"}
"""Whose remedies or codes are no plain text where the finding is made."""


def remedies() -> Iterator[tuple[str, str]]:
    """Every code with its remedy, where both stand in the source as text."""
    for rule in (*LedgerRule, *WitnessRule):
        finding = rule.finding("", "")
        yield finding.code, finding.remedy
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
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
    act = Act(outcome={"findings": [found(code, remedy).as_dict()]})
    (sentence,) = page_sentences([found(code, remedy)])
    assert [str(each) for each in act.findings] == [sentence]
    assert not A_COMMAND.search(sentence)
    assert REMEDIES.get(code, ASK_THE_OPERATOR) in sentence


def test_other_remedies_are_left_as_they_are():
    finding = found("person-alike", "write it as 2024-01 – or as gb12--x")
    assert for_page(finding) is finding


def test_no_words_name_a_command():
    assert not [code for code, words in REMEDIES.items() if A_COMMAND.search(words)]
