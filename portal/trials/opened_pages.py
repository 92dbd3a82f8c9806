"""Figures of a trial, opened, as the worker keeps them for a page: whole numbers, side by side.

Each number stands once a side, the law first; + is received.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from ledger.journal import Account
from portal.queries.explanations import local_times, sum_up_others
from settlement.billing.lines import LINE_KINDS, Subject
from settlement.explanations.tree import Explanation, cited_clauses
from settlement.trials.opened import OpenedDay, OpenedRows, OpenedSide
from settlement.trials.rows import ReportRow

ENERGY_TITLES = {Subject.SUPPLY_POINT: "Energy taken", Subject.UNIT: "Energy generated"}

OfSides = tuple[tuple[int, ...], ...]
"""Of each side its values, interval by interval."""


@dataclass(frozen=True)
class RowsPage:
    """What rows of a report, by number, come to on each day, and its prices; see `OpenedRows`.

    `lowest` and `highest` hold of each day a tuple a side, of the price in each interval.
    """

    days: tuple[dt.date, ...]
    received_micro: Mapping[int, tuple[tuple[int, ...], ...]]
    lowest: tuple[OfSides, ...]
    highest: tuple[OfSides, ...]
    other_sides: tuple[str, ...]


@dataclass(frozen=True)
class Metered:
    """Energy that a day rests on: what it is called, and its Wh."""

    title: str
    wh: OfSides

    @property
    def is_one(self) -> bool:
        """Whether every side has the same, as where days are as metered."""
        return len(set(self.wh)) == 1


@dataclass(frozen=True)
class Periods:
    """The settlement periods of a day.

    Attributes:
        clocks: start and end of each by the local clock.
        metered: the energy of the units, and of the supply points.
        prices: per MWh at the node, or where there are several their mean, weighed by energy and
            rounded down; None in an interval without energy.
    """

    clocks: tuple[str, ...]
    metered: tuple[Metered, ...]
    prices_micro_per_mwh: tuple[tuple[int | None, ...], ...]
    received_micro: OfSides


@dataclass(frozen=True)
class TrialLine:
    """A line of a day: whose money it is, of which kind and about what, and what it comes to."""

    number: int
    participant: str
    kind: str
    subject: str
    received_micro: tuple[int, ...]


@dataclass(frozen=True)
class RowDayPage:
    """A day of a row: its settlement periods, and the lines that they are made of."""

    periods: Periods
    lines: tuple[TrialLine, ...]


@dataclass(frozen=True)
class LinePage:
    """A day of a line."""

    periods: Periods
    line: TrialLine


@dataclass(frozen=True)
class TreesPage:
    """An interval of a line, as a tree a side.

    `published` holds the digests of the law that the trees cite; other clauses are the draft's.
    """

    line: TrialLine
    clock: str
    count: int
    received_micro: tuple[int, ...]
    trees: tuple[Explanation, ...]
    published: tuple[bytes, ...]


@dataclass(frozen=True)
class NotOpened:
    """Why a trial cannot be settled again here."""

    reasons: tuple[str, ...]


Page = RowsPage | RowDayPage | LinePage | TreesPage | NotOpened


def rows_page(opened: OpenedRows, numbers: Mapping[tuple[str, str], int]) -> RowsPage:
    """Return the days of rows, by their numbers."""
    received = {numbers[key]: tuple(days) for key, days in opened.received_micro.items()}
    lowest, highest = (
        tuple(tuple(side[end] for side in of_day) for of_day in opened.prices) for end in (0, 1)
    )
    return RowsPage(opened.days, received, lowest, highest, opened.other_sides)


def row_day_page(opened: OpenedDay, row: ReportRow) -> RowDayPage:
    """Return the settlement periods of a day of a row, and its lines."""
    lines = opened.lines(row)
    shown = tuple(_shown(opened, line, number) for number, line in enumerate(lines, start=1))
    return RowDayPage(_periods(opened, lines), shown)


def line_page(opened: OpenedDay, row: ReportRow, number: int) -> LinePage | None:
    """Return a day of a line of a row, from 1; None where the day has no such line."""
    line = _line(opened, row, number)
    if line is None:
        return None
    return LinePage(_periods(opened, [line]), _shown(opened, line, number))


def trees_page(
    opened: OpenedDay,
    row: ReportRow,
    number: int,
    interval: int,
    may_see: Callable[[str], bool],
    published: Collection[bytes],
) -> TreesPage | None:
    """Return the trees behind an interval of a line, from 1; None where there is no such interval.

    What others were paid is summed up for those who may not see it.
    """
    line, sides = _line(opened, row, number), opened.sides.values()
    count = len(_clocks(opened))
    if line is None or not 1 <= interval <= count:
        return None
    trees = tuple(sum_up_others(side.tree(line, interval - 1), may_see) for side in sides)
    cited = {clause.digest for tree in trees for clause in cited_clauses(tree)}
    return TreesPage(
        _shown(opened, line, number),
        _clocks(opened)[interval - 1],
        count,
        tuple(int(side.received(line)[interval - 1]) for side in sides),
        trees,
        tuple(sorted(cited.intersection(published))),
    )


def _line(opened: OpenedDay, row: ReportRow, number: int) -> Account | None:
    lines = opened.lines(row)
    return lines[number - 1] if 1 <= number <= len(lines) else None


def _shown(opened: OpenedDay, line: Account, number: int) -> TrialLine:
    sums = tuple(int(side.received(line).sum()) for side in opened.sides.values())
    return TrialLine(number, str(line.participant), line.kind, line.subject, sums)


def _clocks(opened: OpenedDay) -> tuple[str, ...]:
    facts = next(iter(opened.sides.values())).facts
    zone = facts.rules.market_rules.time_zone
    return tuple(clock for _, clock in local_times(facts.starts, zone))


def _periods(opened: OpenedDay, lines: list[Account]) -> Periods:
    sides = list(opened.sides.values())
    clocks = _clocks(opened)
    received = tuple(
        tuple(sum(int(side.received(line)[at]) for line in lines) for at in range(len(clocks)))
        for side in sides
    )
    # A unit or supply point has many lines, and its energy once.
    entities = {(LINE_KINDS[line.kind].subject, line.subject): line for line in lines}
    metered = tuple(
        Metered(
            title,
            tuple(_energy_wh(side, lines_of, len(clocks)) for side in sides),
        )
        for subject, title in ENERGY_TITLES.items()
        if (lines_of := [line for (of, _), line in entities.items() if of is subject])
    )
    prices = tuple(tuple(_prices(side, list(entities.values()), len(clocks))) for side in sides)
    has_prices = any(price is not None for side in prices for price in side)
    return Periods(clocks, metered, prices if has_prices else (), received)


def _energy_wh(side: OpenedSide, lines: list[Account], count: int) -> tuple[int, ...]:
    found = [values for line in lines if (values := side.metered_wh(line)) is not None]
    return tuple(sum(int(values[at]) for values in found) for at in range(count))


def _prices(side: OpenedSide, lines: list[Account], count: int) -> Iterator[int | None]:
    """Yield the price of each interval at the nodes of some lines, one line an entity."""
    priced = [
        (price, side.metered_wh(line))
        for line in lines
        if (price := side.price_micro_per_mwh(line)) is not None
    ]
    is_one = len({side.node_of(line) for line in lines} - {None}) == 1
    for at in range(count):
        if is_one:
            yield int(priced[0][0][at])
            continue
        weights = [0 if wh is None else abs(int(wh[at])) for _, wh in priced]
        whole = sum(weights)
        paid = sum(
            int(price[at]) * weight for (price, _), weight in zip(priced, weights, strict=True)
        )
        yield paid // whole if whole else None
