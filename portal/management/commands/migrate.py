"""`manage.py migrate`: the domain schema by Alembic, then Django's own tables."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from database import schema
from database.addresses import urls_to_set
from database.roles.granting import grant
from portal.django_on import django_on
from portal.management.console import telling_for_whom_it_waits


class Command(migrate.Command):
    help = "Bring the domain schema (Alembic) and Django's own tables up to date."

    # As no other command: to check the portal imports every page, and takes as long as migrating.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with (
            telling_for_whom_it_waits(self.stderr),
            schema.one_migration_at_a_time(),
            django_on(schema.owner_url()),
        ):
            _refuse_going_back(options.get("app_label"), options.get("migration_name"))
            if options["verbosity"]:
                self.stdout.write("Domain schema: upgrading to head")
            schema.upgrade()
            with connection.cursor() as cursor:
                cursor.execute("CREATE SCHEMA IF NOT EXISTS portal")
            super().handle(*args, **options)
            grant(schema.owner_url(), urls_to_set())


def _refuse_going_back(app: str | None, name: str | None) -> None:
    """Refuse to unmake tables: with them would go users, and the audit trail.

    Raises:
        CommandError: the migration that is named lies before what the database has.
    """
    if not name:
        return
    loader = MigrationExecutor(connection).loader
    after = {
        applied
        for (label, applied) in loader.applied_migrations
        if label == app and (name == "zero" or applied > name) and not applied.startswith(name)
    }
    if after:
        raise CommandError(
            f"{app} {name} lies before what this database has ({max(after)}), and would drop what "
            "was stored since, such as users and the audit trail; migrate only goes forward"
        )
