"""What commands are told, in the same words in every one; each declares which of these it takes."""

import datetime as dt
import os
import re
import uuid
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from django.core.management.base import CommandError

from common.calendar_years import EARLIEST_DAY, LATEST_DAY
from common.known_at import refuse_future
from portal import days


class CommandArgument(Protocol):
    """Something that a command is told."""

    def add(self, parser: ArgumentParser) -> None:
        """Add it to what is parsed."""

    def complete(self, options: Namespace) -> None:
        """Fill in what was left out, or what it stands for; `options.now` is the present moment."""


@dataclass(frozen=True)
class Argument:
    """One argument or option, with the settings that argparse takes.

    Attributes:
        is_now_unless_given: whether it is a moment of knowledge: none that has not come yet, and
            the one at which the command began where it is left out.
    """

    name: str
    settings: dict[str, Any]
    is_now_unless_given: bool = False

    def add(self, parser: ArgumentParser) -> None:
        """Add it to what is parsed."""
        parser.add_argument(self.name, **self.settings)

    def complete(self, options: Namespace) -> None:
        """Fill in the present moment, where that is what leaving it out means.

        Raises:
            CommandError: it has no value, or is a path that no file can have, or no text.
            Refused: it is a moment of knowledge that has not come yet.
        """
        destination = self.settings.get("dest", self.name.lstrip("-").replace("-", "_"))
        value = getattr(options, destination)
        several = value if isinstance(value, list) else [value]
        if [] in several or (value == [] and not {"nargs", "action"} & self.settings.keys()):
            raise CommandError(f"{self.name}: -- is no value of it")  # argparse takes it away
        for each in several:
            if isinstance(each, Path):
                _refuse_long_path(self.name, each)
            elif isinstance(each, str):
                _refuse_bytes(self.name, each)
        if self.is_now_unless_given:
            if value is None:
                setattr(options, destination, options.now)
            else:
                refuse_future(value, options.now)

    def with_settings(self, **settings: Any) -> "Argument":
        """Return the same argument with a few settings of a command's own."""
        return replace(self, settings=self.settings | settings)


def argument(name: str, **settings: Any) -> Argument:
    """Return an argument that one command alone takes."""
    return Argument(name, settings)


def flag(name: str, help: str) -> Argument:
    """Return an option without a value."""
    return Argument(name, {"action": "store_true", "help": help})


@dataclass(frozen=True)
class ExclusiveGroup:
    """Options of which at most one is given."""

    arguments: tuple[Argument, ...]

    def add(self, parser: ArgumentParser) -> None:
        """Add them to what is parsed."""
        group = parser.add_mutually_exclusive_group()
        for argument in self.arguments:
            group.add_argument(argument.name, **argument.settings)

    def complete(self, options: Namespace) -> None:
        """Complete each."""
        for argument in self.arguments:
            argument.complete(options)


@dataclass(frozen=True)
class Period:
    """Settlement days, as `first_day` and `last_day`: those of a month, or from one day to another.

    Attributes:
        is_required: whether the days must be named; else either end may be left open, as None.
    """

    is_required: bool = True

    def add(self, parser: ArgumentParser) -> None:
        """Add the three options to what is parsed."""
        for option in (MONTH, FROM, TO):
            option.add(parser)

    def complete(self, options: Namespace) -> None:
        """Put the days of the month in place.

        Raises:
            CommandError: neither a month nor both days, the days are in the wrong order, or they
                are more than one command does.
        """
        first_day, last_day, month = options.first_day, options.last_day, options.month
        if month and not (first_day or last_day):
            options.first_day, options.last_day = month
            return
        if month or (self.is_required and not (first_day and last_day)):
            raise CommandError("give --month, or both --from and --to")
        if first_day and last_day and last_day < first_day:
            raise CommandError(f"--to {last_day} lies before --from {first_day}")
        if self.is_required and (last_day - first_day).days >= LONGEST_PERIOD_DAYS:
            raise CommandError(
                f"--from {first_day} --to {last_day} is longer than the {LONGEST_PERIOD_DAYS:,} "
                "days that one command does; name fewer, or repeat the command for each part"
            )


