"""`manage.py credit MARKET [--at MOMENT]`: exposure of every participant to its cover."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.amounts import ppm
from portal.management.commands.statement import shown
from portal.management.console import parse_instant, print_json, refusals_as_errors, utc_now
from settlement.accounts.credit import Credit
from settlement.accounts.service import credit_report


class Command(BaseCommand):
    help = (
        "Print what each participant owes against the cover lodged in its registration, by the "
        "settlement terms: exposure, cover, level reached, headroom. Derived from the ledger at "
        "any moment."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--at", type=parse_instant, help="2024-03-01T09:00Z; default: now")
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        at = options["at"] or utc_now()
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            report = credit_report(session, options["market"], at)
        if options["json"]:
            print_json(
                {
                    "market": report.market,
                    "at": report.at,
                    "currency": report.currency,
                    "participants": [_as_json(one) for one in report.credits],
                }
            )
            return
        self.stdout.write(
            f"{'participant':<24}{'exposure':>26}{'cover':>26}{'headroom':>26}  level"
        )
        for one in report.credits:
            amounts = (one.exposure_micro, one.cover_micro, one.headroom_micro)
            cells = "".join(f"{shown(micro, report.currency):>26}" for micro in amounts)
            self.stdout.write(f"{one.participant:<24}{cells}  {level_in_words(one)}")


def level_in_words(one: Credit) -> str:
    """Return the level that a participant reached, and the share of its cover that is used."""
    used = "no cover" if one.used_ppm is None else f"{ppm(one.used_ppm)} of its cover"
    return f"{one.level.level}: {one.level.title} ({used})" if one.level else f"within ({used})"


def _as_json(one: Credit) -> dict[str, Any]:
    return {
        "participant": one.participant,
        "unpaid_micro": one.unpaid_micro,
        "unbilled_micro": one.unbilled_micro,
        "exposure_micro": one.exposure_micro,
        "cover_micro": one.cover_micro,
        "headroom_micro": one.headroom_micro,
        "level": one.level.level if one.level else None,
    }
