"""What a check found wrong: a value with place, value, limit and remedy; never an exception text.

A check of a document, a folder or a file reports **every** finding. Services raise `Refused` with
the whole list at their edge; whoever shows it prints one line a finding.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_VALUE = 120


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, said so that its author can put it right.

    Attributes:
        code: stable name of the rule that was broken, such as `unknown-field`.
        place: where: file and field path, or table and row.
        value: what was found there.
        limit: what the rule asks for.
        remedy: what to do about it.
    """

    code: str
    place: str
    value: str
    limit: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.limit}, found {self.value}; {self.remedy} [{self.code}]"

    def as_dict(self) -> dict[str, str]:
        """Return the finding as plain values for `--json`."""
        return {
            "code": self.code,
            "place": self.place,
            "value": self.value,
            "limit": self.limit,
            "remedy": self.remedy,
        }


class Refused(Exception):
    """A request was refused; `findings` holds every reason, in order."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        if not self.findings:
            raise ValueError("a refusal needs at least one finding")
        super().__init__("\n".join(str(finding) for finding in self.findings))


def shown(value: object) -> str:
    """Return `value` as a finding shows it: on one line, cut to a readable length.

    >>> shown("N0")
    "'N0'"
    """
    written = repr(value)
    if len(written) <= _LONGEST_VALUE:
        return written
    return written[: _LONGEST_VALUE - 3] + "..."
