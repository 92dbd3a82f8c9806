"""Questions about functions, types, operators, and whatever else can be made beside tables."""

from database.catalogue.words import ENABLED, FIRST_MADE, FIRST_UNPINNED, grants, made, owned

# Of an extension's functions those are left out that are its library's own, under its own names;
# what reads and writes its types shares a function of the library.
FUNCTIONS = f"""
SELECT format('%I.%I(%s) %s', space.name, proname,
              pg_get_function_identity_arguments(routine.oid),
              CASE prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure'
                   WHEN 'a' THEN 'aggregate' ELSE 'window function' END),
       concat_ws('; ',
           {owned("proowner")},
           {grants("proacl", "f", "proowner")},
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
 WHERE {made("routine.oid")}
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
           {owned("typowner")},
           CASE typtype WHEN 'd' THEN 'domain over ' || format_type(typbasetype, typtypmod)
                WHEN 'e' THEN (SELECT 'one of ' || string_agg(quote_literal(enumlabel), ', '
                                                              ORDER BY enumsortorder)
                                 FROM pg_enum WHERE enumtypid = pg_type.oid) END,
           CASE WHEN typnotnull THEN 'not null' END,
           'default ' || typdefault,
           {grants("typacl", "T", "typowner")})
  FROM pg_type JOIN space ON space.oid = typnamespace
  LEFT JOIN member ON class = 'pg_type'::regclass AND object = pg_type.oid
 WHERE {made("pg_type.oid")} AND extension IS NULL
   AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = pg_type.oid)
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
           {ENABLED.format("evtenabled")}, {owned("evtowner")})
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

QUERIES = (FUNCTIONS, REWRITTEN_FUNCTIONS, TYPES, OTHERS, EVENT_TRIGGERS, EXTENSIONS)
