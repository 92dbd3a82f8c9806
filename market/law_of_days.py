"""Law of the rulebook as a machine takes it: that of a day, as it was known at a moment."""

import datetime as dt

from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from market.core.online import OnlineMarket
from market.law_book import Resolve
from market.rules import online_market, required_online_market
from rulebook.law import rules_for_period


def law_of(market: str) -> Resolve:
    """Return what gives the law of a market, each in a transaction of its own.

    Law of a day is for ever what it was known to be at a moment: the rulebook only adds. So what it
    gives for a `rules` event, it gives again for a replay of it.
    """

    def resolve(day: dt.date, known: dt.datetime) -> OnlineMarket | None:
        with transaction() as session:
            return law_in(session, market)(day, known)

    return resolve


def law_in(session: Session, market: str) -> Resolve:
    """Return what gives the law of a market, in the transaction of a session."""

    def resolve(day: dt.date, known: dt.datetime) -> OnlineMarket | None:
        try:
            (period,) = rules_for_period(session, market, day, day, known)
        except Refused:  # a gap in the law, or a day that no law is dated for
            return None
        return online_market(period.rules)

    return resolve


def laws_of_days(
    session: Session, market: str, first: dt.date, last: dt.date, known: dt.datetime
) -> dict[dt.date, OnlineMarket | None]:
    """Return the law of each of consecutive days, as it was known at a moment, by one question.

    None where it is not online.

    Raises:
        Refused: the law has a gap.
    """
    found: dict[dt.date, OnlineMarket | None] = {}
    for period in rules_for_period(session, market, first, last, known):
        law = online_market(period.rules)
        count = (period.last_day - period.first_day).days + 1
        found |= {period.first_day + dt.timedelta(days=number): law for number in range(count)}
    return found


def refuse_offline(market: str, day: dt.date, known: dt.datetime) -> None:
    """Refuse to lead a market that no law lets be online.

    Raises:
        Refused: its market rules have no part `online`, or its law has a gap.
    """
    with transaction() as session:
        (period,) = rules_for_period(session, market, day, day, known)
    required_online_market(period.rules)
