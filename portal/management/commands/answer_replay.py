"""`manage.py answer_replay NUMBER`: compute a replay that a page asked for."""

from django.core.management.base import CommandError

from portal.management.arguments import THREADS, argument, at_least
from portal.management.base import BaseCommand, Options
from portal.replays import compute_request


class Command(BaseCommand[str]):
    help = "Compute a replay that a page asked for; the portal starts this by itself."
    takes = (
        argument("number", type=at_least(1), metavar="NUMBER", help="number of the request"),
        THREADS,
    )

    def run(self, options: Options) -> str:
        try:
            return str(compute_request(options.number, options.threads))
        except LookupError as absent:
            raise CommandError(f"{absent}; a replay is asked for on the page of its run") from None

    def lines(self, outcome: str, options: Options) -> list[str]:
        return [outcome]
