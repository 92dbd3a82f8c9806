"""Triggers by which every change of a table becomes a link of the trail, a chain of its own.

The log takes the lock of the ledger, so that its order is that of the money. What people do in the
portal, and what they may do there, must not wait for that: it is chained under another lock, and a
checkpoint names the head of the chain. A migration calls `chain_rows` once for a table; from then
on no code path can store, change or remove a row that the trail does not hold.

The link is made when the transaction commits, so that the lock is held for that moment alone:
whoever sends a message between marking it and committing keeps nobody waiting.
"""

from collections.abc import Callable

TRAIL_LOCK = 0x7A11_7EA1
"""The advisory lock under which the trail is appended to; who holds it asks for no other."""

_PAYLOADS = {
    "text": r"'\x54'::bytea || int4send(octet_length(convert_to(value, 'UTF8'))) "
    "|| convert_to(value, 'UTF8')",
    "bigint": r"'\x4900000008'::bytea || int8send(value)",
    "boolean": r"'\x4900000008'::bytea || int8send(value::int::bigint)",
    "bytea": r"'\x42'::bytea || int4send(octet_length(value)) || value",
    "timestamptz": r"'\x4d00000008'::bytea "
    "|| int8send((extract(epoch FROM value) * 1000000)::bigint)",
    "uuid": r"'\x5500000010'::bytea || uuid_send(value)",
    "jsonb": "ledger.field(value::text)",
}

CREATE_FIELDS = [
    f"CREATE FUNCTION ledger.field(value {kind}) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE "
    rf"AS $$ SELECT CASE WHEN value IS NULL THEN '\x4e00000000'::bytea ELSE {payload} END $$"
    for kind, payload in _PAYLOADS.items()
]
"""A value as a field of a sealed row, as `ledger.chain` lays it out; JSON as the text of it."""

CREATE_LINK_ROW = rf"""
CREATE FUNCTION ledger.link_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    source text := TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME;
    statement text;
    key text;
    before bytea;
    after bytea;
    last record;
    next bigint;
BEGIN
    SELECT format(
        'SELECT (($1).%I)::text, sha256(''\x00''::bytea || ledger.field(%L::text) || '
        'ledger.field(%L::text) || ledger.field((($1).%I)::text) || %s)',
        TG_ARGV[0], 'tallystick.trail-row.1', source, TG_ARGV[0],
        string_agg(
            format('ledger.field(%L::text) || ledger.field(($1).%I)', name, name),
            ' || ' ORDER BY place))
    INTO statement FROM unnest(TG_ARGV[1:]) WITH ORDINALITY AS listed (name, place);
    IF TG_OP <> 'INSERT' THEN
        EXECUTE statement INTO key, before USING OLD;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE statement INTO key, after USING NEW;
    END IF;
    IF before = after THEN
        RETURN NULL; -- of what the trail holds, nothing changed
    END IF;
    PERFORM pg_advisory_xact_lock({TRAIL_LOCK});
    SELECT number, digest INTO last FROM ledger.trail_link ORDER BY number DESC LIMIT 1;
    next := coalesce(last.number, 0) + 1;
    last.digest := coalesce(last.digest, decode(repeat('00', 32), 'hex'));
    INSERT INTO ledger.trail_link
        (number, source, key, change, row_digest, previous_digest, digest)
    SELECT next, source, key, change, row_digest, last.digest, sha256(
        '\x00'::bytea || ledger.field('tallystick.trail-link.1'::text) || ledger.field(next)
        || ledger.field(source) || ledger.field(key) || ledger.field(change)
        || ledger.field(row_digest) || ledger.field(last.digest))
    FROM (SELECT
        CASE TG_OP WHEN 'DELETE' THEN 'removed' ELSE 'stored' END AS change,
        coalesce(after, before) AS row_digest) AS made;
    RETURN NULL;
END
$$
"""
"""Arguments of the trigger: the column of a row's key, and the columns that its digest covers."""

# A link without a row could never be taken back, so none is appended but by a row's own trigger.
CREATE_ONLY_BY_ROWS = """
CREATE FUNCTION ledger.only_by_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'ledger.trail_link is append-only, by the rows themselves: INSERT is '
            'refused; store the row instead'
            USING ERRCODE = 'TS001';
    END IF;
    RETURN NULL;
END
$$
"""

FUNCTIONS = [*CREATE_FIELDS, CREATE_LINK_ROW, CREATE_ONLY_BY_ROWS]
DROP_FUNCTIONS = [
    "DROP FUNCTION ledger.only_by_rows()",
    "DROP FUNCTION ledger.link_row()",
    *(f"DROP FUNCTION ledger.field({kind})" for kind in reversed(_PAYLOADS)),
]


def chain_rows(execute: Callable[[str], object], table: str, key: str, *columns: str) -> None:
    """Make every change of a table's rows a link of the trail.

    Call it in the migration that makes the table, and name the table in
    `ledger.trail.verification.TRAILED`, which verification holds this to.

    Args:
        execute: runs a statement.
        table: schema.name.
        key: column that names a row among those of its table.
        columns: what a row states; a change of another column is none.
    """
    arguments = ", ".join(f"'{name}'" for name in (key, *columns))
    execute(
        f"CREATE CONSTRAINT TRIGGER link_row AFTER INSERT OR UPDATE OR DELETE ON {table} "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.link_row({arguments})"
    )


def unchain_rows(execute: Callable[[str], object], table: str) -> None:
    """Remove what `chain_rows` installed; for downgrades. Links that are there stay."""
    execute(f"DROP TRIGGER link_row ON {table}")
