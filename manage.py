#!/usr/bin/env python
"""Every command of Tallystick; `python manage.py help` lists them."""

import gc
import os
import sys

WITHOUT_DATABASE = {
    "help", "version", "--version", "makemigrations", "recompute", "served", "shapley",
}  # fmt: skip


def main(arguments: list[str]) -> None:
    """Start the database when the command needs it, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    asks_for_help = {"--help", "-h"} & set(arguments)
    if len(arguments) > 1 and not asks_for_help and arguments[1] not in WITHOUT_DATABASE:
        start_database()

    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(arguments)
    except outages() as outage:
        sys.exit(
            f"the database stopped answering: {first_line(outage)}. What was not committed is "
            "rolled back, so nothing is half-written; start it and run the command again."
        )
    except Exception as error:
        if is_not_migrated(error):
            sys.exit("the database has no tables yet, or older ones; run `manage.py migrate` first")
        raise


def start_database() -> None:
    """Start or check the database; a refusal is one line, not a traceback."""
    from database.session import ensure_server

    try:
        ensure_server()
    except outages() as outage:
        sys.exit(f"the database does not answer: {first_line(outage)}")
    except RuntimeError as refusal:
        sys.exit(str(refusal))


def outages() -> tuple[type[Exception], ...]:
    """Return the errors by which each driver says that the server went away."""
    import django.db
    import psycopg
    import sqlalchemy.exc

    drivers = (sqlalchemy.exc, psycopg, django.db)
    kinds = [
        kind for driver in drivers for kind in (driver.OperationalError, driver.InterfaceError)
    ]
    return (*kinds, sqlalchemy.exc.PendingRollbackError)


def is_not_migrated(error: BaseException) -> bool:
    """Return whether a table or column that the product expects is not there."""
    import psycopg

    absent = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
    return isinstance(getattr(error, "orig", None) or error.__cause__ or error, absent)


def first_line(error: BaseException) -> str:
    """Return what a driver says, without the statement and the links that follow."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    # Nearly all that a command imports and reads lives until it ends. To look for garbage among it
    # at every 700th object, as Python does, takes a sixth of the time to start.
    gc.set_threshold(50_000)
    main(sys.argv)
