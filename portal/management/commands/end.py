"""`manage.py end`: from a day on a document is no law any more."""

from typing import Any

from database.session import transaction
from ledger.sealing import sealed_spans
from portal.management.arguments import DAY, JSON, MARKET, REASON, argument
from portal.management.base import BaseCommand, Options
from rulebook.ending import end
from rulebook.printing import ended_line, published_as_dict
from rulebook.publishing import PublishedVersion


class Command(BaseCommand[PublishedVersion]):
    help = (
        "End a document of a market on a day, such as the registration of a participant who "
        "leaves. What rests on it must end before, and sealed days keep their law."
    )
    appends_facts = True
    takes = (
        MARKET,
        argument("document", metavar="DOCUMENT", help="its name, such as registration/doric"),
        DAY.with_settings(help="first day on which it no longer applies, YYYY-MM-DD"),
        argument("--author", required=True, metavar="WHO", help="who decided the end"),
        argument(
            "--approver",
            required=True,
            metavar="WHO",
            help="who approved it; never the author",
        ),
        REASON,
        JSON,
    )

    def run(self, options: Options) -> PublishedVersion:
        with transaction() as session:
            return end(
                session,
                options.market,
                options.document,
                options.day,
                known=options.now,
                author=options.author,
                approver=options.approver,
                reason=options.reason,
                # The rulebook does not know the ledger; which days are sealed it must be told.
                sealed=sealed_spans(session),
            )

    def as_json(self, outcome: PublishedVersion, options: Options) -> Any:
        return published_as_dict(outcome)

    def lines(self, outcome: PublishedVersion, options: Options) -> list[str]:
        return [ended_line(outcome)]
