"""`manage.py transition MARKET --month 2024-01 --prices FILE`: beside the market in force."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from database.session import transaction
from portal.charts.bars import bar_chart
from portal.charts.units import Unit
from portal.management.arguments import FORCE, JSON, MARKET, OUT, PERIOD, argument
from portal.management.base import BaseCommand, Options, table_row
from portal.management.output import write_file
from portal.management.told_files import read_told_files
from portal.study_figures import energy, money
from rulebook.law import rules_for_period
from settlement.billing.lines import Side
from settlement.core.rounding import WH_PER_MWH
from settlement.studies.transition import (
    Party,
    PartySum,
    Transition,
    compare_with_market_in_force,
)
from settlement.studies.wholesale_prices import MOST_BYTES, read_prices

NAME, COLUMN = 40, 20


class Command(BaseCommand[Transition]):
    help = (
        "Show who gains and who loses by the law of today beside the market in force, in which "
        "energy has the wholesale price of a file: interval_start and a column such as "
        "day_ahead_price_gbp_per_mwh, as CSV or Parquet. An interval without a price has no "
        "amount and is named. The latest run that covers the days says what was settled; nothing "
        "is stored."
    )
    takes = (
        MARKET,
        PERIOD,
        argument("--prices", type=Path, required=True, metavar="FILE", help="of wholesale prices"),
        argument("--column", metavar="NAME", help="of prices, where the file has several"),
        OUT.with_settings(help="file for a picture of gains and losses, as SVG"),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> Transition:
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
        if options.out:
            write_file(options.out, _picture(outcome).encode(), force=options.force)
        return outcome

    def as_json(self, outcome: Transition, options: Options) -> Any:
        unpriced = sum(len(left.starts) for left in outcome.left_out.values())
        return {
            "market": outcome.run.market,
            "run": outcome.run.id,
            "first_day": outcome.first_day,
            "last_day": outcome.last_day,
            "currency": outcome.currency,
            "prices": {
                "file": outcome.prices.file,
                "column": outcome.prices.column,
                "sha256": outcome.prices.digest,
            },
            "intervals": outcome.intervals,
            "intervals_without_price": unpriced,
            "left_out": [
                {
                    "day": day,
                    "interval_starts": left.starts,
                    "law_charges_micro": left.law_charges_micro,
                    "law_payments_micro": left.law_payments_micro,
                }
                for day, left in outcome.left_out.items()
            ],
            "findings": [str(finding) for finding in outcome.findings],
            "totals": {
                name: {f"{side.value}s_micro": outcome.total_micro(side)[number] for side in Side}
                for number, name in enumerate(("law", "in_force"))
            },
            "parties": [_as_json(party, sums) for party, sums in _in_order(outcome)],
        }

    def lines(self, outcome: Transition, options: Options) -> Iterator[str]:
        """Yield a table in whole units of the currency; JSON has the exact amounts."""
        code = outcome.currency
        yield (
            f"{outcome.run.market}, {outcome.first_day} to {outcome.last_day}: run "
            f"{outcome.run.id} beside {outcome.prices.column}"
        )
        titles = ("energy", "by the law", "in force", "gain", "a MWh by the law", "in force")
        yield table_row("", titles, NAME, COLUMN)
        for (side, participant, product), sums in _in_order(outcome):
            by_law, in_force = (_per_mwh(*each) for each in _unit_amounts(sums))
            cells = (
                energy(sums.in_force_wh),
                money(sums.law_micro, code),
                money(sums.in_force_micro, code),
                money(sums.gain_micro(side), code),
                "-" if by_law is None else money(by_law, code),
                "-" if in_force is None else money(in_force, code),
            )
            yield table_row(f"{side.value:<8} {participant} {product}", cells, NAME, COLUMN)
        for side in Side:
            law, in_force = outcome.total_micro(side)
            more = law - in_force if side is Side.PAYMENT else in_force - law
            sums_of_side = ("", *(money(each, code) for each in (law, in_force, more)))
            yield table_row(f"all {side.value}s", sums_of_side, NAME, COLUMN)
        gains = [sums.gain_micro(party[0]) for party, sums in _in_order(outcome)]
        yield (
            f"{sum(gain > 0 for gain in gains)} gain by the law of today, "
            f"{sum(gain < 0 for gain in gains)} lose. The market in force is energy at one price: "
            "its capacity, support and network payments are not in it."
        )
        yield from map(str, outcome.findings)


def _in_order(outcome: Transition) -> list[tuple[Party, PartySum]]:
    order = list(Side)
    return sorted(
        outcome.parties.items(), key=lambda row: (order.index(row[0][0]), row[0][1], row[0][2])
    )


def _unit_amounts(sums: PartySum) -> tuple[tuple[int, int], tuple[int, int]]:
    return (sums.law_micro, sums.law_wh), (sums.in_force_micro, sums.in_force_wh)


def _per_mwh(micro: int, energy_wh: int) -> int | None:
    """Return micro per MWh, rounded down; None where nothing was taken or generated."""
    return micro * WH_PER_MWH // energy_wh if energy_wh > 0 else None


def _as_json(party: Party, sums: PartySum) -> dict[str, Any]:
    side, participant, product = party
    by_law, in_force = (_per_mwh(*each) for each in _unit_amounts(sums))
    return {
        "side": side,
        "participant": participant,
        "product": product,
        "law_wh": sums.law_wh,
        "law_micro": sums.law_micro,
        "law_micro_per_mwh": by_law,
        "in_force_wh": sums.in_force_wh,
        "in_force_micro": sums.in_force_micro,
        "in_force_micro_per_mwh": in_force,
        "gain_micro": sums.gain_micro(side),
    }


def _picture(outcome: Transition) -> str:
    rows = [
        (f"{participant}, {product}, {side.value}", sums.gain_micro(side))
        for (side, participant, product), sums in _in_order(outcome)
    ]
    title = f"Who gains by the law of today, {outcome.first_day} to {outcome.last_day}"
    unit = Unit("micro", outcome.currency)
    return bar_chart("transition", title, "Participant", rows, unit).file_svg
