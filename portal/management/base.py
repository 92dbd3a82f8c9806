"""The command that every command of the house is: it parses, reads the clock, prints, and refuses.

A command declares what it takes, in the words of `portal.management.arguments`, and says three
things: what it does (`run`), what that is as JSON (`as_json`), and what it is on a terminal
(`lines`). What serves or works until it is stopped does that in `go_on`, and so has no outcome as
JSON. A refusal, or what `failure` returns, ends it with exit status 1; a command whose outcome has
several says which by `status`.
"""

import datetime as dt
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

from django.core.management import base
from django.core.management.base import CommandError, CommandParser

from common.refusals import Finding, Refused, refuse_any, shown
from database.session import acting_by, transaction
from ledger.people.rights import check_acting
from ledger.people.roles import Role
from portal.management.arguments import JSON, CommandArgument, Subcommand
from portal.management.console import (
    json_text,
    print_failure,
    refusals_as_errors,
    telling_for_whom_it_waits,
)
from portal.management.signed_in import stored_token

Outcome = TypeVar("Outcome")
Options = Namespace
"""What a command was told, and `now`, the moment at which it began."""


NOT_TOLD = frozenset(
    ("now", "json", "threads", "verbosity", "settings", "pythonpath", "traceback", "no_color",
     "force_color", "skip_checks", "invitation", "seed")
)  # fmt: skip
"""Options that say nothing of what is done."""


def utc_now() -> dt.datetime:
    """Return the present moment; the one place where commands read the clock."""
    return dt.datetime.now(dt.UTC)


class BaseCommand(base.BaseCommand, Generic[Outcome]):
    """A command that prints its outcome in words, or with `--json` as JSON.

    Attributes:
        takes: what it is told; of a command with `actions`, each of these has its own.
        actions: what it does, by the word that follows its name.
        makes_market: whether the market that it is told may have no law yet.
        appends_facts: whether it publishes, posts or issues, so that a checkpoint follows; of a
            command with `actions`, which of them do. Whoever asks for that is signed in.
        may_act: the roles of which whoever asks for that holds one.
        may_act_in: the same of single actions, where it is others.
        usage_status: with which it ends where its words are none of a command line.
    """

    # Django would check the portal before each command, for which it imports every page. That is
    # as long as many commands take: only those that serve pages ask for it.
    requires_system_checks: tuple[str, ...] | Literal["__all__"] = ()

    makes_market: ClassVar[bool] = False
    appends_facts: ClassVar[bool | frozenset[str]] = False
    may_act: ClassVar[frozenset[Role]] = frozenset({Role.OPERATOR})
    may_act_in: ClassVar[Mapping[str, frozenset[Role]]] = {}
    takes: ClassVar[Sequence[CommandArgument]] = ()
    actions: ClassVar[Mapping[str, Subcommand]] = {}
    usage_status: ClassVar[int] = 2
    _tells_json = False

    def run(self, options: Options) -> Outcome:
        """Do it, and return what is to be printed."""
        raise NotImplementedError

    def as_json(self, outcome: Outcome, options: Options) -> Any:
        """Return the outcome as plain values; digests and times may stay as they are."""
        raise NotImplementedError

    def lines(self, outcome: Outcome, options: Options) -> Iterable[str]:
        """Return the outcome for a terminal."""
        raise NotImplementedError

    def failure(self, outcome: Outcome, options: Options) -> str | None:
        """Return why the command fails although its outcome is printed, or None."""
        return None

    def status(self, outcome: Outcome, options: Options) -> int:
        """Return the exit status of a command that did not fail; of most, 0."""
        return 0

    def go_on(self, outcome: Outcome, options: Options) -> None:
        """Do, once the outcome is printed, what goes on until it is stopped; most do nothing."""

    def now(self) -> dt.datetime:
        """Return the present moment, for a step that comes after a long one."""
        return utc_now()

    def add_arguments(self, parser: CommandParser) -> None:
        self._tell_errors(parser)
        for argument in self.takes:
            argument.add(parser)
        if not self.actions:
            return
        chosen = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, action in self.actions.items():
            of_action = chosen.add_parser(name, help=action.help, description=action.help)
            self._tell_errors(of_action)
            for argument in action.takes:
                argument.add(of_action)

    def run_from_argv(self, argv: list[str]) -> None:
        self._tells_json = JSON.name in argv
        super().run_from_argv(argv)

    def handle(self, *args: Any, **given: Any) -> None:
        options = Namespace(**given, now=utc_now())
        takes = self._takes(options)
        is_json = JSON in takes and options.json
        acting = acting_by(stored_token())
        waiting = telling_for_whom_it_waits(self.stderr)
        with refusals_as_errors(as_json=is_json), waiting, acting:
            for argument in takes:
                argument.complete(options)
            if not self.makes_market:
                refuse_unknown_market(getattr(options, "market", None))
            appends = self._appended_facts(options)
            if appends:
                self._begin_deed(options)
            outcome = self.run(options)
        if appends:
            self._sign_after()
        if is_json:
            self.stdout.write(json_text(self.as_json(outcome, options)))
        else:
            for line in self.lines(outcome, options):
                self.stdout.write(line)
        failure = self.failure(outcome, options)
        if failure is not None:
            raise CommandError(failure)
        with refusals_as_errors(as_json=is_json):
            self.go_on(outcome, options)
        status = self.status(outcome, options)
        if status:
            raise SystemExit(status)

    def _appended_facts(self, options: Options) -> bool:
        if getattr(options, "dry_run", False):
            return False
        appends = self.appends_facts
        return appends if isinstance(appends, bool) else options.action in appends

    def _begin_deed(self, options: Options) -> None:
        """Refuse whoever may not do this, and leave in the trail who begins to, and in which words.

        Raises:
            Refused: nobody is signed in, or who is has none of the roles that it takes.
        """
        from ledger.people import store  # commands that only read need no accounts

        command = type(self).__module__.rpartition(".")[2]
        with transaction() as session:
            rights = store.acting(session)
            roles = self.may_act_in.get(getattr(options, "action", ""), self.may_act)
            refuse_any(check_acting(rights, roles, f"run `manage.py {command}`"))
            store.record_deed(session, rights.account, command, _words(options), options.now)

    def _sign_after(self) -> None:
        from portal.signing import sign_after  # commands that append nothing need no cryptography

        complaint = sign_after(self.now())
        if complaint:
            self.stderr.write(complaint)

    def _tell_errors(self, parser: CommandParser) -> None:
        """Let whoever asked for JSON get what is wrong with the words of the command so, too."""
        say = parser.error

        def error(message: str) -> None:
            if self._tells_json:
                print_failure(message)
            try:
                say(message)
            except SystemExit:
                raise SystemExit(self.usage_status) from None

        setattr(parser, "error", error)  # noqa: B010 - argparse makes the parsers of actions itself

    def _takes(self, options: Options) -> Sequence[CommandArgument]:
        return self.actions[options.action].takes if self.actions else self.takes


