"""`manage.py worker`: make what pages ask for, beside the portal."""

from portal.jobs import AT_ONCE
from portal.management.arguments import argument, at_least
from portal.management.base import BaseCommand, Options
from portal.working import run_worker


class Command(BaseCommand[None]):
    help = (
        "Make the files and replays that pages ask for, until interrupted. `serve` starts one of "
        "its own, unless it is told --no-worker."
    )

    takes = (
        argument(
            "--jobs",
            type=at_least(1),
            default=AT_ONCE,
            metavar="COUNT",
            help="at once; replays are made one at a time; default: %(default)s",
        ),
    )

    def run(self, options: Options) -> None:
        pass  # all that it does goes on until it is stopped

    def lines(self, outcome: None, options: Options) -> tuple[()]:
        return ()  # what was asked for is on its page

    def go_on(self, outcome: None, options: Options) -> None:
        run_worker(options.jobs)
