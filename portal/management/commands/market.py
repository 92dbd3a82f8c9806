"""`manage.py market ...`: the market online."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from django.conf import settings

from common.quantities import plural
from common.refusals import Finding, Refused
from database.bulk import driver_connection
from database.session import transaction
from ledger.people import store as people
from ledger.people.roles import Role
from market import store
from market.core.quotes import Side
from market.law_of_days import refuse_offline
from portal import market_asking, market_replay, market_study
from portal.demo import LIVING_SPEED
from portal.demo_market import feed_last_day
from portal.management import market_bookings, market_figures, market_told
from portal.management.arguments import (
    FORCE,
    JSON,
    KNOWN_AT,
    MARKET,
    OUT,
    ExclusiveGroup,
    Subcommand,
    argument,
    at_least,
    flag,
    parse_day,
)
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from portal.management.output import write_file
from portal.management.told_files import read_told_files
from portal.market_asking import Answer
from portal.market_feed import Fed, feed
from portal.market_replay import ReplayedDay
from portal.market_stream import run_stream
from portal.market_study import StudiedDay
from portal.market_telling import MOST_BYTES, ToldFiles, tell
from portal.market_worker import lead
from portal.serving import Unserved

DAY = argument(
    "--day", type=parse_day, required=True, metavar="DAY", help="settlement day, YYYY-MM-DD"
)


SPEED_OF_FEED = argument(
    "--speed", type=at_least(1), default=LIVING_SPEED, metavar="TIMES",
    help="as fast as the day was; default: %(default)s, an hour in twelve seconds",
)  # fmt: skip
ENERGY = argument("--energy", metavar="MWH", help="in MWh, such as 0.0075")
POWER = argument("--power", metavar="KW", help="the most at once, in kW, such as 7.4")
EARLIEST = argument(
    "--earliest", metavar="TIME", help="when it may begin, by the market's local clock: "
    '"2024-01-15 18:00"'
)  # fmt: skip
LATEST = argument("--latest", metavar="TIME", help="when it is to be done, as --earliest")
LIMIT = argument(
    "--limit", metavar="PRICE", help="per MWh: the highest to buy at, the lowest to sell at; "
    "default: any"
)  # fmt: skip
WISH = tuple(each.with_settings(required=True) for each in (ENERGY, POWER, EARLIEST, LATEST))
ASKED = (
    MARKET,
    argument("point", metavar="SUPPLY-POINT", help="at which energy is taken or fed in"),
    flag("--sell", "sell it; without: buy it"),
    *WISH,
    LIMIT,
    JSON,
)
BOOKING = argument("number", type=at_least(1), metavar="NUMBER", help="number of the booking")


class Led(NamedTuple):
    """How many events of a market were taken until it was left."""

    market: str
    taken: int


class Told(NamedTuple):
    """How many listened to a stream of markets until it was stopped."""

    listeners: int


ASKING = ("request", "change", "cancel")
"""What a supplier does for a supply point of its own."""
Done = Answer | Fed | Led | ReplayedDay | StudiedDay | Told | ToldFiles


class Command(BaseCommand[Done]):
    help = (
        "The market online, which is priced while its intervals run. `run` leads it until stopped; "
        "`tell` tells it what happened, from files; `feed` tells it a day of readings as if the "
        "day were lived through, so that it can be watched, as `demonstrate` does in a "
        "demonstration; `stream` tells whoever listens of each price as it is published; "
        "`replay` takes a day of its log again, and names the first difference; `quote`, "
        "`request`, `change`, `cancel` and `bookings` are of energy in intervals to come."
    )
    appends_facts = frozenset({"feed", "tell", *ASKING})
    may_act_in: ClassVar = dict.fromkeys(ASKING, frozenset({Role.PARTICIPANT}))
    actions: ClassVar = {
        "run": Subcommand(
            "take what the market is told, and publish its prices, until interrupted; where "
            "another process does, follow it, and take over when it ends",
            (MARKET, JSON),
        ),
        "tell": Subcommand(
            "tell a market what happened, from files of events: all of them, or none and every "
            "finding; what it was told is not told twice",
            (
                MARKET,
                argument(
                    "files", nargs="+", type=Path, metavar="FILE",
                    help="CSV, or one JSON object a line, as it is or in gzip or zip; "
                    "docs/market.md says what a row of each kind says",
                ),
                flag(
                    "--far", "the market's clock may go on by more than a day at once: what is "
                    "told later of the time in between is too late to count",
                ),
                JSON,
            ),
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
                        flag("--readings-alone", "its readings alone, at once: the rest was told"),
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
        "study": Subcommand(
            "set the prices published on a day beside nodal marginal prices of the same state at "
            "the same moments: bounds, spread, steps and memory of both; nothing is stored",
            (
                MARKET,
                DAY,
                KNOWN_AT,
                OUT.with_settings(help="file for the picture, as SVG"),
                FORCE,
                JSON,
            ),
        ),
        "quote": Subcommand("say what a request would be given now, and move nothing", ASKED),
        "request": Subcommand(
            "ask for energy at a supply point that is yours to supply: it is booked, waits its "
            "turn, or is refused with the reason",
            ASKED,
        ),
        "change": Subcommand(
            "ask for something else than a booking holds; what is left out stays as it was, and "
            "where it cannot be had, so does all",
            (MARKET, BOOKING, ENERGY, POWER, EARLIEST, LATEST, LIMIT, JSON),
        ),
        "cancel": Subcommand("give up what has not begun of a booking", (MARKET, BOOKING, JSON)),
        "bookings": Subcommand(
            "list bookings as they stand",
            (
                MARKET,
                argument("--participant", metavar="PARTICIPANT", help="whose alone"),
                JSON,
            ),
        ),
    }  # fmt: skip

    def run(self, options: Options) -> Done:
        if options.action in ("quote", "bookings", *ASKING):
            return self._ask(options)
        if options.action in ("feed", "tell"):
            return self._feed(options) if options.action == "feed" else self._tell(options)
        if options.action == "replay":
            title = f"Replaying {options.market} on {options.day}"
            with progress_bar(title, quiet=options.json) as progress:
                return market_replay.replay_day(
                    options.market, options.day, progress, now=options.now
                )
        if options.action == "study":
            return self._study(options)
        if options.action == "demonstrate":
            return self._demonstrate(options)
        return self._stream(options) if options.action == "stream" else self._lead(options)

    def _ask(self, options: Options) -> Answer:
        market, now = options.market, options.now
        if options.action == "bookings":
            return market_asking.listed(market, options.participant, now)
        if options.action == "cancel":
            return market_asking.cancelled(market, options.number, now)
        words = market_asking.Words(
            options.energy, options.power, options.earliest, options.latest, options.limit
        )
        if options.action == "change":
            return market_asking.changed(market, options.number, words, now)
        ask = market_asking.quoted if options.action == "quote" else market_asking.requested
        return ask(market, options.point, Side.SELL if options.sell else Side.BUY, words, now)

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
            limit = "a socket, or a port of this machine, at which nobody else listens"
            remedy = "stop who listens there, or name another by --port"
            finding = Finding("stream-unserved", "market stream", str(error), limit, remedy)
            raise Refused([finding]) from None

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
                speed=None if options.at_once or options.readings_alone else options.speed,
                progress=progress,
                readings_alone=options.readings_alone,
            )

    def _tell(self, options: Options) -> ToldFiles:
        files = read_told_files(options.files, MOST_BYTES)
        return tell(options.market, files, options.now, far=options.far)

    def _study(self, options: Options) -> StudiedDay:
        title = f"Dispatching {options.market} on {options.day}"
        with progress_bar(title, quiet=options.json) as progress:
            outcome = market_study.study_day(
                options.market, options.day, options.known_at, progress
            )
        if options.out:
            made = market_study.picture(outcome)
            write_file(options.out, made.file_svg.encode(), force=options.force)
        return outcome

    def _demonstrate(self, options: Options) -> Fed:
        with progress_bar(f"Living through {options.market}", quiet=options.json) as progress:
            fed = feed_last_day(options.market, options.now, options.speed, progress)
        self._sign_after()
        return fed

    def as_json(self, outcome: Done, options: Options) -> Any:
        if isinstance(outcome, Answer):
            return market_bookings.as_json(outcome)
        if isinstance(outcome, ReplayedDay):
            return market_replay.as_json(outcome)
        if isinstance(outcome, StudiedDay):
            return market_figures.as_json(outcome)
        if isinstance(outcome, ToldFiles):
            return market_told.as_json(outcome)
        if isinstance(outcome, Led | Told):
            return outcome._asdict()
        return {
            "market": outcome.market,
            "day": outcome.day,
            "told_before": outcome.before,
            "told_now": outcome.now,
            "left": outcome.left,
            "outcomes": {each.value: outcome.outcomes[each] for each in sorted(outcome.outcomes)},
            "waiting": outcome.waiting,
            "is_led": outcome.has_leader,
        }

    def lines(self, outcome: Done, options: Options) -> Iterator[str]:
        if isinstance(outcome, Answer):
            yield from market_bookings.lines(outcome)
            return
        if isinstance(outcome, ReplayedDay):
            yield from market_replay.lines(outcome)
            return
        if isinstance(outcome, StudiedDay):
            yield from market_figures.lines(outcome)
            return
        if isinstance(outcome, ToldFiles):
            yield from market_told.lines(outcome)
            return
        if isinstance(outcome, Told):
            yield f"Stopped; {outcome.listeners:,} listened."
            return
        if isinstance(outcome, Led):
            were = "was" if outcome.taken == 1 else "were"
            yield f"{outcome.market}: stopped; {plural(outcome.taken, 'event')} {were} taken."
            return
        fed = f"{outcome.market}, {outcome.day}"
        yield market_told.told_line(fed, outcome.now, outcome.before)
        yield from self._fed_lines(outcome)

    def _fed_lines(self, outcome: Fed) -> Iterator[str]:
        yield from market_told.outcome_lines(outcome.outcomes)
        waiting, has_leader = outcome.waiting, outcome.has_leader
        yield from market_told.waiting_lines(outcome.market, waiting, has_leader=has_leader)
        if outcome.left:
            yield f"Stopped with {outcome.left:,} left; the same command goes on with them."

    def failure(self, outcome: Done, options: Options) -> str | None:
        if isinstance(outcome, Answer):
            return market_bookings.failure(outcome) if options.action in ASKING else None
        if isinstance(outcome, Fed | ToldFiles):
            return market_told.failure(outcome.outcomes)
        return market_replay.failure(outcome) if isinstance(outcome, ReplayedDay) else None
