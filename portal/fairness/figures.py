"""The figures of a fairness report beside other designs, and how each is defined. Pure."""

from collections.abc import Iterable

from portal.fairness.shown import DAYS, Definition, Row, Table
from portal.fairness.summary import designs_of, figure_of
from portal.fairness.words import MARKET, UNIT_WORDS, Report, design_title, written
from settlement.fairness.definitions import Figure


def figures_table(report: Report, figures: Iterable[Figure]) -> Table:
    """Return figures of the market, and of the other designs beside it."""
    others, currency = designs_of(report), report["currency"]
    rows = []
    for figure in figures:
        found = figure_of(report, figure.code)
        values = [found["value"], *(found["designs"].get(design) for design in others)]
        of_how_many = _of_units(report, figure)
        cells = tuple(
            written(figure, value, currency) + (of_how_many if value is not None else "")
            for value in values
        )
        definition = f"{figure.definition}."
        rows.append(Row(figure.title, cells, address=f"#{DAYS}", definition=definition))
    columns = tuple(design_title(design) for design in (MARKET, *others))
    return Table("In figures", columns, tuple(rows), "Figure")


def _of_units(report: Report, figure: Figure) -> str:
    """Return of how many a count of units is; of other figures nothing."""
    return f" of {report['units_with_capital']}" if figure.code == "units_paid_back" else ""


def definition_of(figure: Figure) -> Definition:
    """Return what a figure is, as a page says it."""
    unit = UNIT_WORDS.get(figure.unit, figure.unit)
    return Definition(figure.title, figure.definition, figure.formula, figure.source, unit)
