"""An insider changes the schema: whatever guard is taken away or gone round, `verify` names it.

What can be taken away is enumerated from the catalogue, so that a guard that is added tomorrow is
covered today. Each attack is rolled back.
"""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from database.catalogue.manifest import parse_manifest
from database.catalogue.verification import MANIFEST, QUERIES, describe
from database.catalogue.words import ROLES
from database.session import make_engine
from settlement.verification import list_checks

EXPECTED = parse_manifest(MANIFEST.read_text(encoding="utf-8"))
OURS = "('rulebook', 'settlement', 'ledger', 'people', 'market', 'portal')"


@pytest.fixture(scope="module")
def migrated(clone_portal_database) -> Iterator[Engine]:
    made = make_engine(clone_portal_database())
    yield made
    made.dispose()


@pytest.fixture
def insider(migrated) -> Iterator[Connection]:
    """A connection of a superuser, whose changes are rolled back."""
    with migrated.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


def found(connection: Connection) -> dict[str, str]:
    """Return what is wrong with the schema, by place."""
    schema = list_checks()[0]
    assert schema.name == "schema"
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        findings = schema.run(session)
    assert all(finding.code.startswith("schema-") for finding in findings)
    return {finding.place: finding.value for finding in findings}


def execute_all(connection: Connection, query: str) -> list[str]:
    """Execute what a query returns as (place, statement); return the places."""
    made = connection.execute(text(query)).all()
    assert made
    for _, statement in made:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    return [place for place, _ in made]


def places(kind: str) -> set[str]:
    """Return the places of a kind in the manifest, such as `trigger`."""
    return {place for place in EXPECTED if f" {kind} " in place or place.endswith(f" {kind}")}


def test_a_fresh_migration_is_what_the_manifest_says(insider):
    assert found(insider) == {}
    assert describe(insider) == EXPECTED


def test_without_the_portal_its_tables_are_not_missed(insider):
    insider.execute(text("DROP SCHEMA portal CASCADE"))
    assert found(insider) == {}


EACH_TRIGGER = f"""
SELECT format('%I.%I trigger %I', nspname, relname, tgname),
       format('{{}}', nspname, relname, tgname)
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE NOT tgisinternal AND nspname IN {OURS}
 ORDER BY pg_trigger.oid -- so that what days have of their table comes after it
"""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE %1$I.%2$I DISABLE TRIGGER %3$I", "'disabled', expected 'enabled'"),
        (
            "ALTER TABLE %1$I.%2$I ENABLE REPLICA TRIGGER %3$I",
            "'enabled on replicas only', expected 'enabled'",
        ),
        ("DROP TRIGGER IF EXISTS %3$I ON %1$I.%2$I", "nothing, expected "),
    ],
)
def test_each_trigger_that_is_off_or_gone_is_named(insider, statement, said):
    attacked = execute_all(insider, EACH_TRIGGER.format(statement))
    seen = found(insider)
    assert set(attacked) == places("trigger")
    assert set(attacked) == {place for place in seen if " trigger " in place}
    assert all(seen[place].startswith(said) for place in attacked)


def test_the_triggers_by_which_keys_are_enforced_are_seen(insider):
    keys = {place for place in places("constraint") if "FOREIGN KEY" in EXPECTED[place]}
    assert keys
    for table in {place.split()[0] for place in places("trigger") | keys}:
        insider.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    seen = found(insider)
    assert keys == {place for place in keys if "disabled" in seen.get(place, "")}


EACH_CONSTRAINT = f"""
SELECT format('%I.%I constraint %I', nspname, relname, conname),
       format('ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I CASCADE', nspname, relname, conname)
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  JOIN pg_namespace ON pg_namespace.oid = connamespace
 WHERE nspname IN {OURS} AND contype NOT IN ('n', 't')
"""


