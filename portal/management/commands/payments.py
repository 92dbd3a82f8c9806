"""`manage.py payments ...`: import bank statements, see the queue, allocate by hand."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError

from database.session import transaction
from ledger.payments import queries
from ledger.payments.allocate import allocate, find_transaction
from ledger.payments.bank_files import LARGEST_FILE_BYTES
from ledger.payments.queries import Decided
from ledger.people.store import acting
from portal.amounts import amount_form, parse_minor
from portal.management.arguments import JSON, MARKET, REASON, Subcommand, argument
from portal.management.base import BaseCommand, Options
from portal.management.console import minor_units
from portal.management.told_files import read_told_files
from portal.payment_words import allocation_words
from settlement.accounts.bank_statements import import_statements


def parse_amount(text: str) -> tuple[str, str]:
    """Return document and amount of `document=amount`, as typed; argparse shows the error.

    What the amount means depends on the currency of the payment.
    """
    document, _, amount = text.partition("=")
    if not document.strip() or not amount.strip():
        raise ArgumentTypeError(
            f"{text!r} is not DOCUMENT=AMOUNT, such as gb12-invoice-000001=1.50"
        )
    return document.strip(), amount.strip()


FILES = argument(
    "files",
    nargs="+",
    type=Path,
    metavar="FILE",
    help="of the bank, earliest first: camt.053, or a zip or gzip of such files",
)
MISSING = argument(
    "--missing",
    default="",
    metavar="WHY",
    help="go on without a statement that the bank cannot give, and why; the difference of the "
    "balances waits in the queue",
)
PAYMENT = argument("payment", metavar="PAYMENT", help="such as gb12-bank-000001/3")
AMOUNTS = argument(
    "amounts",
    nargs="+",
    type=parse_amount,
    metavar="DOCUMENT=AMOUNT",
    help="such as gb12-invoice-000001=120.50; below zero for what the market paid",
)
SIGNED = (REASON, JSON)


class Command(BaseCommand[Any]):
    help = (
        "Bank statements and what they pay. `import` reads camt.053 files, alone or zipped, leaves "
        "out statements of other accounts, those imported before and entries that are not booked, "
        "and matches every payment with documents; `queue` lists what rests, and why; `allocate` "
        "and `return` decide about one payment by hand. Every decision is a journal, and a later "
        "one names what it reverses."
    )
    appends_facts = frozenset({"import", "allocate", "return"})
    actions: ClassVar = {
        "import": Subcommand(
            "import camt.053 files of the operator's account; what is left out is named",
            (MARKET, FILES, MISSING, JSON),
        ),
        "queue": Subcommand("payments of which something is not allocated", (MARKET, JSON)),
        "list": Subcommand("every payment, with what it pays", (MARKET, JSON)),
        "allocate": Subcommand("allocate a payment to documents", (PAYMENT, AMOUNTS, REASON, JSON)),
        "return": Subcommand("return a payment to the queue", (PAYMENT, *SIGNED)),
    }

    def run(self, options: Options) -> Any:
        if options.action == "import":
            return self._import(options)
        if options.action in ("queue", "list"):
            return _find(options)
        return _decide(options)

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
            yield outcome["allocated"]
            yield f"Posted as journal {outcome['journal']}."

    def _import(self, options: Options) -> dict[str, Any]:
        files = read_told_files(options.files, LARGEST_FILE_BYTES)
        market = options.market
        outcome: dict[str, Any] = {"statements": [], "notes": []}
        with transaction() as session:
            for name, content in files:
                imported = import_statements(
                    session,
                    market,
                    name,
                    content,
                    received_by=acting(session).account,
                    now=self.now(),
                    missing=options.missing,
                )
                outcome["notes"] += [
                    {"file": name, "place": note.place, "text": note.text}
                    for note in imported.notes
                ]
                for row in imported.statements:
                    found = queries.decided_transactions(session, market, row.number)
                    outcome["statements"].append(
                        {
                            "statement": row.name,
                            "file": name,
                            "identification": row.identification,
                            "is_new": not imported.is_repeat,
                            "payments": len(found),
                            "in_queue": sum(bool(payment.rest_minor) for payment in found),
                            "closing_minor": row.closing_minor,
                            "currency": row.currency,
                        }
                    )
        return outcome


def _decide(options: Options) -> dict[str, Any]:
    """Allocate a payment as typed, or return it, and say what was understood."""
    typed = list(getattr(options, "amounts", ()))
    with transaction() as session:
        payment = find_transaction(session, options.payment).transaction
        currency = queries.statement(session, payment.market, payment.statement_number).currency
        amounts = _in_minor_units(typed, currency)
        posted = allocate(
            session,
            options.payment,
            amounts,
            decided_by=acting(session).account,
            reason=options.reason,
            now=options.now,
        )
    rest = payment.amount_minor - sum(amounts.values())
    return {
        "payment": payment.name,
        "journal": posted.number,
        "digest": posted.digest,
        "currency": currency,
        "allocated_minor": amounts,
        "rest_minor": rest,
        "allocated": allocation_words(payment.name, amounts, rest, currency),
    }


def _in_minor_units(typed: list[tuple[str, str]], currency: str) -> dict[str, int]:
    """Return amounts in the minor unit of a payment's currency.

    Raises:
        CommandError: something typed is no amount of that currency, or a document stands twice.
    """
    read = [(document, text, parse_minor(text, currency)) for document, text in typed]
    wrong = [
        f"{document}: {text!r} is not an amount in {currency}; {amount_form(currency)}"
        for document, text, minor in read
        if minor is None
    ]
    names = [document for document, _ in typed]
    repeated = sorted({name for name in names if names.count(name) > 1})
    wrong += [f"{name} stands twice; give it one amount" for name in repeated]
    if wrong:
        raise CommandError("\n".join(["Refused; nothing was written:", *wrong]))
    return {document: minor for document, _, minor in read if minor is not None}


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


def _import_lines(outcome: dict[str, Any]) -> Iterator[str]:
    for statement in outcome["statements"]:
        yield (
            f"{statement['statement']}  {statement['identification']}: "
            f"{statement['payments']} payments, {statement['in_queue']} in the queue, closes with "
            f"{minor_units(statement['closing_minor'], statement['currency'])}"
            f"{'' if statement['is_new'] else '; imported before'}"
        )
    for note in outcome["notes"]:
        yield f"{note['file']}: {note['place']}: {note['text']}"


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
