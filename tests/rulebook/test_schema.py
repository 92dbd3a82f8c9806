"""The migration can be taken back, and agrees with the models."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from database import schema
from database.metadata import Base


def is_ours(_object, name, kind, _reflected, _compared):
    return kind != "table" or name == "version"


def test_models_and_migration_agree(committed_database):
    with committed_database.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_object": is_ours,
                "include_name": lambda name, kind, _: kind != "schema" or name == "rulebook",
                "compare_type": True,
            },
        )
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_the_database_has_every_constraint_that_the_model_declares(committed_database):
    table = Base.metadata.tables["rulebook.version"]
    declared = {str(constraint.name) for constraint in table.constraints}
    with committed_database.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT conname FROM pg_constraint "
            "WHERE conrelid = 'rulebook.version'::regclass AND contype NOT IN ('n', 't')"
        ).scalars()
        assert set(found) == declared


def test_the_migration_is_taken_back_and_made_again(bare_database):
    url = bare_database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    schema.downgrade(url, "base")
    assert inspect(bare_database).get_table_names("rulebook") == []
    schema.upgrade(url)
    assert "version" in inspect(bare_database).get_table_names("rulebook")
