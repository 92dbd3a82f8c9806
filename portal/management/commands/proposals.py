"""`manage.py proposals [NUMBER]`: what is proposed, and by whom it was approved."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from database.session import transaction
from ledger.people import store
from ledger.people.proposals import state_words
from ledger.people.store import StoredProposal
from portal.management.arguments import JSON, argument, at_least, flag
from portal.management.base import BaseCommand, Options
from settlement.enactment.change_list import void_proposals
from settlement.enactment.moved_law import check_moved
from settlement.enactment.payees import ProposedPayee, payee_line, proposed_payees
from settlement.enactment.reach import Reach, reach_as_dict, reach_lines
from settlement.enactment.reaching import reach_of


class Listed(NamedTuple):
    """Proposals, what those of law change for participants, and of one shown whole its reach.

    `void`: by proposal that is not to be approved any more, the change that went on. `moved`: by
    proposal that waits, the documents whose law became another since, each in words.
    """

    proposals: list[StoredProposal]
    payees: list[ProposedPayee]
    void: dict[int, int]
    moved: dict[int, list[str]]
    reach: Reach | None = None


class Command(BaseCommand[Listed]):
    help = "List what is proposed and waits for another person, or show one proposal whole."
    takes = (
        argument("number", nargs="?", type=at_least(1), metavar="NUMBER", help="to show whole"),
        flag("--all", "also what was approved, withdrawn or rejected"),
        JSON,
    )

    def run(self, options: Options) -> Listed:
        with transaction() as session:
            if options.number is None:
                found = list(store.proposals(session, open_only=not options.all))
            else:
                one = store.proposal(session, options.number)
                if one is None:
                    raise CommandError(f"proposal {options.number}: there is none of this number")
                found = [one]
            payees = proposed_payees(session, [each.number for each in found])
            reach = reach_of(session, found[0], options.now) if options.number else None
            moved = {
                each.number: [finding.value for finding in check_moved(session, each)]
                for each in found
                if each.is_open
            }
            return Listed(found, payees, void_proposals(session), moved, reach)

    def as_json(self, outcome: Listed, options: Options) -> Any:
        return [
            {
                **each._asdict(),
                "content": json.loads(each.content),
                "texts": json.loads(each.texts) if each.texts and options.number else {},
                "payees": [
                    payee.change._asdict() | {"answers": payee.answers}
                    for payee in outcome.payees
                    if payee.number == each.number
                ],
                "void_by_change": outcome.void.get(each.number),
                "law_moved": outcome.moved.get(each.number, []),
                **({"touches": reach_as_dict(outcome.reach)} if outcome.reach else {}),
            }
            for each in outcome.proposals
        ]

    def lines(self, outcome: Listed, options: Options) -> Iterator[str]:
        for each in outcome.proposals:
            yield _line(each, outcome.void.get(each.number))
            for moved in outcome.moved.get(each.number, ()):
                yield f"  cannot be approved: {moved}"
            for payee in outcome.payees:
                if payee.number == each.number:
                    yield payee_line(payee)
            if outcome.reach:
                yield from reach_lines(outcome.reach)
            if options.number:
                yield f"digest {each.content_digest.hex()}"
                yield json.dumps(json.loads(each.content), indent=2, ensure_ascii=False)
                if each.texts:
                    yield json.dumps(json.loads(each.texts), indent=2, ensure_ascii=False)
        if not outcome.proposals:
            yield "Nothing waits for an approval."


def _line(each: StoredProposal, changed: int | None) -> str:
    state = f"void, as change {changed} went on" if changed else state_words(each)
    if each.end_reason:
        state = f"{state}: {each.end_reason}"
    what = f"{each.kind} of {each.market} law" if each.market else f"{each.kind}"
    return (
        f"{each.number}  {each.content_digest.hex()[:16]}  {what}, proposed by {each.proposed_by} "
        f"at {each.proposed_at:%Y-%m-%d %H:%M}Z; {state}"
    )
