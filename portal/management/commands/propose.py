"""`manage.py propose law|end|grant ...`: what another person then approves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from sqlalchemy.orm import Session

from database.session import transaction
from ledger.people.granting import Wanted, propose_grant
from ledger.people.roles import MANAGERS, Role
from ledger.people.store import StoredProposal
from portal.management.arguments import (
    DAY,
    JSON,
    MARKET,
    REASON,
    Subcommand,
    argument,
    flag,
    parse_day,
)
from portal.management.base import BaseCommand, Options
from rulebook.documents import KINDS
from rulebook.folders import LeftOut, left_out_of
from rulebook.printing import published_as_dict, published_line
from rulebook.publishing import PublishedVersion
from settlement.enactment.leaving import ONE_DAY, Choice
from settlement.enactment.payees import ProposedPayee, payee_line, proposed_payees
from settlement.enactment.propose import propose_ending, propose_leaving, propose_publication
from settlement.enactment.reach import Reach, reach_as_dict, reach_lines
from settlement.enactment.reaching import reach_of

FILES = argument(
    "files", nargs="+", type=Path, metavar="FILE", help="YAML file, or a folder of them"
)
FROM = argument(
    "--valid-from", type=parse_day, required=True, metavar="DAY", help="first day, YYYY-MM-DD"
)
TO = argument(
    "--valid-to",
    type=parse_day,
    metavar="DAY",
    help="first day on which they no longer apply; default: no end",
)
DOCUMENT = argument("document", metavar="DOCUMENT", help="its name, such as registration/doric")
ACCOUNT = argument("account", metavar="ACCOUNT", help="who is to have the role")
ROLE = argument("role", choices=[role.value for role in Role], help="that it is to have")
OF_MARKET = argument("--market", metavar="MARKET", help="of the participant")
PARTICIPANT = argument(
    "--participant", metavar="PARTICIPANT", help="for which a participant's account acts"
)


class Proposed(NamedTuple):
    """A proposal, or how what was to be proposed stands already.

    Attributes:
        later: what was proposed with it, and is approved after it.
    """

    proposal: StoredProposal | None
    stands: tuple[PublishedVersion, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    payees: tuple[ProposedPayee, ...] = ()
    reach: Reach | None = None
    later: tuple[StoredProposal, ...] = ()


class Command(BaseCommand[Proposed]):
    help = (
        f"Propose documents of one market ({', '.join(sorted(KINDS))}), the end of one, or a role "
        "for an account. All that forbids it now is said now; another person approves it, by "
        "`manage.py approve`, and then it is done, all or none."
    )
    appends_facts = True
    may_act = MANAGERS
    actions: ClassVar = {
        "law": Subcommand(
            "documents of one market; one that already stands so is left alone",
            (
                FILES,
                FROM,
                TO,
                REASON.with_settings(
                    required=False,
                    default="",
                    help="why; needed where the validity begins in the past",
                ),
                JSON,
            ),
        ),
        "end": Subcommand(
            "that a document ends, such as the registration of a participant who leaves; what "
            "rests on it must end before, and sealed days keep their law",
            (
                MARKET,
                DOCUMENT,
                DAY.with_settings(help="first day on which it no longer applies, YYYY-MM-DD"),
                argument(
                    "--taker",
                    default="",
                    metavar="PARTICIPANT",
                    help="of a registration: the supplier that takes its supply points over",
                ),
                flag(
                    "--unsupplied",
                    "of a registration: nobody takes energy any more at its supply points that no "
                    "other supplier takes over",
                ),
                REASON,
                JSON,
            ),
        ),
        "grant": Subcommand(
            "that an account has a role", (ACCOUNT, ROLE, OF_MARKET, PARTICIPANT, JSON)
        ),
    }

    def run(self, options: Options) -> Proposed:
        if options.action == "law":
            return self._propose_law(options)
        with transaction() as session:
            if options.action == "grant":
                role = Role(options.role)
                wanted = Wanted(options.account, role, options.market, options.participant)
                return Proposed(propose_grant(session, wanted, options.now))
            proposed = _propose_end(session, options)
            first = proposed[0] if proposed else None
            return Proposed(first, reach=_reach(session, first, options), later=tuple(proposed[1:]))

    def _propose_law(self, options: Options) -> Proposed:
        # Before anything is refused: a document that lies here by a wrong name may be what lacks.
        left_out = left_out_of(options.files)
        for place, why in left_out:
            self.stderr.write(f"left out {place}: {why}")
        with transaction() as session:
            planned, proposal = propose_publication(
                session, options.files, valid_from=options.valid_from, valid_to=options.valid_to,
                now=options.now, reason=options.reason,
            )  # fmt: skip
            payees = proposed_payees(session, [proposal.number]) if proposal else []
            reach = _reach(session, proposal, options)
        standing = tuple(planned.as_standing())
        return Proposed(proposal, standing, tuple(left_out), tuple(payees), reach)

    def as_json(self, outcome: Proposed, options: Options) -> Any:
        found = outcome.proposal
        return {
            "proposal": found.number if found else None,
            "digest": found.content_digest if found else None,
            "unchanged": [published_as_dict(version) for version in outcome.stands],
            "left_out": [each._asdict() for each in outcome.left_out],
            "confirmed_by": sorted({each.change.participant for each in outcome.payees}),
            "then": [
                {"proposal": each.number, "digest": each.content_digest} for each in outcome.later
            ],
            "touches": reach_as_dict(outcome.reach) if outcome.reach else None,
        }

    def lines(self, outcome: Proposed, options: Options) -> Iterator[str]:
        yield from map(published_line, outcome.stands)
        found = outcome.proposal
        if found is None:
            yield "It stands so already; nothing is proposed."
            return
        digest = found.content_digest.hex()
        yield f"Proposal {found.number} of {found.proposed_by}, digest {digest}"
        yield from map(payee_line, outcome.payees)
        if outcome.reach:
            yield from reach_lines(outcome.reach)
        yield (
            f"Another person reads it, `manage.py proposals {found.number}`, and approves it: "
            f"`manage.py approve {found.number} {digest[:16]}`"
        )
        for each in outcome.later:
            yield (
                f"After it, the end that was proposed with it: `manage.py approve {each.number} "
                f"{each.content_digest.hex()[:16]}`"
            )


def _propose_end(session: Session, options: Options) -> list[StoredProposal]:
    kind, _, participant = options.document.removeprefix(f"{options.market}/").partition("/")
    if kind == "registration" and participant:
        return propose_leaving(
            session, options.market, participant, options.day - ONE_DAY,
            Choice(options.taker, is_off=options.unsupplied),
            now=options.now, reason=options.reason,
        )  # fmt: skip
    _, proposal = propose_ending(
        session, options.market, options.document, options.day,
        now=options.now, reason=options.reason,
    )  # fmt: skip
    return [proposal] if proposal else []


def _reach(session: Session, proposal: StoredProposal | None, options: Options) -> Reach | None:
    return reach_of(session, proposal, options.now) if proposal else None
