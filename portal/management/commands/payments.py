"""`manage.py payments ...`: import bank statements, see the queue, allocate by hand."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from common.currencies import minor_unit_micro
from database.session import transaction
from ledger.payments import queries
from ledger.payments.allocate import allocate, find_transaction
from ledger.payments.queries import Decided
from ledger.payments.statements import statement_name
from portal.amounts import parse_signed_micro
from portal.management.arguments import BY, JSON, MARKET, REASON, Subcommand, argument
from portal.management.base import BaseCommand, Options
from portal.management.console import minor_units
from settlement.accounts.bank_statements import import_statements

HUNDREDTH_MICRO = 10_000


def parse_amount(text: str) -> tuple[str, int]:
    """Return document and hundredths of `document=amount`; argparse shows the error.

    No currency that is billed has more decimals; which it is, the payment says.
    """
    document, _, amount = text.partition("=")
    micro = parse_signed_micro(amount)
    if not document or micro is None or micro % HUNDREDTH_MICRO:
        raise ArgumentTypeError(
            f"{text!r} is not DOCUMENT=AMOUNT, such as gb12-invoice-000001=1.50"
        )
    return document, micro // HUNDREDTH_MICRO


FILES = argument(
    "files", nargs="+", type=Path, metavar="FILE", help="in the order of the statements"
)
PAYMENT = argument("payment", metavar="PAYMENT", help="such as gb12-bank-000001/3")
AMOUNTS = argument(
    "amounts",
    nargs="+",
    type=parse_amount,
    metavar="DOCUMENT=AMOUNT",
    help="such as gb12-invoice-000001=120.50; below zero for what the market paid",
)
SIGNED = (REASON, BY, JSON)


class Command(BaseCommand[Any]):
    help = (
        "Bank statements and what they pay. `import` reads camt.053 files and matches every "
        "payment with documents; `queue` lists what rests, and why; `allocate` and `return` decide "
        "about one payment by hand. Every decision is a journal, and a later one names what it "
        "reverses."
    )
    actions: ClassVar = {
        "import": Subcommand(
            "import camt.053 files of the operator's account", (MARKET, FILES, BY, JSON)
        ),
        "queue": Subcommand("payments of which something is not allocated", (MARKET, JSON)),
        "list": Subcommand("every payment, with what it pays", (MARKET, JSON)),
        "allocate": Subcommand(
            "allocate a payment to documents", (PAYMENT, AMOUNTS, REASON, BY, JSON)
        ),
        "return": Subcommand("return a payment to the queue", (PAYMENT, *SIGNED)),
    }

    def run(self, options: Options) -> Any:
        if options.action == "import":
            return self._import(options)
        if options.action in ("queue", "list"):
            return _find(options)
        with transaction() as session:
            posted = allocate(
                session,
                options.payment,
                _in_minor_units(session, options.payment, dict(getattr(options, "amounts", ()))),
                decided_by=options.by,
                reason=options.reason,
                now=options.now,
            )
        return {"journal": posted.number, "digest": posted.digest}

    def as_json(self, outcome: Any, options: Options) -> Any:
        if options.action in ("queue", "list"):
            return [_payment_as_json(payment) for payment, _ in outcome]
        return outcome

    def lines(self, outcome: Any, options: Options) -> Iterator[str]:
        if options.action == "import":
            yield from _import_lines(outcome)
        elif options.action in ("queue", "list"):
            yield from _payment_lines(outcome)
        else:
            yield f"Posted as journal {outcome['journal']}."

    def _import(self, options: Options) -> list[dict[str, Any]]:
        unread = [str(path) for path in options.files if not path.is_file()]
        if unread:
            raise CommandError(f"no such file: {', '.join(unread)}")
        market, outcome = options.market, []
        with transaction() as session:
            for path in options.files:
                imported = import_statements(
                    session,
                    market,
                    path.name,
                    path.read_bytes(),
                    received_by=options.by,
                    now=self.now(),
                )
                for row in imported.statements:
                    found = queries.decided_transactions(session, market, row.number)
                    outcome.append(
                        {
                            "statement": statement_name(market, row.number),
                            "file": path.name,
                            "identification": row.identification,
                            "is_new": not imported.is_repeat,
                            "payments": len(found),
                            "in_queue": sum(bool(payment.rest_minor) for payment in found),
                            "closing_minor": row.closing_minor,
                            "currency": row.currency,
                        }
                    )
        return outcome


def _in_minor_units(session: Session, name: str, hundredths: dict[str, int]) -> dict[str, int]:
    """Return amounts in the minor unit of a payment's currency.

    Raises:
        CommandError: an amount has more decimals than the currency.
    """
    payment = find_transaction(session, name).transaction
    currency = queries.statement(session, payment.market, payment.statement_number).currency
    unit = minor_unit_micro(currency)
    amounts_micro = {document: each * HUNDREDTH_MICRO for document, each in hundredths.items()}
    for document, micro in amounts_micro.items():
        if micro % unit:
            raise CommandError(f"{document}: an amount in {currency} has fewer decimals")
    return {document: micro // unit for document, micro in amounts_micro.items()}


def _find(options: Options) -> list[tuple[Decided, str]]:
    """Return payments, each with its currency."""
    with transaction() as session:
        currencies = {
            (statement.market, statement.number): statement.currency
            for statement in queries.statements(session)
        }
        found = queries.decided_transactions(session, options.market)
    return [
        (payment, currencies[options.market, payment.transaction.statement_number])
        for payment in found
        if options.action == "list" or payment.rest_minor
    ]


def _import_lines(statements: list[dict[str, Any]]) -> Iterator[str]:
    for statement in statements:
        yield (
            f"{statement['statement']}  {statement['identification']}: "
            f"{statement['payments']} payments, {statement['in_queue']} in the queue, closes with "
            f"{minor_units(statement['closing_minor'], statement['currency'])}"
            f"{'' if statement['is_new'] else '; imported before'}"
        )


def _payment_lines(payments: list[tuple[Decided, str]]) -> Iterator[str]:
    for payment, currency in payments:
        transfer = payment.transaction
        amount = minor_units(transfer.amount_minor, currency)
        yield (
            f"{transfer.name}  {transfer.value_on}  {amount:>18}  "
            f"{transfer.counterparty}: {payment.latest.reason}"
        )
    if not payments:
        yield "No payment waits for a decision."


def _payment_as_json(payment: Decided) -> dict[str, Any]:
    return {
        **payment.transaction._asdict(),
        "payment": payment.transaction.name,
        "allocated_minor": payment.amounts,
        "rest_minor": payment.rest_minor,
        "decisions": [decision._asdict() for decision in payment.decisions],
    }
