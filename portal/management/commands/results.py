"""`manage.py results RUN [--measure NAME ...] [--entity NAME ...]`: a run's results by interval."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from portal.management.arguments import JSON, OPEN_PERIOD, RUN, argument
from portal.management.base import BaseCommand, Options
from settlement.runs.interval_results import IntervalResults, interval_results
from settlement.runs.store import find_run

COLUMNS = ("settlement_day", "interval_start", "measure", "entity", "value")


class Command(BaseCommand[IntervalResults]):
    help = (
        "Print the results of a run interval by interval as CSV, or with --json a day vector a "
        "member: exact, in the unit that ends a measure's name. The period, measures and entities "
        "narrow them; without any, all of them are printed."
    )
    takes = (
        RUN,
        OPEN_PERIOD,
        argument(
            "--measure", action="append", default=[], metavar="NAME", help="of it; may be repeated"
        ),
        argument(
            "--entity", action="append", default=[], metavar="NAME", help="of it; may be repeated"
        ),
        JSON,
    )

    def run(self, options: Options) -> IntervalResults:
        with transaction() as session:
            run = find_run(session, options.run)
            if run is None:
                raise CommandError(f"no run {options.run}; manage.py runs lists them")
            return interval_results(
                session,
                run,
                options.first_day or run.first_day,
                options.last_day or run.last_day,
                options.measure,
                options.entity,
            )

    def as_json(self, outcome: IntervalResults, options: Options) -> Any:
        return {
            "run": outcome.run.id,
            "market": outcome.run.market,
            "kind": outcome.run.kind,
            "result_digest": outcome.run.result_digest,
            "days": [
                {"settlement_day": day, "interval_starts": list(starts)}
                for day, starts in sorted(outcome.starts.items())
            ],
            "results": [
                {
                    "settlement_day": vector.day,
                    "measure": vector.measure,
                    "entity": vector.entity,
                    "values": vector.values.tolist(),
                }
                for vector in outcome.vectors
            ],
        }

    def lines(self, outcome: IntervalResults, options: Options) -> Iterator[str]:
        yield ",".join(COLUMNS)
        for vector in outcome.vectors:
            sink = io.StringIO()
            rows = csv.writer(sink, lineterminator="\n")
            starts = outcome.starts[vector.day]
            for start, value in zip(starts, vector.values.tolist(), strict=True):
                written = f"{start:%Y-%m-%dT%H:%MZ}"
                rows.writerow((vector.day, written, vector.measure, vector.entity, value))
            yield sink.getvalue().rstrip("\n")
