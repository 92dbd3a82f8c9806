"""What is asked of PostgreSQL's catalogue: a row (place, description) for everything that a
database may hold beyond what the server itself brings.

Everything is listed that somebody made, wherever it stands, rather than what the product expects:
what stands beside it, over it, or before it on a search path, is what an attack adds.
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
), role (oid, name) AS (
    SELECT 0::oid, 'everybody'
    UNION ALL
    SELECT pg_roles.oid,
           CASE WHEN pg_roles.oid = owner.oid THEN 'owner'
                WHEN rolname LIKE 'pg\\_%' THEN rolname::text
                ELSE 'role ' || quote_ident(rolname) END
      FROM pg_roles, owner
), space (oid, name) AS (
    SELECT oid, nspname FROM pg_namespace
     WHERE nspname !~ '^pg_(toast|temp|toast_temp)'
), member (class, object, extension) AS (
    SELECT classid, objid, extname FROM pg_depend
      JOIN pg_extension ON pg_extension.oid = refobjid
     WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
), family (oid, extension) AS (
    SELECT object, extension FROM member WHERE class = 'pg_opfamily'::regclass
)
"""


def _grants(privileges: str, kind: str, owner: str) -> str:
    """Return SQL for who else than its owner has which privileges; `*` where they may be granted.

    What an owner has is left out: it gives itself whatever it lacks. So is what whoever migrated
    was granted, to be able to.
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


def _owned(owner: str) -> str:
    return f"'owned by ' || (SELECT name FROM role WHERE role.oid = {owner})"


ENABLED = """CASE {} WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled'
    WHEN 'R' THEN 'enabled on replicas only' WHEN 'A' THEN 'enabled always' END"""

RELATIONS = f"""
SELECT format('%I.%I', space.name, relname),
       concat_ws('; ',
           CASE relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END || CASE relkind
               WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
               WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
               WHEN 'c' THEN 'composite type' WHEN 'S' THEN 'sequence' END,
           {_owned("relowner")},
           (SELECT 'stored by ' || amname FROM pg_am WHERE pg_am.oid = relam AND amname <> 'heap'),
           'partition by ' || pg_get_partkeydef(relation.oid),
           CASE WHEN relrowsecurity THEN 'row security' END,
           CASE WHEN relforcerowsecurity THEN 'row security of its owner too' END,
           CASE WHEN relkind IN ('v', 'm') THEN array_to_string(reloptions, ', ') END,
           CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(relation.oid) END,
           {_grants("relacl", "r", "relowner")})
  FROM pg_class AS relation JOIN space ON space.oid = relnamespace
 WHERE relation.oid >= {FIRST_MADE} AND relkind NOT IN ('i', 'I', 't')
"""

SEQUENCES = f"""
SELECT format('%I.%I sequence', space.name, relname),
       concat_ws(', ', format_type(seqtypid, NULL), 'from ' || seqstart, 'by ' || seqincrement,
           seqmin || ' to ' || seqmax, CASE WHEN seqcycle THEN 'over and over' END)
  FROM pg_sequence JOIN pg_class AS relation ON relation.oid = seqrelid
  JOIN space ON space.oid = relnamespace
 WHERE relation.oid >= {FIRST_MADE}
"""

# What lies below a table appears in it: rows of a child are rows of its parent.
CHILDREN = f"""
SELECT format('%I.%I child %I.%I', space.name, parent.relname, below.name, child.relname),
       coalesce(pg_get_expr(child.relpartbound, child.oid), 'inherits')
  FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent
  JOIN pg_class AS child ON child.oid = inhrelid
  JOIN space ON space.oid = parent.relnamespace
  JOIN space AS below ON below.oid = child.relnamespace
 WHERE child.oid >= {FIRST_MADE}
"""

COLUMNS = f"""
SELECT format('%I.%I column %I', space.name, relname, attname),
       concat_ws('; ',
           format_type(atttypid, atttypmod),
           (SELECT 'collation ' || quote_ident(collname) FROM pg_collation, pg_type
             WHERE pg_collation.oid = attcollation AND pg_type.oid = atttypid
               AND attcollation <> typcollation),
           CASE WHEN attnotnull THEN 'not null' END,
           (SELECT pg_get_constraintdef(required.oid) FROM pg_constraint AS required
             WHERE conrelid = attrelid AND conkey = ARRAY[attnum] AND contype = 'n'
               AND NOT (convalidated AND conenforced)),
           CASE attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
           CASE attgenerated WHEN 's' THEN 'generated and stored '
                WHEN 'v' THEN 'generated when read ' WHEN '' THEN 'default ' END
               || pg_get_expr(adbin, adrelid),
           CASE WHEN attacl IS NOT NULL THEN {_grants("attacl", "c", "relowner")} END)
  FROM pg_attribute JOIN pg_class AS relation ON relation.oid = attrelid
  JOIN space ON space.oid = relnamespace
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relation.oid >= {FIRST_MADE} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
   AND attnum > 0 AND NOT attisdropped
