"""`manage.py export`: the law in force on a day, as files that `publish` accepts."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from portal.management.arguments import DAY, JSON, KNOWN_AT, MARKET, OUT
from portal.management.base import BaseCommand, Options
from rulebook.export import export


class Command(BaseCommand[list[Path]]):
    help = "Write the law of a market in force on a day as YAML files, one a document."
    takes = (
        MARKET,
        DAY,
        KNOWN_AT,
        OUT.with_settings(required=True, help="folder to write into"),
        JSON,
    )

    def run(self, options: Options) -> list[Path]:
        try:
            with transaction() as session:
                return list(
                    export(session, options.market, options.day, options.known_at, options.out)
                )
        except OSError as error:
            raise CommandError(f"{options.out}: {error.strerror}; name another folder") from None

    def as_json(self, outcome: list[Path], options: Options) -> Any:
        return {"files": [str(file) for file in outcome]}

    def lines(self, outcome: list[Path], options: Options) -> list[str]:
        return [str(file) for file in outcome]
