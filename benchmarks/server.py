"""The server on which speeds are measured, by addresses that may make tables and databases."""

from functools import cache

from sqlalchemy import Engine

from database import schema
from database.addresses import admin_url
from database.session import make_engine


@cache
def owner_engine() -> Engine:
    """Return the engine of the database's owner, who may make tables to measure by."""
    return make_engine(schema.owner_url())


def server_url() -> str:
    """Return the address of who may make databases; the embedded server is started for it."""
    schema.owner_url()
    return admin_url()