"""

# A definition says so where it is not valid or not enforced. A foreign key is enforced by triggers
# of its own, which can be disabled one by one.
CONSTRAINTS = f"""
SELECT format('%I.%I constraint %I', space.name, coalesce(relname, typname), conname),
       concat_ws('; ',
           pg_get_constraintdef(pg_constraint.oid),
           (SELECT 'by ' || count(*) || ' triggers, '
                || string_agg(DISTINCT {ENABLED.format("tgenabled")}, ' and ')
              FROM pg_trigger WHERE tgconstraint = pg_constraint.oid AND tgisinternal
            HAVING count(*) > 0))
  FROM pg_constraint
  LEFT JOIN pg_class AS relation ON relation.oid = conrelid
  LEFT JOIN pg_type AS domain ON domain.oid = contypid
  JOIN space ON space.oid = connamespace
 WHERE pg_constraint.oid >= {FIRST_MADE} AND contype <> 'n'
"""

INDEXES = f"""
SELECT format('%I.%I index %I', space.name, relation.relname, made.relname),
       concat_ws('; ',
           pg_get_indexdef(indexrelid),
           CASE WHEN NOT indimmediate THEN 'deferred' END,
           CASE WHEN NOT (indisvalid AND indisready AND indislive) THEN 'not valid' END)
  FROM pg_index JOIN pg_class AS made ON made.oid = indexrelid
  JOIN pg_class AS relation ON relation.oid = indrelid
  JOIN space ON space.oid = relation.relnamespace
 WHERE indexrelid >= {FIRST_MADE}
"""

TRIGGERS = f"""
SELECT format('%I.%I trigger %I', space.name, relname, tgname),
       concat_ws('; ', pg_get_triggerdef(pg_trigger.oid), {ENABLED.format("tgenabled")})
  FROM pg_trigger JOIN pg_class AS relation ON relation.oid = tgrelid
  JOIN space ON space.oid = relnamespace
 WHERE pg_trigger.oid >= {FIRST_MADE} AND NOT tgisinternal
"""

RULES = f"""
SELECT format('%I.%I rule %I', space.name, relname, rulename),
       concat_ws('; ', pg_get_ruledef(pg_rewrite.oid), {ENABLED.format("ev_enabled")})
  FROM pg_rewrite JOIN pg_class AS relation ON relation.oid = ev_class
  JOIN space ON space.oid = relnamespace
 WHERE pg_rewrite.oid >= {FIRST_MADE} AND NOT (rulename = '_RETURN' AND relkind IN ('v', 'm'))
"""

POLICIES = f"""
SELECT format('%I.%I policy %I', space.name, relname, polname),
       concat_ws('; ',
           CASE WHEN polpermissive THEN 'allows' ELSE 'restricts' END,
           CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                WHEN 'd' THEN 'DELETE' ELSE 'every command' END,
           'of ' || (SELECT string_agg(name, ', ' ORDER BY name) FROM role
                      WHERE role.oid = ANY (polroles)),
           'to rows where ' || pg_get_expr(polqual, polrelid),
           'to new rows where ' || pg_get_expr(polwithcheck, polrelid))
  FROM pg_policy JOIN pg_class AS relation ON relation.oid = polrelid
  JOIN space ON space.oid = relnamespace
 WHERE pg_policy.oid >= {FIRST_MADE}
"""

# Of an extension's functions those are left out that are its library's own, under its own names;
# what reads and writes its types shares a function of the library.
FUNCTIONS = f"""
SELECT format('%I.%I(%s) %s', space.name, proname,
              pg_get_function_identity_arguments(routine.oid),
              CASE prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure'
                   WHEN 'a' THEN 'aggregate' ELSE 'window function' END),
       concat_ws('; ',
           {_owned("proowner")},
           {_grants("proacl", "f", "proowner")},
           CASE WHEN EXISTS (SELECT FROM pg_proc AS own WHERE own.oid < {FIRST_MADE}
                                AND own.proname = routine.proname
                                AND own.pronamespace = 'pg_catalog'::regnamespace)
                THEN 'has the name of one of PostgreSQL''s own' END)
           || E'\\n' || CASE prokind WHEN 'a' THEN (
               SELECT concat_ws(', ', aggtransfn::text, aggfinalfn::text, agginitval)
                 FROM pg_aggregate WHERE aggfnoid = routine.oid)
              ELSE rtrim(pg_get_functiondef(routine.oid), E'\\n') END
  FROM pg_proc AS routine JOIN space ON space.oid = pronamespace
  LEFT JOIN member ON class = 'pg_proc'::regclass AND object = routine.oid
 WHERE routine.oid >= {FIRST_MADE}
   AND (extension IS NULL OR probin IS DISTINCT FROM '$libdir/' || extension
        OR prosrc <> proname AND proname !~ '_(in|out)$')
