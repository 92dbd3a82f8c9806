"""Django, pointed at a database of its tests, and its tables in one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connections

import database.session
from database.session import make_engine
from portal.settings import django_database


@contextmanager
def django_on(url: str) -> Iterator[None]:
    """Let Django of this process use a database for the length of the block."""
    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(django_database(url))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)


def make_portal_tables(url: str) -> None:
    """Migrate a database by the product's command, in this process.

    A process for it starts Python, Django and every page anew, which takes longer than to migrate;
    the README's test runs it as one.
    """
    made = make_engine(url)
    with django_on(url), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setattr(database.session, "engine", lambda: made)
        call_command("migrate", verbosity=0)
    made.dispose()
