"""`manage.py dispute STEP ...`: take any step of a dispute without a browser."""

import getpass
import uuid
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.disputes import queries
from ledger.disputes.attachments import LARGEST_BYTES, Attachment
from ledger.disputes.claims import Claim
from ledger.disputes.corrections import suggestions
from ledger.disputes.course import ROLE_OF, Action, Role
from ledger.disputes.records import Actor, Record
from ledger.disputes.service import StepRequest, take_step
from ledger.invoice_queries import document_id
from portal.amounts import micro_of
from portal.management.console import at_least, print_json, refusals_as_errors, utc_now
from portal.management.dispute_records import as_json, as_line
from settlement.billing.disputing import dispute_line


class Command(BaseCommand):
    help = (
        "Take a step in a dispute. The participant opens, escalates and withdraws; the operator "
        "answers and settles; the regulator decides. Every step is an event that stays."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        opening = steps.add_parser("open", help="dispute a line of an issued document")
        opening.add_argument("document", help="such as gb12-invoice-000001")
        opening.add_argument("line", type=at_least(1), help="number of the line")
        answer = steps.add_parser("answer", help="answer for the operator")
        escalate = steps.add_parser("escalate", help="take a dispute to the regulator")
        decide = steps.add_parser("decide", help="decide for the regulator")
        withdraw = steps.add_parser("withdraw", help="give a dispute up")
        settle = steps.add_parser("settle", help="link the run and the note that corrected it")
        for one in (answer, escalate, decide, withdraw, settle):
            one.add_argument("market", help="such as gb12")
            one.add_argument("number", type=at_least(1), help="number of the dispute")
        answer.add_argument("verdict", choices=("accept", "reject"))
        decide.add_argument("verdict", choices=("uphold", "refuse"))
        settle.add_argument("--run", type=uuid.UUID, help="default: the latest that corrects it")
        settle.add_argument("--note", help="the note's number; default: the one that bills the run")
        for one in (opening, decide):
            add_claim(one)
        for one in (opening, escalate, withdraw):
            one.add_argument("--participant", required=True, help="whose line it is")
        for one in (opening, answer, escalate, decide):
            one.add_argument("--attach", type=Path, help="PDF, PNG, JPEG, XLSX, CSV or text file")
        for one in (opening, answer, escalate, decide, withdraw, settle):
            one.add_argument("--reason", required=True, help="why; kept with the step")
            one.add_argument("--by", default=getpass.getuser(), help="who; default: your login")
            one.add_argument("--json", action="store_true", help="print the dispute as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        action = Action(options.get("verdict") or options["step"])
        role = ROLE_OF[action]
        owner = options["participant"] if role is Role.PARTICIPANT else None
        actor = Actor(options["by"], role, owner)
        attachment = read_attachment(options.get("attach"))
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            if action is Action.OPEN:
                record = dispute_line(
                    session,
                    options["document"],
                    options["line"],
                    claim_of(options),
                    actor,
                    options["reason"],
                    now,
                    attachment,
                )
            else:
                key = options["market"], options["number"]
                award = claim_of(options) if action is Action.UPHOLD else Claim()
                run_id, note_id = (
                    settling(session, key, options) if action is Action.SETTLE else (None, None)
                )
                request = StepRequest(
                    action,
                    actor,
                    options["reason"],
                    award=None if award == Claim() else award,
                    run_id=run_id,
                    note_id=note_id,
                    attachment=attachment,
                )
                record = take_step(session, *key, request, now)
        self._show(record, options["json"])

    def _show(self, record: Record, as_object: bool) -> None:
        if as_object:
            print_json(as_json(record, utc_now()))
        else:
            self.stdout.write(as_line(record, utc_now()))


def settling(
    session: Session, key: tuple[str, int], options: dict[str, Any]
) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Return the run and the note to settle by: those named, or what would settle the dispute."""
    note_id = document_id(session, options["note"]) if options["note"] else None
    if options["note"] and note_id is None:
        raise CommandError(f"no document {options['note']!r}")
    if options["run"]:
        return options["run"], note_id
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


def add_claim(parser: ArgumentParser) -> None:
    """Add the two ways of saying how much."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--amount", type=parse_amount, help="in the document's currency: 12.34")
    group.add_argument("--quantity", type=at_least(1), help="whole, in the line's unit, such as Wh")


def claim_of(options: dict[str, Any]) -> Claim:
    """Return what the options say."""
    return Claim(options["amount"], options["quantity"])


def parse_amount(text: str) -> int:
    """Return an amount as micro; argparse shows the error.

    >>> parse_amount("12.34")
    12340000
    """
    micro = micro_of(text)
    if micro is None:
        raise ArgumentTypeError(f"{text!r} is not an amount; write it as 12.34")
    return micro


def read_attachment(path: Path | None) -> Attachment | None:
    """Return a file to attach; no more of it is read than is refused."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return Attachment(path.name, file.read(LARGEST_BYTES + 1))
    except OSError as unreadable:
        raise CommandError(f"{path} cannot be read: {unreadable.strerror}") from None
