"""Triggers by which the database itself refuses to edit a published fact."""

from typing import Any

# A class that neither the standard nor PostgreSQL uses, so nothing else fails with it.
REFUSAL_SQLSTATE = "TS001"

CREATE_REFUSAL = f"""
CREATE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused; publish a correction instead',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = '{REFUSAL_SQLSTATE}';
END
$$
"""
DROP_REFUSAL = "DROP FUNCTION public.refuse_change()"


def forbid_changes(op: Any, table: str, *, updates: bool = True) -> None:
    """Install triggers on `table` (schema.name) that refuse UPDATE, DELETE and TRUNCATE.

    With `updates=False` the table's own trigger judges updates; DELETE and TRUNCATE are refused.
    """
    row_events = "UPDATE OR DELETE" if updates else "DELETE"
    op.execute(
        f"CREATE TRIGGER refuse_row_change BEFORE {row_events} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION public.refuse_change()"
    )
    # TRUNCATE fires no trigger of rows.
    op.execute(
        f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()"
    )


def allow_changes(op: Any, table: str) -> None:
    """Remove what `forbid_changes` installed; for downgrades."""
    op.execute(f"DROP TRIGGER refuse_truncate ON {table}")
    op.execute(f"DROP TRIGGER refuse_row_change ON {table}")


SEARCH_PATH = "pg_catalog, pg_temp"
"""Where a guard looks for bare names; without the second part, that would be looked in first."""


def fix_search_path(op: Any, guard: str) -> None:
    """Let a function of a trigger (schema.name) find by name what its author meant, always.

    Call it in the migration that makes the function. A function in SQL is not for this: it would
    no longer be inlined, and is called by guards that have a path of their own.
    """
    op.execute(f"ALTER FUNCTION {guard}() SET search_path = {SEARCH_PATH}")


def act_as_owner(op: Any, guard: str) -> None:
    """Let a function of a trigger do what its caller may not; see `privileges.AS_OWNER`."""
    op.execute(f"ALTER FUNCTION {guard}() SECURITY DEFINER")
