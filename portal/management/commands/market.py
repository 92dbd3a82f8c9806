"""`manage.py market ...`: the market online."""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.core.management.base import CommandError

from database.bulk import driver_connection
from database.session import transaction
from ledger.people import store as people
from market import store
from market.law_of_days import refuse_offline
from portal import market_replay
from portal.demo import LIVING_SPEED
from portal.demo_market import feed_last_day
from portal.management.arguments import (
    JSON,
    KNOWN_AT,
    MARKET,
    ExclusiveGroup,
    Subcommand,
    argument,
    at_least,
    flag,
    parse_day,
)
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from portal.market_feed import Fed, feed
from portal.market_replay import ReplayedDay
from portal.market_stream import run_stream
from portal.market_worker import lead
from portal.serving import Unserved

DAY = argument(
    "--day", type=parse_day, required=True, metavar="DAY", help="settlement day, YYYY-MM-DD"
)


SPEED_OF_FEED = argument(
    "--speed", type=at_least(1), default=LIVING_SPEED, metavar="TIMES",
    help="as fast as the day was; default: %(default)s, an hour in twelve seconds",
)  # fmt: skip


class Led(NamedTuple):
    """How many events of a market were taken until it was left."""

    market: str
    taken: int


class Told(NamedTuple):
    """How many listened to a stream of markets until it was stopped."""

    listeners: int


class Command(BaseCommand[Fed | Led | ReplayedDay | Told]):
    help = (
        "The market online, which is priced while its intervals run. `run` leads it until stopped; "
        "`feed` tells it a day of readings as if the day were lived through, so that it can be "
        "watched, as `demonstrate` does in a demonstration; `stream` tells whoever listens of "
        "each price as it is published; "
        "`replay` takes a day of its log again, and names the first difference."
    )
    appends_facts = frozenset({"feed"})
    actions: ClassVar = {
        "run": Subcommand(
            "take what the market is told, and publish its prices, until interrupted; where "
            "another process does, follow it, and take over when it ends",
            (MARKET, JSON),
        ),
        "feed": Subcommand(
            "tell a market a day of its readings, event by event; what it was told is not told "
            "twice, so a feed that was stopped goes on",
            (
                MARKET,
                DAY,
                ExclusiveGroup(
                    (
                        SPEED_OF_FEED,
                        flag("--at-once", "all of it, without waiting for when it was"),
                    )
                ),
                KNOWN_AT,
                JSON,
            ),
        ),
        "demonstrate": Subcommand(
            "in a demonstration, as its operator: feed a market the last day that was settled of "
            "it; `demo` and `serve` do, beside the portal",
            (MARKET, SPEED_OF_FEED, JSON),
        ),
        "stream": Subcommand(
            "tell everybody who listens of each price as it is published, until interrupted; "
            "`serve` starts one of its own",
            (
                argument(
                    "--port", type=int, metavar="NUMBER",
                    help="of this machine, for a proxy, 0 for one that is free; default: a socket "
                    "at which the portal asks",
                ),
                JSON,
            ),
        ),
        "replay": Subcommand(
            "take a day of a market's log again, from what it knew when the day began: exit "
            "status 1 and the first row that differs where what was published, or booked, does not "
            "come of the events; and how far published prices are from those ex post",
            (MARKET, DAY, JSON),
        ),
    }  # fmt: skip

    def run(self, options: Options) -> Fed | Led | ReplayedDay | Told:
        if options.action == "feed":
            return self._feed(options)
        if options.action == "replay":
            title = f"Replaying {options.market} on {options.day}"
            with progress_bar(title, quiet=options.json) as progress:
                return market_replay.replay_day(
                    options.market, options.day, progress, now=options.now
                )
        if options.action == "demonstrate":
            return self._demonstrate(options)
        return self._stream(options) if options.action == "stream" else self._lead(options)

    def _lead(self, options: Options) -> Led:
        # A market that was led is online by the law that its log names.
        with transaction() as session:
            opened = store.last_opening(driver_connection(session), options.market)
        if opened is None:
            refuse_offline(options.market, options.now.date(), options.now)
        return Led(options.market, lead(options.market, self.stderr.write))

    def _stream(self, options: Options) -> Told:
        path = settings.TALLYSTICK_STREAM_SOCKET if options.port is None else None
        try:
            announce = (lambda where: None) if options.json else self._announce
            return Told(run_stream(announce, path=path, port=options.port or 0))
        except Unserved as error:
            raise CommandError(str(error)) from None

    def _announce(self, where: str) -> None:
        self.stderr.write(f"Markets are told of at {where} (stop it with Ctrl-C)")

    def _feed(self, options: Options) -> Fed:
        with transaction() as session:
            account = people.acting(session).account
        title = f"Feeding {options.market} with {options.day}"
        with progress_bar(title, quiet=options.json) as progress:
            return feed(
                options.market,
                options.day,
                options.known_at,
                by=account,
                speed=None if options.at_once else options.speed,
                progress=progress,
            )

    def _demonstrate(self, options: Options) -> Fed:
        with progress_bar(f"Living through {options.market}", quiet=options.json) as progress:
            fed = feed_last_day(options.market, options.now, options.speed, progress)
        self._sign_after()
        return fed

    def as_json(self, outcome: Fed | Led | ReplayedDay | Told, options: Options) -> Any:
        if isinstance(outcome, ReplayedDay):
            return market_replay.as_json(outcome)
        if isinstance(outcome, Led | Told):
            return outcome._asdict()
        return {
            "market": outcome.market,
            "day": outcome.day,
            "told_before": outcome.before,
            "told_now": outcome.now,
            "left": outcome.left,
        }

    def lines(self, outcome: Fed | Led | ReplayedDay | Told, options: Options) -> Iterator[str]:
        if isinstance(outcome, ReplayedDay):
            yield from market_replay.lines(outcome)
            return
        if isinstance(outcome, Told):
            yield f"Stopped; {outcome.listeners:,} listened."
            return
        if isinstance(outcome, Led):
            yield f"{outcome.market}: stopped; {outcome.taken:,} events were taken."
            return
        again = f"; {outcome.before:,} had been told before" if outcome.before else ""
        yield f"{outcome.market}, {outcome.day}: {outcome.now:,} events told{again}."
        if outcome.left:
            yield f"Stopped with {outcome.left:,} left; the same command goes on with them."

    def failure(self, outcome: Fed | Led | ReplayedDay | Told, options: Options) -> str | None:
        return market_replay.failure(outcome) if isinstance(outcome, ReplayedDay) else None
