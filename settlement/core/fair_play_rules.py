"""The rules of Fair Play in force on a day, and what a day is shared by beside its readings."""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Flags, Integers, integers, largest_magnitude, require_int64
from settlement.core.fair_play import Terms
from settlement.core.fair_play_day import History, no_history

PAID_BY = ("equalisation", "over-take")


@dataclass(frozen=True, eq=False)
class FairPlay:
    """The rules of Fair Play in force on a day.

    Attributes:
        terms: of the G supply points.
        is_flexible: shape (G,), served after the essential.
        history_days: local days before a day that make its history.
        over_take_micro_per_mwh: the market's price cap.
        compensation_micro_per_mwh: shape (G,), for energy promised and not delivered.
        paid_by: ``equalisation``: the equalisation account pays what over-take does not;
            ``over-take``: a day's compensation is at most what its over-take is charged.
        moves_money: whether over-take is charged and missed reliability compensated.
    """

    terms: Terms
    is_flexible: Flags
    history_days: int
    over_take_micro_per_mwh: int
    compensation_micro_per_mwh: Integers
    paid_by: str = "equalisation"
    moves_money: bool = True

    def __post_init__(self) -> None:
        points = (len(self.terms.node),)
        price = integers(self.compensation_micro_per_mwh, points, "compensation_micro_per_mwh")
        object.__setattr__(self, "compensation_micro_per_mwh", price)
        if np.shape(self.is_flexible) != points:
            raise ValueError(f"is_flexible: shape {np.shape(self.is_flexible)}, {points} needed")
        if min(self.history_days, self.over_take_micro_per_mwh, price.min(initial=0)) < 0:
            raise ValueError("history_days and prices must not be negative")
        if self.paid_by not in PAID_BY:
            raise ValueError(f"paid_by is one of {PAID_BY}")


@dataclass(frozen=True, eq=False)
class Requests:
    """What a day is shared by, beside what was metered.

    Attributes:
        desired_wh: shape (G, T), requests known beside the meter, not negative.
        is_known: shape (G,), whether they are; elsewhere metered demand is the request.
        history: of the days before, in W.
        seed: digest of the day's inputs, 32 bytes; None where nothing is drawn by lottery.
    """

    desired_wh: Integers
    is_known: Flags
    history: History
    seed: bytes | None = None


def metered_requests(demand_wh: Integers) -> Requests:
    """Return requests that are known from the meter alone, without history."""
    points = len(demand_wh)
    return Requests(np.zeros_like(demand_wh), np.zeros(points, dtype=np.bool_), no_history(points))


def check_requests(requests: Requests, shape: tuple[int, int]) -> Requests:
    """Return requests as int64 arrays of G supply points and T intervals.

    Raises:
        TypeError: a quantity is not an integer.
        ValueError: a shape differs, or a quantity is negative.
        OverflowError: a quantity is so large that sums over the market may pass int64.
    """
    desired = integers(requests.desired_wh, shape, "desired_wh")
    past = requests.history
    history = History(
        integers(past.desired_w, shape[:1], "history of desired_w"),
        integers(past.delivered_w, shape[:1], "history of delivered_w"),
    )
    if np.shape(requests.is_known) != shape[:1]:
        raise ValueError(f"is_known: shape {np.shape(requests.is_known)}, {shape[:1]} needed")
    for name, values in (
        ("desired_wh", desired),
        ("history of desired_w", history.desired_w),
        ("history of delivered_w", history.delivered_w),
    ):
        if values.min(initial=0) < 0:
            raise ValueError(f"{name}: negative; what is desired or delivered is not")
    require_int64(largest_magnitude(desired) * shape[0] * 60, "desired_wh")
    return Requests(desired, requests.is_known, history, requests.seed)
