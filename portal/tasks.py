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


@app.task(name="replay")
def answer_replay(number: int) -> None:
    """Compute a run again that a page asked for."""
    from portal import replays

    replays.compute_request(number, os.cpu_count() or 1)


@app.task(name="trial")
def try_drafts(number: int) -> None:
    """Settle days of the past under drafts that a page asked for."""
    from portal.trials import requests

    requests.compute(number, os.cpu_count() or 1)


@app.task(name="report")
def make_report(number: int) -> None:
    """Make a fairness report that a page asked for."""
    from portal.fairness import requests

    requests.compute(number, os.cpu_count() or 1)


@app.task(name="export", priority=10)
def make_export(number: int) -> None:
    """Make a file that a page asked for."""
    from portal import exports

    exports.make(number)


@app.task(name="explain", priority=15)
def explain(number: int) -> None:
    """Work out why a number is what it is, for the page that asks."""
    from portal import explanations

    if not explanations.hand_on(number):
        explanations.make(number, os.cpu_count() or 1)


@app.task(name="open", priority=12)
def open_trial(number: int) -> None:
    """Settle all days of a trial again, for the page that opens a row of it."""
    from portal import explanations

    explanations.make(number, os.cpu_count() or 1)


@app.periodic(cron="*/10 * * * *")
@app.task(name="expire")
def expire(timestamp: int) -> None:
    """Remove files and explanations whose time is over."""
    from portal import explanations, exports
    from portal.acts.requests import remove_old

    exports.remove_expired(timezone.now())
    explanations.remove_old(timezone.now())
    remove_old(timezone.now())


@app.task(name="act", priority=20)
def do_act(number: int) -> None:
    """Do what a person asked for on a page, and sign the log after it."""
    from portal.acts.executors import EXECUTORS
    from portal.acts.requests import execute
    from portal.signing import sign_after

    if execute(number, EXECUTORS, timezone.now()):
        complaint = sign_after(timezone.now())
        if complaint:
            log.error(complaint)


@app.periodic(cron="* * * * *")
@app.task(name="resume", priority=20)
def resume(timestamp: int) -> None:
    """Do again what a worker was doing when it died; what it had done is marked, and stays."""
    from portal.acts.requests import resume_lost

    resume_lost(timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(name="sign")
def sign(timestamp: int) -> None:
    """Sign the log once a day, where nobody published, posted or issued."""
    from portal.signing import sign_daily

    complaint = sign_daily(dt.datetime.now(dt.UTC))
    if complaint:
        log.error(complaint)