@dataclass(frozen=True)
class PeriodOrYear:
    """Settlement days, as `Period` takes them, or those of a calendar year."""

    def add(self, parser: ArgumentParser) -> None:
        """Add the four options to what is parsed."""
        YEAR.add(parser)
        PERIOD.add(parser)

    def complete(self, options: Namespace) -> None:
        """Put the days of the year, or of the period, in place.

        Raises:
            CommandError: a year with other days, or as `Period.complete` says.
        """
        if options.year is None:
            if not (options.month or options.first_day or options.last_day):
                raise CommandError("give --year alone, or --month, or both --from and --to")
            PERIOD.complete(options)
        elif options.month or options.first_day or options.last_day:
            raise CommandError("give --year alone, or --month, or both --from and --to")
        else:
            options.first_day, options.last_day = options.year


LONGEST_PERIOD_DAYS = 1_100
"""Three years, and some: a year too many that was typed is held to it, and not to the memory."""


@dataclass(frozen=True)
class Subcommand:
    """One of several things that a command does, with what it takes for that."""

    help: str
    takes: Sequence[CommandArgument]


def _refuse_bytes(name: str, text: str) -> None:
    """Refuse what a terminal sent in another encoding: no name of the market's is written so."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandError(
            f"{name}: {_cut(text)} is no text in UTF-8; set the terminal to UTF-8 and type it again"
        ) from None


def _refuse_long_path(name: str, path: Path) -> None:
    """Refuse a path that is longer than systems take: they fail where others say no such file."""
    longest = max((len(os.fsencode(part)) for part in path.parts), default=0)
    if longest > MOST_NAME_BYTES or len(os.fsencode(path)) > MOST_PATH_BYTES:
        raise CommandError(
            f"{name}: {_cut(str(path))} is longer than the path of a file can be "
            f"({MOST_NAME_BYTES} bytes a name, {MOST_PATH_BYTES:,} in all)"
        )


MOST_NAME_BYTES, MOST_PATH_BYTES = 255, 4095
MOST = 2**63 - 1
"""The largest whole number that a column of the database holds."""


def at_least(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `least` up; argparse shows its error."""

    def number(text: str) -> int:
        # Digits alone, and few of them: `int` takes 1_000, and fails on 5,000 digits.
        is_number = _WHOLE_NUMBER.fullmatch(text) is not None
        if not is_number or not least <= int(text) <= MOST:
            limit = f"of at least {least}" if not is_number or int(text) < least else "below 2^63"
            raise ArgumentTypeError(f"{_cut(text)} is not a whole number {limit}")
        return int(text)

    return number


def parse_day(text: str) -> dt.date:
    """Return a day given as YYYY-MM-DD; argparse shows the error."""
    day = days.parse_day(text)
    if day is None:
        raise ArgumentTypeError(f"{_cut(text)} is not a day {_WITHIN}; write it as YYYY-MM-DD")
    return day


def parse_instant(text: str) -> dt.datetime:
    """Return an instant given in ISO 8601 with an offset or Z; argparse shows the error."""
    instant = days.parse_instant(text)
    if instant is None:
        raise ArgumentTypeError(f"{_cut(text)} is not an instant {_WITHIN}; {days.INSTANT_FORM}")
    return instant


