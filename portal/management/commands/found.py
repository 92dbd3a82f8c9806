"""`manage.py found`: the first two people, once."""

from collections.abc import Iterator
from typing import Any

from database.session import transaction
from ledger.people.founding import Founder, found
from portal.management.arguments import JSON, argument
from portal.management.base import BaseCommand, Options
from portal.people import invite


class Command(BaseCommand[dict[str, str]]):
    help = (
        "Make the first two people, once: one operates the market, the other regulates it. Neither "
        "can publish law or grant a role alone; further people they make together. What is printed "
        "lets each of them set a password: give it to nobody else."
    )
    takes = (
        argument("operator", metavar="OPERATOR", help="account of who operates, such as ann"),
        argument("operator_name", metavar="NAME", help="that person's name, such as 'Ann Author'"),
        argument("regulator", metavar="REGULATOR", help="account of who regulates"),
        argument("regulator_name", metavar="NAME", help="that person's name"),
        JSON,
    )

    def run(self, options: Options) -> dict[str, str]:
        with transaction() as session:
            found(
                session,
                Founder(options.operator, options.operator_name),
                Founder(options.regulator, options.regulator_name),
                options.now,
            )
        return {each: invite(each) for each in (options.operator, options.regulator)}

    def as_json(self, outcome: dict[str, str], options: Options) -> Any:
        return {"invitations": outcome}

    def lines(self, outcome: dict[str, str], options: Options) -> Iterator[str]:
        yield f"{options.operator} operates, {options.regulator} regulates. Each signs in once by:"
        for account, key in outcome.items():
            yield f"  manage.py login {account} --invitation {key}"
