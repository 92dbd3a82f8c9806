"""Notices of changes of the law: that one is consulted on, answered, decided or given up; pure."""

import datetime as dt
from typing import NamedTuple

from settlement.notices.notice import Notice, Sort

OVERSEEN = ""
"""In the place of a participant: of a notice to those who oversee the market."""


class ChangeStep(NamedTuple):
    """A step of a change that a participant is told of.

    `day` is the last of a consultation that opens, and the first of what was approved where its
    text may be seen; of every other step the day of the step.
    """

    market: str
    participant: str
    number: int
    sequence: int
    title: str
    kind: str
    at: dt.datetime
    day: dt.date


def notice_of_change(step: ChangeStep) -> Notice:
    """Return the notice of a step; each step has its own."""
    return Notice(
        key=f"{Sort.CHANGE}:{step.number}:{step.sequence}:{step.participant}",
        sort=Sort.CHANGE,
        market=step.market,
        participant=step.participant,
        at=step.at,
        subject=step.kind,
        days=(step.day,),
        words=(step.title,),
        change=step.number,
    )