def month_days(text: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a month given as YYYY-MM; argparse shows the error."""
    first = days.parse_day(f"{text}-01")
    if first is None:
        raise ArgumentTypeError(f"{_cut(text)} is not a month {_WITHIN}; write it as YYYY-MM")
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return first, following - dt.timedelta(days=1)


def year_days(text: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a year given as YYYY; argparse shows the error."""
    first, last = days.parse_day(f"{text}-01-01"), days.parse_day(f"{text}-12-31")
    if first is None or last is None:
        raise ArgumentTypeError(f"{_cut(text)} is not a year {_WITHIN}; write it as YYYY")
    return first, last


def parse_run(text: str) -> uuid.UUID:
    """Return the identifier of a run; argparse shows the error."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{_cut(text)} is not the identifier of a run; `manage.py runs` lists them"
        ) from None


_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,30}")
_WITHIN = f"from {EARLIEST_DAY} to {LATEST_DAY}"


def _cut(text: str) -> str:
    """Return what was typed as a sentence quotes it, of a length that is read."""
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}...")


_QUOTED = 60


MARKET = argument("market", metavar="MARKET", help="such as gb12")
IN_MARKET = argument("--market", metavar="MARKET", help="of this market alone, such as gb12")

DAY = argument("day", type=parse_day, metavar="DAY", help="settlement day, YYYY-MM-DD")
ON = argument("--on", type=parse_day, metavar="DAY", help="as it is on a day; default: today")
MONTH = argument("--month", type=month_days, metavar="YYYY-MM", help="all days of a month")
FROM = argument(
    "--from", dest="first_day", type=parse_day, metavar="DAY", help="first day, YYYY-MM-DD"
)
TO = argument(
    "--to", dest="last_day", type=parse_day, metavar="DAY", help="last day, YYYY-MM-DD, included"
)
YEAR = argument("--year", type=year_days, metavar="YYYY", help="all days of a year")
PERIOD = Period()
PERIOD_OR_YEAR = PeriodOrYear()
OPEN_PERIOD = Period(is_required=False)

KNOWN_AT = Argument(
    "--known-at",
    {
        "type": parse_instant,
        "metavar": "INSTANT",
        "help": "as it was known then, such as 2024-03-01T09:00Z; default: now",
    },
    is_now_unless_given=True,
)
AT = argument(
    "--at",
    type=parse_instant,
    metavar="INSTANT",
    help="as the ledger stood then, such as 2024-03-01T09:00Z",
)

JSON = flag("--json", "print the outcome as JSON, exact and whole")
DRY_RUN = flag("--dry-run", "say what would be done, and do nothing")
OUT = argument("--out", type=Path, metavar="PATH", help="file to write")
FORCE = flag("--force", "replace a file that is there")
THREADS = argument(
    "--threads",
    type=at_least(1),
    default=os.cpu_count() or 1,
    metavar="COUNT",
    help="at once; default: one a processor",
)
SEED = argument(
    "--seed",
    type=at_least(0),
    default=1,
    metavar="NUMBER",
    help="of what is drawn by chance; default: %(default)s",
)
DATA = argument(
    "--data",
    type=Path,
    metavar="FOLDER",
    help="of recorded demand and availability, instead",
)
PORT = argument(
    "--port", type=int, default=8000, metavar="NUMBER", help="to serve on; default: %(default)s"
)

NO_MARKET = flag("--no-market", "leave the markets of a demonstration at rest while it serves")

CHECKPOINT = argument(
    "--checkpoint",
    type=Path,
    metavar="FILE",
    help="also hold the log to a checkpoint that was kept elsewhere, the file or the note alone: "
    "this finds what was changed with every digest made anew, and a cut-off end",
)

RUN = argument("run", type=parse_run, metavar="RUN", help="identifier of the run")
PARTICIPANT = argument("participant", metavar="PARTICIPANT", help="such as hearth-energy")
REASON = argument("--reason", required=True, metavar="WHY", help="why; kept with what is done")


def sole_market(markets: list[str], participant: str) -> str:
    """Return the one market in which a participant has an account.

    Raises:
        CommandError: it has none, or several.
    """
    if not markets:
        raise CommandError(f"participant {participant}: it has no account; correct the name")
    if len(markets) > 1:
        known = ", ".join(markets)
        raise CommandError(f"{participant} has accounts in: {known}. Name one with --market")
    return markets[0]
