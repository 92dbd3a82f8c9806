"""What the questions to PostgreSQL's catalogue have in common: ids, owners, privileges, states.

A question returns rows (place, description) for whatever somebody made, wherever it stands, rather
than for what the product expects: what stands beside it, over it, or before it on a search path, is
what an attack adds.
"""

FIRST_MADE = 16_384
"""The first object id of what somebody made; those below it came with the server (transam.h)."""

FIRST_UNPINNED = 12_000
"""The first object id of what initdb made by statements; PostgreSQL's source names those below."""

PREPARATION = """
SELECT set_config('search_path', 'pg_catalog', true),
       set_config('quote_all_identifiers', 'off', true),
       set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true),
       set_config('TimeZone', 'UTC', true), set_config('bytea_output', 'hex', true),
       set_config('extra_float_digits', '1', true)
"""
"""Definitions are printed by these settings, and names are found by the first of them."""

ROLES = """
WITH owner AS (
    -- Whoever migrated: roles have other names elsewhere, so what is written down is relative.
    SELECT mode() WITHIN GROUP (ORDER BY relowner) AS oid
      FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
     WHERE nspname IN ('rulebook', 'settlement', 'ledger')
), ours (name) AS (
    -- The roles that it made, which have the database's name in theirs.
    VALUES ('writer'), ('portal'), ('portal_auth'), ('auditor')
), role (oid, name) AS (
    SELECT 0::oid, 'everybody'
    UNION ALL
    SELECT pg_roles.oid,
           CASE WHEN pg_roles.oid = owner.oid THEN 'owner'
                WHEN rolname LIKE 'pg\\_%' THEN rolname::text
                WHEN ours.name IS NOT NULL THEN ours.name
                ELSE 'role ' || quote_ident(rolname) END
      FROM owner CROSS JOIN pg_roles LEFT JOIN ours
        ON rolname = obj_description(to_regnamespace('ledger'), 'pg_namespace') || '_' || ours.name
), space (oid, name, is_of_server) AS (
    SELECT oid, nspname, nspname IN ('pg_catalog', 'information_schema') FROM pg_namespace
     WHERE nspname !~ '^pg_(toast|(toast_)?temp_[0-9]+)$'
), member (class, object, extension) AS (
    SELECT classid, objid, extname FROM pg_depend
      JOIN pg_extension ON pg_extension.oid = refobjid
     WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
), family (oid, extension) AS (
    SELECT object, extension FROM member WHERE class = 'pg_opfamily'::regclass
)
"""


def made(number: str) -> str:
    """Return SQL for whether somebody made an object of `space`, by the column of its id."""
    # An id can be changed to one of the server's: it says something in the server's schemas alone.
    return f"(NOT space.is_of_server OR {number} >= {FIRST_MADE})"


def grants(privileges: str, kind: str, owner: str) -> str:
    """Return SQL for who else than its owner has which privileges; `*` where they may be granted.

    What an owner has is left out: it gives itself whatever it lacks. So is what whoever migrated
    was granted, to be able to.

    Args:
        privileges: column that holds them, or NULL where they are those that PostgreSQL gives.
        kind: of the object, as `acldefault` names it, such as `r` for a table.
        owner: column that holds the id of its owner.
    """
    return f"""(
        SELECT string_agg(given, '; ' ORDER BY given) FROM (
            SELECT role.name || ' may ' || string_agg(
                       privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END,
                       ', ' ORDER BY privilege_type) AS given
              FROM aclexplode(coalesce({privileges}, acldefault('{kind}', {owner}))) AS item
              LEFT JOIN role ON role.oid = item.grantee
             WHERE item.grantee <> {owner} AND item.grantee <> (SELECT oid FROM owner)
             GROUP BY role.name
        ) AS granted)"""


def owned(owner: str) -> str:
    """Return SQL for who owns something; `owner` is the column that holds the id of a role."""
    return f"'owned by ' || (SELECT name FROM role WHERE role.oid = {owner})"


ENABLED = """CASE {} WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled'
    WHEN 'R' THEN 'enabled on replicas only' WHEN 'A' THEN 'enabled always' END"""
