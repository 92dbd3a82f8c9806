"""`manage.py interest MARKET --to DAY`: post what documents bear that are paid late."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from database.session import transaction
from ledger.posting import Posted
from portal.management.arguments import JSON, MARKET, TO
from portal.management.base import BaseCommand, Options
from settlement.accounts.late import post_interest


class Command(BaseCommand[list[Posted]]):
    help = (
        "Post simple interest on every document that is paid late, up to and with a day, by the "
        "settlement terms of the day on which it was due. It is billed with the month of that day. "
        "A day posted before posts only what payments of an earlier value change."
    )
    appends_facts = True
    takes = (
        MARKET,
        TO.with_settings(
            help="last day that bears interest, YYYY-MM-DD, included; default: today (UTC)"
        ),
        JSON,
    )

    def run(self, options: Options) -> list[Posted]:
        with transaction() as session:
            return list(post_interest(session, options.market, _last_day(options), now=options.now))

    def as_json(self, outcome: list[Posted], options: Options) -> Any:
        return [
            {"number": posted.number, "key": posted.key, "digest": posted.digest}
            for posted in outcome
        ]

    def lines(self, outcome: list[Posted], options: Options) -> Iterator[str]:
        for posted in outcome:
            yield f"Journal {posted.number}: {posted.key}"
        if not outcome:
            yield f"Nothing to post up to {_last_day(options)}."


def _last_day(options: Options) -> dt.date:
    last_day: dt.date = options.last_day or options.now.date()
    return last_day
