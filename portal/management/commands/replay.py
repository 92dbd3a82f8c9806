"""`manage.py replay RUN|TRIAL`: compute a run or a trial again from its pins, and compare."""

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
from settlement.trials.replay import ReplayedTrial, replay_trial
from settlement.trials.store import find_trial


class Comparison(NamedTuple):
    """A run, and what came of computing it again."""

    run: Run
    replayed: Replayed


class Command(BaseCommand[Comparison | ReplayedTrial]):
    help = (
        "Compute a run again from the rules and readings it is pinned to and compare digests, or a "
        "trial with its report. "
        "Exit status 1 and the first differing row when they differ. Nothing is written."
    )
    takes = (RUN, THREADS, JSON)

    def run(self, options: Options) -> Comparison | ReplayedTrial:
        with progress_bar("Replaying", quiet=options.json) as progress:
            with transaction() as session:
                trial = find_trial(session, options.run)
                run = find_run(session, options.run)
                if run is not None:
                    done = replay(session, run, threads=options.threads, progress=progress)
                    return Comparison(run, done)
            if trial is None:
                raise CommandError(f"no run or trial {options.run}; the runs page lists the runs")
            return replay_trial(transaction, trial, threads=options.threads, progress=progress)

    def as_json(self, outcome: Comparison | ReplayedTrial, options: Options) -> Any:
        if isinstance(outcome, ReplayedTrial):
            return {
                "trial": outcome.trial.id,
                "is_same": outcome.first_difference is None,
                "first_difference": outcome.first_difference,
            }
        return {
            "run": outcome.run.id,
            "is_same": outcome.replayed.is_same,
            "stored_digest": outcome.run.result_digest,
            "recomputed_digest": outcome.replayed.result_digest,
            "first_difference": outcome.replayed.first_difference,
        }

    def lines(self, outcome: Comparison | ReplayedTrial, options: Options) -> Iterator[str]:
        if isinstance(outcome, ReplayedTrial):
            if outcome.first_difference is None:
                yield "The replay gives the same results on every side, and the same report."
            return
        yield f"stored     {outcome.run.result_digest.hex()}"
        yield f"recomputed {outcome.replayed.result_digest.hex()}"
        if outcome.replayed.is_same:
            yield "The replay gives the same bytes."

    def failure(self, outcome: Comparison | ReplayedTrial, options: Options) -> str | None:
        if isinstance(outcome, ReplayedTrial):
            is_same, difference = outcome.first_difference is None, outcome.first_difference
        else:
            is_same, difference = outcome.replayed.is_same, outcome.replayed.first_difference
        return None if is_same else f"the replay differs: {difference}"
