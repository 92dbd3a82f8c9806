"""Prices of a trial, opened: by day, and by the settlement periods of a day; exact."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal.charts.chart import Chart
from portal.charts.times import Series, time_chart
from portal.charts.units import Unit
from portal.trials.opened_pages import RowsPage
from portal.trials.opened_tables import SIDE_TITLES, Figure, Grid, GridRow


def days_prices(page: RowsPage, sides: Sequence[str], address_of: Callable[[dt.date], str]) -> Grid:
    """Return the lowest and the highest price of each day, of any place in any period."""
    rows = tuple(
        GridRow(f"{day:%a} {day.day} {day:%b %Y}", address_of(day), "", _ends(lowest, highest))
        for day, lowest, highest in zip(page.days, page.lowest, page.highest, strict=True)
    )
    every_low, every_high = (
        [[price for of_day in days for price in of_day[at]] for at in range(len(sides))]
        for days in (page.lowest, page.highest)
    )
    return Grid("Settlement day", _columns(sides), rows, _ends(every_low, every_high), "All days")


def periods_prices(page: RowsPage, day: dt.date, sides: Sequence[str]) -> Grid:
    """Return the lowest and the highest price of each settlement period, of any place."""
    at = page.days.index(day)
    lowest, highest = page.lowest[at], page.highest[at]
    rows = tuple(
        GridRow(
            f"Period {number}",
            "",
            "",
            _ends([[of[number - 1]] for of in lowest], [[of[number - 1]] for of in highest]),
        )
        for number in range(1, len(lowest[0]) + 1)
    )
    return Grid("Settlement period", _columns(sides), rows, _ends(lowest, highest), "Day")


def prices_chart(
    page: RowsPage, sides: Sequence[str], currency: str, day: dt.date | None = None
) -> Chart:
    """Return the highest price of any place in each settlement period, of all days or of one."""
    shown = [at for at, each in enumerate(page.days) if day in (None, each)]
    days = [(page.days[at], len(page.highest[at][0])) for at in shown]
    series = [
        Series(SIDE_TITLES[side], tuple(p for at in shown for p in page.highest[at][number]))
        for number, side in enumerate(sides)
    ]
    return time_chart(
        "prices", "Highest price of any place", days, series, Unit("micro per MWh", currency)
    )


def zoomed(page: RowsPage, sides: Sequence[str], currency: str) -> dict[str, Any]:
    """Return what a script plots, to zoom into: the highest prices of all settlement periods."""
    return {
        "moment": "Settlement period",
        "unit": f"{currency} per MWh",
        "days": [
            [f"{day.day} {day:%b %Y}", len(of_day[0])]
            for day, of_day in zip(page.days, page.highest, strict=True)
        ],
        "series": [
            {
                "name": SIDE_TITLES[side],
                "micro": [price for of_day in page.highest for price in of_day[at]],
            }
            for at, side in enumerate(sides)
        ],
    }


def agrees(page: RowsPage, report: Mapping[str, Any], sides: Sequence[str]) -> bool:
    """Return whether the lowest and the highest of all prices are those of the record."""
    return not page.other_sides and all(
        (
            min(price for of_day in page.lowest for price in of_day[at]),
            max(price for of_day in page.highest for price in of_day[at]),
        )
        == (
            report["totals"][side]["prices"]["lowest_micro_per_mwh"],
            report["totals"][side]["prices"]["highest_micro_per_mwh"],
        )
        for at, side in enumerate(sides)
    )


def _columns(sides: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{SIDE_TITLES[side]}, {end}" for side in sides for end in ("lowest", "highest"))


def _ends(lowest: Sequence[Sequence[int]], highest: Sequence[Sequence[int]]) -> tuple[Figure, ...]:
    return tuple(
        figure
        for low, high in zip(lowest, highest, strict=True)
        for figure in (Figure(min(low)), Figure(max(high)))
    )
