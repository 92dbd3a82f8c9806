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
