"""A sweep as people see it: a grid of marks, the same as a table, and what it says in words."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from common.quantities import ppm
from portal.charts.chart import Chart, Table
from portal.charts.grids import grid_chart
from settlement.studies.price_response import PPM
from settlement.studies.sweep import Cell, Mark, cell_of

LETTERS = {Mark.SETTLED: "S", Mark.BOUNDED: "B", Mark.OSCILLATING: "O"}
"""How a table writes a mark; in the order of the states of the picture."""


class SweepGrid(NamedTuple):
    """Cells by response within slope."""

    responses_ppm_per_unit: tuple[int, ...]
    slopes_ppm: tuple[int, ...]
    cells: tuple[Cell, ...]

    @property
    def rows(self) -> list[tuple[int, tuple[Cell, ...]]]:
        """Each slope with its cells."""
        width = len(self.responses_ppm_per_unit)
        return [
            (slope, self.cells[row * width : (row + 1) * width])
            for row, slope in enumerate(self.slopes_ppm)
        ]


def grid_of(loop: Mapping[str, Any]) -> SweepGrid:
    """Return the grid that the report of a study holds."""
    return SweepGrid(
        tuple(loop["responses_ppm_per_unit"]),
        tuple(loop["slopes_ppm"]),
        tuple(map(cell_of, loop["cells"])),
    )


def sweep_chart(title: str, grid: SweepGrid) -> Chart:
    """Return the grid of a sweep: responses across, slopes up."""
    marks = list(LETTERS)
    columns = [ppm(each) for each in grid.responses_ppm_per_unit]
    return grid_chart(
        "loop",
        title,
        ("demand that waits for each currency unit a MWh", "slope of the curves over the law's"),
        columns,
        [(ppm(slope), [marks.index(cell.mark) for cell in cells]) for slope, cells in grid.rows],
        [mark.value for mark in marks],
        " ".join(sentences(grid)),
        Table(
            ("Slope", *columns),
            tuple((ppm(slope), *(cell.mark.value for cell in cells)) for slope, cells in grid.rows),
            "A column is the part of demand that waits for each currency unit a MWh.",
        ),
    )


def sentences(grid: SweepGrid) -> Iterator[str]:
    """Yield what a sweep says: how many cells settle, and what the bounds by gain are worth."""
    cells = grid.cells
    settled = sum(cell.mark is Mark.SETTLED for cell in cells)
    yield f"{settled} of {len(cells)} cells settle; every price stays within floor and cap."
    for words, gains in (
        ("steepest slope of the curves", [cell.steepest_gain_ppm for cell in cells]),
        ("slope where the hour stands", [cell.standing_gain_ppm for cell in cells]),
    ):
        below = [cell for cell, gain in zip(cells, gains, strict=True) if gain < PPM]
        kept = sum(cell.mark is Mark.SETTLED for cell in below)
        yield f"Gain below 1 by the {words}: in {len(below)} cells, of which {kept} settle."
