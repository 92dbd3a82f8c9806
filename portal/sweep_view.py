"""A sweep as people see it: a grid of marks, the same as a table, and what it says in words."""

from collections.abc import Iterator

from common.quantities import ppm
from portal.charts.chart import Chart, Table
from portal.charts.grids import grid_chart
from settlement.studies.price_response import PPM
from settlement.studies.sweep import Cell, Mark
from settlement.studies.sweeping import SweepOutcome

LETTERS = {Mark.SETTLED: "S", Mark.BOUNDED: "B", Mark.OSCILLATING: "O"}
"""How a table writes a mark; in the order of the states of the picture."""


def sweep_chart(outcome: SweepOutcome) -> Chart:
    """Return the grid of a sweep: responses across, slopes up."""
    marks = list(LETTERS)
    columns = [ppm(each) for each in outcome.question.responses_ppm_per_unit]
    rows = list(_rows(outcome))
    return grid_chart(
        "sweep",
        f"Where the loop settles, {outcome.market}",
        ("demand that waits for each currency unit a MWh", "slope of the curves over the law's"),
        columns,
        [(ppm(slope), [marks.index(cell.mark) for cell in cells]) for slope, cells in rows],
        [mark.value for mark in marks],
        " ".join(sentences(outcome)),
        Table(
            ("Slope", *columns),
            tuple((ppm(slope), *(cell.mark.value for cell in cells)) for slope, cells in rows),
            "A column is the part of demand that waits for each currency unit a MWh.",
        ),
    )


def _rows(outcome: SweepOutcome) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    width = len(outcome.question.responses_ppm_per_unit)
    for row, slope in enumerate(outcome.question.slopes_ppm):
        yield slope, outcome.found.cells[row * width : (row + 1) * width]


def sentences(outcome: SweepOutcome) -> Iterator[str]:
    """Yield what a sweep says: how many cells settle, and what the bounds by gain are worth."""
    cells = outcome.found.cells
    settled = sum(cell.mark is Mark.SETTLED for cell in cells)
    yield f"{settled} of {len(cells)} cells settle; every price stays within floor and cap."
    for words, gains in (
        ("steepest slope of the curves", [cell.steepest_gain_ppm for cell in cells]),
        ("slope where the hour stands", [cell.standing_gain_ppm for cell in cells]),
    ):
        below = [cell for cell, gain in zip(cells, gains, strict=True) if gain < PPM]
        kept = sum(cell.mark is Mark.SETTLED for cell in below)
        yield f"Gain below 1 by the {words}: in {len(below)} cells, of which {kept} settle."
