"""`manage.py ingest MARKET FILE...`: readings in, or every reason why not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from common.quantities import plural
from database.session import transaction
from portal.management.arguments import DATA, JSON, MARKET, OPEN_PERIOD, argument
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from portal.management.told_files import read_told_files
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_recorded_files
from settlement.meters.ingest import IngestedFile, MeterFile, ingest
from settlement.meters.unpacking import MOST_UNPACKED_BYTES


class Command(BaseCommand[list[IngestedFile]]):
    help = (
        "Ingest files of meter readings (CSV or Parquet): all of them, or none and every finding. "
        "With --data, make readings from a folder of recorded profiles first, then ingest those; "
        "the period says of which days, and without it they are all that the folder holds."
    )
    appends_facts = True
    takes = (
        MARKET,
        argument(
            "files",
            nargs="*",
            type=Path,
            metavar="FILE",
            help="CSV or Parquet, as it is or in gzip or zip; taken in order",
        ),
        DATA,
        OPEN_PERIOD,
        JSON,
    )

    def run(self, options: Options) -> list[IngestedFile]:
        if bool(options.files) == bool(options.data):
            raise CommandError("give the files to ingest, or --data FOLDER")
        with transaction() as session:
            if options.data:
                with progress_bar("Dispatching days", quiet=options.json) as progress:
                    files = make_recorded_files(
                        session,
                        options.market,
                        options.data,
                        options.first_day,
                        options.last_day,
                        known=options.now,
                        form=Form.PARQUET,
                        progress=progress,
                    )
            else:
                told = read_told_files(options.files, MOST_UNPACKED_BYTES)
                files = [MeterFile(name, content) for name, content in told]
            return list(ingest(session, options.market, files, received_at=options.now))

    def as_json(self, outcome: list[IngestedFile], options: Options) -> Any:
        return [_file_as_json(ingested) for ingested in outcome]

    def lines(self, outcome: list[IngestedFile], options: Options) -> Iterator[str]:
        for ingested in outcome:
            yield _file_in_words(ingested)
            for notice in ingested.notices:
                yield f"  {notice}"


def _file_as_json(ingested: IngestedFile) -> dict[str, Any]:
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


def _file_in_words(ingested: IngestedFile) -> str:
    file = ingested.file
    if not ingested.is_new:
        return f"{file.name}: received before, at {file.received_at:%Y-%m-%d %H:%M:%S}Z; no change"
    return (
        f"{file.name}: {plural(file.row_count, 'reading')} of {file.first_day} to {file.last_day}; "
        f"{plural(file.vector_count, 'day vector')} stored, {file.unchanged_count:,} unchanged"
    )
