"""The one declarative base that every table of the domain hangs on."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}

SCHEMAS = ("rulebook", "settlement", "ledger", "people", "market")
"""The schemas that Alembic owns; Django's own tables live in the schema `portal`."""


class Base(DeclarativeBase):
    """Base of all domain tables; constraint names follow one convention, so errors can be read."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
