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
from portal.market_stream import run_stream
from portal.market_worker import lead
from portal.serving import Unserved


class Led(NamedTuple):
    """How many events of a market were taken until it was left."""

    market: str
    taken: int


class Told(NamedTuple):
    """How many listened to a stream of markets until it was stopped."""

    listeners: int


class Command(BaseCommand[Fed | Led | Told]):
    help = (
        "The market online, which is priced while its intervals run. `run` leads it until stopped; "
        "`feed` tells it a day of readings as if the day were lived through, so that it can be "
        "watched; `stream` tells whoever listens of each price as it is published."
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
                argument(
                    "--day", type=parse_day, required=True, metavar="DAY",
                    help="settlement day, YYYY-MM-DD",
                ),
                ExclusiveGroup(
                    (
                        argument(
                            "--speed", type=at_least(1), default=300, metavar="TIMES",
                            help="as fast as the day was; default: %(default)s, an hour in twelve "
                            "seconds",
                        ),
                        flag("--at-once", "all of it, without waiting for when it was"),
                    )
                ),
                KNOWN_AT,
                JSON,
            ),
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
    }  # fmt: skip

    def run(self, options: Options) -> Fed | Led | Told:
        if options.action == "feed":
            return self._feed(options)
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

    def as_json(self, outcome: Fed | Led | Told, options: Options) -> Any:
        if isinstance(outcome, Led | Told):
            return outcome._asdict()
        return {
            "market": outcome.market,
            "day": outcome.day,
            "told_before": outcome.before,
            "told_now": outcome.now,
            "left": outcome.left,
        }

    def lines(self, outcome: Fed | Led | Told, options: Options) -> Iterator[str]:
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
