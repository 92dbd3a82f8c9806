"""How a test lets another role than the owner write what happened long ago.

The database holds the moments of decisions to its clock, but for its owner, as whom nearly every
test connects: that is all they need. A test that writes an old world as the writer takes the guards
away for the while, as the owner, and puts them back before it verifies.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from database.moments import MOMENTS
from database.roles.granting import plain_url


@contextmanager
def any_moment(url: str) -> Iterator[None]:
    """Let every role state any moment for the length of the block.

    Args:
        url: of the database, as its owner.
    """
    _turn(url, "DISABLE")
    try:
        yield
    finally:
        _turn(url, "ENABLE")


def _turn(url: str, switch: str) -> None:
    with psycopg.connect(plain_url(url)) as owner:
        for table in MOMENTS:
            owner.execute(f"ALTER TABLE {table} {switch} TRIGGER check_moment")