def _words(options: Options) -> str:
    """Return what a command was told, as the trail keeps it: no secret is an option."""
    told = {
        name: value
        for name, value in sorted(vars(options).items())
        if value not in (None, False, [], "") and name not in NOT_TOLD
    }
    words = ", ".join(f"{name} {_shown(value)}" for name, value in told.items())
    # The name of a file may hold bytes that are no text.
    return words.encode(errors="backslashreplace").decode()


def _shown(value: object) -> str:
    several = value if isinstance(value, list | tuple) else [value]
    return " ".join(str(each) for each in several)


def refuse_unknown_market(market: str | None) -> None:
    """Refuse a market without law: of a misspelt one, every list would be empty.

    Raises:
        Refused: naming the markets that there are.
    """
    if market is None:
        return
    from rulebook.store import markets  # commands that need no database have no market

    with transaction() as session:
        known = markets(session)
    if market not in known:
        limit = f"one of {', '.join(known)}" if known else "one that has law, and none has"
        remedy = "correct the name" if known else "publish its law first"
        raise Refused([Finding("unknown-market", "market", shown(market), limit, remedy)])


def table_row(title: str, cells: Iterable[str], title_width: int, width: int) -> str:
    """Return a row of a table: a title to the left, then cells to the right of their columns.

    >>> table_row("exposure", ["1.00", "-2.50"], 10, 8)
    'exposure      1.00   -2.50'
    """
    return f"{title:<{title_width}}" + "".join(f"{cell:>{width}}" for cell in cells)


def table_rows(rows: Sequence[Sequence[str]], gap: int = 2) -> Iterator[str]:
    """Yield the rows of a table as wide as what they hold: titles to the left, cells to the right.

    Args:
        rows: of one length each; the first may be a head.
        gap: spaces between columns, so that none touches the next.

    >>> list(table_rows([("", "nodal"), ("Charges per MWh", "1.00"), ("Units", "-")]))
    ['                 nodal', 'Charges per MWh   1.00', 'Units                -']
    """
    titles, *columns = ([len(cell) for cell in column] for column in zip(*rows, strict=True))
    widths = [max(column) + gap for column in columns]
    for title, *cells in rows:
        yield f"{title:<{max(titles)}}" + "".join(
            f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
        )
