"""`manage.py proposal withdraw|reject NUMBER ...`: give up what waits for an approval."""

from typing import Any, ClassVar

from database.session import transaction
from ledger.people.proposals import state_words
from ledger.people.roles import MANAGERS, Outcome
from ledger.people.store import StoredProposal
from portal.management.arguments import JSON, REASON, Subcommand, argument, at_least
from portal.management.base import BaseCommand, Options
from settlement.enactment.giving_up import give_up

NUMBER = argument("number", type=at_least(1), metavar="NUMBER", help="of the proposal")
OUTCOMES = {"withdraw": Outcome.WITHDRAWN, "reject": Outcome.REJECTED}


class Command(BaseCommand[StoredProposal]):
    help = (
        "Give up a proposal of law or of a role, so that nobody can approve it any more: whoever "
        "made it withdraws it, and another person who might approve it rejects it. What a law "
        "change proposed is given up with the change, by `manage.py change`."
    )
    appends_facts = True
    may_act = MANAGERS
    actions: ClassVar = {
        "withdraw": Subcommand("take back what you proposed", (NUMBER, REASON, JSON)),
        "reject": Subcommand("refuse what another person proposed", (NUMBER, REASON, JSON)),
    }

    def run(self, options: Options) -> StoredProposal:
        with transaction() as session:
            return give_up(
                session, options.number, OUTCOMES[options.action],
                reason=options.reason, now=options.now,
            )  # fmt: skip

    def as_json(self, outcome: StoredProposal, options: Options) -> Any:
        return {
            "proposal": outcome.number,
            "outcome": outcome.outcome,
            "ended_by": outcome.ended_by,
            "ended_at": outcome.ended_at,
            "reason": outcome.end_reason,
        }

    def lines(self, outcome: StoredProposal, options: Options) -> list[str]:
        return [f"proposal {outcome.number}: {state_words(outcome)}"]
