"""`manage.py notices PARTICIPANT`: what a participant is told of."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from ledger.payments.account_queries import markets_of
from portal.management.arguments import IN_MARKET, JSON, PARTICIPANT
from portal.management.base import BaseCommand, Options
from portal.queries.notices import ShownNotice, notices, shown_notices


class Command(BaseCommand[list[ShownNotice]]):
    help = (
        "List what a participant is told of, latest first: later runs that moved its accounts, "
        "notes issued to it, days that were sealed. Notices are derived from the ledger."
    )
    takes = (PARTICIPANT, IN_MARKET, JSON)

    def run(self, options: Options) -> list[ShownNotice]:
        with transaction() as session:
            if not markets_of(session, options.participant):
                raise CommandError(
                    f"participant {options.participant}: it has no account; correct the name"
                )
            found = [
                notice
                for notice in notices(session, options.now)
                if notice.participant == options.participant
                and options.market in (None, notice.market)
            ]
            return shown_notices(session, found)

    def as_json(self, outcome: list[ShownNotice], options: Options) -> Any:
        return {"notices": [shown.as_dict() for shown in outcome]}

    def lines(self, outcome: list[ShownNotice], options: Options) -> Iterator[str]:
        for shown in outcome:
            yield f"{shown.notice.at:%Y-%m-%d %H:%M}Z  {shown.notice.market}  {shown.title}"
            for sentence in shown.sentences:
                yield f"    {sentence}"
        if not outcome:
            yield "Nothing has changed after it was first posted."
