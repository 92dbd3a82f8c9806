"""`manage.py statement PARTICIPANT`: its account over a period, or its balances at a moment."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from ledger.payments.account import AccountStatement
from ledger.payments.account_queries import account_statement, markets_of, standings
from portal.amounts import money_parts
from portal.management.console import parse_day, parse_instant, print_json, utc_now


class Command(BaseCommand):
    help = (
        "Print the account of a participant: opening balance, every document, payment, allocation "
        "and interest, running and closing balance, all from the ledger. Days are days in UTC."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("participant", help="such as hearth-energy")
        parser.add_argument("--market", help="where it is in several")
        parser.add_argument("--from", dest="first_day", type=parse_day, help="YYYY-MM-DD")
        parser.add_argument("--to", dest="last_day", type=parse_day, help="YYYY-MM-DD, included")
        parser.add_argument(
            "--at",
            type=parse_instant,
            help="print only the balances at a moment, 2024-03-01T09:00Z",
        )
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        participant = options["participant"]
        with transaction() as session:
            market = options["market"] or self._market(markets_of(session, participant), options)
            if options["at"]:
                found = standings(session, market, options["at"], participant)
                self._print_balances(found, options)
                return
            today = utc_now().date()
            last_day = options["last_day"] or today
            first_day = options["first_day"] or last_day.replace(month=1, day=1)
            if last_day < first_day:
                raise CommandError(f"--to {last_day} lies before --from {first_day}")
            statements = account_statement(session, market, participant, first_day, last_day)
        if options["json"]:
            print_json([statement_as_dict(one) for one in statements])
            return
        for one in statements:
            self._print(one)
        if not statements:
            self.stdout.write(f"{participant} has no account in {market} up to {last_day}.")

    def _market(self, markets: list[str], options: dict[str, Any]) -> str:
        if not markets:
            raise CommandError(
                f"participant {options['participant']}: it has no account; correct the name"
            )
        if len(markets) > 1:
            known = ", ".join(markets)
            raise CommandError(
                f"{options['participant']} has accounts in: {known}. Name one with --market"
            )
        return markets[0]

    def _print_balances(self, found: Any, options: dict[str, Any]) -> None:
        if options["json"]:
            print_json(
                [
                    {
                        "currency": currency,
                        "billed_micro": one.billed_micro,
                        "paid_micro": one.paid_micro,
                        "balance_micro": one.balance_micro,
                        "unbilled_micro": one.unbilled_micro,
                        "ledger_micro": one.ledger_micro,
                    }
                    for (_, currency), one in found.items()
                ]
            )
            return
        for (_, currency), one in found.items():
            self.stdout.write(
                f"billed and not paid      {shown(one.balance_micro, currency)}\n"
                f"settled and not billed   {shown(one.unbilled_micro, currency)}\n"
                f"sum of postings          {shown(one.ledger_micro, currency)}"
            )
        if not found:
            self.stdout.write("Nothing was posted up to that moment.")

    def _print(self, one: AccountStatement) -> None:
        self.stdout.write(
            f"Account of {one.participant} in {one.market}, {one.first_day} to {one.last_day}\n"
            f"{'':<62}{'amount':>24}{'balance':>24}\n"
            f"{'Opening balance':<62}{'':>24}{shown(one.opening_micro, one.currency):>24}"
        )
        for line in one.lines:
            moved = line.movement
            what = f"{moved.at:%Y-%m-%d} {moved.document} {moved.text}"
            self.stdout.write(
                f"{what[:61]:<62}{shown(moved.amount_micro, one.currency):>24}"
                f"{shown(line.balance_micro, one.currency):>24}"
            )
        closing = one.closing
        for name, micro in (
            ("Closing balance", closing.balance_micro),
            ("Settled and not billed yet", closing.unbilled_micro),
            ("Sum of all postings in the ledger", closing.ledger_micro),
        ):
            self.stdout.write(f"{name:<62}{'':>24}{shown(micro, one.currency):>24}")


def shown(micro: int, currency: str) -> str:
    """Return an exact amount of money."""
    return "".join(money_parts(micro, currency))


def statement_as_dict(one: AccountStatement) -> dict[str, Any]:
    """Return a statement as plain values, amounts in micro."""
    return {
        "market": one.market,
        "participant": one.participant,
        "currency": one.currency,
        "first_day": one.first_day,
        "last_day": one.last_day,
        "opening_micro": one.opening_micro,
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
            }
            for line in one.lines
        ],
        "closing_micro": one.closing.balance_micro,
        "unbilled_micro": one.closing.unbilled_micro,
        "ledger_micro": one.closing.ledger_micro,
    }
