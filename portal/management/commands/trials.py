"""`manage.py trials [--market gb12]`: the drafts that were tried, latest first."""

from collections.abc import Iterator, Sequence
from typing import Any

from database.session import transaction
from portal.management.arguments import IN_MARKET, JSON
from portal.management.base import BaseCommand, Options
from portal.trials.tables import drafts_of
from portal.trials.words import headline
from settlement.trials.records import Trial
from settlement.trials.store import list_trials


class Command(BaseCommand[Sequence[Trial]]):
    help = "List the drafts that were tried, latest first."
    takes = (IN_MARKET, JSON)

    def run(self, options: Options) -> Sequence[Trial]:
        with transaction() as session:
            return list(list_trials(session, options.market))

    def as_json(self, outcome: Sequence[Trial], options: Options) -> Any:
        return [
            {
                "trial": trial.id,
                "market": trial.market,
                "first_day": trial.first_day,
                "last_day": trial.last_day,
                "moved_micro": trial.report["moved_micro"],
                "created_at": trial.created_at,
            }
            for trial in outcome
        ]

    def lines(self, outcome: Sequence[Trial], options: Options) -> Iterator[str]:
        for trial in outcome:
            for draft in drafts_of(trial.report):
                yield f"{trial.id}  {trial.market}  {headline(trial, draft)}"
        if not outcome:
            yield "No trial yet: manage.py trial MARKET --draft FILE --from DAY --to DAY"
