"""`manage.py confirm NUMBER DIGEST`: a participant's word on a change of who it is or is paid."""

from typing import Any

from database.session import transaction
from ledger.people.roles import Role
from portal.management.arguments import JSON, argument, at_least, flag
from portal.management.base import BaseCommand, Options
from settlement.enactment.payees import answer


class Command(BaseCommand[list[str]]):
    help = (
        "Confirm a payee change: a proposal that changes a participant's bank account, legal name "
        "or tax number, or who is paid for a unit of it. By a person who acts for the participant, "
        "and neither proposed nor approves it. What is objected to is not approved."
    )
    appends_facts = True
    may_act = frozenset({Role.PARTICIPANT})
    takes = (
        argument("number", type=at_least(1), metavar="NUMBER", help="of the proposal"),
        argument(
            "digest",
            metavar="DIGEST",
            help="of what you read, as `manage.py proposals NUMBER` shows it, or how it begins",
        ),
        flag("--object", "say no: you did not ask for it"),
        JSON,
    )

    def run(self, options: Options) -> list[str]:
        with transaction() as session:
            return answer(
                session, options.number, options.digest, options.now, agrees=not options.object
            )

    def as_json(self, outcome: list[str], options: Options) -> Any:
        return {
            "proposal": options.number,
            "participants": outcome,
            "agrees": not options.object,
        }

    def lines(self, outcome: list[str], options: Options) -> list[str]:
        done = "objected to" if options.object else "confirmed"
        return [f"{done} proposal {options.number} for {', '.join(outcome)}"]
