"""`manage.py export`: the law in force on a day, as files."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from portal.management.arguments import DAY, JSON, KNOWN_AT, MARKET, OUT, argument
from portal.management.base import BaseCommand, Options
from rulebook.export import export, export_akoma_ntoso
from rulebook.law import rules_at
from rulebook.outlook import Outlook, outlook_of
from rulebook.printing import ahead_line, change_as_dict

WRITERS = {"akoma-ntoso": export_akoma_ntoso, "yaml": export}

Exported = tuple[list[Path], Outlook]
"""The files, and what is scheduled after the law that they hold."""


class Command(BaseCommand[Exported]):
    help = (
        "Write the law of a market in force on a day, a file a document, and say what is scheduled "
        "after it: as YAML, which `propose` takes, or as Akoma Ntoso (LegalDocML), for whoever "
        "keeps law."
    )
    takes = (
        MARKET,
        DAY,
        KNOWN_AT,
        OUT.with_settings(required=True, help="folder to write into"),
        argument("--format", choices=sorted(WRITERS), default="yaml", help="default: %(default)s"),
        JSON,
    )

    def run(self, options: Options) -> Exported:
        try:
            with transaction() as session:
                asked = session, options.market, options.day, options.known_at
                files = WRITERS[options.format](*asked, options.out)
                return files, outlook_of(session, rules_at(*asked), options.known_at)
        except OSError as error:
            raise CommandError(f"{options.out}: {error.strerror}; name another folder") from None

    def as_json(self, outcome: Exported, options: Options) -> Any:
        files, outlook = outcome
        return {
            "files": [str(file) for file in files],
            "changes": {
                instrument: change_as_dict(change, outlook)
                for instrument, change in outlook.ahead.items()
            },
        }

    def lines(self, outcome: Exported, options: Options) -> list[str]:
        files, outlook = outcome
        return [str(file) for file in files] + [
            ahead_line(name, change, outlook) for name, change in outlook.ahead.items()
        ]
