"""By which method a market shares its games, and in which unit the shares of a day are stored."""

from dataclasses import dataclass
from datetime import date

from settlement.core.shapley import denominator

METHODS = ("exact", "levels", "clusters", "sampled")
MICROWATTS_PER_KW = 10**9
"""Shares of all methods but `exact` are stored in whole microwatts."""


@dataclass(frozen=True)
class ShapleyRule:
    """The method, and what it needs to know.

    Attributes:
        method: ``exact``, ``levels``, ``clusters`` or ``sampled``.
        trunk_nodes: clusters: indices; the first named is the nearest where several are.
        hop_limit: clusters: the most lines between two clusters that merge.
        rating_multiplier: clusters: each line serves that many times its rating. Clusters form on
            the ratings as they are.
        seed: sampled: see `interval_seed`.
        most_orders: sampled: at least 4.
        target_error_w: sampled: 0 asks for all the orders allowed, unless they all agree.
    """

    method: str = "exact"
    trunk_nodes: tuple[int, ...] = ()
    hop_limit: int = 0
    rating_multiplier: int = 1
    seed: int = 0
    most_orders: int = 10_000
    target_error_w: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"Shapley method {self.method}: it is one of {', '.join(METHODS)}")
        if self.method == "clusters" and not (self.trunk_nodes and self.hop_limit >= 0):
            raise ValueError("clusters need a trunk node and a hop limit of 0 or more")
        if self.rating_multiplier < 1:
            raise ValueError(f"rating_multiplier {self.rating_multiplier}: it is at least 1")
        if self.seed < 0 or self.most_orders < 4 or self.target_error_w < 0:
            raise ValueError("sampling needs a seed and a target of 0 or more, and 4 orders")

    @property
    def denominator_is_exact(self) -> bool:
        """Whether stored shares are the exact ratios, and not rounded to a microwatt."""
        return self.method == "exact"

    def denominator(self, unit_count: int) -> int:
        """Return what a stored numerator is over, in kW: ``lcm(1..U)``, or a billion."""
        return denominator(unit_count) if self.denominator_is_exact else MICROWATTS_PER_KW

    def interval_seed(self, day: date, interval: int) -> int:
        """Return the seed of an interval's orders, so that errors even out over a day.

        Args:
            day: the local day.
            interval: number within the day, from 0.

        Example: seed 7, interval 35 of 2024-01-17 gives 7202401170035: the digits of the seed, the
        day, and the interval in four places.
        """
        return (self.seed * 10**8 + int(f"{day:%Y%m%d}")) * 10**4 + interval


EXACT = ShapleyRule()
