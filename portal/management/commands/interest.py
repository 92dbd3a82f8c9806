"""`manage.py interest MARKET --until DAY`: post what documents bear that are paid late."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import parse_day, print_json, refusals_as_errors, utc_now
from settlement.accounts.late import post_interest


class Command(BaseCommand):
    help = (
        "Post simple interest on every document that is paid late, up to and with a day, by the "
        "settlement terms of the day on which it was due. It is billed with the month of that day. "
        "A day posted before posts only what payments of an earlier value change."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument(
            "--until", type=parse_day, help="YYYY-MM-DD, included; default: today (UTC)"
        )
        parser.add_argument("--json", action="store_true", help="print the journals as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        until = options["until"] or now.date()
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            posted = post_interest(session, options["market"], until, now=now)
        if options["json"]:
            print_json(
                [{"number": one.number, "key": one.key, "digest": one.digest} for one in posted]
            )
            return
        for one in posted:
            self.stdout.write(f"Journal {one.number}: {one.key}")
        if not posted:
            self.stdout.write(f"Nothing to post up to {until}.")
