"""Alembic's environment: the domain schema, owned here alone."""

import importlib
import warnings
from collections.abc import Mapping

from alembic import context
from sqlalchemy import Connection, text

from database.market_log import PARTITION
from database.metadata import SCHEMAS, Base
from database.schema import owner_url
from database.session import make_engine

TABLE_MODULES = (
    "rulebook.tables",
    "rulebook.changes.tables",
    "settlement.tables",
    "ledger.tables",
    "ledger.log.tables",
    "ledger.trail.tables",
    "ledger.payments.tables",
    "ledger.disputes.tables",
    "ledger.people.tables",
    "market.tables",
)
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "300s"


def run() -> None:
    for module in TABLE_MODULES:
        importlib.import_module(module)
    given = context.config.attributes.get("connection")
    if given is not None:  # in a transaction of the caller's, who ends it
        migrate_on(given)
        return
    url = context.config.get_main_option("sqlalchemy.url") or owner_url()
    made = make_engine(url)
    with made.connect() as connection:
        migrate_on(connection)
    made.dispose()


def _is_declared(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
    """Whether the models declare an object of this name: schemas of ours, and no partition."""
    if kind == "schema":
        return name in SCHEMAS
    is_partition = parents.get("schema_name") == "market" and PARTITION.fullmatch(name or "")
    return kind != "table" or not is_partition


def migrate_on(connection: Connection) -> None:
    is_own = not connection.in_transaction()
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    if is_own:
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=_is_declared,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction(), warnings.catch_warnings():
        # Of a constraint that is NOT VALID, SQLAlchemy reads an option that it does not know.
        warnings.filterwarnings("ignore", "Can't validate argument 'dialect_options'")
        context.run_migrations()


run()
