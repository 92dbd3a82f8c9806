#!/usr/bin/env python
"""Every command of Tallystick; `python manage.py help` lists them."""

import os
import sys

WITHOUT_DATABASE = {"help", "version", "--version", "makemigrations", "served", "shapley"}


def main(arguments: list[str]) -> None:
    """Start the database when the command needs it, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    asks_for_help = {"--help", "-h"} & set(arguments)
    if len(arguments) > 1 and not asks_for_help and arguments[1] not in WITHOUT_DATABASE:
        start_database()

    from django.core.management import execute_from_command_line

    execute_from_command_line(arguments)


def start_database() -> None:
    """Start or check the database; a refusal is one line, not a traceback."""
    from sqlalchemy.exc import OperationalError

    from database.session import ensure_server

    try:
        ensure_server()
    except OperationalError as outage:
        sys.exit(f"the database does not answer: {str(outage.orig).splitlines()[0]}")
    except RuntimeError as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main(sys.argv)
