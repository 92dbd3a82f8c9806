"""`manage.py shapley`: the shares of a game's units, recomputed by hand by any of the methods."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from portal.management.arguments import JSON, SEED, argument, at_least
from portal.management.base import BaseCommand, Options
from portal.management.game_commands import GAME, Answers, answer_games, answer_list
from settlement.documents.arithmetic import decimal_text
from settlement.games.answers import GAMES, METHODS, Sampling, compute_shares, find_lacking_fields

_MOST_DECIMALS = 9
"""Decimals that people still read: beyond them a ratio is shorter than all its digits."""


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
            together = f"all units together {answer['value_all_kw']:,} kW"
            yield f"{options.method}, {options.game}: {together}"
            errors = answer.get("standard_error_kw", {})
            for unit, share in answer["shapley_kw"].items():
                words = share_words(Fraction(share["numerator"], share["denominator"]))
                error = f", standard error {errors[unit]:,.6f} kW" if unit in errors else ""
                yield f"  {unit:<24} {words}{error}"
            if answer.get("gap_kw"):
                yield f"  {answer['gap_kw']:,} kW of it the tree serves and the network does not"


def share_words(share_kw: Fraction) -> str:
    """Write a share without losing any of it: all its digits, or its ratio where they never end.

    Rounded digits would not sum to what all units are worth together.

    >>> share_words(Fraction(5, 2)), share_words(Fraction(1000))
    ('2.5 kW', '1,000 kW')
    >>> share_words(Fraction(4001, 3))
    '4,001/3 kW (about 1,333.667)'
    """
    decimals = _decimals_of(share_kw.denominator)
    if decimals is not None:
        return f"{decimal_text(int(share_kw * 10**decimals), decimals, thousands=',')} kW"
    about = decimal_text(round(share_kw * 1000), 3, thousands=",")
    return f"{share_kw.numerator:,}/{share_kw.denominator:,} kW (about {about})"


def _decimals_of(denominator: int) -> int | None:
    """Return the decimals that write a share over it in full; None for too many, or no end."""
    return next(
        (count for count in range(_MOST_DECIMALS + 1) if 10**count % denominator == 0), None
    )
