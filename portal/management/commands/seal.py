"""`manage.py seal MARKET 2024-01-01..2024-01-31 --by WHO --reason WHY`: close settlement days."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import parse_days, print_json, refusals_as_errors, utc_now
from settlement.calendar.service import seal


class Command(BaseCommand):
    help = (
        "Seal settlement days: nothing more is posted to them, and no reading or rule is accepted "
        "for them. The settlement terms say from when a day may be sealed; the last run of the "
        "calendar is posted before. A day that is sealed already keeps its seal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument(
            "days", type=parse_days, metavar="DAY..DAY", help="YYYY-MM-DD..YYYY-MM-DD, or one day"
        )
        parser.add_argument("--by", required=True, help="who seals them")
        parser.add_argument("--reason", required=True, help="why")
        parser.add_argument("--json", action="store_true", help="print the seals as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        first_day, last_day = options["days"]
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            seals = seal(
                session,
                options["market"],
                first_day,
                last_day,
                sealed_by=options["by"],
                reason=options["reason"],
                now=utc_now(),
            )
        if options["json"]:
            print_json(
                {
                    "seals": [
                        {**one.row._asdict(), "digest": one.digest, "is_new": not one.is_repeat}
                        for one in seals
                    ]
                }
            )
            return
        new = sum(not one.is_repeat for one in seals)
        self.stdout.write(
            f"{options['market']}, {first_day} to {last_day}: {new} days sealed now, "
            f"{len(seals) - new} were sealed before"
        )
