"""What Fair Play came to over a run: how short the grid was, and what was given of it."""

from collections import defaultdict
from dataclasses import dataclass

from django.core.cache import cache
from sqlalchemy import text
from sqlalchemy.orm import Session

from rulebook.law import rules_for_period
from settlement.billing.lines import MONEY_SUFFIX, OVER_TAKE, SHORTFALL
from settlement.core.tightness import PPM
from settlement.runs.run import Run

MAXIMUM, ENTITLED, DELIVERED = "fair_play_maximum_w", "entitlement_w", "delivered_w"
LATE, MISSED, OWED = "late_w", "missed_w", "owed_w"
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
SELECT count(*), count(*) FILTER (WHERE refused > 0)
  FROM (SELECT sum(value) FILTER (WHERE measure = :maximum) AS served,
               sum(value) FILTER (WHERE measure <> :maximum) AS refused
          FROM settlement.result, unnest(values) WITH ORDINALITY AS each (value, interval)
         WHERE run_id = :run_id AND measure IN (:maximum, :missed, :owed)
         GROUP BY settlement_day, interval) AS of_interval
 WHERE served IS NOT NULL
"""


@dataclass(frozen=True)
class FairPlayTotals:
    """The sums of a run's results under Fair Play.

    Attributes:
        intervals: those of the days on which Fair Play was applied.
        short: of them, those that left something missed or owed.
        delivered_w, late_w, missed_w, entitled_w, maximum_w: mean power, summed over the intervals;
            late is the part of what was delivered that had been owed.
        interval_minutes: of the run's market.
        over_take_micro: + was charged; compensation_micro: + was given.
    """

    intervals: int
    short: int
    delivered_w: int
    late_w: int
    missed_w: int
    entitled_w: int
    maximum_w: int
    interval_minutes: int
    over_take_wh: int
    shortfall_wh: int
    over_take_micro: int
    compensation_micro: int

    @property
    def delivered_ppm(self) -> int | None:
        """Part of what was due that was delivered, rounded down; None where nothing was due."""
        due = self.delivered_w + self.missed_w
        return self.delivered_w * PPM // due if due else None

    @property
    def used_ppm(self) -> int | None:
        """Part of what the grid could serve that was given out, rounded down; None of nothing."""
        return self.entitled_w * PPM // self.maximum_w if self.maximum_w else None

    @property
    def late_wh(self) -> int:
        """Energy that was refused first and served within its window, rounded down."""
        return self.late_w * self.interval_minutes // 60

    @property
    def missed_wh(self) -> int:
        """Energy that was refused for good, rounded down."""
        return self.missed_w * self.interval_minutes // 60


def fair_play_totals(session: Session, run: Run) -> FairPlayTotals | None:
    """Return what Fair Play came to over a run; None where no rule applied it.

    Added up once: what a run found never changes, and to add up a year takes the database a second.
    """
    key = f"fair-play-totals:{run.id}:{run.result_digest.hex()}"
    totals: FairPlayTotals | None = cache.get_or_set(
        key, lambda: _added_up(session, run), timeout=None
    )
    return totals


def _added_up(session: Session, run: Run) -> FairPlayTotals | None:
    measures = (
        MAXIMUM,
        ENTITLED,
        DELIVERED,
        LATE,
        MISSED,
        OVER_TAKE.measure,
        SHORTFALL.measure,
        OVER_TAKE_CHARGE,
        COMPENSATION,
    )
    run_id = run.id
    parameters = {"run_id": run_id, "measures": list(measures)}
    sums: defaultdict[str, int] = defaultdict(int)
    for measure, total in session.execute(text(SUMS), parameters):
        sums[measure] = int(total)
    if MAXIMUM not in sums:
        return None
    rules = rules_for_period(session, run.market, run.first_day, run.first_day, run.known_at)
    interval_minutes = rules[0].rules.market_rules.interval_minutes
    intervals, short = session.execute(
        text(SHORT), {"run_id": run_id, "maximum": MAXIMUM, "missed": MISSED, "owed": OWED}
    ).one()
    return FairPlayTotals(
        intervals=intervals,
        short=short,
        delivered_w=sums[DELIVERED],
        late_w=sums[LATE],
        missed_w=sums[MISSED],
        entitled_w=sums[ENTITLED],
        maximum_w=sums[MAXIMUM],
        interval_minutes=interval_minutes,
        over_take_wh=sums[OVER_TAKE.measure],
        shortfall_wh=sums[SHORTFALL.measure],
        over_take_micro=sums[OVER_TAKE_CHARGE],
        compensation_micro=-sums[COMPENSATION],
    )
