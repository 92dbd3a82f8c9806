"""`manage.py dataset MARKET --month 2024-01 --seed 1 --out DIR`: files to ingest."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.commands.settle import chosen_days
from portal.management.console import (
    at_least,
    month_days,
    parse_day,
    print_json,
    progress_bar,
    refusals_as_errors,
    utc_now,
)
from settlement.datasets.files import Form
from settlement.datasets.service import corrections, recorded_files, synthetic_files
from settlement.meters.digest import content_digest
from settlement.meters.service import MeterFile


class Command(BaseCommand):
    help = (
        "Write a data set to ingest: demand, availability and least-cost generation of a market's "
        "days, from a seed or from a folder of recorded profiles; or corrections of what was "
        "ingested. A folder holds demand.parquet (interval_start, node, product, wh) and "
        "availability.parquet (interval_start, unit, kw), in UTC. Equal seeds give equal files."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--month", type=month_days, help="YYYY-MM; or give both days")
        parser.add_argument("--first-day", type=parse_day, help="YYYY-MM-DD, settlement day")
        parser.add_argument("--last-day", type=parse_day, help="YYYY-MM-DD, included")
        parser.add_argument("--out", type=Path, required=True, help="folder to write into")
        parser.add_argument("--seed", type=at_least(0), default=1, help="default: 1")
        parser.add_argument("--data", type=Path, help="folder of recorded profiles")
        parser.add_argument("--corrections", action="store_true", help="of ingested demand, CSV")
        parser.add_argument("--format", choices=[form.value for form in Form], default="parquet")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["data"] and options["corrections"]:
            raise CommandError("give --data or --corrections, not both")
        with refusals_as_errors(as_json=options["json"]):
            files = _made(options)
        try:
            options["out"].mkdir(parents=True, exist_ok=True)
            for file in files:
                (options["out"] / file.name).write_bytes(file.content)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        outcome = [
            {
                "file": options["out"] / file.name,
                "bytes": len(file.content),
                "content_digest": content_digest(file.content),
            }
            for file in files
        ]
        if options["json"]:
            print_json(outcome)
            return
        for one in outcome:
            self.stdout.write(f"{one['file']}: {one['bytes']:,} bytes")


def _made(options: dict[str, Any]) -> list[MeterFile]:
    first_day, last_day = chosen_days(options)
    market, form = options["market"], Form(options["format"])
    now = utc_now()
    with (
        transaction() as session,
        progress_bar("Dispatching days", quiet=options["json"]) as progress,
    ):
        if options["corrections"]:
            seed = options["seed"]
            return [corrections(session, market, first_day, last_day, seed=seed, known=now)]
        if options["data"]:
            return recorded_files(
                session,
                market,
                options["data"],
                first_day,
                last_day,
                known=now,
                form=form,
                progress=progress,
            )
        return synthetic_files(
            session,
            market,
            first_day,
            last_day,
            seed=options["seed"],
            known=now,
            form=form,
            progress=progress,
        )
