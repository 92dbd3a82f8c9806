#!/usr/bin/env python
"""Every command of Tallystick; `python manage.py help` lists them."""

import atexit
import errno
import gc
import io
import os
import sys

WITHOUT_DATABASE = {
    "help", "version", "--version", "makemigrations", "recompute", "served", "shapley", "verifier",
    "serve_witness", "witness",
}  # fmt: skip
NOT_MIGRATED = "the database has no tables yet, or older ones; run `manage.py migrate` first"
MIGRATES = {"demo", "migrate", "schema"}
"""Commands that come to a database without roles, as its owner."""
INTERRUPTED = 130
"""Exit status of a command that was stopped by Ctrl-C, as shells have it."""


def main(arguments: list[str]) -> None:
    """Start the database when the command needs it, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    print_on_any_terminal()
    choose_role(arguments)
    name_connections(arguments)
    try:
        check_environment()
        asks_for_help = {"--help", "-h"} & set(arguments)
        if len(arguments) > 1 and not asks_for_help and arguments[1] not in WITHOUT_DATABASE:
            start_database(is_migrating=arguments[1] in MIGRATES)

        from django.core.management import execute_from_command_line

        try:
            execute_from_command_line(arguments)
        finally:
            sys.stdout.flush()  # here, where it can still be said that nobody reads it
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; what was not committed is rolled back\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        print_no_more()
        sys.exit("nobody reads the output any more, as after `| head`; the rest is not printed")
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        sys.exit(sentence)


def print_on_any_terminal() -> None:
    """Write what a terminal has no letters for as escapes: what is printed may be done already.

    One in Latin-1 has no minus sign and no Greek name, and none has half a character.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def name_connections(arguments: list[str]) -> None:
    """Let the server know who is connected, for those who have to wait for this process."""
    words = [word for word in arguments[1:3] if not word.startswith("-")]
    # libpq reads it, so that every driver says the same. PostgreSQL keeps 63 letters of it.
    name = f"manage.py {' '.join(words)}"[:40]
    os.environ["PGAPPNAME"] = f"{name} (process {os.getpid()})"


def choose_role(arguments: list[str]) -> None:
    """Let what answers pages work as the portal's roles, and every command as the writer."""
    from database.addresses import ROLE_VARIABLE
    from database.roles.names import Role

    is_web = arguments[1:2] == ["serve"] or arguments[1:3] == ["market", "stream"]
    os.environ[ROLE_VARIABLE] = Role.PORTAL if is_web else Role.WRITER


def check_environment() -> None:
    """Refuse an address of the database that is none before anything reads it."""
    from database.addresses import VARIABLES
    from database.session import check_url

    for variable in VARIABLES.values():
        if os.environ.get(variable):
            check_url(os.environ[variable], variable)


def start_database(*, is_migrating: bool) -> None:
    """Start or check the database; a refusal is one line, not a traceback."""
    from database.addresses import lacks_roles
    from database.outages import driver_error, first_line, is_busy
    from database.roles.names import Role
    from database.session import ensure_server

    try:
        ensure_server(Role.OWNER if is_migrating else None)
        if not is_migrating and lacks_roles():
            sys.exit(NOT_MIGRATED)
    except Exception as outage:
        # Before a connection stands most failures have no SQLSTATE: they speak for themselves.
        if driver_error(outage) is None or is_busy(outage):
            raise
        sys.exit(f"the database does not answer: {first_line(outage)}")


def sentence_of(error: Exception) -> str | None:
    """Return what to say of a failure that is no fault of the program, or None."""
    from django.core.exceptions import ImproperlyConfigured

    from database.outages import Unusable, outage_sentence

    if is_not_migrated(error):
        return NOT_MIGRATED
    if isinstance(error, Unusable | ImproperlyConfigured):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        print_no_more()
        return f"there is no room to write to: {error.strerror}; free some and run it again"
    return outage_sentence(error)


def is_not_migrated(error: BaseException) -> bool:
    """Return whether a table or column that the product expects is not there."""
    import psycopg

    absent = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
    return isinstance(getattr(error, "orig", None) or error.__cause__ or error, absent)


def print_no_more() -> None:
    """Leave what is still to be printed: Python would try again at its end, and say so."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ else 1)
    os.close(nowhere)


if __name__ == "__main__":
    # Nearly all that a command imports and reads lives until it ends. To look for garbage among it
    # at every 700th object, as Python does, takes a sixth of the time to start.
    gc.set_threshold(50_000)
    # At its end it looks once more, for most of a second where much was read.
    atexit.register(gc.freeze)
    main(sys.argv)
