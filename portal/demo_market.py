"""The market of a demonstration, which lives through the last day that was settled of it.

The demonstration's operator feeds it, by a token that this process makes and ends, as the main job
lets its people act. The database says whether it is a demonstration, for good: in another nobody
acts so, and `market feed` asks for somebody who is signed in.
"""

import datetime as dt

from common.refusals import Finding, Refused, refuse_any
from database.session import transaction
from ledger.people import store as people
from ledger.people import tokens
from ledger.people.rights import check_acting
from ledger.people.roles import Role
from portal.demo import is_demo
from portal.demo_people import OPERATOR, DemoPeople
from portal.market_feed import Fed, Progress, feed
from portal.queries.market_now import list_markets
from settlement.runs.store import list_runs


def living_markets(now: dt.datetime) -> list[str]:
    """Return the markets of a demonstration that are online; none where it is no demonstration."""
    if not is_demo():
        return []
    with transaction() as session:
        return [each.market for each in list_markets(session, now) if each.is_online]


def feed_last_day(market: str, now: dt.datetime, speed: int, progress: Progress) -> Fed:
    """Tell a market of a demonstration the last day that was settled of it, as its operator.

    Raises:
        Refused: this is no demonstration, nothing is settled of the market, or it is not online.
    """
    if not is_demo():
        raise Refused(
            [
                Finding(
                    "no-demonstration",
                    "this database",
                    "one for others",
                    "only in a demonstration does somebody act who is not signed in",
                    f"sign in, and run `manage.py market feed {market} --day DAY`",
                )
            ]
        )
    with transaction() as session:
        day = max((run.last_day for run in list_runs(session, market)), default=None)
    if day is None:
        raise Refused(
            [
                Finding(
                    "nothing-settled",
                    f"market {market}",
                    "no run",
                    "the last day that was settled is lived through",
                    "settle a period: `make demo` does",
                )
            ]
        )
    _keep_deed(market, day, speed, now)
    return feed(market, day, now, by=OPERATOR.account, speed=speed, progress=progress)


def _keep_deed(market: str, day: dt.date, speed: int, now: dt.datetime) -> None:
    """Leave in the trail that the operator begins to, where the operator may."""
    acting = DemoPeople(now, {})
    with acting.acting_as(OPERATOR.account) as session:
        rights = people.acting(session)
        refuse_any(check_acting(rights, frozenset({Role.OPERATOR}), "feed a market"))
        words = f"action demonstrate, day {day}, market {market}, speed {speed}"
        people.record_deed(session, rights.account, "market", words, now)
        tokens.end(tokens.through(session), acting.tokens[OPERATOR.account])
