"""`manage.py studies [MARKET]`: the studies that were made, latest first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import print_json
from settlement.studies.store import list_studies


class Command(BaseCommand):
    help = "List the stress studies that were made, latest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", nargs="?", help="such as gb12; default: every market")
        parser.add_argument("--json", action="store_true", help="print the list as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction() as session:
            found = list_studies(session, options["market"])
        if options["json"]:
            print_json(
                [
                    {
                        "run": run.id,
                        "before_run": study.before_run_id,
                        "market": run.market,
                        "first_day": run.first_day,
                        "last_day": run.last_day,
                        "title": study.overlay["title"],
                        "created_at": run.created_at,
                    }
                    for run, study in found
                ]
            )
            return
        for run, study in found:
            self.stdout.write(
                f"{run.id}  {run.market}  {run.first_day} to {run.last_day}  "
                f"{study.overlay['title']}"
            )
        if not found:
            self.stdout.write("No study yet: manage.py study MARKET --overlay FILE --from D --to D")
