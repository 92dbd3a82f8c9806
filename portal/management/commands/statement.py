"""`manage.py statement PARTICIPANT`: its account over a period, or its balances at a moment."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from ledger.payments.account import AccountStatement, Standing
from ledger.payments.account_queries import account_statement, markets_of, standings
from portal.amounts import money_exact
from portal.management.arguments import (
    AT,
    IN_MARKET,
    JSON,
    OPEN_PERIOD,
    PARTICIPANT,
    sole_market,
)
from portal.management.base import BaseCommand, Options, table_row

NAME, COLUMN = 62, 24

Balances = dict[str, Standing]
"""What an account comes to, by currency."""


class Command(BaseCommand[list[AccountStatement] | Balances]):
    help = (
        "Print the account of a participant: opening balance, every document, payment, allocation "
        "and interest, running and closing balance, all from the ledger. Days are days in UTC; "
        "without a period they are those of the year until today."
    )
    takes = (
        PARTICIPANT,
        IN_MARKET.with_settings(help="where it is in several, such as gb12"),
        OPEN_PERIOD,
        AT.with_settings(help="print only the balances at a moment, such as 2024-03-01T09:00Z"),
        JSON,
    )

    def run(self, options: Options) -> list[AccountStatement] | Balances:
        participant = options.participant
        with transaction() as session:
            options.market = options.market or sole_market(
                markets_of(session, participant), participant
            )
            if options.at:
                found = standings(session, options.market, options.at, participant)
                return {currency: standing for (_, currency), standing in found.items()}
            last_day = options.last_day = options.last_day or options.now.date()
            first_day = options.first_day or last_day.replace(month=1, day=1)
            if last_day < first_day:
                raise CommandError(f"--to {last_day} lies before --from {first_day}")
            return account_statement(session, options.market, participant, first_day, last_day)

    def as_json(self, outcome: list[AccountStatement] | Balances, options: Options) -> Any:
        if isinstance(outcome, dict):
            return _balances_as_json(outcome)
        return [statement_as_dict(statement) for statement in outcome]

    def lines(self, outcome: list[AccountStatement] | Balances, options: Options) -> Iterator[str]:
        if isinstance(outcome, dict):
            yield from _balance_lines(outcome)
            return
        for statement in outcome:
            yield from _statement_lines(statement)
        if not outcome:
            yield (
                f"{options.participant} has no account in {options.market} up to "
                f"{options.last_day}."
            )


def _balances_as_json(balances: Balances) -> list[dict[str, Any]]:
    return [
        {
            "currency": currency,
            "billed_micro": standing.billed_micro,
            "paid_micro": standing.paid_micro,
            "balance_micro": standing.balance_micro,
            "unbilled_micro": standing.unbilled_micro,
            "ledger_micro": standing.ledger_micro,
        }
        for currency, standing in balances.items()
    ]


def _balance_lines(balances: Balances) -> Iterator[str]:
    for currency, standing in balances.items():
        yield f"billed and not paid      {money_exact(standing.balance_micro, currency)}"
        yield f"settled and not billed   {money_exact(standing.unbilled_micro, currency)}"
        yield f"sum of postings          {money_exact(standing.ledger_micro, currency)}"
    if not balances:
        yield "Nothing was posted up to that moment."


def _statement_lines(statement: AccountStatement) -> Iterator[str]:
    days = f"{statement.first_day} to {statement.last_day}"
    yield f"Account of {statement.participant} in {statement.market}, {days}"
    yield table_row("", ("amount", "balance"), NAME, COLUMN)

    def row(title: str, balance_micro: int, amount_micro: int | None = None) -> str:
        cells = [
            "" if micro is None else money_exact(micro, statement.currency)
            for micro in (amount_micro, balance_micro)
        ]
        return table_row(title, cells, NAME, COLUMN)

    yield row("Opening balance", statement.opening_micro)
    for line in statement.lines:
        moved = line.movement
        title = f"{moved.at:%Y-%m-%d} {moved.document} {moved.text}"
        yield row(title[: NAME - 1], line.balance_micro, moved.amount_micro)
    closing = statement.closing
    yield row("Closing balance", closing.balance_micro)
    yield row("Settled and not billed yet", closing.unbilled_micro)
    yield row("Sum of all postings in the ledger", closing.ledger_micro)


def statement_as_dict(statement: AccountStatement) -> dict[str, Any]:
    """Return a statement as plain values, amounts in micro."""
    return {
        "market": statement.market,
        "participant": statement.participant,
        "currency": statement.currency,
        "first_day": statement.first_day,
        "last_day": statement.last_day,
        "opening_micro": statement.opening_micro,
        "lines": [
            {
                "at": line.movement.at,
                "entry": line.movement.entry.value,
                "document": line.movement.document,
                "text": line.movement.text,
                "payment": line.movement.payment,
                "value_on": line.movement.value_on,
                "amount_micro": line.movement.amount_micro,
                "balance_micro": line.balance_micro,
                "journal": line.movement.number or None,
                "bank_account": line.movement.account or None,
            }
            for line in statement.lines
        ],
        "closing_micro": statement.closing.balance_micro,
        "unbilled_micro": statement.closing.unbilled_micro,
        "ledger_micro": statement.closing.ledger_micro,
    }
