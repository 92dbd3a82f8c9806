"""`manage.py migrate`: the domain schema by Alembic, then Django's own tables."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connection

from database import schema


class Command(migrate.Command):
    help = "Bring the domain schema (Alembic) and Django's own tables up to date."

    # As no other command: to check the portal imports every page, and takes as long as migrating.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verbosity"]:
            self.stdout.write("Domain schema: upgrading to head")
        schema.upgrade()
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS portal")
        super().handle(*args, **options)
