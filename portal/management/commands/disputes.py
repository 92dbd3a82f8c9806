"""`manage.py disputes MARKET`: every dispute, by deadline, what is overdue first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from ledger.disputes import queries
from portal.management.console import print_json, utc_now
from portal.management.dispute_records import as_json, as_line


class Command(BaseCommand):
    help = (
        "List the disputes of a market by deadline, what is overdue first. Deadlines are those of "
        "the settlement terms in force when the disputed document was issued."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--open", action="store_true", help="only those that are not over")
        parser.add_argument("--json", action="store_true", help="print every dispute as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        with transaction() as session:
            found = queries.by_deadline(queries.disputes(session, options["market"]), now)
        if options["open"]:
            found = [one for one in found if one.course.is_open(now)]
        if options["json"]:
            print_json([as_json(one, now) for one in found])
            return
        for one in found:
            self.stdout.write(as_line(one, now))
        if not found:
            self.stdout.write("No dispute is open." if options["open"] else "No line is disputed.")
