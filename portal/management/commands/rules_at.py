"""`manage.py rules_at`: which law is in force on a day, as it was known at an instant."""

from typing import Any

from database.session import transaction
from portal.management.arguments import DAY, JSON, KNOWN_AT, MARKET, flag
from portal.management.base import BaseCommand, Options
from rulebook.law import rules_at
from rulebook.printing import clause_lines, clauses_as_dicts, pinned_as_dict, pinned_line
from rulebook.resolve import RuleSet


class Command(BaseCommand[RuleSet]):
    help = "Print the versions of a market's law in force on a day, with digest and validity."
    takes = (
        MARKET,
        DAY,
        KNOWN_AT,
        flag("--clauses", "print the clauses too, with the values that they name"),
        JSON,
    )

    def run(self, options: Options) -> RuleSet:
        with transaction() as session:
            return rules_at(session, options.market, options.day, options.known_at)

    def as_json(self, outcome: RuleSet, options: Options) -> Any:
        return {
            "market": outcome.market,
            "date": options.day,
            "known": options.known_at,
            "versions": [
                pinned_as_dict(version, outcome)
                | ({"clauses": clauses_as_dicts(version, outcome)} if options.clauses else {})
                for version in outcome.versions
            ],
        }

    def lines(self, outcome: RuleSet, options: Options) -> list[str]:
        return [
            line
            for version in outcome.versions
            for line in (
                pinned_line(version, outcome),
                *(clause_lines(version, outcome) if options.clauses else ()),
            )
        ]
