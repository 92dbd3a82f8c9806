"""`manage.py serve`: the portal by granian, on the database as it is."""

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.core.management.base import ALL_CHECKS, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from common.refusals import Refused
from database.addresses import refuse_wrong_roles, worker_environment
from portal.checks import find_demonstration
from portal.demo import renew_demo_sign_ins
from portal.demo_market import living_markets
from portal.management.arguments import NO_MARKET, PORT, THREADS, argument, at_least, flag
from portal.management.base import BaseCommand, Options
from portal.management.console import announce_portal
from portal.serving import Unserved, refuse_unusable_address, serve


class ToServe(NamedTuple):
    """What is announced once the portal answers, and which markets live beside it."""

    announce: Callable[[str], None]
    living: list[str]


class Command(BaseCommand[ToServe]):
    requires_system_checks = ALL_CHECKS
    help = (
        "Serve the portal until interrupted. A database that holds a demonstration gets new "
        "passwords for its sign-ins, which are printed, and its market online lives meanwhile."
    )
    takes = (
        PORT,
        argument(
            "--address",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="to listen on; default: %(default)s",
        ),
        THREADS.with_settings(
            default=2 * (os.cpu_count() or 1) + 2,
            help="at once in a process; default: two a processor, and two",
        ),
        argument(
            "--workers",
            type=at_least(1),
            default=1,
            metavar="COUNT",
            help="processes that answer; default: %(default)s",
        ),
        flag("--no-worker", "start no worker beside the portal: one runs by itself"),
        NO_MARKET,
    )

    def run(self, options: Options) -> ToServe:
        try:
            refuse_unusable_address(options.address, options.port)
        except Unserved as error:
            raise CommandError(str(error)) from None
        refuse_wrong_roles()
        if not options.no_worker:
            worker_environment()  # refuses where the worker would have no address
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(
                "the tables of this database are not those of this version; run "
                "`manage.py migrate` first, or `make demo` for a database to look at"
            )
        finding = find_demonstration()
        if finding:
            raise Refused([finding])
        renewed = renew_demo_sign_ins(self.now())
        is_public = not get_user_model().objects.exists()
        # What lives is told by whoever may hand events in, as the worker may.
        is_quiet = options.no_market or options.no_worker
        living = [] if is_quiet else living_markets(options.now)
        announce = partial(
            announce_portal, self.stdout, renewed, is_public=is_public, living=living
        )
        return ToServe(announce, living)

    def lines(self, outcome: ToServe, options: Options) -> tuple[()]:
        return ()  # where the portal is can be said once it answers

    def go_on(self, outcome: ToServe, options: Options) -> None:
        serve(
            options.address,
            options.port,
            options.threads,
            outcome.announce,
            workers=options.workers,
            has_worker=not options.no_worker,
            living=outcome.living,
        )
