"""Transition reports of the tiny market, at prices that are made up."""

import datetime as dt

from sqlalchemy.orm import Session

from settlement.core.periods import interval_starts
from settlement.studies.transition import compare_with_market_in_force
from settlement.studies.transition_records import TransitionReport
from settlement.studies.transition_store import keep_transition
from settlement.studies.wholesale_prices import WholesalePrices
from tests.worlds.tiny_market import ZONE

COLUMN = "day_ahead_price_gbp_per_mwh"


def prices_of(days: list[dt.date], zone: str = ZONE, more: int = 0) -> WholesalePrices:
    """Return a price for each half-hour of some days, and one of the year before."""
    starts = [start.astimezone(dt.UTC) for day in days for start in interval_starts(day, zone, 30)]
    found = {start: 40_000_000 + at * 7 + more for at, start in enumerate(starts)}
    found[dt.datetime(2023, 1, 1, tzinfo=dt.UTC)] = 1
    return WholesalePrices("prices.csv", COLUMN, bytes(32), found)


def keep_transition_of_tiny(
    session: Session, first_day: dt.date, last_day: dt.date, *, now: dt.datetime
) -> TransitionReport:
    """Keep the report of some days of the tiny market."""
    days = [first_day + dt.timedelta(at) for at in range((last_day - first_day).days + 1)]
    outcome = compare_with_market_in_force(session, "tiny", first_day, last_day, prices_of(days))
    return keep_transition(session, outcome, now=now)