def test_each_constraint_that_is_gone_is_named(insider):
    attacked = execute_all(insider, EACH_CONSTRAINT)
    seen = found(insider)
    assert len(attacked) > 150
    assert {
        place for place in attacked if not seen[place].startswith("nothing, expected ")
    } == set()


EACH_CHECK = f"""
SELECT format('%I.%I constraint %I', nspname, relname, conname),
       format('ALTER TABLE %1$I.%2$I DROP CONSTRAINT %3$I; '
              'ALTER TABLE %1$I.%2$I ADD CONSTRAINT %3$I %4$s {{}}', nspname, relname, conname,
              replace(pg_get_constraintdef(pg_constraint.oid), ' NOT VALID', ''))
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  JOIN pg_namespace ON pg_namespace.oid = connamespace
 WHERE nspname IN {OURS} AND contype IN ('c', 'f') AND NOT relispartition
"""


@pytest.mark.parametrize("weakness", ["NOT VALID", "NOT ENFORCED"])
def test_each_constraint_that_looks_at_no_row_is_named(insider, weakness):
    attacked = execute_all(insider, EACH_CHECK.format(weakness))
    seen = found(insider)
    # One that judges what is added alone is NOT VALID as it is made, and stays what was expected.
    assert {
        place for place in attacked if weakness not in seen.get(place, EXPECTED[place])
    } == set()


EACH_UNIQUE_INDEX = f"""
SELECT format('%I.%I index %I', nspname, made.relname, pg_class.relname), {{}}
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  JOIN pg_class AS made ON made.oid = indrelid
  JOIN pg_namespace ON pg_namespace.oid = made.relnamespace
  LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid
 WHERE nspname IN {OURS} AND (indisunique OR indisexclusion)
"""
DROP_INDEX = """
CASE WHEN conname IS NULL THEN format('DROP INDEX %I.%I', nspname, pg_class.relname)
     ELSE format('ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I CASCADE',
                 nspname, made.relname, conname) END
"""
SPOIL_INDEX = "format('UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s', indexrelid)"


@pytest.mark.parametrize("statement", [DROP_INDEX, SPOIL_INDEX])
def test_each_index_that_keeps_rows_apart_is_named(insider, statement):
    attacked = execute_all(insider, EACH_UNIQUE_INDEX.format(statement))
    assert set(attacked) - found(insider).keys() == set()


EACH_FUNCTION = """
SELECT format('%I.%I(%s) function', nspname, proname,
              pg_get_function_identity_arguments(pg_proc.oid)),
       regexp_replace(pg_get_functiondef(pg_proc.oid), '(AS \\$function\\$|RETURN |BEGIN ATOMIC).*',
           CASE WHEN lanname = 'plpgsql' AND (proretset OR prorettype = 'void'::regtype)
                THEN 'AS $$ BEGIN RETURN; END $$'
                WHEN lanname = 'plpgsql' THEN 'AS $$ BEGIN RETURN NULL; END $$'
                WHEN proretset
                THEN format('AS $$ SELECT * FROM %I.%I(%s) LIMIT 0 $$', nspname, proname, (
                    SELECT string_agg('NULL::' || format_type(of_argument, NULL), ', ')
                    FROM unnest(proargtypes::oid[]) AS of_argument))
                ELSE 'AS $$ SELECT NULL::' || format_type(prorettype, NULL) || ' $$' END)
  FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
  JOIN pg_language ON pg_language.oid = prolang
 WHERE lanname IN ('plpgsql', 'sql')
   AND nspname IN ('rulebook', 'settlement', 'ledger', 'people', 'market', 'portal', 'public')
"""


def test_each_function_that_does_nothing_is_named(insider):
    attacked = execute_all(insider, EACH_FUNCTION)
    assert set(attacked) == places("function")
    seen = found(insider)
    assert set(attacked) <= seen.keys()
    assert all("(line " in seen[place] for place in attacked)


