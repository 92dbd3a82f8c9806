"""What Fair Play came to over a run: how short the grid was, and what was given of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy.orm import Session

from settlement.billing.lines import MISSED, MONEY_SUFFIX, OVER_TAKE
from settlement.core.tightness import PPM
from settlement.runs.store import series

MAXIMUM, DESIRED, ENTITLED = "fair_play_maximum_w", "desired_w", "entitlement_w"
OVER_TAKE_CHARGE, COMPENSATION = (
    f"{code}{MONEY_SUFFIX}" for code in ("charge.over_take", "charge.compensation")
)


@dataclass(frozen=True)
class FairPlayTotals:
    """The sums of a run's results under Fair Play.

    Attributes:
        intervals: those of the days on which Fair Play was applied.
        short: of them, those in which the grid could not serve all that was desired.
        desired_w, entitled_w, maximum_w: mean power, summed over the intervals.
        over_take_micro: + was charged; compensation_micro: + was given.
    """

    intervals: int
    short: int
    desired_w: int
    entitled_w: int
    maximum_w: int
    over_take_wh: int
    missed_wh: int
    over_take_micro: int
    compensation_micro: int

    @property
    def entitled_ppm(self) -> int | None:
        """Part of what was desired that points were entitled to, rounded down; None of nothing."""
        return self.entitled_w * PPM // self.desired_w if self.desired_w else None

    @property
    def used_ppm(self) -> int | None:
        """Part of what the grid could serve that was given out, rounded down; None of nothing."""
        return self.entitled_w * PPM // self.maximum_w if self.maximum_w else None


def fair_play_totals(session: Session, run_id: uuid.UUID) -> FairPlayTotals | None:
    """Return what Fair Play came to over a run; None where no rule applied it."""
    measures = (
        MAXIMUM,
        DESIRED,
        ENTITLED,
        OVER_TAKE.measure,
        MISSED.measure,
        OVER_TAKE_CHARGE,
        COMPENSATION,
    )
    by_day: dict[str, dict[date, np.ndarray]] = {measure: {} for measure in measures}
    for vector in series(session, run_id, measures):
        days = by_day[vector.measure]
        days[vector.day] = days.get(vector.day, 0) + vector.values
    if not by_day[MAXIMUM]:
        return None
    desired = by_day[DESIRED]
    return FairPlayTotals(
        intervals=sum(len(values) for values in by_day[MAXIMUM].values()),
        short=sum(int((values < desired[day]).sum()) for day, values in by_day[MAXIMUM].items()),
        desired_w=_sum(desired),
        entitled_w=_sum(by_day[ENTITLED]),
        maximum_w=_sum(by_day[MAXIMUM]),
        over_take_wh=_sum(by_day[OVER_TAKE.measure]),
        missed_wh=_sum(by_day[MISSED.measure]),
        over_take_micro=_sum(by_day[OVER_TAKE_CHARGE]),
        compensation_micro=-_sum(by_day[COMPENSATION]),
    )


def _sum(days: Mapping[date, np.ndarray]) -> int:
    return sum(int(values.sum()) for values in days.values())
