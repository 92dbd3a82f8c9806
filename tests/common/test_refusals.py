"""A refusal says every finding, in order, and its docstrings show what it does."""

import doctest
from dataclasses import replace

import pytest

from common import refusals
from common.refusals import Finding, Refused, refuse_any

FINDINGS = [
    Finding("unknown-field", "rules.yaml: cap", "'1e9'", "a field of market rules", "leave it out"),
    Finding("missing-field", "rules.yaml: floor", "None", "a whole number", "add it"),
]


def test_examples_in_docstrings():
    assert doctest.testmod(refusals).failed == 0


def test_every_finding_is_said_in_the_order_given():
    refused = Refused(FINDINGS)
    assert refused.findings == tuple(FINDINGS)
    assert str(refused).splitlines() == [str(finding) for finding in FINDINGS]


def test_a_refusal_without_a_finding_is_a_mistake():
    with pytest.raises(ValueError, match="at least one"):
        Refused([])


def test_a_finding_is_printed_as_its_five_fields():
    assert FINDINGS[0].as_dict() == {
        "code": "unknown-field",
        "place": "rules.yaml: cap",
        "value": "'1e9'",
        "limit": "a field of market rules",
        "remedy": "leave it out",
    }


def test_numbered_findings_stand_in_the_order_of_their_rules_and_print_the_number():
    numbered = [replace(FINDINGS[0], number=number) for number in (11, 2)]
    refused = Refused([numbered[0], FINDINGS[1], FINDINGS[0], numbered[1]])
    assert refused.findings == (FINDINGS[1], FINDINGS[0], numbered[1], numbered[0])
    assert str(numbered[1]).endswith("[rule 2, unknown-field]")
    assert numbered[1].as_dict() == {**FINDINGS[0].as_dict(), "number": 2}


def test_nothing_is_refused_without_a_finding():
    refuse_any([])
    with pytest.raises(Refused) as refused:
        refuse_any(iter(FINDINGS))
    assert refused.value.findings == tuple(FINDINGS)
