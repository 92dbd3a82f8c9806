"""`manage.py changes [NUMBER]`: changes of the law and how each stands, or one of them whole."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from database.session import transaction
from portal.change_words import changed_words, listed_line
from portal.management.arguments import IN_MARKET, JSON, argument, at_least
from portal.management.base import BaseCommand, Options
from portal.management.change_records import ShownChange, as_json, as_lines
from settlement.enactment.change_list import ListedChange, list_changes, state_of
from settlement.enactment.changes import currency_of, find


class Listed(NamedTuple):
    """A list of changes, or one that is shown whole."""

    changes: list[ListedChange]
    shown: ShownChange | None = None


class Command(BaseCommand[Listed]):
    help = (
        "List the law changes, and the proposals that were made without one, with how each "
        "stands: what moved last stands first. Or show one change whole: what it is about, what "
        "it changes in words, and every step that somebody took."
    )
    takes = (
        argument("number", nargs="?", type=at_least(1), metavar="NUMBER", help="to show whole"),
        IN_MARKET,
        JSON,
    )

    def run(self, options: Options) -> Listed:
        with transaction() as session:
            if options.number is None:
                return Listed(list_changes(session, options.now, options.market))
            life = find(session, options.number)
            currency = currency_of(session, life.change.market, options.now)
            words = changed_words(life, life.revision, currency) if life.revision else []
            return Listed([], ShownChange(life, state_of(session, life, options.now), words))

    def as_json(self, outcome: Listed, options: Options) -> Any:
        if outcome.shown:
            return as_json(outcome.shown)
        return [each._asdict() for each in outcome.changes]

    def lines(self, outcome: Listed, options: Options) -> Iterator[str]:
        if outcome.shown:
            yield from as_lines(outcome.shown)
            return
        yield from map(listed_line, outcome.changes)
        if not outcome.changes:
            yield "No change was opened: manage.py change open MARKET"
