"""`manage.py logout`: commands act as nobody."""

from typing import Any

from database.session import transaction
from ledger.people import tokens
from portal.management.arguments import JSON
from portal.management.base import BaseCommand, Options
from portal.management.signed_in import forget_token, stored_token


class Command(BaseCommand[None]):
    help = "End what `login` began: the token is forgotten here, and lets nobody act any more."
    takes = (JSON,)

    def run(self, options: Options) -> None:
        token = stored_token()
        if token:
            with transaction() as session:
                tokens.end(tokens.through(session), token)
        forget_token()

    def lines(self, outcome: None, options: Options) -> list[str]:
        return ["Commands act as nobody."]

    def as_json(self, outcome: None, options: Options) -> Any:
        return {}
