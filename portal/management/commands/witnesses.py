"""`manage.py witnesses [register|withdraw KEY]`: whose co-signatures of the log are kept."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from ledger.log.rows import WitnessRow
from ledger.log.witness_store import witness_rows
from ledger.log.witnesses import register_witness, withdraw_witness
from portal.management.arguments import JSON, argument
from portal.management.base import BaseCommand, Options

ACTIONS = {"register": register_witness, "withdraw": withdraw_witness}


class Command(BaseCommand[list[WitnessRow]]):
    help = (
        "List the witnesses of the log, or register one, or withdraw it: the portal keeps "
        "co-signatures of registered witnesses alone. That makes nobody trusted: whoever relies "
        "on a witness names its key in a policy of their own (verify --witness)."
    )
    appends_facts = frozenset(ACTIONS)
    takes = (
        argument(
            "action",
            nargs="?",
            choices=("list", *ACTIONS),
            default="list",
            help="default: %(default)s",
        ),
        argument("key", nargs="?", metavar="KEY", help="of a witness, as manage.py witness says"),
        JSON,
    )

    def run(self, options: Options) -> list[WitnessRow]:
        if bool(options.key) != (options.action in ACTIONS):
            raise CommandError("register and withdraw take a KEY; list takes none")
        if options.action in ACTIONS:
            with transaction() as session:
                ACTIONS[options.action](session, options.key, options.now)
        with transaction() as session:
            return [row for row, _ in witness_rows(session)]

    def as_json(self, outcome: list[WitnessRow], options: Options) -> Any:
        return [{**row._asdict(), "verifier_key": str(row.key)} for row in outcome]

    def lines(self, outcome: list[WitnessRow], options: Options) -> Iterator[str]:
        for row in outcome:
            since = f"{row.recorded_at:%Y-%m-%d %H:%M:%S} UTC"
            yield f"{row.number}  {since}  {row.cause:<10}  {row.key}"
        if not outcome:
            yield "no witness yet; one that runs manage.py witness sends you its key"
