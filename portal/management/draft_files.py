"""Drafts as commands are told them: files, the number of a proposal that waits, or a change."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from common.refusals import Finding, Refused
from database.session import transaction
from rulebook.documents import Document
from rulebook.drafting import drawn_together
from rulebook.folders import read_files
from settlement.enactment.proposed import proposed_documents, revised_documents

Documents = Sequence[tuple[str, Document]]
"""Documents, with the place that findings name each by."""

MOST_DIGITS = 19
"""Of the number of a proposal: what a column of the database holds."""
CHANGE = "change/"
"""Opens the name of a draft that is the last revision of a change."""


def read_drafts(
    drafts: Sequence[Sequence[Path]],
) -> tuple[list[Documents], dt.datetime | None]:
    """Return the documents of each draft: of files and folders, of a proposal, or of a change.

    Returns:
        The documents, and the instant that they were drawn from: None for the present law.

    Raises:
        Refused: with every finding of every file; or there is no such proposal or change, or
            the drafts were drawn from the law of several moments.
    """
    read: list[Documents] = []
    findings: list[Finding] = []
    drawn_from: list[dt.datetime | None] = []
    for named in drafts:
        number, change = _number(named), _number(named, CHANGE)
        if change is not None:
            with transaction() as session:
                documents, drawn = revised_documents(session, change)
            read.append(documents)
            drawn_from.append(drawn)
        elif number is not None:
            with transaction() as session:
                read.append(proposed_documents(session, number))
            drawn_from.append(None)
        else:
            of_files, wrong = read_files(named)
            read.append(of_files)
            drawn_from.append(None)
            findings += wrong
    if findings:
        raise Refused(findings)
    return read, drawn_together(drawn_from)


def _number(named: Sequence[Path], before: str = "") -> int | None:
    """Return the number that is named, of a proposal or after a word; None where it is files."""
    word = str(named[0])
    if before and not word.startswith(before):
        return None
    word = word.removeprefix(before)
    is_number = len(named) == 1 and word.isascii() and word.isdigit() and len(word) < MOST_DIGITS
    return int(word) if is_number and not named[0].exists() else None
