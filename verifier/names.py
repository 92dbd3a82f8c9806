"""The names of the files: plain paths, and of the evidence format alone."""

import re
from collections import defaultdict
from collections.abc import Iterable

from verifier.archive import MANIFEST, Files
from verifier.documents import INVOICE_LINES, INVOICE_LINKS, INVOICES
from verifier.law import VERSIONS
from verifier.ledger import ACCOUNTS, JOURNAL_LINKS, JOURNALS, POSTINGS
from verifier.log import CHECKPOINT, EARLIER, KEYS, PROOFS
from verifier.readings import READING_FILES
from verifier.report import Report
from verifier.runs import OVERLAY, RUN
from verifier.values import Row, parse_day
from verifier.writing import shorten

README, VERIFY = "README.txt", "verify.py"
ALWAYS = {
    MANIFEST, README, VERIFY, RUN, VERSIONS, READING_FILES,
    ACCOUNTS, JOURNALS, JOURNAL_LINKS, POSTINGS, INVOICES, INVOICE_LINES, INVOICE_LINKS,
    CHECKPOINT, EARLIER, KEYS, PROOFS,
}  # fmt: skip
"""Files that each evidence holds, be they empty."""

PLAIN = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
CHECKED_ELSEWHERE = ("law/", "results/")
"""Folders whose files are held to what the rules and the run name."""


def check_names(names: Iterable[str], report: Report) -> None:
    """Hold names to plain relative paths, which lead to one place on every computer."""
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for name in sorted(set(names)):
        alike[name.casefold()].add(name)
        if not PLAIN.fullmatch(name) or {".", ".."}.intersection(name.split("/")):
            form = "a plain relative path, of letters, digits, _, - and ., with / between folders"
            report.add(shorten(name), "", form, "another name")
    for several in alike.values():
        if len(several) > 1:
            what = "names that differ by more than capitals"
            report.add(min(several), "", what, ", ".join(sorted(several)))


def check_format(files: Files, run: Row, report: Report) -> None:
    """Hold the files to those that the evidence format knows."""
    names = set(files.names())
    for name in sorted(ALWAYS - names):
        report.add(name, "", "the file", None)
    for name in sorted(names - ALWAYS):
        if not name.startswith(CHECKED_ELSEWHERE) and not is_of_format(name, run):
            report.add(name, "", "only files that the evidence format knows",
                       "one that it does not know")  # fmt: skip


def is_of_format(name: str, run: Row) -> bool:
    """Return whether a name is that of the readings of a day, or of the overlay of a study."""
    if name == OVERLAY:
        return run.get("kind") == "study"
    day = name.removeprefix("readings/").removesuffix(".csv")
    try:
        return name == f"readings/{parse_day(day).isoformat()}.csv"
    except ValueError:
        return False
