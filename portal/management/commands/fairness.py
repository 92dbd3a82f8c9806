"""`manage.py fairness MARKET --month 2024-01`: how fair a settled month or year was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from database.session import transaction
from portal.management.arguments import JSON, MARKET, PERIOD_OR_YEAR, THREADS, flag
from portal.management.base import BaseCommand, Options, table_row
from portal.management.console import progress_bar
from settlement.fairness.definitions import FIGURE_OF
from settlement.fairness.make import FairnessRequest, MadeReport, keep_report, make_report
from settlement.fairness.records import FairnessReport
from settlement.fairness.words import finding_words, value_words

NAME, COLUMN = 44, 18
PRODUCT_COLUMNS = ("promised_ppm", "delivered_ppm", "promises", "promises_kept", "spread_ppm")


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
            **outcome.made.report,
        }

    def lines(self, outcome: Reported, options: Options) -> Iterator[str]:
        """Yield the figures beside those of other designs, and products; JSON has the rest."""
        report = outcome.made.report
        kept = "not kept" if outcome.stored is None else f"kept as {outcome.stored.id}"
        days = f"{report['first_day']} to {report['last_day']}"
        yield f"{report['market']}, {days}, fairness report, {kept}"
        currency = report["currency"]
        designs = list(report["figures"][0]["designs"])
        yield table_row("", ("settled", *designs), NAME, COLUMN)
        for row in report["figures"]:
            unit = FIGURE_OF[row["code"]].unit
            values = [row["value"], *(row["designs"][name] for name in designs)]
            words = (value_words(value, unit, currency) for value in values)
            yield table_row(f"{row['dimension']} {row['title']}", words, NAME, COLUMN)
        yield table_row("product", (name.replace("_ppm", "") for name in PRODUCT_COLUMNS), NAME, 16)
        for row in report["products"]:
            words = (
                value_words(row[name], "ppm" if name.endswith("_ppm") else "", currency)
                for name in PRODUCT_COLUMNS
            )
            yield table_row(f"{row['product']} {row['title']}"[:NAME], words, NAME, 16)
        yield from _compared(report)


def _compared(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words where the market does worse than a design beside it."""
    others, findings = report["designs"], report["findings"]
    if others is None:
        yield "No other design stands beside it: without --alone they are solved."
    elif "why_not" in others:
        yield f"No other design stands beside it: {others['why_not']}."
    elif not findings:
        yield "In no figure does the market do worse than a design beside it."
    for finding in findings:
        yield finding_words(finding, report["currency"])
