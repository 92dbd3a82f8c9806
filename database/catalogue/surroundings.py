"""Questions about what a schema lives in: its database, roles, and the settings of both."""

from database.catalogue.words import grants, owned

# Of the server's own schemas a superuser is the owner, whoever that is.
SCHEMAS = f"""
SELECT format('schema %I', space.name),
       concat_ws('; ',
           CASE WHEN NOT is_of_server THEN {owned("nspowner")} END,
           {grants("nspacl", "n", "nspowner")})
  FROM pg_namespace JOIN space USING (oid)
"""

# Who makes a database may well be another than who migrates it: a superuser owns all anyway. Which
# roles that are none of ours may connect, its administrators say.
DATABASE = """
SELECT 'database',
       concat_ws('; ',
           'owned by ' || CASE WHEN rolsuper THEN 'owner' ELSE
               (SELECT name FROM role WHERE role.oid = datdba) END,
           (SELECT string_agg(role.name || ' may ' || privilege_type, '; '
                              ORDER BY role.name, privilege_type)
              FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) AS item
              JOIN role ON role.oid = item.grantee
             WHERE grantee <> datdba AND role.name <> 'owner'
               AND (privilege_type <> 'CONNECT' OR role.name NOT LIKE 'role %')))
  FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
 WHERE datname = current_database()
"""

# Of the roles that the migrations make; what the owner is beside, its administrators say.
LOGINS = """
SELECT 'login ' || name,
       concat_ws('; ', CASE WHEN rolcanlogin THEN 'signs in' END,
           CASE WHEN rolsuper THEN 'superuser' END,
           CASE WHEN rolcreaterole THEN 'may make roles' END,
           CASE WHEN rolcreatedb THEN 'may make databases' END,
           CASE WHEN rolreplication THEN 'may replicate' END,
           CASE WHEN rolbypassrls THEN 'passes by row security' END)
  FROM pg_roles JOIN role USING (oid) JOIN ours USING (name)
"""

# Beside superusers, these may do what they were not granted. Whoever makes a role may let others
# act as it, and so may the owner.
MEMBERS = """
SELECT format('role %s member %s', of_role.name, role.name), 'acts as it'
  FROM pg_auth_members JOIN role AS of_role ON of_role.oid = roleid
  JOIN role ON role.oid = member
 WHERE (of_role.name IN ('owner', 'pg_write_all_data') OR of_role.name IN (SELECT name FROM ours)
        OR role.name IN (SELECT name FROM ours))
   AND NOT (role.name = 'owner' AND of_role.name IN (SELECT name FROM ours))
"""

PARAMETERS = """
SELECT 'parameter ' || parname, role.name || ' may ' || string_agg(
           privilege_type, ', ' ORDER BY privilege_type)
  FROM pg_parameter_acl CROSS JOIN LATERAL aclexplode(paracl) AS item
  JOIN role ON role.oid = item.grantee
 GROUP BY parname, role.name
"""
"""Whoever may set `session_replication_role` needs no trigger to be off for others."""

# Of a server's roles those are asked for that own something here, or may do something.
SETTINGS_OF_ROLES = """
SELECT 'setting ' || split_part(setting, '=', 1)
           || coalesce(' of ' || (SELECT name FROM role WHERE role.oid = nullif(setrole, 0)), '')
           || CASE WHEN setdatabase = 0 THEN '' ELSE ' in the database' END,
       substr(setting, position('=' IN setting) + 1)
  FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS setting
  LEFT JOIN pg_roles ON pg_roles.oid = setrole
 WHERE (setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        OR setdatabase = 0 AND (setrole = 0 OR rolsuper OR rolname = session_user OR EXISTS (
            SELECT FROM pg_shdepend
             WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND refclassid = 'pg_authid'::regclass
               AND pg_has_role(setrole, refobjid, 'MEMBER'))))
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

REVISION = "SELECT version_num FROM public.alembic_version ORDER BY version_num"

QUERIES = (SCHEMAS, DATABASE, LOGINS, MEMBERS, PARAMETERS, SETTINGS_OF_ROLES, SETTINGS_OF_SERVER)
