"""What no market can take, whatever it is and however it came to the inbox: set apart in its turn.

Nothing that the door lets in is such. But the inbox is a table: were one row there that cannot be
read, or be appended, everybody who leads would end by it, one after the other, and the market with
them. So it is replaced by an event that says as text what stood there, and is kept as unreadable.
"""

import psycopg

from market.store import Connection

UNTAKEABLE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    psycopg.DataError,
    psycopg.IntegrityError,
)
"""What comes of such a row as it is read, taken or appended; a server that is lost is none."""

_FIRST = "SELECT min(number) FROM market.submission WHERE market = %s"
_SET_APART = "SELECT market.set_apart(%s, %s, %s)"


def first_waiting(connection: Connection, market: str) -> int | None:
    """Return the number of what is first in its turn in the inbox; None where nothing is."""
    row = connection.execute(_FIRST, [market]).fetchone()
    return None if row is None else row[0]


def set_first_apart(connection: Connection, market: str, epoch: int) -> bool:
    """Set apart what is first in the inbox.

    Returns:
        whether it was: what is set apart already is not again, and something else is wrong.

    Raises:
        psycopg.DatabaseError: of `FENCED_SQLSTATE`, where another leads by now.
    """
    row = connection.execute(
        _SET_APART, [market, epoch, first_waiting(connection, market)]
    ).fetchone()
    return row is not None and row[0] is True
