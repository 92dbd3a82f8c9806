"""`manage.py rules_at`: which law is in force on a day, as it was known at an instant."""

from typing import Any, NamedTuple

from database.session import transaction
from portal.management.arguments import DAY, JSON, KNOWN_AT, MARKET, flag
from portal.management.base import BaseCommand, Options
from rulebook.law import rules_at
from rulebook.outlook import Outlook, outlook_of
from rulebook.printing import (
    ahead_line,
    begin_later,
    change_as_dict,
    clause_lines,
    clauses_as_dicts,
    pinned_as_dict,
    pinned_line,
)
from rulebook.resolve import RuleSet


class LawOfDay(NamedTuple):
    """The law of a day, how it stands, and what is scheduled after it."""

    rules: RuleSet
    outlook: Outlook


class Command(BaseCommand[LawOfDay]):
    help = (
        "Print the versions of a market's law in force on a day, with digest, validity and what "
        "changes next; --json also says how each stands as it was known."
    )
    takes = (
        MARKET,
        DAY,
        KNOWN_AT,
        flag("--clauses", "print the clauses too, with the values that they name"),
        JSON,
    )

    def run(self, options: Options) -> LawOfDay:
        with transaction() as session:
            rules = rules_at(session, options.market, options.day, options.known_at)
            return LawOfDay(rules, outlook_of(session, rules, options.known_at))

    def as_json(self, outcome: LawOfDay, options: Options) -> Any:
        rules, outlook = outcome
        return {
            "market": rules.market,
            "date": options.day,
            "known": options.known_at,
            "versions": [
                pinned_as_dict(version, rules, outlook)
                | ({"clauses": clauses_as_dicts(version, rules)} if options.clauses else {})
                for version in rules.versions
            ],
            "begin_later": {
                instrument: change_as_dict(change, outlook)
                for instrument, change in begin_later(outlook).items()
            },
        }

    def lines(self, outcome: LawOfDay, options: Options) -> list[str]:
        rules, outlook = outcome
        return [
            line
            for version in rules.versions
            for line in (
                pinned_line(version, rules, outlook),
                *(clause_lines(version, rules) if options.clauses else ()),
            )
        ] + [ahead_line(name, change, outlook) for name, change in begin_later(outlook).items()]
