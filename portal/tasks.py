"""What the worker does, by name; procrastinate finds this module by its own name.

It reads this module in every process that has Django, so what the tasks need is imported by the
tasks: the files of documents alone took each command as long to start as all the rest.
"""

import datetime as dt
import logging
import os

from django.utils import timezone
from procrastinate.contrib.django import app

log = logging.getLogger(__name__)


@app.task(name="replay", lock="replay")
def answer_replay(number: int) -> None:
    """Compute a run again that a page asked for."""
    from portal import replays

    replays.compute_request(number, os.cpu_count() or 1)


@app.task(name="export", priority=10)
def make_export(number: int) -> None:
    """Make a file that a page asked for."""
    from portal import exports

    exports.make(number)


@app.periodic(cron="*/10 * * * *")
@app.task(name="expire")
def expire(timestamp: int) -> None:
    """Remove files whose day is over."""
    from portal import exports

    exports.remove_expired(timezone.now())


@app.task(name="sign-now", priority=20)
def sign_now() -> None:
    """Sign the log after what a page committed."""
    from portal.signing import sign_after

    complaint = sign_after(dt.datetime.now(dt.UTC))
    if complaint:
        log.error(complaint)


@app.periodic(cron="*/10 * * * *")
@app.task(name="sign")
def sign(timestamp: int) -> None:
    """Sign the log once a day, where nobody published, posted or issued."""
    from portal.signing import sign_daily

    complaint = sign_daily(dt.datetime.now(dt.UTC))
    if complaint:
        log.error(complaint)
