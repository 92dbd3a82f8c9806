"""`manage.py runs [--market gb12] [--json]`: every run, its days, its state and its digests."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import print_json
from settlement.runs.states import run_states
from settlement.runs.store import list_runs

DIGITS = 12


class Command(BaseCommand):
    help = (
        "List settlement runs, latest first: id, kind, days, state (settled, posted, superseded by "
        "a later run, or a study) and digests of inputs, results and the run itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", help="only this market, such as gb12")
        parser.add_argument("--json", action="store_true", help="print as JSON, digests in full")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction() as session:
            runs = list_runs(session, options["market"])
            states = run_states(session, runs)
        if options["json"]:
            print_json(
                [
                    {
                        "id": run.id,
                        "market": run.market,
                        "kind": run.kind,
                        "first_day": run.first_day,
                        "last_day": run.last_day,
                        "state": states[run.id],
                        "known_at": run.known_at,
                        "created_at": run.created_at,
                        "engine_version": run.engine_version,
                        "input_digest": run.input_digest,
                        "result_digest": run.result_digest,
                        "digest": run.digest,
                    }
                    for run in runs
                ]
            )
            return
        if not runs:
            self.stdout.write("no run yet; manage.py settle makes one")
            return
        self.stdout.write(
            f"{'id':<36}  {'market':<10}  {'kind':<6}  {'days':<24}  {'state':<17}  "
            f"{'input':<{DIGITS}}  {'result':<{DIGITS}}  digest"
        )
        for run in runs:
            self.stdout.write(
                f"{run.id}  {run.market:<10}  {run.kind:<6}  {run.first_day} to {run.last_day}  "
                f"{states[run.id]:<17}  {run.input_digest.hex()[:DIGITS]}  "
                f"{run.result_digest.hex()[:DIGITS]}  {run.digest.hex()[:DIGITS]}"
            )
