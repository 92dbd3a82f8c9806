"""Django of this process, pointed at another database, or at this one as another role."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from portal.settings import django_database


@contextmanager
def django_on(url: str) -> Iterator[None]:
    """Let Django of this process come to a database by an address, for the length of the block."""
    connection = connections["default"]
    before, wanted = dict(connection.settings_dict), django_database(url)
    if before.items() >= wanted.items():
        yield  # as it is: what it has begun goes on
        return
    connection.close()
    connection.settings_dict.update(wanted)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)
