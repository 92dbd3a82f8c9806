"""Triggers by which every fact of a table becomes a leaf of the transparency log.

A migration that makes a table of facts calls `log_facts` once; from then on no code path can store
a fact that the log does not hold. The leaf of a row is appended in the statement that inserts it,
under the advisory lock of the ledger, so that indexes are gapless from 0.

The lock is taken before the first row is inserted, so a transaction never holds a new row's key
while it waits. Other locks (a market's law, a market's readings) come before this one; nothing
asks for another lock while it holds this one.
"""

from typing import Any

LEDGER_LOCK = 0x7A11_1ED6
"""The advisory lock under which the ledger and its log are appended to."""

CREATE_LEAF_HASH = r"""
CREATE FUNCTION ledger.log_leaf_hash(source text, key text, digest bytea) RETURNS bytea
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT sha256(
        '\x00'::bytea
        || 'T'::bytea || int4send(17) || 'tallystick.leaf.1'::bytea
        || 'T'::bytea || int4send(octet_length(textsend(source))) || textsend(source)
        || 'T'::bytea || int4send(octet_length(textsend(key))) || textsend(key)
        || 'B'::bytea || int4send(octet_length(digest)) || digest)
$$
"""
"""The hash of a leaf, as `ledger.log.leaf` lays it out."""

CREATE_LOCK_LOG = f"""
CREATE FUNCTION ledger.lock_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({LEDGER_LOCK});
    RETURN NULL;
END
$$
"""

CREATE_LOG_FACTS = """
CREATE FUNCTION ledger.log_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO ledger.log_leaf (index, source, key, digest, leaf_hash) '
        'SELECT $2 + row_number() OVER (ORDER BY %1$s), $1, (%1$s)::text, %2$s, '
        'ledger.log_leaf_hash($1, (%1$s)::text, %2$s) FROM added',
        TG_ARGV[0], TG_ARGV[1])
    USING TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME,
        (SELECT coalesce(max(leaf.index), -1) FROM ledger.log_leaf AS leaf);
    RETURN NULL;
END
$$
"""
"""Arguments of the trigger: the expressions of a fact's key and of its digest."""

FUNCTIONS = {
    "log_leaf_hash(text, text, bytea)": CREATE_LEAF_HASH,
    "lock_log()": CREATE_LOCK_LOG,
    "log_facts()": CREATE_LOG_FACTS,
}


def log_facts(op: Any, table: str, key: str, digest: str = "digest") -> None:
    """Make every row that `table` will hold a leaf of the log.

    Call it in the migration that makes the table: rows that are there already become no leaves,
    and verification finds each of them. Name the table in `ledger.log.verification.SOURCES` too,
    which verification holds this to.

    Args:
        op: Alembic's operations.
        table: schema.name of an append-only table.
        key: column, or SQL expression of columns, that names a row among those of its table for
            good; rows that one statement inserts become leaves in its order.
        digest: column of the row's own sealed digest, 32 bytes.
    """
    op.execute(
        f"CREATE TRIGGER lock_log BEFORE INSERT ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.lock_log()"
    )
    quoted = key.replace("'", "''")
    # Of the statement, not of each row: its rows become leaves in one INSERT, in order of key.
    op.execute(
        f"CREATE TRIGGER log_facts AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION ledger.log_facts('{quoted}', '{digest}')"
    )


def forget_facts(op: Any, table: str) -> None:
    """Remove what `log_facts` installed; for downgrades. Leaves that are there stay."""
    op.execute(f"DROP TRIGGER log_facts ON {table}")
    op.execute(f"DROP TRIGGER lock_log ON {table}")
