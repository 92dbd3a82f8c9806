"""Whether the parts that the portal rests on are well: what `/healthy/` answers to a monitor.

It asks little, so that it costs less than any page and can be asked every second.
"""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse
from django.utils import timezone
from sqlalchemy import select

from database.session import Patience, transaction, waiting_at_most
from ledger.log import store
from ledger.log.note import MalformedNote, parse_note
from portal import jobs
from portal.queries.market_watch import Leadership, leaderships

PATIENCE = Patience(lock_ms=500, statement_ms=1_000)
OLDEST_CHECKPOINT = dt.timedelta(hours=25)
"""A day, at which the timer signs what is new, and an hour for a timer that was late."""
UNAVAILABLE = 503


class Health(NamedTuple):
    """How a part is, in words; a part that is not well has them too."""

    part: str
    is_well: bool
    words: str

    def __str__(self) -> str:
        return f"{self.part}: {'well' if self.is_well else 'NOT WELL'}, {self.words}"


def health_response(*, is_strict: bool) -> HttpResponse:
    """Answer a probe: 503 where pages cannot be answered, or, if strict, any part is not well.

    A balancer takes a machine out for the first; the second is for whoever is woken by it.
    """
    parts = check_parts(timezone.now())
    is_up = all(part.is_well for part in parts if is_strict or part.part == "database")
    lines = ["ok" if is_up else "unwell", *map(str, parts)]
    answer = HttpResponse(
        "".join(f"{line}\n" for line in lines),
        content_type="text/plain; charset=utf-8",
        status=200 if is_up else UNAVAILABLE,
    )
    answer["Cache-Control"] = "no-store"
    return answer


def check_parts(now: dt.datetime) -> list[Health]:
    """Return how every part is; what cannot be asked is not well."""
    checks: dict[str, Callable[[dt.datetime], Health]] = {
        "database": _check_database,
        "log": _check_log,
        "worker": _check_worker,
        "markets": _check_markets,
    }
    parts = []
    for name, check in checks.items():
        try:
            with waiting_at_most(PATIENCE):
                parts.append(check(now))
        except Exception as error:
            # Its type alone: anyone may ask, and what an error says is for the log.
            parts.append(Health(name, False, f"it could not be asked ({type(error).__name__})"))
    return parts


def _check_database(_now: dt.datetime) -> Health:
    with transaction() as session:
        session.execute(select(1))
    return Health("database", True, "it answers")


def _check_log(now: dt.datetime) -> Health:
    """Hold the latest checkpoint to its age and to the log's own keys."""
    with transaction() as session:
        size, last = store.log_size(session), store.last_checkpoint(session)
        keys = [placed.row.key for placed in store.key_rows(session)]
    if not size:
        return Health("log", True, "nothing is published yet")
    if last is None:
        return Health("log", False, f"no checkpoint covers its {size:,} leaves")
    try:
        signed = parse_note(last.note).signed_by(keys)
    except MalformedNote:
        signed = []
    if not signed:
        return Health("log", False, f"no key of the log signed the checkpoint of {last.size:,}")
    # One leaf more than it covers is the checkpoint's own.
    uncovered, age = size - last.size - 1, now - last.signed_at
    words = f"the checkpoint of {last.size:,} leaves was signed {_age_words(age)} ago"
    if uncovered > 0 and age > OLDEST_CHECKPOINT:
        return Health("log", False, f"{words}, and {uncovered:,} leaves came since")
    return Health("log", True, words)


def _check_worker(now: dt.datetime) -> Health:
    seen, waiting = jobs.last_seen(), jobs.waiting()
    words = f"{waiting} job{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''}"
    if seen is None:
        return Health("worker", False, f"none is there; {words}")
    seconds = max(0, int((now - seen).total_seconds()))
    return Health("worker", now - seen < jobs.HEART, f"seen {seconds} seconds ago; {words}")


def _check_markets(now: dt.datetime) -> Health:
    """Hold each market to take what is handed in, whoever leads it or ever did."""
    with transaction() as session:
        led = leaderships(session)
    waiting = {market: each for market, each in led.items() if each.waits_too_long(now)}
    if waiting:
        words = "; ".join(
            f"{market}: {_who_leads(each)}, and what was handed in waits since "
            f"{each.waiting_since:%Y-%m-%d %H:%M:%S} UTC"
            for market, each in waiting.items()
        )
        return Health("markets", False, words)
    led = {market: each for market, each in led.items() if each.was_led}
    unled = [market for market, each in led.items() if not each.has_leader]
    if unled:
        return Health("markets", True, f"nobody leads {', '.join(unled)}, and nothing waits")
    return Health("markets", True, f"{len(led)} led, and nothing waits" if led else "none is led")


def _who_leads(each: Leadership) -> str:
    if each.has_leader:
        return "somebody leads"
    return "nobody leads" if each.was_led else "nobody ever led"


def _age_words(age: dt.timedelta) -> str:
    minutes = max(0, int(age.total_seconds())) // 60
    days, hours = minutes // 1_440, minutes // 60
    return f"{days} days" if days > 1 else f"{hours} hours" if hours > 1 else f"{minutes} minutes"
