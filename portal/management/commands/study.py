"""`manage.py study MARKET --overlay FILE --from D --to D`: real days again, under shocks."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.console import (
    at_least,
    parse_day,
    parse_instant,
    print_json,
    progress_bar,
    refusals_as_errors,
    utc_now,
)
from portal.study_tables import tables
from settlement.studies.overlay import read_overlay
from settlement.studies.service import Studied, study

NAME, COLUMN = 44, 18


class Command(BaseCommand):
    help = (
        "Settle days under the shocks of an overlay, and the same days without them, and compare "
        "the market maker with nodal pricing, uniform pricing and a flat tariff. The study is "
        "stored; nothing of it is posted or billed. Ready overlays are in scenarios/overlays."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--overlay", type=Path, required=True, help="a YAML file of shocks")
        parser.add_argument(
            "--from", dest="first_day", type=parse_day, required=True, help="YYYY-MM-DD"
        )
        parser.add_argument(
            "--to", dest="last_day", type=parse_day, required=True, help="YYYY-MM-DD, included"
        )
        parser.add_argument(
            "--known-at", type=parse_instant, help="use what was known then; default: now"
        )
        parser.add_argument(
            "--threads",
            type=at_least(1),
            default=os.cpu_count() or 1,
            help="default: one a processor",
        )
        parser.add_argument("--json", action="store_true", help="print the exact report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        first_day, last_day = options["first_day"], options["last_day"]
        if last_day < first_day:
            raise CommandError(f"--to {last_day} lies before --from {first_day}")
        now = utc_now()
        with refusals_as_errors(as_json=options["json"]):
            overlay = read_overlay(options["overlay"])
            with (
                transaction() as session,
                progress_bar("Studying", quiet=options["json"]) as progress,
            ):
                studied = study(
                    session,
                    options["market"],
                    overlay,
                    first_day,
                    last_day,
                    source=str(options["overlay"]),
                    known_at=options["known_at"] or now,
                    now=now,
                    threads=options["threads"],
                    progress=progress,
                )
        if options["json"]:
            print_json(_as_json(studied))
            return
        self.stdout.write("\n".join(_lines(studied)))


def _as_json(studied: Studied) -> dict[str, Any]:
    run = studied.run
    return {
        "run": run.id,
        "before_run": studied.study.before_run_id,
        "market": run.market,
        "first_day": run.first_day,
        "last_day": run.last_day,
        "known_at": run.known_at,
        "input_digest": run.input_digest,
        "result_digest": run.result_digest,
        "is_new": studied.is_new,
        "overlay": studied.study.overlay,
        "report": studied.study.report,
    }


def _lines(studied: Studied) -> Iterator[str]:
    """Yield the report in words and whole numbers; JSON has the exact ones."""
    run, report = studied.run, studied.study.report
    yield f"{studied.study.overlay['title']}: {run.market}, {run.first_day} to {run.last_day}"
    yield f"Study {run.id}; {'new' if studied.is_new else 'studied before, from the same inputs'}"
    for table in tables(report):
        yield f"\n{table.title:<{NAME}}" + _columns(table.columns)
        for row in table.rows:
            yield f"  {row.title:<{NAME - 2}}" + _columns(cell.after for cell in row.cells)
            if any(cell.direction != "same" for cell in row.cells):
                yield f"{'without the shock':>{NAME}}" + _columns(c.before for c in row.cells)
    yield "\nNothing is posted or billed. The study's page in the portal explains each figure."


def _columns(cells: Iterable[str]) -> str:
    return "".join(f"{cell:>{COLUMN}}" for cell in cells)
