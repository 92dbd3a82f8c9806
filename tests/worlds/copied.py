"""A copy of a filled database: a world made once, for each test to write to."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.worlds.roles import let_roles_in

HANG_UP = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
"""A database is copied while nobody is connected to it, not even an idle thread."""


@contextmanager
def copied(server_url: str, url: str) -> Iterator[str]:
    """Copy a database for the length of the block."""
    name = f"copy_{uuid.uuid4().hex[:12]}"
    source = sql.Identifier(make_url(url).database)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(HANG_UP, [make_url(url).database])
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(create.format(sql.Identifier(name), source))
        copy = make_url(url).set(database=name).render_as_string(hide_password=False)
        let_roles_in(copy)
        try:
            yield copy
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)
