"""`manage.py invoice MARKET --month 2024-01`: issue what is posted and not yet billed."""

from collections.abc import Iterator
from typing import Any

from database.session import transaction
from ledger.billing import SealedInvoice
from ledger.invoice import document_number
from portal.management.arguments import JSON, MARKET, MONTH
from portal.management.base import BaseCommand, Options
from portal.management.console import minor_units
from settlement.billing.issuing import issue_month


class Command(BaseCommand[list[SealedInvoice]]):
    help = (
        "Issue invoices and self-billed invoices for a month; after a later run, credit and debit "
        "notes for what changed. Nothing to bill issues nothing. The market's settlement terms say "
        "when payment is due."
    )
    appends_facts = True
    takes = (MARKET, MONTH.with_settings(required=True), JSON)

    def run(self, options: Options) -> list[SealedInvoice]:
        with transaction() as session:
            issued = issue_month(session, options.market, options.month[0], now=options.now)
        return list(issued.invoices)

    def as_json(self, outcome: list[SealedInvoice], options: Options) -> Any:
        return [
            {
                **invoice.row._asdict(),
                "digest": invoice.digest,
                "lines": [line._asdict() for line in invoice.lines],
            }
            for invoice in outcome
        ]

    def lines(self, outcome: list[SealedInvoice], options: Options) -> Iterator[str]:
        for row in (invoice.row for invoice in outcome):
            due = minor_units(row.due_minor, row.currency)
            yield (
                f"{document_number(row.series, row.number):<24} {row.kind:<24} "
                f"{row.participant:<24} {due:>20} {row.currency}"
            )
        if not outcome:
            yield "Nothing to bill: no participant has an amount that is not billed."
