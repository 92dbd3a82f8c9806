"""`manage.py transition MARKET --month 2024-01 --prices FILE`: beside the market in force."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.session import transaction
from portal.charts.bars import bar_chart
from portal.charts.units import Unit
from portal.management.arguments import FORCE, JSON, MARKET, OUT, PERIOD, argument, flag
from portal.management.base import BaseCommand, Options, table_row
from portal.management.output import write_file
from portal.management.told_files import read_told_files
from portal.study_figures import energy, money
from rulebook.law import rules_for_period
from settlement.billing.lines import Side
from settlement.studies.transition import compare_with_market_in_force
from settlement.studies.transition_records import TransitionReport
from settlement.studies.transition_report import transition_report
from settlement.studies.transition_store import keep_transition
from settlement.studies.wholesale_prices import MOST_BYTES, read_prices

NAME, COLUMN = 40, 20


@dataclass(frozen=True)
class Compared:
    """A report, and the stored one; None where it is not kept."""

    report: dict[str, Any]
    stored: TransitionReport | None


class Command(BaseCommand[Compared]):
    help = (
        "Show who gains and who loses by the law of today beside the market in force, in which "
        "energy has the wholesale price of a file: interval_start and a column such as "
        "day_ahead_price_gbp_per_mwh, as CSV or Parquet. An interval without a price has no "
        "amount and is named. The latest run that covers the days says what was settled. Whoever "
        "keeps the report is signed in as the operator; the same run and prices are kept once."
    )
    appends_facts = True
    takes = (
        MARKET,
        PERIOD,
        argument("--prices", type=Path, required=True, metavar="FILE", help="of wholesale prices"),
        argument("--column", metavar="NAME", help="of prices, where the file has several"),
        OUT.with_settings(help="file for a picture of gains and losses, as SVG"),
        FORCE,
        flag("--keep", "store the report, for everybody to read what concerns them"),
        JSON,
    )

    def run(self, options: Options) -> Compared:
        ((name, content),) = read_told_files([options.prices], MOST_BYTES)
        with transaction() as session:
            law = rules_for_period(
                session, options.market, options.first_day, options.last_day, options.now
            )
            currency = law[0].rules.market_rules.currency
            prices = read_prices(name, content, options.column, currency)
            outcome = compare_with_market_in_force(
                session, options.market, options.first_day, options.last_day, prices
            )
        report = transition_report(outcome)
        if options.out:
            write_file(options.out, _picture(report).encode(), force=options.force)
        if not options.keep:
            return Compared(report, None)
        with transaction() as session:
            stored = keep_transition(session, outcome, now=self.now())
        return Compared(stored.report, stored)

    def _appended_facts(self, options: Options) -> bool:
        return bool(options.keep)  # whoever only looks need not be signed in

    def as_json(self, outcome: Compared, options: Options) -> Any:
        stored = outcome.stored
        return {
            "id": stored and stored.id,
            "digest": stored and stored.digest,
            "created_at": stored and stored.created_at,
            **outcome.report,
        }

    def lines(self, outcome: Compared, options: Options) -> Iterator[str]:
        """Yield a table in whole units of the currency; JSON has the exact amounts."""
        report = outcome.report
        code = report["currency"]
        kept = "not kept" if outcome.stored is None else f"kept as {outcome.stored.id}"
        yield (
            f"{report['market']}, {report['first_day']} to {report['last_day']}: run "
            f"{report['run']} beside {report['prices']['column']}, {kept}"
        )
        titles = ("energy", "by the law", "in force", "gain", "a MWh by the law", "in force")
        yield table_row("", titles, NAME, COLUMN)
        for row in report["parties"]:
            rates = (row["law_micro_per_mwh"], row["in_force_micro_per_mwh"])
            cells = (
                energy(row["in_force_wh"]),
                money(row["law_micro"], code),
                money(row["in_force_micro"], code),
                money(row["gain_micro"], code),
                *("-" if rate is None else money(rate, code) for rate in rates),
            )
            name = f"{row['side']:<8} {row['participant']} {row['product']}"
            yield table_row(name, cells, NAME, COLUMN)
        for side in Side:
            name = f"{side.value}s_micro"
            law, in_force = (report["totals"][each][name] for each in ("law", "in_force"))
            more = law - in_force if side is Side.PAYMENT else in_force - law
            sums_of_side = ("", *(money(each, code) for each in (law, in_force, more)))
            yield table_row(f"all {side.value}s", sums_of_side, NAME, COLUMN)
        gains = [row["gain_micro"] for row in report["parties"]]
        yield (
            f"{sum(gain > 0 for gain in gains)} gain by the law of today, "
            f"{sum(gain < 0 for gain in gains)} lose. The market in force is energy at one price: "
            "its capacity, support and network payments are not in it."
        )
        yield from report["findings"]


def _picture(report: Mapping[str, Any]) -> str:
    rows = [
        (f"{row['participant']}, {row['product']}, {row['side']}", row["gain_micro"])
        for row in report["parties"]
    ]
    title = f"Who gains by the law of today, {report['first_day']} to {report['last_day']}"
    unit = Unit("micro", report["currency"])
    return bar_chart("transition", title, "Participant", rows, unit).file_svg
