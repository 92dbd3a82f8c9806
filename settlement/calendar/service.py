"""The use cases of the calendar; each works in the caller's transaction."""

import datetime as dt
from collections import defaultdict

from sqlalchemy.orm import Session

import ledger.queries
import ledger.service
from ledger.seal import DayToSeal, Seal, SealRequest
from rulebook.days import day_of, day_start
from rulebook.findings import Refused
from rulebook.service import rules_for_period
from rulebook.store import lock_market
from settlement.calendar.sealable import DayOnRecord, seal_findings
from settlement.meters.store import lock_readings
from settlement.meters.terms import ruled_days


def seal(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    *,
    sealed_by: str,
    reason: str,
    now: dt.datetime,
) -> list[Seal]:
    """Close settlement days: from then on nothing is posted, metered or ruled for them.

    A day that is sealed already keeps its seal and is returned with it.

    Raises:
        Refused: a day may not be sealed yet, or its last run is not posted; every reason is named.
        ledger.refusals.LedgerRefused: nobody or no reason is named.
    """
    lock_readings(session, market)
    lock_market(session, market)
    ledger.service.lock(session)
    periods = rules_for_period(session, market, first_day, last_day, now)
    posted: defaultdict[dt.date, list[str]] = defaultdict(list)
    for day, kind in ledger.queries.posted_runs(session, market, first_day, last_day):
        posted[day].append(kind)
    ruled = list(ruled_days(periods))
    sealed = ledger.service.sealed_at(session, ((market, day) for day, _ in ruled))
    days = [DayOnRecord(day, rules, posted[day], (market, day) in sealed) for day, rules in ruled]
    zone = periods[0][2].market_rules.time_zone
    findings = list(seal_findings(market, days, day_of(now, zone)))
    if findings:
        raise Refused(findings)
    request = SealRequest(
        market, tuple(_instants(day, zone) for day, _ in ruled), sealed_by, reason
    )
    return ledger.service.seal_days(session, request, now)


def _instants(day: dt.date, zone: str) -> DayToSeal:
    return DayToSeal(day, day_start(day, zone), day_start(day + dt.timedelta(days=1), zone))
