"""Django, pointed at a database of its tests, and its tables in one."""

import pytest
from django.core.management import call_command

import database.session
from database.session import make_engine
from portal.django_on import django_on


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
