"""The rows of a trial's report, by number, and which money counts in each. Pure.

A report is a record that nothing changes, so the number of a row names it for good.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.journal import Account, is_money
from rulebook.resolve import RulePeriod
from settlement.rules.places import Places
from settlement.rules.register import Register
from settlement.trials.figures import SideFigures
from settlement.trials.groups import groups_of_account, shared_places, shared_register

PARTICIPANT = "participant"
"""The dimension of the rows that each stand for a participant; others are those of groups."""


class ReportRow(NamedTuple):
    """A row of a report: what it groups by, whom or what it is of, and its figures."""

    dimension: str
    name: str
    figures: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """What names it in its report: its dimension and its name."""
        return self.dimension, self.name

    def received_micro(self, sides: Iterable[str]) -> tuple[int, ...]:
        """Return what is received on each side, as the report has it."""
        return tuple(int(self.figures[f"{side}_micro"]) for side in sides)


def report_rows(report: Mapping[str, Any]) -> list[ReportRow]:
    """Return participants in the order of the report, then groups by dimension."""
    rows = [ReportRow(PARTICIPANT, row["participant"], row) for row in report["participants"]]
    rows += [
        ReportRow(dimension, row["name"], row)
        for dimension in sorted(report["groups"])
        for row in report["groups"][dimension]
    ]
    return rows


def row_numbers(report: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Return the number of each row, from 1, by dimension and name."""
    return {row.key: number for number, row in enumerate(report_rows(report), start=1)}


@dataclass(frozen=True)
class Grouping:
    """By what all days of a trial are grouped, on every side alike."""

    register: Register
    places: Places

    def rows_of(self, account: Account) -> list[tuple[str, str]]:
        """Return dimension and name of each row that an account counts in; none if no money."""
        if account.participant is None or not is_money(account.commodity):
            return []
        own = (PARTICIPANT, account.participant)
        return [own, *groups_of_account(account, self.register, self.places)]


def grouping_of(law: Mapping[str, Sequence[RulePeriod]]) -> Grouping:
    """Return how a trial groups, from the law of its sides, as its report was grouped."""
    sides = []
    for periods in law.values():
        met = SideFigures()
        for period in periods:
            met.meet(period.rules)
        sides.append(met)
    return Grouping(
        shared_register([side.register for side in sides]),
        shared_places([side.places for side in sides]),
    )
