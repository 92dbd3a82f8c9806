"""`manage.py served`: the most demand that the units of a game can serve, recomputed by hand."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.management.console import print_json, refusals_as_errors
from portal.management.game_commands import answers_of
from settlement.games.answers import findings, served


class Command(BaseCommand):
    help = "Print the most demand that a game's coalition, or all of its units, can serve, in kW."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="GAME.json", help="a game or a list of games"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, in the file's form")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_as_errors(as_json=options["json"]):
            answers = answers_of(
                options["file"],
                served,
                lambda file: findings(file, None, "location"),
                self.stderr.write,
            )
        if options["json"]:
            print_json(answers)
            return
        for answer in answers if isinstance(answers, list) else [answers]:
            self.stdout.write(f"served {answer['served_kw']} kW")
