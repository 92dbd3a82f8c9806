"""`manage.py notices PARTICIPANT`: what a participant is told of."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from ledger.payments.account_queries import markets_of
from portal.management.console import print_json, utc_now
from portal.queries.notices import notices, shown_notices


class Command(BaseCommand):
    help = (
        "List what a participant is told of, latest first: later runs that moved its accounts, "
        "notes issued to it, days that were sealed. Notices are derived from the ledger."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("participant", help="such as hearth-energy")
        parser.add_argument("--market", help="of this market alone")
        parser.add_argument("--json", action="store_true", help="print the notices as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction() as session:
            if not markets_of(session, options["participant"]):
                raise CommandError(
                    f"participant {options['participant']}: it has no account; correct the name"
                )
            found = [
                one
                for one in notices(session, utc_now())
                if one.participant == options["participant"]
                and options["market"] in (None, one.market)
            ]
            shown = shown_notices(session, found)
        if options["json"]:
            print_json({"notices": [one.as_dict() for one in shown]})
            return
        for one in shown:
            self.stdout.write(f"{one.notice.at:%Y-%m-%d %H:%M}Z  {one.notice.market}  {one.title}")
            for sentence in one.sentences:
                self.stdout.write(f"    {sentence}")
        if not shown:
            self.stdout.write("Nothing has changed after it was first posted.")
