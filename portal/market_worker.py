"""Leading a market by a command, until a signal says to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from common.refusals import Refused
from database.roles.granting import plain_url
from database.session import database_url
from market.course import Diverged
from market.law_of_days import law_of
from market.worker import Tell, Worker


def lead(market: str, tell: Tell) -> int:
    """Lead a market, or wait to, until interrupted or told to terminate; return the events taken.

    Raises:
        Refused: its log does not come out as it is stored.
    """
    with _stopped_by_signals() as stop:
        worker = Worker(plain_url(database_url()), market, law_of(market), stop, tell)
        try:
            worker.run()
        except Diverged as diverged:
            raise Refused([diverged.finding]) from None
    return worker.taken


@contextmanager
def _stopped_by_signals() -> Iterator[Event]:
    """Give what is set once this process is to end, and let nothing else come of its signals."""
    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
