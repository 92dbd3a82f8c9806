"""`manage.py payments ...`: import bank statements, see the queue, allocate by hand."""

import getpass
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from ledger.payments import queries
from ledger.payments.queries import Decided
from ledger.payments.service import allocate
from ledger.payments.statements import statement_name
from portal.amounts import read_minor
from portal.management.console import minor_units, print_json, refusals_as_errors, utc_now
from settlement.accounts.service import import_statements


class Command(BaseCommand):
    help = (
        "Bank statements and what they pay. `import` reads camt.053 files and matches every "
        "payment with documents; `queue` lists what rests, and why; `allocate` and `return` decide "
        "about one payment by hand. Every decision is a journal, and a later one names what it "
        "reverses."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        read = actions.add_parser("import", help="import camt.053 files of the operator's account")
        read.add_argument("market", help="such as gb12")
        read.add_argument("files", nargs="+", type=Path, help="in the order of the statements")
        waiting = actions.add_parser("queue", help="payments of which something is not allocated")
        waiting.add_argument("market", help="such as gb12")
        every = actions.add_parser("list", help="every payment, with what it pays")
        every.add_argument("market", help="such as gb12")
        by_hand = actions.add_parser("allocate", help="allocate a payment to documents")
        by_hand.add_argument("payment", help="such as gb12-bank-000001/3")
        by_hand.add_argument(
            "amounts",
            nargs="+",
            type=parse_amount,
            metavar="DOCUMENT=AMOUNT",
            help="such as gb12-invoice-000001=120.50; below zero for what the market paid",
        )
        back = actions.add_parser("return", help="return a payment to the queue")
        back.add_argument("payment", help="such as gb12-bank-000001/3")
        for one in (by_hand, back):
            one.add_argument("--reason", required=True, help="why; kept with the decision")
        for one in (read, by_hand, back):
            one.add_argument("--by", default=getpass.getuser(), help="who; default: your login")
        for one in (read, waiting, every, by_hand, back):
            one.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        {
            "import": self._import,
            "queue": self._list,
            "list": self._list,
            "allocate": self._allocate,
            "return": self._allocate,
        }[options["action"]](options)

    def _import(self, options: dict[str, Any]) -> None:
        unread = [str(path) for path in options["files"] if not path.is_file()]
        if unread:
            raise CommandError(f"no such file: {', '.join(unread)}")
        market, outcome = options["market"], []
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            for path in options["files"]:
                imported = import_statements(
                    session,
                    market,
                    path.name,
                    path.read_bytes(),
                    received_by=options["by"],
                    now=utc_now(),
                )
                for row in imported.statements:
                    found = queries.decided(session, market, row.number)
                    outcome.append(
                        {
                            "statement": statement_name(market, row.number),
                            "file": path.name,
                            "identification": row.identification,
                            "is_new": not imported.is_repeat,
                            "payments": len(found),
                            "in_queue": sum(bool(one.rest_minor) for one in found),
                            "closing_minor": row.closing_minor,
                        }
                    )
        if options["json"]:
            print_json(outcome)
            return
        for one in outcome:
            self.stdout.write(
                f"{one['statement']}  {one['identification']}: {one['payments']} payments, "
                f"{one['in_queue']} in the queue, closes with {minor_units(one['closing_minor'])}"
                f"{'' if one['is_new'] else '; imported before'}"
            )

    def _list(self, options: dict[str, Any]) -> None:
        with transaction() as session:
            found = queries.decided(session, options["market"])
        if options["action"] == "queue":
            found = [one for one in found if one.rest_minor]
        if options["json"]:
            print_json([_as_json(one) for one in found])
            return
        for one in found:
            self.stdout.write(
                f"{one.transaction.name}  {one.transaction.value_on}  "
                f"{minor_units(one.transaction.amount_minor):>18}  {one.transaction.counterparty}: "
                f"{one.latest.reason}"
            )
        if not found:
            self.stdout.write("No payment waits for a decision.")

    def _allocate(self, options: dict[str, Any]) -> None:
        amounts = dict(options.get("amounts") or ())
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            posted = allocate(
                session,
                options["payment"],
                amounts,
                decided_by=options["by"],
                reason=options["reason"],
                now=utc_now(),
            )
        if options["json"]:
            print_json({"journal": posted.number, "digest": posted.digest})
            return
        self.stdout.write(f"Posted as journal {posted.number}.")


def _as_json(one: Decided) -> dict[str, Any]:
    return {
        **one.transaction._asdict(),
        "payment": one.transaction.name,
        "allocated_minor": one.amounts,
        "rest_minor": one.rest_minor,
        "decisions": [decision._asdict() for decision in one.decisions],
    }


def parse_amount(text: str) -> tuple[str, int]:
    """Return document and minor units of `document=amount`; argparse shows the error."""
    document, _, amount = text.partition("=")
    minor = read_minor(amount)
    if not document or minor is None:
        raise ArgumentTypeError(
            f"{text!r} is not DOCUMENT=AMOUNT, such as gb12-invoice-000001=1.50"
        )
    return document, minor
