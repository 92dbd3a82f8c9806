"""`manage.py replay RUN`: compute a run again from its pins, and compare every row."""

import os
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.console import at_least, print_json, progress_bar, refusals_as_errors
from settlement.replays.replay import replay
from settlement.runs.store import find_run


class Command(BaseCommand):
    help = (
        "Compute a run again from the rules and readings it is pinned to and compare digests. "
        "Exit status 1 and the first differing row when they differ. Nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=uuid.UUID, help="identifier of the run")
        parser.add_argument(
            "--threads",
            type=at_least(1),
            default=os.cpu_count() or 1,
            help="default: one a processor",
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with (
            refusals_as_errors(as_json=options["json"]),
            transaction() as session,
            progress_bar("Replaying", quiet=options["json"]) as progress,
        ):
            run = find_run(session, options["run"])
            if run is None:
                raise CommandError(f"no run {options['run']}; the runs page lists them")
            outcome = replay(session, run, threads=options["threads"], progress=progress)
        if options["json"]:
            print_json(
                {
                    "run": run.id,
                    "is_same": outcome.is_same,
                    "stored_digest": run.result_digest,
                    "recomputed_digest": outcome.result_digest,
                    "first_difference": outcome.first_difference,
                }
            )
        else:
            self.stdout.write(
                f"stored     {run.result_digest.hex()}\nrecomputed {outcome.result_digest.hex()}"
            )
        if not outcome.is_same:
            raise CommandError(f"the replay differs: {outcome.first_difference}")
        if not options["json"]:
            self.stdout.write("The replay gives the same bytes.")
