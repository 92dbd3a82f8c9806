"""The energy of areas held to itself and to what is posted."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from settlement.billing.posting import AREA_ACCOUNTS, IMBALANCE, LOSSES, MARKET_SUBJECT
from settlement.core.energy_accounts import DEMAND, GENERATION, MEASURES
from settlement.core.energy_accounts import IMBALANCE as AREA_IMBALANCE
from settlement.core.energy_accounts import LOSSES as AREA_LOSSES
from settlement.runs.energy import vectors_by_day
from settlement.runs.results import ResultVector

ENERGY = "energy-account"

RUNS_WITH_AREAS = """
SELECT run.id FROM settlement.run
 WHERE EXISTS (SELECT FROM settlement.result WHERE run_id = run.id AND measure = :measure)
 ORDER BY run.id
"""
STATED = """
SELECT posted.market, posted.settlement_day, result.measure, result.entity,
       (SELECT sum(value)::int8 FROM unnest(result.values) AS value)
  FROM (SELECT DISTINCT ON (market, settlement_day) market, settlement_day, run_id
          FROM ledger.journal WHERE run_id IS NOT NULL
         ORDER BY market, settlement_day, number DESC) AS posted
  JOIN settlement.result ON result.run_id = posted.run_id
   AND result.settlement_day = posted.settlement_day
 WHERE result.measure = ANY(:measures)
"""
POSTED = """
SELECT journal.market, journal.settlement_day, account.kind, account.subject,
       sum(posting.amount)::int8
  FROM ledger.journal
  JOIN ledger.posting ON posting.journal_number = journal.number
  JOIN ledger.account ON account.code = posting.account
 WHERE journal.run_id IS NOT NULL AND journal.settlement_day IS NOT NULL
   AND account.participant IS NULL AND account.commodity = 'WH'
   AND account.kind = ANY(:kinds)
 GROUP BY journal.market, journal.settlement_day, account.kind, account.subject
"""


def verify_energy(session: Session) -> Iterator[Finding]:
    """Find areas whose energy does not add up, and days that are not posted as they add up."""
    for run_id in session.execute(text(RUNS_WITH_AREAS), {"measure": AREA_LOSSES}).scalars():
        for day, areas in sorted(vectors_by_day(session, run_id).items()):
            for area, of_area in sorted(areas.items()):
                if not _adds_up(of_area):
                    yield damage(
                        ENERGY,
                        f"settlement.result {run_id} {day} {AREA_IMBALANCE} {area}",
                        "generation is not demand, losses and imbalance in every interval",
                    )
    yield from _verify_posted(session)


def _verify_posted(session: Session) -> Iterator[Finding]:
    """Hold the market's energy accounts of each day to the run that posted it last."""
    stated: defaultdict[tuple[str, dt.date], dict[tuple[str, str], int]] = defaultdict(dict)
    measures = {"measures": list(AREA_ACCOUNTS)}
    for market, day, measure, area, total in session.execute(text(STATED), measures):
        stated[market, day][AREA_ACCOUNTS[measure], area] = total
    posted: defaultdict[tuple[str, dt.date], dict[tuple[str, str], int]] = defaultdict(dict)
    kinds = {"kinds": [LOSSES, IMBALANCE]}
    for market, day, kind, subject, total in session.execute(text(POSTED), kinds):
        posted[market, day][kind, subject] = total
    # In the order of their text, as a journal that was tampered with may have no day.
    for market, day in sorted(stated.keys() | posted.keys(), key=str):
        wanted, found = stated[market, day], posted[market, day]
        if not wanted:  # one account of the whole market, which the journal's balance holds
            found = {
                key: total for key, total in found.items() if key != (IMBALANCE, MARKET_SUBJECT)
            }
        for kind, subject in sorted(wanted.keys() | found.keys()):
            settled_wh, posted_wh = wanted.get((kind, subject), 0), found.get((kind, subject), 0)
            if settled_wh != posted_wh:
                yield damage(
                    ENERGY,
                    f"ledger.posting of {market} {day} {kind} {subject}",
                    f"{posted_wh} Wh are posted and the last posted run says {settled_wh} Wh",
                )


def _adds_up(of_area: dict[str, ResultVector]) -> bool:
    if (
        of_area.keys() != set(MEASURES)
        or len({len(vector.values) for vector in of_area.values()}) > 1
    ):
        return False
    rest = of_area[GENERATION].values - of_area[DEMAND].values
    return np.array_equal(rest, of_area[AREA_LOSSES].values + of_area[AREA_IMBALANCE].values)