EACH_COLUMN = f"""
SELECT format('%I.%I column %I', nspname, relname, attname),
       format('ALTER TABLE %I.%I {{}}', nspname, relname, attname, format_type(atttypid, NULL))
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname IN {OURS} AND relkind IN ('r', 'p') AND NOT relispartition
   AND attnum > 0 AND NOT attisdropped AND {{}}
"""
NO_KEY = "NOT EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisprimary "
NO_PARTITION_KEY = "NOT (relkind = 'p' AND attname = 'day')"
NO_KEY += "AND attnum = ANY (indkey)) AND attidentity = ''"


@pytest.mark.parametrize(
    ("statement", "those", "said"),
    [
        ("ALTER %3$I DROP NOT NULL", f"attnotnull AND {NO_KEY}", "expected 'not null'"),
        (
            "ALTER %3$I SET DEFAULT CAST(nullif(1, 1)::text AS %4$s)",
            "attidentity = '' AND NOT atthasdef",
            "'default ",
        ),
        ("DROP %3$I CASCADE", NO_PARTITION_KEY, "nothing, expected"),
    ],
)
def test_each_column_that_is_another_is_named(insider, statement, those, said):
    attacked = execute_all(insider, EACH_COLUMN.format(statement, those))
    seen = found(insider)
    assert {place for place in attacked if said not in seen.get(place, "")} == set()


def test_each_table_that_a_crash_empties_is_named(insider):
    # PostgreSQL lets no logged table refer to an unlogged one: those that refer go first.
    execute_all(insider, EACH_CONSTRAINT)
    tables = {place for place in EXPECTED if EXPECTED[place].startswith("table;")}
    for table in tables:
        insider.exec_driver_sql(f"ALTER TABLE {table} SET UNLOGGED")
    seen = found(insider)
    assert {place for place in tables if "unlogged table" not in seen[place]} == set()


def test_each_owner_who_is_another_is_named(insider):
    insider.execute(text("CREATE ROLE intruder"))
    tables = {place for place in EXPECTED if EXPECTED[place].startswith("table;")}
    # Who owns the most counts as the owner.
    some = {place for place in tables if not place.startswith("ledger.")}
    for table in some:
        insider.exec_driver_sql(f"ALTER TABLE {table} OWNER TO intruder")
    for function in places("function"):
        name = function.removesuffix(" function")
        insider.exec_driver_sql(f"ALTER FUNCTION {name} OWNER TO intruder")
    seen = found(insider)
    assert some | places("function") <= seen.keys()
    assert set(seen.values()) == {"'owned by role intruder', expected 'owned by owner'"}


