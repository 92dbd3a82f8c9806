"""`manage.py ingest MARKET FILE...`: readings in, or every reason why not."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.console import (
    parse_day,
    print_json,
    progress_bar,
    refusals_as_errors,
    utc_now,
)
from settlement.datasets.files import Form
from settlement.datasets.service import recorded_files
from settlement.meters.service import IngestedFile, MeterFile, ingest


class Command(BaseCommand):
    help = (
        "Ingest files of meter readings (CSV or Parquet): all of them, or none and every finding. "
        "With --data, make readings from a folder of recorded profiles first, then ingest those."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("files", nargs="*", type=Path, help="CSV or Parquet, taken in order")
        parser.add_argument("--data", type=Path, help="folder of recorded profiles, instead")
        parser.add_argument("--first-day", type=parse_day, help="with --data: YYYY-MM-DD")
        parser.add_argument("--last-day", type=parse_day, help="with --data: YYYY-MM-DD, included")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["files"]) == bool(options["data"]):
            raise CommandError("give the files to ingest, or --data FOLDER")
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            now = utc_now()
            if options["data"]:
                with progress_bar("Dispatching days", quiet=options["json"]) as progress:
                    files = recorded_files(
                        session,
                        options["market"],
                        options["data"],
                        options["first_day"],
                        options["last_day"],
                        known=now,
                        form=Form.PARQUET,
                        progress=progress,
                    )
            else:
                files = [_meter_file(path) for path in options["files"]]
            ingested = ingest(session, options["market"], files, received_at=now)
        if options["json"]:
            print_json([_outcome(one) for one in ingested])
            return
        for one in ingested:
            self.stdout.write(_sentence(one))
            for notice in one.notices:
                self.stdout.write(f"  {notice}")


def _meter_file(path: Path) -> MeterFile:
    try:
        return MeterFile(path.name, path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; nothing was written") from error


def _outcome(ingested: IngestedFile) -> dict[str, Any]:
    file = ingested.file
    return {
        "file": file.name,
        "id": file.id,
        "content_digest": file.content_digest,
        "received_at": file.received_at,
        "is_new": ingested.is_new,
        "first_day": file.first_day,
        "last_day": file.last_day,
        "readings": file.row_count,
        "vectors_stored": file.vector_count,
        "vectors_unchanged": file.unchanged_count,
        "notices": [notice.as_dict() for notice in ingested.notices],
    }


def _sentence(ingested: IngestedFile) -> str:
    file = ingested.file
    if not ingested.is_new:
        return f"{file.name}: received before, at {file.received_at:%Y-%m-%d %H:%M:%S}Z; no change"
    return (
        f"{file.name}: {file.row_count:,} readings of {file.first_day} to {file.last_day}; "
        f"{file.vector_count:,} day vectors stored, {file.unchanged_count:,} unchanged"
    )
