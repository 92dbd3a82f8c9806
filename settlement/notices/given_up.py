"""Notices that a proposal of law, which no change made, was withdrawn or rejected; pure."""

import datetime as dt
from typing import NamedTuple

from settlement.notices.change import OVERSEEN
from settlement.notices.notice import Notice, Sort


class GivenUp(NamedTuple):
    """A proposal of law that is not to be approved any more: how, by whom and why."""

    market: str
    proposal: int
    title: str
    outcome: str
    by: str
    at: dt.datetime
    reason: str


def notice_of_given_up(given_up: GivenUp) -> Notice:
    """Return the notice to those who oversee the market, whoever proposed it among them."""
    return Notice(
        key=f"{Sort.PROPOSAL}:{given_up.proposal}:{given_up.outcome}",
        sort=Sort.PROPOSAL,
        market=given_up.market,
        participant=OVERSEEN,
        at=given_up.at,
        subject=given_up.outcome,
        days=(given_up.at.date(),),
        reason=given_up.reason,
        words=(given_up.title, given_up.by),
        law_proposal=given_up.proposal,
    )
