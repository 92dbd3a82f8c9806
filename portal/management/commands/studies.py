"""`manage.py studies [--market gb12]`: the studies that were made, latest first."""

from collections.abc import Iterator
from typing import Any

from database.session import transaction
from portal.management.arguments import IN_MARKET, JSON
from portal.management.base import BaseCommand, Options
from settlement.runs.run import Run
from settlement.studies.records import Study
from settlement.studies.store import list_studies


class Command(BaseCommand[list[tuple[Run, Study]]]):
    help = "List the stress studies that were made, latest first."
    takes = (IN_MARKET, JSON)

    def run(self, options: Options) -> list[tuple[Run, Study]]:
        with transaction() as session:
            return list_studies(session, options.market)

    def as_json(self, outcome: list[tuple[Run, Study]], options: Options) -> Any:
        return [
            {
                "run": run.id,
                "before_run": study.before_run_id,
                "market": run.market,
                "first_day": run.first_day,
                "last_day": run.last_day,
                "title": study.overlay["title"],
                "created_at": run.created_at,
            }
            for run, study in outcome
        ]

    def lines(self, outcome: list[tuple[Run, Study]], options: Options) -> Iterator[str]:
        for run, study in outcome:
            days = f"{run.first_day} to {run.last_day}"
            yield f"{run.id}  {run.market}  {days}  {study.overlay['title']}"
        if not outcome:
            yield "No study yet: manage.py study MARKET --overlay FILE --from DAY --to DAY"