ALONE = {
    "a view over a table": (
        "ALTER TABLE ledger.invoice_line RENAME TO invoice_line_kept; "
        "CREATE VIEW ledger.invoice_line AS SELECT * FROM ledger.invoice_line_kept",
        {
            "ledger.invoice_line": "'view; ",
            "ledger.invoice_line_kept": "what no migration makes: 'table; ",
            "ledger.invoice_line trigger refuse_truncate": "nothing, ",
        },
    ),
    "a rule that does nothing instead": (
        "CREATE RULE silence AS ON INSERT TO ledger.seal DO INSTEAD NOTHING",
        {"ledger.seal rule silence": "what no migration makes"},
    ),
    "triggers off for all of the database": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', "
        "current_database()); END $$",
        {"setting session_replication_role in the database": "what no migration makes: 'replica'"},
    ),
    "triggers off for a role": (
        "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
        {"setting session_replication_role of owner": "what no migration makes: 'replica'"},
    ),
    "a search path for a role": (
        "ALTER ROLE CURRENT_USER SET search_path = intruder, pg_catalog",
        {"setting search_path of owner": "what no migration makes: 'intruder, pg_catalog'"},
    ),
    "a search path for a role in the database": (
        "CREATE ROLE intruder; DO $$ BEGIN EXECUTE format('ALTER ROLE intruder IN DATABASE %I "
        "SET search_path = intruder', current_database()); END $$",
        {"setting search_path of role intruder in the database": "what no migration makes"},
    ),
    "a search path for every role": (
        "ALTER ROLE ALL SET search_path = intruder",
        {"setting search_path": "what no migration makes: 'intruder'"},
    ),
    "triggers off for one who may insert": (
        "CREATE ROLE writers; GRANT INSERT ON ledger.posting TO writers; "
        "CREATE ROLE intruder IN ROLE writers; "
        "ALTER ROLE intruder SET session_replication_role = replica",
        {"setting session_replication_role of role intruder": "'replica'"},
    ),
    "triggers that nobody looks for": (
        "UPDATE pg_class SET relhastriggers = false WHERE oid = 'ledger.posting'::regclass",
        {"ledger.posting": "'does not look at its triggers', expected no more"},
    ),
    "checks that nobody looks for": (
        "UPDATE pg_class SET relchecks = 0 WHERE oid = 'ledger.journal'::regclass",
        {"ledger.journal": "'does not look at all its checks', expected no more"},
    ),
    "indexes that nobody looks for": (
        "UPDATE pg_class SET relhasindex = false WHERE oid = 'ledger.journal'::regclass",
        {"ledger.journal": "'does not look at its indexes', expected no more"},
    ),
    "an index that no longer excludes": (
        "UPDATE pg_index SET indisexclusion = false "
        "WHERE indexrelid = 'rulebook.ex_version_in_force_once'::regclass",
        {"rulebook.version index ex_version_in_force_once": "nothing, expected 'excludes'"},
    ),
    "a key that looks at nothing": (
        "UPDATE pg_trigger SET tgfoid = 'suppress_redundant_updates_trigger'::regproc "
        "WHERE tgrelid = 'ledger.invoice_line'::regclass AND tgisinternal",
        {"ledger.invoice_line constraint fk_invoice_line_invoice_id": "of suppress_redundant_up"},
    ),
    "a trigger that says it is PostgreSQL's own": (
        "CREATE FUNCTION ledger.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RETURN NULL; END $$; CREATE TRIGGER meddle BEFORE INSERT ON ledger.posting "
        "FOR EACH ROW EXECUTE FUNCTION ledger.meddle(); "
        "UPDATE pg_trigger SET tgisinternal = true, oid = 15000 WHERE tgname = 'meddle'",
        {"ledger.posting trigger meddle": "what no migration makes"},
    ),
    "a trigger that says it is of a key": (
        "CREATE TRIGGER meddle AFTER INSERT ON ledger.invoice_line "
        "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); "
        "UPDATE pg_trigger SET tgisinternal = true, tgconstraint = pg_constraint.oid "
        "FROM pg_constraint WHERE tgname = 'meddle' AND conname = 'fk_invoice_line_invoice_id'",
        {"ledger.invoice_line constraint fk_invoice_line_invoice_id": "by 5 triggers"},
    ),
    "a function with a number of the server's": (
        "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'; "
        "UPDATE pg_proc SET oid = 15000 WHERE oid = 'public.sha256'::regproc",
        {"public.sha256(bytea) function": "what no migration makes"},
    ),
    "a setting of a function": (
        "ALTER FUNCTION ledger.lock_log() SECURITY DEFINER SET search_path = intruder",
        {"ledger.lock_log() function": "SECURITY DEFINER"},
    ),
    "a function that shadows": (
        "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
        {"public.sha256(bytea) function": "has the name of one of PostgreSQL"},
    ),
    "a function of the server written anew": (
        "CREATE OR REPLACE FUNCTION pg_catalog.sha256(bytea) RETURNS bytea LANGUAGE sql "
        "IMMUTABLE STRICT AS 'SELECT $1'",
        {"pg_catalog.sha256(bytea) function": "written anew since the server was made"},
    ),
    "a function beside those of the server": (
        "CREATE FUNCTION pg_catalog.sha256(text) RETURNS bytea LANGUAGE sql "
        "AS 'SELECT NULL::bytea'",
        {"pg_catalog.sha256(text) function": "what no migration makes"},
    ),
    "an operator that shadows": (
        "CREATE OPERATOR public.|| (FUNCTION = textcat, LEFTARG = text, RIGHTARG = text)",
        {"public.||(pg_catalog.text,pg_catalog.text) operator": "what no migration makes"},
    ),
    "a type that shadows": (
        "CREATE DOMAIN ledger.bytea AS text",
        {"ledger.bytea type": "domain over text"},
    ),
    "a cast": (
        "CREATE CAST (text AS date) WITH INOUT AS IMPLICIT",
        {"(pg_catalog.text AS pg_catalog.date) cast": "what no migration makes"},
    ),
    "a function of the library for another": (
        "CREATE OR REPLACE FUNCTION public.gbt_text_union(internal, internal) "
        "RETURNS public.gbtreekey_var IMMUTABLE STRICT PARALLEL SAFE "
        "LANGUAGE c AS '$libdir/btree_gist', 'gbt_bytea_union'",
        {"public.gbt_text_union(internal, internal) function": "what no migration makes"},
    ),
    "an object that hides in an extension": (
        "CREATE DOMAIN public.hidden AS text; ALTER EXTENSION btree_gist ADD DOMAIN public.hidden",
        {"extension btree_gist": "expected '288 objects'"},
    ),
    "an operator in a family of an extension": (
        "ALTER OPERATOR FAMILY public.gist_text_ops USING gist "
        "ADD OPERATOR 7 pg_catalog.~~ (text, text)",
        {"extension btree_gist": "operators and functions of its families"},
    ),
    "an operator in a family of the server": (
        "ALTER OPERATOR FAMILY pg_catalog.text_ops USING hash "
        "ADD FUNCTION 1 (name, text) pg_catalog.hashname(name)",
        {"function 1 (pg_catalog.name, pg_catalog.text) of ": "what no migration makes"},
    ),
    "an extension": ("CREATE EXTENSION lo", {"extension lo": "what no migration makes"}),
    "a name that steers a terminal": (
        'CREATE TABLE public."\x1b[2J" ()',
        {"'public.\"\\x1b[2J\"'": "what no migration makes: 'table; "},
    ),
    "another schema": ("CREATE SCHEMA intruder", {"schema intruder": "what no migration makes"}),
    "a trigger of one's own": (
        "CREATE FUNCTION ledger.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RETURN NEW; END $$; CREATE TRIGGER meddle BEFORE INSERT ON ledger.posting "
        "FOR EACH ROW EXECUTE FUNCTION ledger.meddle()",
        {"ledger.posting trigger meddle": "what no migration makes"},
    ),
    "a trigger of another function": (
        "CREATE OR REPLACE TRIGGER lock_log BEFORE INSERT ON ledger.journal FOR EACH STATEMENT "
        "EXECUTE FUNCTION public.refuse_change()",
        {"ledger.journal trigger lock_log": "EXECUTE FUNCTION public.refuse_change()"},
    ),
    "an event trigger": (
        "CREATE FUNCTION public.meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "END $$; CREATE EVENT TRIGGER meddle ON ddl_command_end EXECUTE FUNCTION public.meddle()",
        {"event trigger meddle": "what no migration makes"},
    ),
    "row security that hides rows": (
        "ALTER TABLE ledger.seal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
        "CREATE POLICY hide ON ledger.seal USING (sealed_by <> 'intruder')",
        {
            "ledger.seal": "'row security; row security of its owner too', expected no more",
            "ledger.seal policy hide": "to rows where (sealed_by <> ",
        },
    ),
    "row security that shows everything": (
        "ALTER TABLE ledger.invoice DISABLE ROW LEVEL SECURITY; "
        "ALTER POLICY reads ON ledger.posting USING (true)",
        {
            "ledger.invoice": "expected 'row security'",
            "ledger.posting policy reads": "to rows where true",
        },
    ),
    "a privilege for everybody": (
        "GRANT INSERT ON ledger.posting TO PUBLIC",
        {"ledger.posting": "'everybody may INSERT', expected no more"},
    ),
    "a privilege on a column": (
        "CREATE ROLE intruder; GRANT UPDATE (amount) ON ledger.posting TO intruder",
        {"ledger.posting column amount": "'role intruder may UPDATE', expected no more"},
    ),
    "a privilege on a schema": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        {"schema public": "everybody may CREATE"},
    ),
    "privileges of what comes": (
        "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO PUBLIC",
        {"for role ": "what no migration makes"},
    ),
    "one who acts as the owner": (
        "CREATE ROLE intruder; DO $$ BEGIN EXECUTE format('GRANT %I TO intruder', current_user); "
        "END $$",
        {"role owner member role intruder": "acts as it"},
    ),
    "one who may write everything": (
        "CREATE ROLE intruder; GRANT pg_write_all_data TO intruder",
        {"role pg_write_all_data member role intruder": "acts as it"},
    ),
    "one who may switch triggers off": (
        "CREATE ROLE intruder; GRANT SET ON PARAMETER session_replication_role TO intruder",
        {"parameter session_replication_role": "role intruder may SET"},
    ),
    "another owner of the database": (
        "CREATE ROLE intruder; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO intruder', "
        "current_database()); END $$",
        {"database": "'owned by role intruder', expected 'owned by owner'"},
    ),
    "a child, whose rows appear in its parent": (
        "CREATE TABLE public.more () INHERITS (ledger.posting)",
        {
            "ledger.posting child public.more": "what no migration makes",
            "public.more": "what no migration makes",
        },
    ),
    "a partition": (
        "ALTER TABLE ledger.seal RENAME TO seal_kept; "
        "CREATE TABLE ledger.seal (LIKE ledger.seal_kept) PARTITION BY LIST (market); "
        "CREATE TABLE ledger.seal_tiny PARTITION OF ledger.seal FOR VALUES IN ('tiny')",
        {
            "ledger.seal": "'partitioned table; partition by LIST (market)', expected 'table",
            "ledger.seal child ledger.seal_tiny": "FOR VALUES IN (",
        },
    ),
    "a column of another type": (
        "ALTER TABLE settlement.reading_file ALTER row_count TYPE numeric",
        {"settlement.reading_file column row_count": "'numeric', expected 'bigint'"},
    ),
    "a column of another collation": (
        'ALTER TABLE ledger.attachment ALTER media_type TYPE text COLLATE "C"',
        {"ledger.attachment column media_type": 'collation "C"\', expected no more'},
    ),
    "a column that computes itself": (
        "ALTER TABLE ledger.attachment DROP media_type; ALTER TABLE ledger.attachment "
        "ADD media_type text NOT NULL GENERATED ALWAYS AS ('text/plain') STORED",
        {"ledger.attachment column media_type": "generated and stored 'text/plain'"},
    ),
    "one more column": (
        "ALTER TABLE ledger.seal ADD note text",
        {"ledger.seal column note": "what no migration makes: 'text'"},
    ),
    "a key that waits": (
        "ALTER TABLE ledger.invoice_line ALTER CONSTRAINT fk_invoice_line_invoice_id DEFERRABLE",
        {"ledger.invoice_line constraint fk_invoice_line_invoice_id": "DEFERRABLE"},
    ),
    "a sequence that goes round": (
        "ALTER SEQUENCE portal.portal_auditentry_id_seq MAXVALUE 10 CYCLE",
        {"portal.portal_auditentry_id_seq sequence": "over and over"},
    ),
    "another revision": (
        "UPDATE public.alembic_version SET version_num = '0001'",
        {"revision": "'0001', expected '"},
    ),
    "no revision": ("DROP TABLE public.alembic_version", {"revision": "nothing, expected '"}),
    "rows replicated past triggers": (
        "CREATE SUBSCRIPTION meddle CONNECTION 'dbname=x' PUBLICATION x "
        "WITH (connect = false, slot_name = NONE)",
        {"meddle subscription": "what no migration makes"},
    ),
}
"""By what they are: statements, and what they make `verify` say, by the beginning of its place."""


