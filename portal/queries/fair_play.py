"""What Fair Play came to over a run: how short the grid was, and what was given of it."""

from collections import defaultdict
from dataclasses import dataclass

from django.core.cache import cache
from sqlalchemy import text
from sqlalchemy.orm import Session

from rulebook.law import rules_for_period
from settlement.billing.lines import MONEY_SUFFIX, OVER_TAKE, SHORTFALL
from settlement.core.tightness import PPM
from settlement.meters.terms import ruled_days
from settlement.runs.run import Run

MAXIMUM, ENTITLED, DELIVERED = "fair_play_maximum_w", "entitlement_w", "delivered_w"
LATE, MISSED, OWED = "late_w", "missed_w", "owed_w"
OF_POWER = (MAXIMUM, ENTITLED, DELIVERED, LATE, MISSED)
OVER_TAKE_CHARGE, COMPENSATION = (
    f"{code}{MONEY_SUFFIX}" for code in ("charge.over_take", "charge.compensation")
)

# In the database, where the vectors are: a year has 88,206 of them, and nine numbers are shown.
SUMS = """
SELECT settlement_day, measure, sum((SELECT sum(value) FROM unnest(values) AS value))
  FROM settlement.result
 WHERE run_id = :run_id AND measure = ANY(:measures)
 GROUP BY settlement_day, measure
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
        delivered, late, missed, entitled, maximum: energy in W x minutes, so that days of other
            intervals add up; late is the part of what was delivered that had been owed.
        over_take_micro: + was charged; compensation_micro: + was given.
    """

    intervals: int
    short: int
    delivered: int
    late: int
    missed: int
    entitled: int
    maximum: int
    over_take_wh: int
    shortfall_wh: int
    over_take_micro: int
    compensation_micro: int

    @property
    def delivered_ppm(self) -> int | None:
        """Part of what was due that was delivered, rounded down; None where nothing was due."""
        due = self.delivered + self.missed
        return self.delivered * PPM // due if due else None

    @property
    def used_ppm(self) -> int | None:
        """Part of what the grid could serve that was given out, rounded down; None of nothing."""
        return self.entitled * PPM // self.maximum if self.maximum else None

    @property
    def late_wh(self) -> int:
        """Energy that was refused first and served within its window, rounded down."""
        return self.late // 60

    @property
    def missed_wh(self) -> int:
        """Energy that was refused for good, rounded down."""
        return self.missed // 60


def fair_play_totals(session: Session, run: Run) -> FairPlayTotals | None:
    """Return what Fair Play came to over a run; None where no rule applied it.

    Added up once: what a run found never changes, and to add up a year takes the database a second.
    """
    key = f"fair-play-energy:{run.id}:{run.result_digest.hex()}"
    totals: FairPlayTotals | None = cache.get_or_set(
        key, lambda: _added_up(session, run), timeout=None
    )
    return totals


def _added_up(session: Session, run: Run) -> FairPlayTotals | None:
    measures = (
        *OF_POWER,
        OVER_TAKE.measure,
        SHORTFALL.measure,
        OVER_TAKE_CHARGE,
        COMPENSATION,
    )
    run_id = run.id
    parameters = {"run_id": run_id, "measures": list(measures)}
    periods = rules_for_period(session, run.market, run.first_day, run.last_day, run.known_at)
    minutes = {day: rules.market_rules.interval_minutes for day, rules in ruled_days(periods)}
    sums: defaultdict[str, int] = defaultdict(int)
    for day, measure, total in session.execute(text(SUMS), parameters):
        sums[measure] += int(total) * (minutes[day] if measure in OF_POWER else 1)
    if MAXIMUM not in sums:
        return None
    intervals, short = session.execute(
        text(SHORT), {"run_id": run_id, "maximum": MAXIMUM, "missed": MISSED, "owed": OWED}
    ).one()
    return FairPlayTotals(
        intervals=intervals,
        short=short,
        delivered=sums[DELIVERED],
        late=sums[LATE],
        missed=sums[MISSED],
        entitled=sums[ENTITLED],
        maximum=sums[MAXIMUM],
        over_take_wh=sums[OVER_TAKE.measure],
        shortfall_wh=sums[SHORTFALL.measure],
        over_take_micro=sums[OVER_TAKE_CHARGE],
        compensation_micro=-sums[COMPENSATION],
    )
