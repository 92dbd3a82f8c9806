"""`manage.py approve NUMBER DIGEST`: let be done what another person proposed."""

from typing import Any

from database.session import transaction
from ledger.people.roles import MANAGERS
from portal.management.arguments import JSON, argument, at_least
from portal.management.base import BaseCommand, Options
from rulebook.printing import published_as_dict, published_line
from rulebook.publishing import PublishedVersion
from settlement.enactment.approve import approve


class Command(BaseCommand[list[PublishedVersion]]):
    help = (
        "Approve a proposal, and do in the same moment what it says: publish law, end a document, "
        "grant a role. Whoever approves is another person than who proposed it, and than who is "
        "to have the role; of law a regulator."
    )
    appends_facts = True
    may_act = MANAGERS
    takes = (
        argument("number", type=at_least(1), metavar="NUMBER", help="of the proposal"),
        argument(
            "digest",
            metavar="DIGEST",
            help="of what you read, as `manage.py proposals NUMBER` shows it, or how it begins",
        ),
        JSON,
    )

    def run(self, options: Options) -> list[PublishedVersion]:
        with transaction() as session:
            return approve(session, options.number, options.digest, options.now)

    def as_json(self, outcome: list[PublishedVersion], options: Options) -> Any:
        return {"approved": options.number, "published": list(map(published_as_dict, outcome))}

    def lines(self, outcome: list[PublishedVersion], options: Options) -> list[str]:
        return [f"approved proposal {options.number}", *map(published_line, outcome)]
