"""`manage.py fairness MARKET --month 2024-01`: how fair a settled month or year was."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from database.session import transaction
from portal.fairness.figures import figures_table
from portal.fairness.sections import product_tables
from portal.fairness.shown import Table
from portal.fairness.summary import WORSE, no_worse, worse
from portal.management.arguments import JSON, MARKET, PERIOD_OR_YEAR, THREADS, flag
from portal.management.base import BaseCommand, Options, table_rows
from portal.management.console import progress_bar
from settlement.fairness.definitions import FIGURES
from settlement.fairness.make import FairnessRequest, MadeReport, keep_report, make_report
from settlement.fairness.records import FairnessReport


@dataclass(frozen=True)
class Reported:
    """A report that was made, and the stored one; None where it is not kept."""

    made: MadeReport
    stored: FairnessReport | None


class Command(BaseCommand[Reported]):
    help = (
        "Report how fair settled days were: reward, delivery, access and cost sharing, with what "
        "was wasted, at bounds or emitted. The results that are posted are reported on. Whoever "
        "keeps a report is signed in as the operator; the same results give the one that is kept."
    )
    appends_facts = True
    takes = (
        MARKET,
        PERIOD_OR_YEAR,
        flag(
            "--alone",
            "leave out nodal, uniform and flat pricing of the same days, which are solved for it, "
            "some tenths of a second a day, unless a report with them is kept",
        ),
        flag("--keep", "store the report, for everybody to read what concerns them"),
        THREADS,
        JSON,
    )

    def run(self, options: Options) -> Reported:
        request = FairnessRequest(
            options.market, options.first_day, options.last_day, not options.alone
        )
        quiet = options.json or options.alone
        bar = progress_bar("Solving other designs", quiet=quiet)
        with bar as progress, transaction() as session:
            made = make_report(session, request, threads=options.threads, progress=progress)
        if made.stored is not None or not options.keep:
            return Reported(made, made.stored)
        with transaction() as session:
            return Reported(made, keep_report(session, made, now=self.now()))

    def _appended_facts(self, options: Options) -> bool:
        return bool(options.keep)  # whoever only looks need not be signed in

    def as_json(self, outcome: Reported, options: Options) -> Any:
        stored = outcome.stored
        return {
            "id": stored and stored.id,
            "digest": stored and stored.digest,
            "created_at": stored and stored.created_at,
            "pins": [pin.as_json() for pin in outcome.made.pins],
            **(stored or outcome.made).report,
        }

    def lines(self, outcome: Reported, options: Options) -> Iterator[str]:
        """Yield what the page of the report says of figures and products; JSON has the rest."""
        report = outcome.made.report
        kept = "not kept" if outcome.stored is None else f"kept as {outcome.stored.id}"
        days = f"{report['first_day']} to {report['last_day']}"
        yield f"{report['market']}, {days}, fairness report, {kept}"
        figures = figures_table(report, FIGURES)
        titles = [f"{figure.dimension} {figure.title}" for figure in FIGURES]
        yield from table_rows(_rows(figures, titles))
        for table in product_tables(report):
            yield ""
            titles = [f"{row.meaning} {row.title}" for row in table.rows]
            yield from table_rows(_rows(table, titles))
        yield ""
        yield from _compared(report)


def _rows(table: Table, titles: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the rows of a table of the page, its columns first, under other titles."""
    named = zip(titles, table.rows, strict=True)
    return [(table.corner, *table.columns), *((title, *row.cells) for title, row in named)]


def _compared(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words where the market does worse than a design beside it, or why none is."""
    found = worse(report)
    if not found:
        yield no_worse(report)
        return
    yield WORSE
    yield from (f"  {sentence}" for sentence in found)
