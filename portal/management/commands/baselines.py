"""`manage.py baselines MARKET --month 2024-01`: the settled month beside three other designs."""

from collections.abc import Iterable, Iterator
from typing import Any

from database.session import transaction
from portal.management.arguments import JSON, MARKET, PERIOD
from portal.management.base import BaseCommand, Options, table_row
from settlement.baselines.comparison import Baselines, compare_baselines
from settlement.baselines.totals import Design
from settlement.billing.lines import Side

MICRO = 1_000_000
NAME, COLUMN = 40, 20


class Command(BaseCommand[Baselines]):
    help = (
        "Show what participants paid and were paid by product, beside nodal marginal pricing, "
        "uniform marginal pricing and a flat tariff on the same readings. The latest run that "
        "covers the days says what was settled; nothing is stored."
    )
    takes = (MARKET, PERIOD, JSON)

    def run(self, options: Options) -> Baselines:
        with transaction() as session:
            return compare_baselines(session, options.market, options.first_day, options.last_day)

    def as_json(self, outcome: Baselines, options: Options) -> Any:
        return {
            "market": outcome.run.market,
            "run": outcome.run.id,
            "first_day": outcome.first_day,
            "last_day": outcome.last_day,
            "flat_price_micro_per_mwh": outcome.flat_price_micro_per_mwh,
            "totals": {
                design.value: {
                    "payments_micro": outcome.totals.of(Side.PAYMENT, design),
                    "charges_micro": outcome.totals.of(Side.CHARGE, design),
                }
                for design in Design
            },
            "parties": [
                {
                    "side": party.side,
                    "participant": party.participant,
                    "product": party.product,
                    "energy_wh": party.energy_wh,
                    **{
                        f"{design.value}_micro": amount
                        for design, amount in party.amount_micro.items()
                    },
                }
                for party in outcome.totals.parties
            ],
        }

    def lines(self, outcome: Baselines, options: Options) -> Iterator[str]:
        """Yield a table in whole units of the currency; JSON has the exact amounts."""
        days = f"{outcome.first_day} to {outcome.last_day}"
        yield f"{outcome.run.market}, {days}, beside run {outcome.run.id}"
        yield table_row("", (design.value for design in Design), NAME, COLUMN)
        for party in outcome.totals.parties:
            name = f"{party.side.value:<8} {party.participant} {party.product}"
            yield _amounts_row(name, (party.amount_micro[design] for design in Design))
        for side in Side:
            sums = (outcome.totals.of(side, design) for design in Design)
            yield _amounts_row(f"all {side.value}s", sums)


def _amounts_row(name: str, amounts_micro: Iterable[int]) -> str:
    return table_row(name, (f"{amount // MICRO:,}" for amount in amounts_micro), NAME, COLUMN)