@pytest.mark.parametrize("attack", ALONE)
def test_it_is_named(insider, attack):
    statements, expected = ALONE[attack]
    insider.exec_driver_sql(statements.replace("%", "%%"))
    seen = found(insider)
    for beginning, said in expected.items():
        place = next((place for place in seen if place == beginning), None) or next(
            place for place in seen if place.startswith(beginning)
        )
        assert said in seen[place]


NOT_ASKED_FOR = {
    "pg_description": "words",
    "pg_foreign_table": "what a foreign table is of: that there is one is asked for",
    "pg_init_privs": "what an extension granted when it came",
    "pg_largeobject": "rows that the product does not use",
    "pg_largeobject_metadata": "rows that the product does not use",
    "pg_partitioned_table": "asked for by pg_get_partkeydef",
    "pg_publication_namespace": "what a publication is of: that there is one is asked for",
    "pg_publication_rel": "what a publication is of: that there is one is asked for",
    "pg_range": "what a type ranges over: that there is one is asked for",
    "pg_replication_origin": "where a subscription is: that there is one is asked for",
    "pg_seclabel": "labels that only modules read",
    "pg_shdescription": "words",
    "pg_shseclabel": "labels that only modules read",
    "pg_statistic": "statistics",
    "pg_statistic_ext_data": "statistics",
    "pg_subscription_rel": "what a subscription is of: that there is one is asked for",
    "pg_tablespace": "on which disk something is",
    "pg_ts_config_map": "how text is searched",
    "pg_user_mapping": "who is who on a foreign server: that there is one is asked for",
}
"""Tables of the catalogue that no query reads, each with why."""


