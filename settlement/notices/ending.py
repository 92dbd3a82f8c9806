"""Notices that a participant's registration is to end, or ends; pure."""

import datetime as dt
from typing import NamedTuple

from settlement.notices.notice import Notice, Sort


class Ending(NamedTuple):
    """A step of the end of a registration: `proposed`, `withdrawn`, `rejected` or `approved`.

    `name` tells it from others: of the proposal, or of the version that has the end. `last_day` is
    the last on which the registration applies, or would. `told` are the contacts of the
    registration, which is in force no longer where the end lies in the past.
    """

    market: str
    participant: str
    instrument: str
    name: str
    step: str
    by: str
    at: dt.datetime
    last_day: dt.date
    reason: str
    told: tuple[str, ...]


def notice_of_ending(ending: Ending) -> Notice:
    """Return the notice of a step; each has its own."""
    return Notice(
        key=f"{Sort.ENDING}:{ending.name}:{ending.step}",
        sort=Sort.ENDING,
        market=ending.market,
        participant=ending.participant,
        at=ending.at,
        subject=ending.step,
        days=(ending.last_day,),
        instrument=ending.instrument,
        reason=ending.reason,
        words=(ending.by,),
        told=ending.told,
    )
