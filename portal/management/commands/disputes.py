"""`manage.py disputes MARKET`: every dispute, by deadline, what is overdue first."""

from collections.abc import Iterator
from typing import Any

from database.session import transaction
from ledger.disputes import queries
from ledger.disputes.records import Record
from portal.management.arguments import JSON, MARKET, flag
from portal.management.base import BaseCommand, Options
from portal.management.dispute_records import as_json, as_line


class Command(BaseCommand[list[Record]]):
    help = (
        "List the disputes of a market by deadline, what is overdue first. Deadlines are those of "
        "the settlement terms in force when the disputed document was issued."
    )
    takes = (MARKET, flag("--open", "only those that are not over"), JSON)

    def run(self, options: Options) -> list[Record]:
        with transaction() as session:
            found = queries.sort_by_deadline(queries.disputes(session, options.market), options.now)
        return [
            record for record in found if not options.open or record.course.is_open(options.now)
        ]

    def as_json(self, outcome: list[Record], options: Options) -> Any:
        return [as_json(record, options.now) for record in outcome]

    def lines(self, outcome: list[Record], options: Options) -> Iterator[str]:
        for record in outcome:
            yield as_line(record, options.now)
        if not outcome:
            yield "No dispute is open." if options.open else "No line is disputed."