def test_every_table_of_the_catalogue_is_asked_or_said_why_not(insider):
    tables = insider.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'pg_catalog'::regnamespace"
        )
    )
    asked = set(re.findall(r"\bpg_\w+", ROLES + "".join(QUERIES)))
    assert set(tables) - asked == NOT_ASKED_FOR.keys()


def test_work_memory_is_nobody_s_attack(insider):
    insider.execute(text("ALTER ROLE CURRENT_USER SET work_mem = '64MB'"))
    assert found(insider) == {}


def test_triggers_that_the_server_s_files_switch_off_are_seen(migrated):
    # As a line of postgresql.conf does: nothing in the database tells of it.
    url = migrated.url.update_query_dict({"options": "-c session_replication_role=replica"})
    off = make_engine(url.render_as_string(hide_password=False))
    with off.connect() as connection:
        seen = found(connection)
    off.dispose()
    assert seen == {
        "setting session_replication_role of new sessions": "'replica', expected 'origin'"
    }


def test_what_is_read_on_the_way_cannot_be_shadowed(insider):
    insider.exec_driver_sql(
        "CREATE SCHEMA intruder; CREATE VIEW intruder.pg_trigger AS "
        "SELECT * FROM pg_catalog.pg_trigger WHERE false; "
        "SET LOCAL search_path = intruder, pg_catalog; "
        "ALTER TABLE ledger.seal DISABLE TRIGGER refuse_row_change"
    )
    assert "ledger.seal trigger refuse_row_change" in found(insider)


def test_settings_of_the_session_stay_as_they_were(insider):
    insider.execute(text("SET LOCAL search_path = ledger"))
    found(insider)
    assert insider.scalar(text("SHOW search_path")) == "ledger"
