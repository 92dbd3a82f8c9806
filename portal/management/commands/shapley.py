"""`manage.py shapley`: the shares of a game's units, recomputed by hand by any of the methods."""

from collections.abc import Iterator
from typing import Any

from portal.management.arguments import JSON, SEED, argument, at_least
from portal.management.base import BaseCommand, Options
from portal.management.game_commands import GAME, Answers, answer_games, answer_list
from settlement.games.answers import GAMES, METHODS, Sampling, compute_shares, find_lacking_fields


class Command(BaseCommand[Answers]):
    help = "Print the Shapley shares of a game's units, in kW, as exact ratios."
    takes = (
        GAME,
        argument("--method", choices=METHODS, required=True, help="how the shares are computed"),
        argument(
            "--game",
            choices=GAMES,
            default="location",
            help="what is shared (default: location, served through the network)",
        ),
        SEED.with_settings(
            default=Sampling.seed,
            help="of the orders that sampled draws; default: %(default)s",
        ),
        argument(
            "--orders",
            type=at_least(4),
            default=Sampling.most_orders,
            metavar="COUNT",
            help="the most orders that sampled draws; default: %(default)s",
        ),
        argument(
            "--target-error-w",
            type=at_least(0),
            default=Sampling.target_error_w,
            metavar="W",
            help="sampled stops when no standard error is larger; default: draw all orders",
        ),
        JSON,
    )

    def run(self, options: Options) -> Answers:
        method, game = options.method, options.game
        sampling = Sampling(options.seed, options.orders, options.target_error_w)
        return answer_games(
            options.file,
            lambda file: compute_shares(file, method, game, sampling),
            lambda file: find_lacking_fields(file, method, game),
            self.stderr.write,
        )

    def as_json(self, outcome: Answers, options: Options) -> Any:
        return outcome

    def lines(self, outcome: Answers, options: Options) -> Iterator[str]:
        for answer in answer_list(outcome):
            together = f"all units together {answer['value_all_kw']} kW"
            yield f"{options.method}, {options.game}: {together}"
            for unit, share in answer["shapley_kw"].items():
                tenths = share["numerator"] * 10 // share["denominator"]
                yield f"  {unit:<24} {tenths // 10:>14,}.{tenths % 10} kW"
