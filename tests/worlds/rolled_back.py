"""A session in a world that several tests share: whatever a test does there is rolled back.

Or it may do nothing there but read.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from database.session import transaction


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Session]:
    """Open a session on a database and roll it back at the end, commits and all."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as opened:
            yield opened
        outer.rollback()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a transaction in which PostgreSQL refuses to write, for commands that only inform."""
    with transaction(engine) as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        yield session
