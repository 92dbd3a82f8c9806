"""`manage.py study MARKET --overlay FILE --from DAY --to DAY`: real days again, under shocks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from database.session import transaction
from portal.management.arguments import JSON, KNOWN_AT, MARKET, PERIOD, THREADS, argument
from portal.management.base import BaseCommand, Options, table_row
from portal.management.console import progress_bar
from portal.study_tables import tables
from settlement.studies.overlay import read_overlay
from settlement.studies.study import StudyOutcome, run_study

NAME, COLUMN = 44, 18


class Command(BaseCommand[StudyOutcome]):
    help = (
        "Settle days under the shocks of an overlay, and the same days without them, and compare "
        "the market maker with nodal pricing, uniform pricing and a flat tariff. The study is "
        "stored; nothing of it is posted or billed. Ready overlays are in scenarios/overlays."
    )
    appends_facts = True
    takes = (
        MARKET,
        argument(
            "--overlay", type=Path, required=True, metavar="FILE", help="a YAML file of shocks"
        ),
        PERIOD,
        KNOWN_AT,
        THREADS,
        JSON,
    )

    def run(self, options: Options) -> StudyOutcome:
        overlay = read_overlay(options.overlay)
        with (
            transaction() as session,
            progress_bar("Studying", quiet=options.json) as progress,
        ):
            return run_study(
                session,
                options.market,
                overlay,
                options.first_day,
                options.last_day,
                source=str(options.overlay),
                known_at=options.known_at,
                now=options.now,
                threads=options.threads,
                progress=progress,
            )

    def as_json(self, outcome: StudyOutcome, options: Options) -> Any:
        run = outcome.run
        return {
            "run": run.id,
            "before_run": outcome.study.before_run_id,
            "market": run.market,
            "first_day": run.first_day,
            "last_day": run.last_day,
            "known_at": run.known_at,
            "input_digest": run.input_digest,
            "result_digest": run.result_digest,
            "is_new": outcome.is_new,
            "overlay": outcome.study.overlay,
            "report": outcome.study.report,
        }

    def lines(self, outcome: StudyOutcome, options: Options) -> Iterator[str]:
        """Yield the report in words and whole numbers; JSON has the exact ones."""
        run, report = outcome.run, outcome.study.report
        yield f"{outcome.study.overlay['title']}: {run.market}, {run.first_day} to {run.last_day}"
        yield (
            f"Study {run.id}; {'new' if outcome.is_new else 'studied before, from the same inputs'}"
        )
        for table in tables(report):
            yield "\n" + table_row(table.title, table.columns, NAME, COLUMN)
            for row in table.rows:
                after = [cell.after for cell in row.cells]
                yield table_row(f"  {row.title}", after, NAME, COLUMN)
                if any(cell.direction != "same" for cell in row.cells):
                    before = [cell.before for cell in row.cells]
                    yield table_row(f"{'without the shock':>{NAME}}", before, NAME, COLUMN)
        yield "\nNothing is posted or billed. The study's page in the portal explains each figure."
