"""Drafts as commands are told them: files and folders, or the number of a proposal that waits."""

from collections.abc import Sequence
from pathlib import Path

from common.refusals import Finding, Refused
from database.session import transaction
from rulebook.documents import Document
from rulebook.folders import read_files
from settlement.enactment.proposed import proposed_documents

Documents = Sequence[tuple[str, Document]]
"""Documents, with the place that findings name each by."""

MOST_DIGITS = 19
"""Of the number of a proposal: what a column of the database holds."""


def read_drafts(drafts: Sequence[Sequence[Path]]) -> list[Documents]:
    """Return the documents of each draft: of files and folders, or of a proposal by its number.

    Raises:
        Refused: with every finding of every file; or there is no such proposal that waits.
    """
    read: list[Documents] = []
    findings: list[Finding] = []
    for named in drafts:
        number = _proposal_number(named)
        if number is not None:
            with transaction() as session:
                read.append(proposed_documents(session, number))
        else:
            documents, wrong = read_files(named)
            read.append(documents)
            findings += wrong
    if findings:
        raise Refused(findings)
    return read


def _proposal_number(named: Sequence[Path]) -> int | None:
    """Return the number of the proposal that is named; None where it is files."""
    word = str(named[0])
    is_number = len(named) == 1 and word.isascii() and word.isdigit() and len(word) < MOST_DIGITS
    return int(word) if is_number and not named[0].exists() else None
