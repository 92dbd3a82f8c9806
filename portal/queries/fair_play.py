"""What Fair Play came to over a run: how short the grid was, and what was given of it."""

import uuid
from collections import defaultdict
from dataclasses import dataclass

from django.core.cache import cache
from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.billing.lines import MISSED, MONEY_SUFFIX, OVER_TAKE
from settlement.core.tightness import PPM
from settlement.runs.run import Run

MAXIMUM, DESIRED, ENTITLED = "fair_play_maximum_w", "desired_w", "entitlement_w"
OVER_TAKE_CHARGE, COMPENSATION = (
    f"{code}{MONEY_SUFFIX}" for code in ("charge.over_take", "charge.compensation")
)

# In the database, where the vectors are: a year has 88,206 of them, and nine numbers are shown.
SUMS = """
SELECT measure, sum((SELECT sum(value) FROM unnest(values) AS value))
  FROM settlement.result
 WHERE run_id = :run_id AND measure = ANY(:measures)
 GROUP BY measure
"""
SHORT = """
SELECT count(*), count(*) FILTER (WHERE served < wanted)
  FROM (SELECT sum(value) FILTER (WHERE measure = :maximum) AS served,
               sum(value) FILTER (WHERE measure = :desired) AS wanted
          FROM settlement.result, unnest(values) WITH ORDINALITY AS each (value, interval)
         WHERE run_id = :run_id AND measure IN (:maximum, :desired)
         GROUP BY settlement_day, interval) AS of_interval
 WHERE served IS NOT NULL
"""


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


def fair_play_totals(session: Session, run: Run) -> FairPlayTotals | None:
    """Return what Fair Play came to over a run; None where no rule applied it.

    Added up once: what a run found never changes, and to add up a year takes the database a second.
    """
    key = f"fair-play-totals:{run.id}:{run.result_digest.hex()}"
    totals: FairPlayTotals | None = cache.get_or_set(
        key, lambda: _added_up(session, run.id), timeout=None
    )
    return totals


def _added_up(session: Session, run_id: uuid.UUID) -> FairPlayTotals | None:
    measures = (
        MAXIMUM,
        DESIRED,
        ENTITLED,
        OVER_TAKE.measure,
        MISSED.measure,
        OVER_TAKE_CHARGE,
        COMPENSATION,
    )
    parameters = {"run_id": run_id, "measures": list(measures)}
    sums: defaultdict[str, int] = defaultdict(int)
    for measure, total in session.execute(text(SUMS), parameters):
        sums[measure] = int(total)
    if MAXIMUM not in sums:
        return None
    intervals, short = session.execute(
        text(SHORT), {"run_id": run_id, "maximum": MAXIMUM, "desired": DESIRED}
    ).one()
    return FairPlayTotals(
        intervals=intervals,
        short=short,
        desired_w=sums[DESIRED],
        entitled_w=sums[ENTITLED],
        maximum_w=sums[MAXIMUM],
        over_take_wh=sums[OVER_TAKE.measure],
        missed_wh=sums[MISSED.measure],
        over_take_micro=sums[OVER_TAKE_CHARGE],
        compensation_micro=-sums[COMPENSATION],
    )
