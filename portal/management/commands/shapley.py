"""`manage.py shapley`: the shares of a game's units, recomputed by hand by any of the methods."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.management.console import at_least, print_json, refusals_as_errors
from portal.management.game_commands import answers_of
from settlement.games.answers import GAMES, METHODS, Sampling, findings, shares


class Command(BaseCommand):
    help = "Print the Shapley shares of a game's units, in kW, as exact ratios."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="GAME.json", help="a game or a list of games"
        )
        parser.add_argument("--method", choices=METHODS, required=True)
        parser.add_argument(
            "--game",
            choices=GAMES,
            default="location",
            help="what is shared (default: location, served through the network)",
        )
        parser.add_argument(
            "--seed",
            type=at_least(0),
            default=Sampling.seed,
            help="of the orders that sampled draws (default: %(default)s)",
        )
        parser.add_argument(
            "--orders",
            type=at_least(4),
            default=Sampling.most_orders,
            help="the most orders that sampled draws (default: %(default)s)",
        )
        parser.add_argument(
            "--target-error-w",
            type=at_least(0),
            default=Sampling.target_error_w,
            metavar="W",
            help="sampled stops when no standard error is larger (default: draw all orders)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, in the file's form")

    def handle(self, *args: Any, **options: Any) -> None:
        method, game = options["method"], options["game"]
        sampling = Sampling(options["seed"], options["orders"], options["target_error_w"])
        with refusals_as_errors(as_json=options["json"]):
            answers = answers_of(
                options["file"],
                lambda file: shares(file, method, game, sampling),
                lambda file: findings(file, method, game),
                self.stderr.write,
            )
        if options["json"]:
            print_json(answers)
            return
        for answer in answers if isinstance(answers, list) else [answers]:
            self.stdout.write(f"{method}, {game}: all units together {answer['value_all_kw']} kW")
            for unit, share in answer["shapley_kw"].items():
                tenths = share["numerator"] * 10 // share["denominator"]
                self.stdout.write(f"  {unit:<24} {tenths // 10:>14,}.{tenths % 10} kW")
