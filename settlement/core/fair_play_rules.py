"""The rules of Fair Play in force on a day, and what a day is shared by beside its readings."""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Flags, Integers, integers, largest_magnitude, require_int64
from settlement.core.contract_state import DayState
from settlement.core.contracts import Contracts

PAID_BY = ("equalisation", "over-take")

UNLIMITED_W = 2**50
"""The limit of a supply point whose contract sets none; no power comes near it."""


@dataclass(frozen=True, eq=False)
class FairPlay:
    """The rules of Fair Play in force on a day.

    Attributes:
        contracts: of the G supply points.
        limit_w: shape (G,), the most power that a contract entitles to; `UNLIMITED_W` for none.
        over_take_micro_per_mwh: the market's price cap.
        compensation_micro_per_mwh: shape (G,), for energy promised and not delivered.
        paid_by: ``equalisation``: the equalisation account pays what over-take does not;
            ``over-take``: a term's compensation is at most what its over-take is charged.
        moves_money: whether over-take is charged and missed reliability compensated.
    """

    contracts: Contracts
    limit_w: Integers
    over_take_micro_per_mwh: int
    compensation_micro_per_mwh: Integers
    paid_by: str = "equalisation"
    moves_money: bool = True

    def __post_init__(self) -> None:
        points = (len(self.contracts.point_group),)
        for name in ("limit_w", "compensation_micro_per_mwh"):
            values = integers(getattr(self, name), points, name)
            object.__setattr__(self, name, values)
            if values.min(initial=0) < 0:
                raise ValueError(f"{name} must not be negative")
        if self.over_take_micro_per_mwh < 0:
            raise ValueError("over_take_micro_per_mwh must not be negative")
        if self.paid_by not in PAID_BY:
            raise ValueError(f"paid_by is one of {PAID_BY}")


@dataclass(frozen=True, eq=False)
class Requests:
    """What a day is shared by, beside what was metered.

    Attributes:
        desired_wh: shape (G, T), requests known beside the meter, not negative.
        is_known: shape (G,), whether they are; elsewhere metered demand is the request.
        state: in which the day begins.
        seed: digest of the day's inputs, 32 bytes; None where nothing is drawn by lottery.
    """

    desired_wh: Integers
    is_known: Flags
    state: DayState
    seed: bytes | None = None


def check_requests(requests: Requests, shape: tuple[int, int]) -> Requests:
    """Return requests as int64 arrays of G supply points and T intervals.

    Raises:
        TypeError: a quantity is not an integer.
        ValueError: a shape differs, or a quantity is negative.
        OverflowError: a quantity is so large that sums over the market may pass int64.
    """
    desired = integers(requests.desired_wh, shape, "desired_wh")
    before = requests.state
    owed = before.contracts.owed
    state = DayState(
        before.contracts,
        integers(before.missed_w, shape[:1], "missed before"),
        before.missed_worth,
        integers(before.taken_wh, shape[:1], "taken before"),
        before.over_take_micro,
    )
    if np.shape(requests.is_known) != shape[:1]:
        raise ValueError(f"is_known: shape {np.shape(requests.is_known)}, {shape[:1]} needed")
    if (len(state.missed_worth),) != shape[:1]:
        raise ValueError(f"worth of what was missed before: {shape[0]} points needed")
    if owed.shape[1:] != shape[:1]:
        raise ValueError(f"owed before: {owed.shape[1]} points, {shape[0]} needed")
    for name, values in (
        ("desired_wh", desired),
        ("owed before", owed),
        ("missed before", state.missed_w),
        ("worth of what was missed before", np.array(state.missed_worth, dtype=object)),
        ("taken before", state.taken_wh),
    ):
        if values.min(initial=0) < 0:
            raise ValueError(f"{name}: negative; what is desired, owed, missed or taken is not")
    require_int64(largest_magnitude(desired) * shape[0] * 60, "desired_wh")
    return Requests(desired, requests.is_known, state, requests.seed)
