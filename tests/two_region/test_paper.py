"""docs/two-region.md, worked by hand: every cell of its tables is what the product makes of it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest

from tests.conftest import ROOT
from tests.two_region import hours, sums
from tests.two_region.hours import Cells
from tests.two_region.tables import Table, read_tables
from tests.two_region.world import Hours, Month

PAPER = {table.place: table for table in read_tables(ROOT / "docs" / "two-region.md")}


def all_calm(month: Month) -> Hours:
    return month.calm + month.at_rest


def calm(month: Month) -> Hours:
    return month.calm


def tight(month: Month) -> Hours:
    return month.tight


Making = Callable[[Month], Cells]
OF_AN_HOUR: dict[str, tuple[Callable[[Month, Hours], Cells], Callable[[Month], Hours]]] = {
    # What is read of the grid alone is the same on days of rest; the pots and the tariff are not.
    "Tightness": (hours.scarcity, all_calm),
    "Prices": (hours.prices, all_calm),
    "Coalitions": (hours.coalitions, all_calm),
    "Shapley values": (hours.shapley, all_calm),
    "Payments": (hours.payments, calm),
    "Charges": (hours.charges, calm),
    "Equalisation": (hours.equalisation, calm),
    "Use of the grid": (hours.use_of_the_grid, calm),
}


def of_an_hour() -> Iterator[tuple[str, Making]]:
    for title, (make, calm_hours) in OF_AN_HOUR.items():
        yield f"{title} in a calm hour", lambda month, m=make, h=calm_hours: m(month, h(month))
        yield f"{title} in a tight hour", lambda month, m=make: m(month, tight(month))


def rest_of(make: Callable[[Month, Hours], Cells]) -> Making:
    return lambda month: hours.only(make(month, month.at_rest), *hours.POOLS)


HELD: dict[str, Making] = {
    **dict(of_an_hour()),
    "The market": sums.units,
    "The market (2)": sums.supply_points,
    "The readings": sums.readings,
    "The curves": sums.curves,
    "Pots of a day": sums.pots,
    "An hour of a day of rest": rest_of(hours.payments),
    "An hour of a day of rest (2)": rest_of(hours.charges),
    "Sums of a day": sums.day_sums,
    "Connections of a day": sums.connections,
    "Ash Energy": partial(sums.lines_of, participant="ash-energy"),
    "Bay Supply": partial(sums.lines_of, participant="bay-supply"),
    "Moor Wind": partial(sums.lines_of, participant="moor-wind"),
    "River Power": partial(sums.lines_of, participant="river-power"),
    "Strand Networks": partial(sums.lines_of, participant="strand-networks"),
    "Documents": sums.documents,
    "What is left": sums.left,
}


def differences(table: Table, cells: Cells) -> list[str]:
    """Return every cell in which a table is not what it should be, and what has no cell."""
    if set(table.rows) != set(cells):
        return [f"rows {sorted(table.rows)}, and there are {sorted(cells)}"]
    found = []
    for row, of_row in cells.items():
        if set(table.columns) != set(of_row):
            return [f"columns {sorted(table.columns)}, and there are {sorted(of_row)}"]
        for column, cell in of_row.items():
            if not says(table, row, column, cell):
                found.append(f"{row}, {column}: {table.rows[row][column]!r}, and it is {cell}")
    return found


def says(table: Table, row: str, column: str, cell: str | Decimal | Fraction) -> bool:
    if isinstance(cell, Decimal):
        return table.number(row, column) == cell
    if isinstance(cell, Fraction):
        return table.ratio(row, column) == cell
    return table.rows[row][column] == cell


def test_every_table_is_held_to_the_product():
    assert set(PAPER) == set(HELD)


@pytest.mark.parametrize("place", HELD)
def test_a_table_is_what_the_product_makes_of_it(place, month):
    assert differences(PAPER[place], HELD[place](month)) == []


def test_a_cell_that_is_another_is_found(month):
    """The comparison itself: a cell that is moved by the least that is written is named."""
    place = "Charges in a tight hour"
    cells = HELD[place](month)
    cells["north-works"]["dynamic"] += Decimal("0.000001")
    cells["north-homes"]["dynamic"] = Decimal(0)
    blank, found = differences(PAPER[place], cells)
    assert found.startswith("north-works, dynamic: '−1,760'")
    assert blank.startswith("north-homes, dynamic: ''")
