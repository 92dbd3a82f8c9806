"""What does not hold, and how much of each sort was checked."""

import csv
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from verifier.check_list import CHECKS

UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    csv.Error,
    struct.error,
    zlib.error,
)
"""What reading a changed file may raise; each becomes a finding."""


class Finding(NamedTuple):
    """Something that does not hold: where, what was expected, what was found, by which check."""

    file: str
    row: str
    expected: str
    found: str
    check: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: {self.row}" if self.row else self.file
        return f"{place}: expected {self.expected}; found {self.found}"


@dataclass
class Report:
    """Every finding, and how much of each sort was checked."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    check: str = ""

    def add(self, file: str, row: str, expected: str, found: object) -> None:
        """Note a finding."""
        self.findings.append(Finding(file, row, expected, describe(found), self.check))

    def equal(self, file: str, row: str, what: str, expected: object, found: object) -> None:
        """Note a finding unless two values are equal."""
        if expected != found:
            self.add(file, row, f"{what} {describe(expected)}", found)

    def count(self, what: str, number: int = 1) -> None:
        """Count what was checked."""
        self.counts[what] = self.counts.get(what, 0) + number

    @contextmanager
    def checking(self, check: str) -> Iterator[None]:
        """Say of what is found which check of the list found it."""
        if check not in CHECKS:
            raise LookupError(f"{check} is no check of the list")
        before, self.check = self.check, check
        try:
            yield
        finally:
            self.check = before

    @contextmanager
    def reading(self, file: str, row: str = "") -> Iterator[None]:
        """Turn what cannot be read into a finding."""
        try:
            yield
        except UNREADABLE as error:
            self.add(file, row, "what can be read", reason_of(error))


def reason_of(error: BaseException) -> str:
    """Return in words why something could not be read; what Python calls it helps nobody.

    >>> reason_of(KeyError("digest")), reason_of(IsADirectoryError(21, "Is a directory"))
    ("nothing named 'digest'", 'Is a directory')
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, KeyError):
        return f"nothing named {error}"
    if isinstance(error, IndexError):
        return "fewer values than there must be"
    if isinstance(error, AttributeError | TypeError):
        return f"a value of another kind than there must be ({error})"
    return str(error) or "something else"


def describe(value: object) -> str:
    """Return a value as findings print it."""
    return value.hex() if isinstance(value, bytes) else "nothing" if value is None else str(value)
