"""The names of the files: plain paths, which lead to one place on every computer."""

import re
from collections import defaultdict
from collections.abc import Iterable

from verifier.report import Report
from verifier.writing import shorten

PLAIN = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


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
