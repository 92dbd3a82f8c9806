"""`manage.py late MARKET`: readings that came after the last run of their day."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import print_json, refusals_as_errors, utc_now
from settlement.calendar.late import LateReadings
from settlement.calendar.service import late


class Command(BaseCommand):
    help = (
        "List the readings that came after the last posted run of their day: late ones, and "
        "corrections of what was known; and the run of the calendar that takes them up."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            found = late(session, options["market"], known=utc_now())
        if options["json"]:
            print_json(
                {
                    "market": options["market"],
                    "readings": [
                        {
                            **one.arrival._asdict(),
                            **{k: v for k, v in asdict(one).items() if k != "arrival"},
                            "is_late": one.is_late,
                        }
                        for one in found
                    ],
                }
            )
            return
        for one in found:
            self.stdout.write(f"  {one.arrival.day}  {words(one)}")
        if not found:
            self.stdout.write("No reading came after the last posted run of its day.")


def words(one: LateReadings) -> str:
    """Return an arrival in words."""
    arrival = one.arrival
    counts = ((arrival.corrected, "corrected"), (arrival.first, "first known"))
    vectors = " and ".join(f"{count} {what}" for count, what in counts if count)
    late_by = f", {one.days_late} days late" if one.is_late else ""
    if one.next_kind:
        following = f"{one.next_kind}, due {one.next_due_on}, takes them up"
    else:
        following = "no run is left: open a dispute, or adjust a later period"
    return (
        f"after {arrival.posted_kind}: {vectors} from {arrival.file}, received "
        f"{arrival.received_on}{late_by}; {following}"
    )
