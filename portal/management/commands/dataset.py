"""`manage.py dataset MARKET --month 2024-01 --seed 1 --out DIR`: files to ingest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from database.session import transaction
from portal.management.arguments import (
    DATA,
    FORCE,
    JSON,
    MARKET,
    OUT,
    PERIOD,
    SEED,
    argument,
    flag,
)
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from portal.management.output import write_files
from settlement.datasets.files import Form
from settlement.datasets.market_files import (
    make_corrections,
    make_recorded_files,
    make_synthetic_files,
)
from settlement.meters.digest import content_digest
from settlement.meters.ingest import MeterFile


class WrittenFile(NamedTuple):
    """A file that was written, and what it holds."""

    path: Path
    content: bytes


class Command(BaseCommand[list[WrittenFile]]):
    help = (
        "Write a data set to ingest: demand, availability and least-cost generation of a market's "
        "days, from a seed or from a folder of recorded profiles; or corrections of what was "
        "ingested. A folder holds demand.parquet (interval_start, node, product, wh) and "
        "availability.parquet (interval_start, unit, kw), in UTC. Equal seeds give equal files."
    )
    takes = (
        MARKET,
        PERIOD,
        OUT.with_settings(required=True, help="folder to write into"),
        SEED,
        DATA,
        flag("--corrections", "of ingested demand, as CSV"),
        argument(
            "--format",
            choices=[form.value for form in Form],
            default="parquet",
            help="default: %(default)s",
        ),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> list[WrittenFile]:
        if options.data and options.corrections:
            raise CommandError("give --data or --corrections, not both")
        written = [
            WrittenFile(options.out / file.name, file.content) for file in _make_files(options)
        ]
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{options.out}: {error.strerror}; name another folder") from None
        write_files(dict(written), force=options.force)
        return written

    def as_json(self, outcome: list[WrittenFile], options: Options) -> Any:
        return [
            {"file": path, "bytes": len(content), "content_digest": content_digest(content)}
            for path, content in outcome
        ]

    def lines(self, outcome: list[WrittenFile], options: Options) -> Iterator[str]:
        for path, content in outcome:
            yield f"{path}: {len(content):,} bytes"


def _make_files(options: Options) -> list[MeterFile]:
    market, form = options.market, Form(options.format)
    days = options.first_day, options.last_day
    with (
        transaction() as session,
        progress_bar("Dispatching days", quiet=options.json) as progress,
    ):
        if options.corrections:
            return [make_corrections(session, market, *days, seed=options.seed, known=options.now)]
        if options.data:
            return make_recorded_files(
                session,
                market,
                options.data,
                *days,
                known=options.now,
                form=form,
                progress=progress,
            )
        return make_synthetic_files(
            session,
            market,
            *days,
            seed=options.seed,
            known=options.now,
            form=form,
            progress=progress,
        )