"""

# A superuser can write a function of the server anew. Those that initdb wrote in SQL came before
# the last of what it wrote at all, such as PL/pgSQL.
REWRITTEN_FUNCTIONS = f"""
SELECT format('pg_catalog.%I(%s) function', proname, pg_get_function_identity_arguments(oid)),
       E'written anew since the server was made\\n' || rtrim(pg_get_functiondef(oid), E'\\n')
  FROM pg_proc
 WHERE oid < {FIRST_UNPINNED} AND prokind <> 'a'
   AND prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('internal', 'c'))
   AND xmin::text::bigint > (SELECT min(xmin::text::bigint) FROM pg_proc
                              WHERE oid >= {FIRST_UNPINNED} AND oid < {FIRST_MADE})
"""

TYPES = f"""
SELECT format('%I.%I type', space.name, typname),
       concat_ws('; ',
           {_owned("typowner")},
           CASE typtype WHEN 'd' THEN 'domain over ' || format_type(typbasetype, typtypmod)
                WHEN 'e' THEN (SELECT 'one of ' || string_agg(quote_literal(enumlabel), ', '
                                                              ORDER BY enumsortorder)
                                 FROM pg_enum WHERE enumtypid = pg_type.oid) END,
           CASE WHEN typnotnull THEN 'not null' END,
           'default ' || typdefault)
  FROM pg_type JOIN space ON space.oid = typnamespace
  LEFT JOIN member ON class = 'pg_type'::regclass AND object = pg_type.oid
 WHERE pg_type.oid >= {FIRST_MADE} AND extension IS NULL AND typelem = 0
   AND (typrelid = 0 OR typtype <> 'c')
"""

# Named as PostgreSQL names them: the product makes none, so that one is there says enough.
OTHERS = f"""
SELECT named.identity || ' ' || named.type, 'made by somebody'
  FROM (
      SELECT tableoid, oid FROM pg_operator UNION ALL SELECT tableoid, oid FROM pg_opclass
      UNION ALL SELECT tableoid, oid FROM pg_opfamily UNION ALL SELECT tableoid, oid FROM pg_cast
      UNION ALL SELECT tableoid, oid FROM pg_amop WHERE amopfamily NOT IN (SELECT oid FROM family)
      UNION ALL SELECT tableoid, oid FROM pg_amproc
             WHERE amprocfamily NOT IN (SELECT oid FROM family)
      UNION ALL SELECT tableoid, oid FROM pg_collation
      UNION ALL SELECT tableoid, oid FROM pg_conversion
      UNION ALL SELECT tableoid, oid FROM pg_language
      UNION ALL SELECT tableoid, oid FROM pg_am
      UNION ALL SELECT tableoid, oid FROM pg_transform
      UNION ALL SELECT tableoid, oid FROM pg_foreign_data_wrapper
      UNION ALL SELECT tableoid, oid FROM pg_foreign_server
      UNION ALL SELECT tableoid, oid FROM pg_publication
      UNION ALL SELECT 'pg_subscription'::regclass, oid FROM pg_subscription
             WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      UNION ALL SELECT tableoid, oid FROM pg_default_acl
      UNION ALL SELECT tableoid, oid FROM pg_statistic_ext
      UNION ALL SELECT tableoid, oid FROM pg_ts_config
      UNION ALL SELECT tableoid, oid FROM pg_ts_dict
      UNION ALL SELECT tableoid, oid FROM pg_ts_parser
      UNION ALL SELECT tableoid, oid FROM pg_ts_template
  ) AS made (class, oid)
 CROSS JOIN LATERAL pg_identify_object(made.class, made.oid, 0) AS named
  LEFT JOIN member ON member.class = made.class AND member.object = made.oid
 WHERE made.oid >= {FIRST_MADE} AND extension IS NULL
"""

EVENT_TRIGGERS = f"""
SELECT format('event trigger %I', evtname),
       concat_ws('; ', evtevent, array_to_string(evttags, ', '), evtfoid::regprocedure::text,
           {ENABLED.format("evtenabled")}, {_owned("evtowner")})
  FROM pg_event_trigger
 WHERE pg_event_trigger.oid >= {FIRST_MADE}
