"""`manage.py replay RUN`: compute a run again from its pins, and compare every row."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from database.session import transaction
from portal.management.arguments import JSON, RUN, THREADS
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from settlement.replays.replay import Replayed, replay
from settlement.runs.run import Run
from settlement.runs.store import find_run


class Comparison(NamedTuple):
    """A run, and what came of computing it again."""

    run: Run
    replayed: Replayed


class Command(BaseCommand[Comparison]):
    help = (
        "Compute a run again from the rules and readings it is pinned to and compare digests. "
        "Exit status 1 and the first differing row when they differ. Nothing is written."
    )
    takes = (RUN, THREADS, JSON)

    def run(self, options: Options) -> Comparison:
        with transaction() as session, progress_bar("Replaying", quiet=options.json) as progress:
            run = find_run(session, options.run)
            if run is None:
                raise CommandError(f"no run {options.run}; the runs page lists them")
            return Comparison(run, replay(session, run, threads=options.threads, progress=progress))

    def as_json(self, outcome: Comparison, options: Options) -> Any:
        return {
            "run": outcome.run.id,
            "is_same": outcome.replayed.is_same,
            "stored_digest": outcome.run.result_digest,
            "recomputed_digest": outcome.replayed.result_digest,
            "first_difference": outcome.replayed.first_difference,
        }

    def lines(self, outcome: Comparison, options: Options) -> Iterator[str]:
        yield f"stored     {outcome.run.result_digest.hex()}"
        yield f"recomputed {outcome.replayed.result_digest.hex()}"
        if outcome.replayed.is_same:
            yield "The replay gives the same bytes."

    def failure(self, outcome: Comparison, options: Options) -> str | None:
        if outcome.replayed.is_same:
            return None
        return f"the replay differs: {outcome.replayed.first_difference}"
