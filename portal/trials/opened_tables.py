"""Tables and pictures of a trial's figures, opened; + is received, and numbers are exact."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from portal.charts.chart import Chart
from portal.charts.times import Series, time_chart
from portal.charts.units import Unit
from portal.trials.opened_pages import Periods, RowsPage, TrialLine
from portal.trials.tables import DRAFT_TITLES
from portal.trials.words import written_group, written_kind
from settlement.trials.report import LAW
from settlement.trials.rows import ReportRow

SIDE_TITLES = {LAW: "Law"} | DRAFT_TITLES
MOST_CAUSES = 8
"""Of the numbers that set two trees apart; all of them are marked in the trees."""


@dataclass(frozen=True)
class Figure:
    """A number in its unit; None where there is none. A difference has its sign."""

    value: int | None
    unit: str = "micro"
    is_difference: bool = False

    @property
    def is_gain(self) -> bool:
        """Whether a plus stands before it."""
        return self.is_difference and (self.value or 0) > 0


@dataclass(frozen=True)
class GridRow:
    """A row: its title, where it leads, what stands small below the title, and its figures."""

    title: str
    address: str
    below: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Grid:
    """A table; `total` holds the figures of its last row, if it has one."""

    head: str
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    total: tuple[Figure, ...]
    total_title: str = "Together"


def row_words(row: ReportRow) -> tuple[str, str]:
    """Return what a row is called, and the table that it stands in.

    >>> row_words(ReportRow("kind", "charge.fuel", {}))
    ('Fuel, charged', 'By kind of line')
    """
    if row.dimension == "participant":
        return row.name, "Participant"
    name = written_kind(row.name) if row.dimension == "kind" else row.name
    return name, written_group(row.dimension)


def line_words(line: TrialLine) -> str:
    """Return what a line is: its kind, which way its money flows, and what it is about."""
    return f"{written_kind(line.kind)}: {line.subject}"


def days_grid(
    page: RowsPage, number: int, sides: Sequence[str], address_of: Callable[[dt.date], str]
) -> Grid:
    """Return the days of a row."""
    of_days = page.received_micro[number]
    rows = tuple(
        GridRow(f"{day:%a} {day.day} {day:%b %Y}", address_of(day), "", tuple(_received(micro)))
        for day, micro in zip(page.days, of_days, strict=True)
    )
    return Grid("Settlement day", tuple(_columns(sides)), rows, tuple(_received(_sums(of_days))))


def lines_grid(
    lines: Sequence[TrialLine], sides: Sequence[str], address_of: Callable[[int], str]
) -> Grid:
    """Return lines of a day; what they come to is that of the whole day, and stands elsewhere."""
    rows = tuple(
        GridRow(
            line_words(line),
            address_of(line.number),
            line.participant,
            tuple(_received(line.received_micro)),
        )
        for line in lines
    )
    return Grid("Line", tuple(_columns(sides)), rows, ())


def by_difference(lines: Sequence[TrialLine]) -> list[TrialLine]:
    """Return lines in order of how far the first draft moves them, and then by number."""
    return sorted(
        lines, key=lambda line: (-abs(line.received_micro[1] - line.received_micro[0]), line.number)
    )


def periods_grid(
    periods: Periods, sides: Sequence[str], address_of: Callable[[int], str] | None = None
) -> Grid:
    """Return the settlement periods of a day: energy, prices, amounts."""
    titles = [SIDE_TITLES[side] for side in sides]
    columns, energies = list[str](), list[Sequence[int]]()
    for metered in periods.metered:
        if metered.is_one:
            columns.append(metered.title)
            energies.append(metered.wh[0])
        else:
            columns += [f"{metered.title}, {title.lower()}" for title in titles]
            energies += metered.wh
    prices = periods.prices_micro_per_mwh
    columns += [f"Price per MWh, {title.lower()}" for title in titles if prices]
    by_period = list(zip(*periods.received_micro, strict=True))
    rows = tuple(
        GridRow(
            clock,
            address_of(at + 1) if address_of else "",
            f"period {at + 1}",
            (
                *(Figure(energy[at], "Wh") for energy in energies),
                *(Figure(of_side[at]) for of_side in prices),
                *_received(by_period[at]),
            ),
        )
        for at, clock in enumerate(periods.clocks)
    )
    total = (
        *(Figure(sum(energy), "Wh") for energy in energies),
        *(Figure(None) for _ in prices),
        *_received(_sums(by_period)),
    )
    return Grid("Settlement period", (*columns, *_columns(sides)), rows, total)


def periods_charts(
    day: dt.date, periods: Periods, sides: Sequence[str], currency: str
) -> Iterator[Chart]:
    """Yield pictures of the settlement periods of a day: what is received, and at which price."""
    days = [(day, len(periods.clocks))]
    names = [SIDE_TITLES[side] for side in sides]

    def series(of_sides: Sequence[Sequence[int]]) -> list[Series]:
        return [Series(name, tuple(of)) for name, of in zip(names, of_sides, strict=True)]

    yield time_chart(
        "received", "Received", days, series(periods.received_micro), Unit("micro", currency)
    )
    prices = [
        [price for price in of_side if price is not None]
        for of_side in periods.prices_micro_per_mwh
    ]
    # A step has a value in each interval: one without energy has no mean price.
    if prices and all(len(of_side) == len(periods.clocks) for of_side in prices):
        unit = Unit("micro per MWh", currency)
        yield time_chart("price", "Price", days, series(prices), unit)


def _columns(sides: Sequence[str]) -> Iterator[str]:
    yield SIDE_TITLES[sides[0]]
    for side in sides[1:]:
        yield SIDE_TITLES[side]
        yield "Difference"


def _received(micro: Sequence[int]) -> Iterator[Figure]:
    yield Figure(micro[0])
    for of_draft in micro[1:]:
        yield Figure(of_draft)
        yield Figure(of_draft - micro[0], is_difference=True)


def _sums(rows: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*rows, strict=True))
