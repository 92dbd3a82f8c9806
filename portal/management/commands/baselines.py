"""`manage.py baselines MARKET --month 2024-01`: the settled month beside three other designs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.commands.settle import chosen_days
from portal.management.console import month_days, parse_day, print_json, refusals_as_errors
from settlement.baselines.service import Baselines, baselines
from settlement.baselines.totals import Design
from settlement.billing.lines import Side

MICRO = 1_000_000
COLUMN = 20


class Command(BaseCommand):
    help = (
        "Show what participants paid and were paid by product, beside nodal marginal pricing, "
        "uniform marginal pricing and a flat tariff on the same readings. The latest run that "
        "covers the days says what was settled; nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--month", type=month_days, help="YYYY-MM; or give both days")
        parser.add_argument("--first-day", type=parse_day, help="YYYY-MM-DD, settlement day")
        parser.add_argument("--last-day", type=parse_day, help="YYYY-MM-DD, included")
        parser.add_argument("--json", action="store_true", help="print exact amounts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        first_day, last_day = chosen_days(options)
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            found = baselines(session, options["market"], first_day, last_day)
        if options["json"]:
            print_json(_as_json(found))
            return
        self.stdout.write("\n".join(_lines(found)))


def _as_json(found: Baselines) -> dict[str, Any]:
    return {
        "market": found.run.market,
        "run": found.run.id,
        "first_day": found.first_day,
        "last_day": found.last_day,
        "flat_price_micro_per_mwh": found.flat_price_micro_per_mwh,
        "totals": {
            design.value: {
                "payments_micro": found.totals.of(Side.PAYMENT, design),
                "charges_micro": found.totals.of(Side.CHARGE, design),
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
                    f"{design.value}_micro": amount for design, amount in party.amount_micro.items()
                },
            }
            for party in found.totals.parties
        ],
    }


def _lines(found: Baselines) -> list[str]:
    """Return a table in whole units of the currency; JSON has the exact amounts."""
    head = "".join(f"{design.value:>{COLUMN}}" for design in Design)
    lines = [
        f"{found.run.market}, {found.first_day} to {found.last_day}, beside run {found.run.id}",
        f"{'':<40}{head}",
    ]
    for party in found.totals.parties:
        name = f"{party.side.value:<8} {party.participant} {party.product}"
        lines.append(f"{name:<40}" + _row(party.amount_micro[design] for design in Design))
    for side in Side:
        sums = [found.totals.of(side, design) for design in Design]
        lines.append(f"{'all ' + side.value + 's':<40}" + _row(sums))
    return lines


def _row(amounts_micro: Any) -> str:
    return "".join(f"{amount // MICRO:>{COLUMN},}" for amount in amounts_micro)
