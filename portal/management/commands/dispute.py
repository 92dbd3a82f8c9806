"""`manage.py dispute STEP ...`: take any step of a dispute without a browser."""

import uuid
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from common.file_names import file_name, file_path
from common.outside_files import read_outside_file
from database.session import transaction
from ledger.disputes import queries
from ledger.disputes.attachments import LARGEST_BYTES, Attachment
from ledger.disputes.claims import Claim
from ledger.disputes.corrections import suggestions
from ledger.disputes.course import ROLE_OF, Action, Role
from ledger.disputes.records import Actor, DisputedLine, Record
from ledger.disputes.steps import StepRequest, take_step
from ledger.disputes.store import line_of
from ledger.invoice_queries import document_id
from ledger.people.roles import Role as EveryRole
from ledger.people.store import acting
from portal.amounts import amount_form, parse_micro, parse_quantity, quantity_form
from portal.management.arguments import (
    JSON,
    MARKET,
    REASON,
    ExclusiveGroup,
    Subcommand,
    argument,
    at_least,
    parse_run,
)
from portal.management.base import BaseCommand, Options
from portal.management.dispute_records import as_json, as_line
from settlement.billing.disputing import dispute_line

DISPUTE = (
    MARKET,
    argument("number", type=at_least(1), metavar="NUMBER", help="number of the dispute"),
)
LINE = (
    argument("document", metavar="DOCUMENT", help="such as gb12-invoice-000001"),
    argument("line", type=at_least(1), metavar="LINE", help="number of the line"),
)
CLAIM = ExclusiveGroup(
    (
        argument(
            "--amount",
            metavar="AMOUNT",
            help="in the document's currency: 12.34",
        ),
        argument(
            "--quantity",
            metavar="NUMBER",
            help="in the line's unit as people write it: MWh for energy, such as 1.5",
        ),
    )
)
OWNER = argument("--participant", required=True, metavar="PARTICIPANT", help="whose line it is")
ATTACH = argument(
    "--attach", type=Path, metavar="PATH", help="PDF, PNG, JPEG, XLSX, CSV or text file"
)
SIGNED = (REASON, JSON)


class Command(BaseCommand[Record]):
    help = (
        "Take a step in a dispute. The participant opens, escalates and withdraws; the operator "
        "answers and settles; the regulator decides. Every step is an event that stays."
    )
    appends_facts = True
    may_act = frozenset({EveryRole.PARTICIPANT, EveryRole.OPERATOR, EveryRole.REGULATOR})
    actions: ClassVar = {
        "open": Subcommand(
            "dispute a line of an issued document", (*LINE, CLAIM, OWNER, ATTACH, *SIGNED)
        ),
        "answer": Subcommand(
            "answer for the operator",
            (*DISPUTE, argument("verdict", choices=("accept", "reject")), ATTACH, *SIGNED),
        ),
        "escalate": Subcommand(
            "take a dispute to the regulator", (*DISPUTE, OWNER, ATTACH, *SIGNED)
        ),
        "decide": Subcommand(
            "decide for the regulator",
            (*DISPUTE, argument("verdict", choices=("uphold", "refuse")), CLAIM, ATTACH, *SIGNED),
        ),
        "withdraw": Subcommand("give a dispute up", (*DISPUTE, OWNER, *SIGNED)),
        "settle": Subcommand(
            "link the run and the note that corrected it",
            (
                *DISPUTE,
                argument(
                    "--run",
                    type=parse_run,
                    metavar="RUN",
                    help="default: the latest that corrects it",
                ),
                argument(
                    "--note",
                    metavar="DOCUMENT",
                    help="the note's number; default: the one that bills the run",
                ),
                *SIGNED,
            ),
        ),
    }

    def run(self, options: Options) -> Record:
        action = Action(getattr(options, "verdict", options.action))
        role = ROLE_OF[action]
        owner = options.participant if role is Role.PARTICIPANT else None
        attachment = read_attachment(getattr(options, "attach", None))
        with transaction() as session:
            actor = Actor(acting(session).account, role, owner)
            if action is Action.OPEN:
                return dispute_line(
                    session,
                    options.document,
                    options.line,
                    read_claim(session, options),
                    actor,
                    options.reason,
                    options.now,
                    attachment,
                )
            key = options.market, options.number
            award = read_claim(session, options) if action is Action.UPHOLD else Claim()
            run_id, note_id = (
                find_correction(session, key, options) if action is Action.SETTLE else (None, None)
            )
            request = StepRequest(
                action,
                actor,
                options.reason,
                award=None if award == Claim() else award,
                run_id=run_id,
                note_id=note_id,
                attachment=attachment,
            )
            return take_step(session, *key, request, options.now)

    def as_json(self, outcome: Record, options: Options) -> Any:
        return as_json(outcome, self.now())

    def lines(self, outcome: Record, options: Options) -> list[str]:
        return [as_line(outcome, self.now())]


def find_correction(
    session: Session, key: tuple[str, int], options: Options
) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Return the run and the note to settle by: those named, or what would settle the dispute."""
    note_id = document_id(session, options.note) if options.note else None
    if options.note and note_id is None:
        raise CommandError(f"no document {options.note!r}")
    if options.run:
        return options.run, note_id
    record = queries.find(session, *key)
    found = suggestions(session, record) if record else []
    if record and not found:
        raise CommandError(
            f"{record.name}: no posted run has corrected {record.line.document} yet; settle and "
            "post its days under a later kind, and issue the month's documents"
        )
    if not found:
        return uuid.UUID(int=0), note_id
    return found[0].correction.run_id, note_id or (found[0].note.id if found[0].note else None)


def disputed_line(session: Session, options: Options) -> DisputedLine | None:
    """Return the line that a claim is about, which says in what it is typed; None for no such."""
    if options.action != "open":
        record = queries.find(session, options.market, options.number)
        return record.line if record else None
    identity = document_id(session, options.document)
    return line_of(session, identity, options.line) if identity else None


def read_claim(session: Session, options: Options) -> Claim:
    """Return what was typed, as the currency and the unit of the line understand it.

    Raises:
        CommandError: it is no amount of that currency, or no quantity in that unit.
    """
    line = disputed_line(session, options)
    amount, quantity = options.amount, options.quantity
    if line is None:
        return Claim()  # which line there is not, is refused first
    micro = parse_micro(amount, line.currency) if amount is not None else None
    if amount is not None and micro is None:
        raise CommandError(
            f"{amount[:40]!r} is not an amount in {line.currency}; {amount_form(line.currency)}"
        )
    stored = parse_quantity(quantity, line.quantity_unit) if quantity is not None else None
    if quantity is not None and stored is None:
        raise CommandError(
            f"{quantity[:40]!r} is not a quantity; {quantity_form(line.quantity_unit)}"
        )
    return Claim(micro, stored)


def read_attachment(path: Path | None) -> Attachment | None:
    """Return a file to attach; no more of it is read than is refused."""
    if path is None:
        return None
    try:
        return Attachment(file_name(path), read_outside_file(path, LARGEST_BYTES))
    except OSError as unreadable:
        raise CommandError(f"{file_path(path)} cannot be read: {unreadable.strerror}") from None
