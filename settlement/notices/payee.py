"""Notices of a change of who a participant is or where it is paid; pure."""

import datetime as dt
from typing import NamedTuple

from settlement.notices.notice import Notice, Sort


class Payee(NamedTuple):
    """A step of a change of who a participant is or where it is paid; `words` say the change."""

    market: str
    participant: str
    proposal: int
    taker: str | None
    step: str
    by: str
    at: dt.datetime
    first_day: dt.date
    words: tuple[str, ...]
    told: tuple[str, ...]


def notice_of_payee(payee: Payee) -> Notice:
    """Return the notice of a step; each step of a change has its own."""
    taken = f":{payee.taker}" if payee.taker else ""
    return Notice(
        key=f"{Sort.PAYEE}:{payee.proposal}:{payee.participant}{taken}:{payee.step}",
        sort=Sort.PAYEE,
        market=payee.market,
        participant=payee.participant,
        at=payee.at,
        subject=payee.step,
        days=(payee.first_day,),
        reason=f"proposal {payee.proposal}, {payee.step} by {payee.by}",
        words=payee.words,
        proposal=payee.proposal,
        told=payee.told,
    )
