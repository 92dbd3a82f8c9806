"""`manage.py change STEP ...`: open a change of the law, and take any step of it."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from common.refusals import refuse_any
from database.session import transaction
from ledger.people.roles import Role
from portal.change_words import changed_words
from portal.management.arguments import (
    JSON,
    MARKET,
    REASON,
    CommandArgument,
    Subcommand,
    argument,
    at_least,
    parse_day,
    parse_run,
)
from portal.management.base import BaseCommand, Options
from portal.management.change_records import ShownChange, as_json, as_lines
from rulebook.changes.life import Life, Wanted
from rulebook.changes.steps import STEPS, Kind
from rulebook.folders import read_files
from settlement.enactment.change_law import propose_change, rebase
from settlement.enactment.change_list import state_of
from settlement.enactment.changes import (
    Opening,
    Validity,
    assessment_body,
    consultation_body,
    currency_of,
    determination_body,
    drawn_draft,
    find,
    open_change,
    revise,
    take_step,
)

NUMBER = argument("number", type=at_least(1), metavar="NUMBER", help="of the change")
EVENT = argument("event", type=at_least(1), metavar="EVENT", help="number of what is answered")
FOR = argument("--participant", metavar="PARTICIPANT", help="for which you act; default: for none")
SEEN = argument(
    "--seen",
    type=at_least(1),
    metavar="EVENT",
    help="number of the last event that you saw; refused where another came since",
)
MORE: dict[Kind, tuple[CommandArgument, ...]] = {
    Kind.COMMENT: (
        argument("--document", metavar="DOCUMENT", help="such as gb12/market-rules"),
        argument("--clause", metavar="ANCHOR", help="of the document, such as price-cap"),
        FOR,
    ),
    Kind.ANSWER: (EVENT,),
    Kind.REPLY: (EVENT,),
    Kind.RESPOND: (FOR,),
    Kind.CONSULT: (
        argument(
            "--last-day", type=parse_day, required=True, metavar="DAY",
            help="last day on which somebody may respond, YYYY-MM-DD",
        ),
    ),
    Kind.ASSESS: (
        argument(
            "--trial", dest="trials", action="append", default=[], type=parse_run, metavar="TRIAL",
            help="identity of a trial of the last revision; may be given several times",
        ),
        argument(
            "--uncounted", required=True, metavar="TEXT", help="effects that no trial counts"
        ),
    ),
    Kind.ACCEPT: (
        argument(
            "--review-on", type=parse_day, required=True, metavar="DAY",
            help="from which its outcome is held to what was forecast, YYYY-MM-DD",
        ),
    ),
}  # fmt: skip
"""What a step is told beside its reason."""

PLAIN = tuple(
    kind for kind in STEPS if kind not in (Kind.OPEN, Kind.REVISE, Kind.PROPOSE, Kind.APPROVE)
)
"""The steps that state no text and no proposal."""


def _plain(kind: Kind) -> Subcommand:
    step = STEPS[kind]
    who = " or ".join(sorted(step.by))
    seen = (SEEN,) if step.moves else ()
    help = f"{step.title.lower()}, by the {who}"
    return Subcommand(help, (NUMBER, *MORE.get(kind, ()), *seen, REASON, JSON))


class Command(BaseCommand[ShownChange]):
    help = (
        "Open a law change, or take a step of it: write its text, have it reviewed, "
        "consult, assess, decide, propose. Another person approves what is proposed, by "
        "`manage.py approve`. Every step is an event that stays; `manage.py changes` shows them."
    )
    appends_facts = True
    may_act = frozenset({Role.PARTICIPANT, Role.OPERATOR, Role.REGULATOR})
    actions: ClassVar = {
        "open": Subcommand(
            "say what is wrong with the law, and what could be done",
            (
                MARKET,
                argument("--title", required=True, metavar="TEXT", help="what it is called"),
                argument("--problem", required=True, metavar="TEXT", help="what is wrong"),
                argument("--objectives", required=True, metavar="TEXT", help="what is wanted"),
                argument(
                    "--do-nothing", required=True, metavar="TEXT",
                    help="what follows where the law stays as it is",
                ),
                argument(
                    "--option", dest="options", action="append", required=True, metavar="TEXT",
                    help="what else could be done; may be given several times",
                ),
                argument(
                    "--urgent", default="", metavar="TEXT", help="why it waits for no consultation"
                ),
                FOR,
                REASON,
                JSON,
            ),
        ),
        "revise": Subcommand(
            "save a text of it, whole documents, drawn from the law of its first day",
            (
                NUMBER,
                argument("files", nargs="+", type=Path, metavar="FILE", help="YAML file or folder"),
                argument(
                    "--valid-from", type=parse_day, required=True, metavar="DAY",
                    help="first day on which it is to apply, YYYY-MM-DD",
                ),
                argument(
                    "--valid-to", type=parse_day, metavar="DAY",
                    help="first day on which it no longer applies; default: no end",
                ),
                argument(
                    "--parent", type=at_least(0), metavar="REVISION",
                    help="that it was made from; default: the last",
                ),
                FOR,
                REASON,
                JSON,
            ),
        ),
        "rebase": Subcommand(
            "draw its text anew from the law of its first day, which moved", (NUMBER, REASON, JSON)
        ),
        "propose": Subcommand(
            "propose its last revision as law", (NUMBER, SEEN, REASON, JSON)
        ),
        **{kind.value: _plain(kind) for kind in PLAIN},
    }  # fmt: skip

    def run(self, options: Options) -> ShownChange:
        with transaction() as session:
            life = self._take(session, options)
            currency = currency_of(session, life.change.market, options.now)
            changes = changed_words(life, life.revision, currency) if life.revision else []
            return ShownChange(life, state_of(session, life, options.now), changes)

    def _take(self, session: Session, options: Options) -> Life:
        now, reason = options.now, options.reason
        match options.action:
            case "open":
                return open_change(session, _opening(options), now)
            case "revise":
                return _revise(session, options)
            case "rebase":
                return rebase(session, options.number, reason=reason, now=now)
            case "propose":
                number, saw = options.number, options.seen
                return propose_change(session, number, reason=reason, now=now, saw=saw)[0]
        wanted = Wanted(
            Kind(options.action),
            reason,
            getattr(options, "participant", None),
            getattr(options, "event", None),
            None,
            _body(session, options),
            getattr(options, "seen", None),
        )
        return take_step(session, options.number, wanted, now)

    def as_json(self, outcome: ShownChange, options: Options) -> Any:
        return as_json(outcome)

    def lines(self, outcome: ShownChange, options: Options) -> Iterator[str]:
        yield from as_lines(outcome)


def _opening(options: Options) -> Opening:
    return Opening(
        options.market,
        options.title,
        options.problem,
        options.objectives,
        options.do_nothing,
        tuple(options.options),
        options.reason,
        options.urgent,
        options.participant,
    )


def _revise(session: Session, options: Options) -> Life:
    documents, findings = read_files(options.files)
    refuse_any(findings)
    life = find(session, options.number)
    parent = options.parent
    if parent is None:
        parent = life.revision.number if life.revision else 0
    validity = Validity(options.valid_from, options.valid_to)
    draft = drawn_draft(session, life.change.market, documents, validity, options.now)
    return revise(
        session, options.number, draft, parent or None, validity,
        reason=options.reason, now=options.now, participant=options.participant,
    )  # fmt: skip


def _body(session: Session, options: Options) -> dict[str, Any]:
    """Return what a step states beside its reason."""
    match Kind(options.action):
        case Kind.COMMENT:
            said = {"instrument": options.document, "clause": options.clause}
            return {name: value for name, value in said.items() if value is not None}
        case Kind.CONSULT:
            market = find(session, options.number).change.market
            return consultation_body(session, market, options.last_day, options.now)
        case Kind.ASSESS:
            trials: list[uuid.UUID] = options.trials
            return assessment_body(session, trials, options.uncounted)
        case Kind.ACCEPT:
            market = find(session, options.number).change.market
            return determination_body(session, market, options.review_on, options.now)
    return {}
