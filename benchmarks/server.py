"""The server on which speeds are measured, by addresses that may make tables and databases."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
from psycopg import sql
from sqlalchemy import Engine, make_url

from database import schema
from database.addresses import admin_url
from database.roles.granting import drop_roles
from database.session import make_engine


@cache
def owner_engine() -> Engine:
    """Return the engine of the database's owner, who may make tables to measure by."""
    return make_engine(schema.owner_url())


def server_url() -> str:
    """Return the address of who may make databases; the embedded server is started for it."""
    schema.owner_url()
    return admin_url()


@contextmanager
def scratch_database(prefix: str) -> Iterator[Engine]:
    """Make a database with the domain schema, give its engine, and drop it."""
    server = server_url()
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            schema.upgrade(url)
            made = make_engine(url)
            yield made
            made.dispose()
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)
            drop_roles(connection, name)
