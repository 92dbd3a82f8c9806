"""Verification of what markets published: every day of every log is taken again."""

from collections.abc import Iterator
from functools import partial

from sqlalchemy.orm import Session

from common.refusals import Finding
from database.bulk import driver_connection
from market import stored_rows
from market.handed_verification import verify_handed_days
from market.handing_over import Law
from market.law_of_days import law_in
from market.replaying import replay, stretches
from market.written import released
from settlement.verification import Check

REPLAYS = "days of markets, taken again"
"""The check that `verify --quick` leaves out."""


def replay_check(law: Law = law_in) -> Check:
    """Return the check that takes every day of every log again.

    Args:
        law: gives that of a market, as it was known at a moment.
    """
    return Check(REPLAYS, partial(verify_market_days, law=law))


def verify_market_days(session: Session, *, law: Law = law_in) -> Iterator[Finding]:
    """Name, of each day of each log, the first row that does not come of its events.

    A day is taken from its opening, and what comes of it is held to the opening of the next: so
    all of them together hold the log to come of nothing but its events and the law. What was handed
    over of days to settlement is made again from it, too.
    """
    connection = driver_connection(session)
    for market in stored_rows.markets(connection):
        resolve = law(session, market)
        for stretch in stretches(connection, market):
            with released(connection):
                replayed = replay(connection, market, resolve, stretch)
            if replayed.difference is not None:
                yield replayed.difference
    yield from verify_handed_days(session, law)
