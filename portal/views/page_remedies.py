"""What a page says of findings: the remedy too is one for its reader, who may have no terminal.

Rows and queries hold what was found; its words are chosen here, as a page is rendered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from common.refusals import Finding

SHOWN_REASONS = 10
A_COMMAND = re.compile(r"manage\.py|`market |(?<![\w-])--\w")
ASK_THE_OPERATOR = "ask the operator of the market, who has a command for it"
"""Of a remedy that no page has a form for: whoever reads it there may have no terminal."""

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "account-not-invited": "the operator of the market gives a service its token",
        "account-unknown": "make the account first, on the page of people",
        "ALLOCATION_IS_BUILT_UPON": "return first to the queue what others paid of the document "
        "or took back on top of this payment: the page of payments lists them",
        "booking-over": "ask anew by the form",
        "booking-unknown": "choose one of those that the page lists",
        "answer-not-asked": "let who acts for it sign in, and answer on the page of the change",
        "digest-differs": "read what the page of the proposal says, and copy its digest from there",
        "FACT_IS_NOT_COVERED": "come again when the log was signed, within a day",
        "LOG_HAS_NO_CHECKPOINT": "come again when the log was signed, within a day",
        "grant-unknown": "the page of people lists those that stand",
        "nobody-acts": "sign in",
        "participant-has-no-document": "come again when a document was issued and the log was "
        "signed, within a day of it",
        "participant-missing": "choose the participant for which it acts",
        "participant-named": "choose no participant",
        "payee-change-unconfirmed": "let who acts for it read and confirm it on the page of the "
        "payee change",
        "person-alike": "choose that person as the one whose account it is, or tick that the "
        "person is another",
        "person-unknown": "choose one of the people that the page lists",
        "proposal-not-open": "the pages of people and of payee changes list those that wait",
        "role-missing": "let somebody who may do it, or have the role proposed and approved on "
        "the page of people",
        "ROLE_IS_MISSING": "let somebody do it who may, or have the role proposed and approved "
        "on the page of people",
        "ACTS_AS_ANOTHER": "sign in as that account",
        "STATEMENT_IS_OUT_OF_SEQUENCE": "import what lies between first: any statement of the "
        "bank does, whatever its days and its number, that opens with that balance; where the "
        "bank has none, say why under “Why a statement is missing”, which puts the difference "
        "into the queue",
    }
)
"""By code: the same remedy as the reader of a page finds it."""


def page_remedy(finding: Finding) -> str:
    """Return the remedy of a finding that the reader of a page can follow."""
    if finding.code == "missing-field":  # there its field stands, and has no name of a file's
        return "fill it in"
    if not A_COMMAND.search(finding.remedy):
        return finding.remedy
    return REMEDIES.get(finding.code, ASK_THE_OPERATOR)


def page_sentences(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return findings as a page lists them."""
    return tuple(str(replace(finding, remedy=page_remedy(finding))) for finding in findings)


def first_reasons(findings: Sequence[Finding]) -> dict[str, object]:
    """Return what `_reasons.html` shows of findings that may be many."""
    return {
        "reasons": page_sentences(findings[:SHOWN_REASONS]),
        "more": max(0, len(findings) - SHOWN_REASONS),
    }
