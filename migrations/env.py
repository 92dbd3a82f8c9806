"""Alembic's environment: the domain schema, owned here alone."""

import importlib
import warnings

from alembic import context
from sqlalchemy import Connection, text

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
        include_name=lambda name, kind, _parents: kind != "schema" or name in SCHEMAS,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction(), warnings.catch_warnings():
        # Of a constraint that is NOT VALID, SQLAlchemy reads an option that it does not know.
        warnings.filterwarnings("ignore", "Can't validate argument 'dialect_options'")
        context.run_migrations()


run()
