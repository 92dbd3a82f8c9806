"""A portal with no market in it: for tests of who is let in, and of nothing behind the door."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from database.session import make_engine
from portal.django_on import django_on
from tests.portal.site import serving_from


@contextmanager
def portal_alone(clone_portal_database: Callable[[], str], django_db_blocker: Any) -> Iterator[str]:
    """Point Django and the domain's engine at a fresh database for the length of the block."""
    url = clone_portal_database()
    made = make_engine(url)
    with django_db_blocker.unblock(), django_on(url), serving_from(url, made):
        yield url
    made.dispose()
