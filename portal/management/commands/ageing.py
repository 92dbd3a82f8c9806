"""`manage.py ageing MARKET [--on DAY]`: what is open, and for how long."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from ledger.payments.account import BUCKETS, aged
from ledger.payments.account_queries import day_end, has_accounts
from ledger.payments.queries import documents
from portal.management.console import minor_units, parse_day, print_json, utc_now


class Command(BaseCommand):
    help = (
        "Print what every participant has open by age: not due, 1 to 30, 31 to 60, 61 to 90 and "
        "over 90 days after the due day, as the ledger stood at the end of a day (UTC)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--on", type=parse_day, help="YYYY-MM-DD; default: today")
        parser.add_argument("--json", action="store_true", help="print every open item as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        on = options["on"] or utc_now().date()
        with transaction() as session:
            if not has_accounts(session, options["market"]):
                raise CommandError(
                    f"market {options['market']}: nothing was ever posted to it; correct the name"
                )
            found = aged(documents(session, options["market"], day_end(on)), on)
        if options["json"]:
            print_json(
                [
                    {
                        "participant": one.participant,
                        "currency": one.currency,
                        "amounts_minor": dict(zip(BUCKETS, one.amounts_minor, strict=True)),
                        "items": [
                            {
                                "document": item.document.name,
                                "due_on": item.document.due_on,
                                "overdue_days": item.overdue_days,
                                "due_minor": item.document.due_minor,
                                "paid_minor": item.document.paid_minor,
                                "balance_minor": item.document.balance_minor,
                            }
                            for item in one.items
                        ],
                    }
                    for one in found
                ]
            )
            return
        heads = "".join(f"{name:>20}" for name in (*BUCKETS, "in all"))
        self.stdout.write(f"{'participant':<24}{heads}")
        for one in found:
            cells = "".join(
                f"{minor_units(amount):>20}" for amount in (*one.amounts_minor, one.total_minor)
            )
            self.stdout.write(f"{one.participant:<24}{cells}")
        if not found:
            self.stdout.write(f"Nothing is open on {on}.")
