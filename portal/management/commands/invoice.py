"""`manage.py invoice MARKET --month 2024-01`: issue what is posted and not yet billed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from ledger.billing import SealedInvoice
from ledger.invoice import document_number
from portal.management.console import (
    minor_units,
    month_days,
    print_json,
    refusals_as_errors,
    utc_now,
)
from settlement.billing.issuing import issue_month


class Command(BaseCommand):
    help = (
        "Issue invoices and self-billed invoices for a month; after a later run, credit and debit "
        "notes for what changed. Nothing to bill issues nothing. The market's settlement terms say "
        "when payment is due."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--month", type=month_days, required=True, help="YYYY-MM")
        parser.add_argument("--json", action="store_true", help="print the documents as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            issued = issue_month(session, options["market"], options["month"][0], now=utc_now())
        rows = [invoice.row for invoice in issued.invoices]
        if options["json"]:
            print_json([_as_json(invoice) for invoice in issued.invoices])
            return
        for row in rows:
            self.stdout.write(
                f"{document_number(row.series, row.number)}  {row.kind:<24} "
                f"{row.participant:<24} {minor_units(row.due_minor):>20} {row.currency}"
            )
        if not rows:
            self.stdout.write("Nothing to bill: no participant has an amount that is not billed.")


def _as_json(invoice: SealedInvoice) -> dict[str, Any]:
    lines = [line._asdict() for line in invoice.lines]
    return {**invoice.row._asdict(), "digest": invoice.digest, "lines": lines}
