"""What a check found wrong: a value with place, value, limit and remedy; never an exception text.

A check of a document, a folder or a file reports **every** finding. Use cases raise `Refused` with
the whole list at their edge; whoever shows it prints one line a finding.
"""

import datetime as dt
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
        number: of the rule that was broken, where its catalogue numbers them, as the ledger's does.
    """

    code: str
    place: str
    value: str
    limit: str
    remedy: str
    number: int | None = None

    def __str__(self) -> str:
        rule = self.code if self.number is None else f"rule {self.number}, {self.code}"
        return f"{self.place}: {self.limit}, found {self.value}; {self.remedy} [{rule}]"

    def as_dict(self) -> dict[str, str | int]:
        """Return the finding as plain values for `--json`; `number` only where there is one."""
        fields: dict[str, str | int] = {
            "code": self.code,
            "place": self.place,
            "value": self.value,
            "limit": self.limit,
            "remedy": self.remedy,
        }
        return fields if self.number is None else fields | {"number": self.number}


class Refused(Exception):
    """A request was refused, and nothing was written; `findings` holds every reason.

    They keep the order in which they were found, but for those of numbered rules, which stand in
    the order of the numbers.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(in_rule_order(findings))
        if not self.findings:
            raise ValueError("a refusal needs at least one finding")
        super().__init__("\n".join(str(finding) for finding in self.findings))


def in_rule_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order of their rules' numbers; those without one first, as they came.

    >>> second, first = (Finding(code, "", "", "", "", int(code)) for code in "21")
    >>> [finding.code for finding in in_rule_order([second, first])]
    ['1', '2']
    """
    return sorted(findings, key=lambda finding: finding.number or 0)


def refuse_any(findings: Iterable[Finding]) -> None:
    """Raise `Refused` with every finding there is; pass where there is none."""
    found = tuple(findings)
    if found:
        raise Refused(found)


def shown(value: object) -> str:
    """Return `value` as a finding shows it: on one line, cut to a readable length.

    >>> shown("N0"), shown(None), shown(True), shown(dt.date(2024, 1, 31))
    ("'N0'", 'nothing', 'true', '2024-01-31')
    """
    written = _written(value)
    if len(written) <= _LONGEST_VALUE:
        return written
    return written[: _LONGEST_VALUE - 3] + "..."


def _written(value: object) -> str:
    """Return a value as files have it, in no words of Python; texts in quotes, as '1' is no 1."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dt.date():  # a moment is one, too
            return str(value)
        case _:
            return repr(value)
