"""`manage.py settle MARKET KIND --month 2024-01`: settle days, then post the difference."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.console import (
    at_least,
    month_days,
    parse_day,
    parse_instant,
    print_json,
    progress_bar,
    refusals_as_errors,
    utc_now,
)
from settlement.billing.post import post
from settlement.runs.findings import run_findings
from settlement.runs.settle import settle


class Command(BaseCommand):
    help = (
        "Settle the days of a market under a run kind of its calendar, and post what differs from "
        "what is posted. Equal inputs are settled once; a day is posted once a kind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("kind", help="run kind of the settlement calendar, such as II")
        parser.add_argument("--month", type=month_days, help="YYYY-MM; or give both days")
        parser.add_argument("--first-day", type=parse_day, help="YYYY-MM-DD, settlement day")
        parser.add_argument("--last-day", type=parse_day, help="YYYY-MM-DD, included")
        parser.add_argument(
            "--known-at", type=parse_instant, help="use what was known then; default: now"
        )
        parser.add_argument("--no-post", action="store_true", help="settle and store, post nothing")
        parser.add_argument(
            "--threads",
            type=at_least(1),
            default=os.cpu_count() or 1,
            help="default: one a processor",
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        first_day, last_day = chosen_days(options)
        now = utc_now()
        with refusals_as_errors(as_json=options["json"]):
            with (
                transaction() as session,
                progress_bar(f"Settling {options['kind']}", quiet=options["json"]) as progress,
            ):
                settled = settle(
                    session,
                    options["market"],
                    options["kind"],
                    first_day,
                    last_day,
                    known_at=options["known_at"] or now,
                    now=now,
                    threads=options["threads"],
                    progress=progress,
                )
            with transaction() as session:
                findings = list(run_findings(session, settled.run))
            posted = []
            if not options["no_post"]:
                with transaction() as session:
                    posted = post(session, settled.run, now=utc_now())
        run = settled.run
        outcome = {
            "run": run.id,
            "market": run.market,
            "kind": run.kind,
            "first_day": run.first_day,
            "last_day": run.last_day,
            "known_at": run.known_at,
            "input_digest": run.input_digest,
            "result_digest": run.result_digest,
            "is_new": settled.is_new,
            "journals_posted": sum(not journal.is_repeat for journal in posted),
            "findings": [finding.as_dict() for finding in findings],
        }
        if options["json"]:
            print_json(outcome)
            return
        self.stdout.write(
            f"Run {run.id} ({run.kind}) of {run.market}, {run.first_day} to {run.last_day}\n"
            f"  results {run.result_digest.hex()}\n"
            f"  {'settled now' if settled.is_new else 'settled before, from the same inputs'}; "
            f"{outcome['journals_posted']} journals posted"
        )
        for finding in findings:
            self.stdout.write(f"  {finding}")


def chosen_days(options: dict[str, Any]) -> tuple[Any, Any]:
    """Return the first and last day that the options name.

    Raises:
        CommandError: neither a month nor both days, or the days are in the wrong order.
    """
    if options["month"] and not (options["first_day"] or options["last_day"]):
        return options["month"]
    first_day, last_day = options["first_day"], options["last_day"]
    if options["month"] or not (first_day and last_day):
        raise CommandError("give --month, or both --first-day and --last-day")
    if last_day < first_day:
        raise CommandError(f"--last-day {last_day} lies before --first-day {first_day}")
    return first_day, last_day
