"""`manage.py runs [--market gb12] [--json]`: every run, its days, its state and its digests."""

from collections.abc import Iterator
from typing import Any

from database.session import transaction
from portal.management.arguments import IN_MARKET, JSON
from portal.management.base import BaseCommand, Options
from settlement.runs.run import Run
from settlement.runs.states import RunState, run_states
from settlement.runs.store import list_runs

DIGITS = 12


class Command(BaseCommand[list[tuple[Run, RunState]]]):
    help = (
        "List settlement runs, latest first: id, kind, days, state (settled, posted, superseded by "
        "a later run, or a study) and digests of inputs, results and the run itself."
    )
    takes = (IN_MARKET, JSON)

    def run(self, options: Options) -> list[tuple[Run, RunState]]:
        with transaction() as session:
            runs = list(list_runs(session, options.market))
            states = run_states(session, runs)
        return [(run, states[run.id]) for run in runs]

    def as_json(self, outcome: list[tuple[Run, RunState]], options: Options) -> Any:
        return [
            {
                "id": run.id,
                "market": run.market,
                "kind": run.kind,
                "first_day": run.first_day,
                "last_day": run.last_day,
                "state": state,
                "known_at": run.known_at,
                "created_at": run.created_at,
                "engine_version": run.engine_version,
                "input_digest": run.input_digest,
                "result_digest": run.result_digest,
                "digest": run.digest,
            }
            for run, state in outcome
        ]

    def lines(self, outcome: list[tuple[Run, RunState]], options: Options) -> Iterator[str]:
        if not outcome:
            yield "no run yet; manage.py settle makes one"
            return
        yield (
            f"{'id':<36}  {'market':<10}  {'kind':<6}  {'days':<24}  {'state':<17}  "
            f"{'input':<{DIGITS}}  {'result':<{DIGITS}}  digest"
        )
        for run, state in outcome:
            yield (
                f"{run.id}  {run.market:<10}  {run.kind:<6}  {run.first_day} to {run.last_day}  "
                f"{state:<17}  {run.input_digest.hex()[:DIGITS]}  "
                f"{run.result_digest.hex()[:DIGITS]}  {run.digest.hex()[:DIGITS]}"
            )
