"""`manage.py serve`: the portal by gunicorn, on the database as it is."""

import os
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.management.console import announce_portal
from portal.serving import serve


class Command(BaseCommand):
    help = "Serve the portal until interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--threads", type=int, default=2 * (os.cpu_count() or 1) + 2)

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(
                "the tables of this database are not those of this version; run "
                "`manage.py migrate` first, or `make demo` for a database to look at"
            )
        serve(
            options["address"],
            options["port"],
            options["threads"],
            partial(announce_portal, self.stdout),
        )
