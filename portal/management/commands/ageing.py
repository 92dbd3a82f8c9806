"""`manage.py ageing MARKET [--on DAY]`: what is open, and for how long."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from ledger.payments.account import BUCKETS, Ageing, age_open_items
from ledger.payments.account_queries import day_end, has_accounts
from ledger.payments.queries import documents
from portal.management.arguments import JSON, MARKET, ON
from portal.management.base import BaseCommand, Options, table_row
from portal.management.console import minor_units

NAME, COLUMN = 24, 20


class Command(BaseCommand[list[Ageing]]):
    help = (
        "Print what every participant has open by age: not due, 1 to 30, 31 to 60, 61 to 90 and "
        "over 90 days after the due day, as the ledger stood at the end of a day (UTC)."
    )
    takes = (MARKET, ON, JSON)

    def run(self, options: Options) -> list[Ageing]:
        on = _day(options)
        with transaction() as session:
            if not has_accounts(session, options.market):
                raise CommandError(
                    f"market {options.market}: nothing was ever posted to it; correct the name"
                )
            return age_open_items(documents(session, options.market, day_end(on)), on)

    def as_json(self, outcome: list[Ageing], options: Options) -> Any:
        return [
            {
                "participant": ageing.participant,
                "currency": ageing.currency,
                "amounts_minor": dict(zip(BUCKETS, ageing.amounts_minor, strict=True)),
                "items": [
                    {
                        "document": item.document.name,
                        "due_on": item.document.due_on,
                        "overdue_days": item.overdue_days,
                        "due_minor": item.document.due_minor,
                        "paid_minor": item.document.paid_minor,
                        "balance_minor": item.document.balance_minor,
                    }
                    for item in ageing.items
                ],
            }
            for ageing in outcome
        ]

    def lines(self, outcome: list[Ageing], options: Options) -> Iterator[str]:
        yield table_row("participant", (*BUCKETS, "in all"), NAME, COLUMN)
        for ageing in outcome:
            found = (*ageing.amounts_minor, ageing.total_minor)
            amounts = [minor_units(minor, ageing.currency) for minor in found]
            yield table_row(ageing.participant, amounts, NAME, COLUMN)
        if not outcome:
            yield f"Nothing is open on {_day(options)}."


def _day(options: Options) -> dt.date:
    on: dt.date = options.on or options.now.date()
    return on
