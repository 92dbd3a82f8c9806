"""`manage.py served`: the most demand that the units of a game can serve, recomputed by hand."""

from collections.abc import Iterator
from typing import Any

from portal.management.arguments import JSON
from portal.management.base import BaseCommand, Options
from portal.management.game_commands import GAME, Answers, answer_games, answer_list
from settlement.games.answers import find_lacking_fields, serve_most


class Command(BaseCommand[Answers]):
    help = "Print the most demand that a game's coalition, or all of its units, can serve, in kW."
    takes = (GAME, JSON)

    def run(self, options: Options) -> Answers:
        return answer_games(
            options.file,
            serve_most,
            lambda file: find_lacking_fields(file, None, "location"),
            self.stderr.write,
        )

    def as_json(self, outcome: Answers, options: Options) -> Any:
        return outcome

    def lines(self, outcome: Answers, options: Options) -> Iterator[str]:
        for answer in answer_list(outcome):
            yield f"served {answer['served_kw']} kW"