"""

# An object can be put into an extension to hide it, or an operator into one of its families: they
# are counted.
EXTENSIONS = """
SELECT format('extension %I', extname),
       concat_ws('; ', 'in the schema ' || quote_ident(space.name), 'version ' || extversion,
           (SELECT count(*) || ' objects' FROM member WHERE member.extension = extname),
           (SELECT nullif(count(*), 0) || ' operators and functions of its families'
              FROM (SELECT amopfamily FROM pg_amop UNION ALL SELECT amprocfamily FROM pg_amproc)
                AS part (of_family)
              JOIN family ON family.oid = of_family
             WHERE family.extension = extname))
  FROM pg_extension JOIN space ON space.oid = extnamespace
"""

# Of the server's own schemas a superuser is the owner, whoever that is.
SCHEMAS = f"""
SELECT format('schema %I', space.name),
       concat_ws('; ',
           CASE WHEN pg_namespace.oid >= {FIRST_MADE} OR nspname = 'public'
                THEN {_owned("nspowner")} END,
           {_grants("nspacl", "n", "nspowner")})
  FROM pg_namespace JOIN space USING (oid)
 WHERE pg_namespace.oid >= {FIRST_MADE} OR nspname IN ('public', 'pg_catalog', 'information_schema')
"""

# Who makes a database may well be another than who migrates it: a superuser owns all anyway. Who
# may connect, its administrators say.
DATABASE = """
SELECT 'database',
       concat_ws('; ',
           'owned by ' || CASE WHEN rolsuper THEN 'owner' ELSE
               (SELECT name FROM role WHERE role.oid = datdba) END,
           (SELECT string_agg(role.name || ' may CREATE', '; ' ORDER BY role.name)
              FROM aclexplode(datacl) AS item JOIN role ON role.oid = item.grantee
             WHERE privilege_type = 'CREATE' AND grantee <> datdba AND role.name <> 'owner'))
  FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
 WHERE datname = current_database()
"""

# Beside superusers, these may write what they do not own.
MEMBERS = """
SELECT format('role %s member %s', of_role.name, role.name), 'acts as it'
  FROM pg_auth_members JOIN role AS of_role ON of_role.oid = roleid
  JOIN role ON role.oid = member
 WHERE of_role.name IN ('owner', 'pg_write_all_data')
"""

PARAMETERS = """
SELECT 'parameter ' || parname, role.name || ' may ' || string_agg(
           privilege_type, ', ' ORDER BY privilege_type)
  FROM pg_parameter_acl CROSS JOIN LATERAL aclexplode(paracl) AS item
  JOIN role ON role.oid = item.grantee
 GROUP BY parname, role.name
"""
"""Whoever may set `session_replication_role` needs no trigger to be off for others."""

SETTINGS_OF_ROLES = """
SELECT 'setting ' || split_part(setting, '=', 1)
           || coalesce(' of ' || (SELECT name FROM role WHERE role.oid = nullif(setrole, 0)), '')
           || CASE WHEN setdatabase = 0 THEN '' ELSE ' in the database' END,
       substr(setting, position('=' IN setting) + 1)
  FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS setting
  LEFT JOIN pg_roles ON pg_roles.oid = setrole
 WHERE (setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        OR setdatabase = 0 AND (rolsuper OR setrole = (SELECT oid FROM owner)
                                OR rolname = session_user))
   AND split_part(setting, '=', 1) <> ALL (
       ARRAY['work_mem', 'maintenance_work_mem', 'effective_cache_size', 'random_page_cost', 'jit',
             'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])
"""
"""Settings that change how fast something is, and not what it is, are left out."""

SETTINGS_OF_SERVER = """
SELECT 'setting ' || name || ' of new sessions', reset_val
  FROM pg_settings
 WHERE name = ANY (
     ARRAY['session_replication_role', 'search_path', 'row_security', 'event_triggers',
           'allow_system_table_mods', 'ignore_system_indexes', 'zero_damaged_pages',
           'ignore_checksum_failure'])
"""
"""By what a session began with, wherever that is set: in files of the server too."""

QUERIES = (
    SCHEMAS,
    RELATIONS,
    SEQUENCES,
    CHILDREN,
    COLUMNS,
    CONSTRAINTS,
    INDEXES,
    TRIGGERS,
    RULES,
    POLICIES,
    FUNCTIONS,
    REWRITTEN_FUNCTIONS,
    TYPES,
    OTHERS,
    EVENT_TRIGGERS,
    EXTENSIONS,
    DATABASE,
    MEMBERS,
    PARAMETERS,
    SETTINGS_OF_ROLES,
    SETTINGS_OF_SERVER,
)

REVISION = "SELECT version_num FROM public.alembic_version ORDER BY version_num"
