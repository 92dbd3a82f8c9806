"""Questions about tables, and all that is of a table: columns to policies."""

from database.catalogue.words import ENABLED, grants, made, owned

# PostgreSQL looks for triggers, indexes and checks only where these flags say that there are some.
BLINDED = """
           CASE WHEN NOT relhastriggers AND EXISTS (
                    SELECT FROM pg_trigger WHERE tgrelid = relation.oid)
                THEN 'does not look at its triggers' END,
           CASE WHEN NOT relhasindex AND EXISTS (
                    SELECT FROM pg_index WHERE indrelid = relation.oid)
                THEN 'does not look at its indexes' END,
           CASE WHEN relchecks <> (
                    SELECT count(*) FROM pg_constraint
                     WHERE conrelid = relation.oid AND contype = 'c')
                THEN 'does not look at all its checks' END"""

RELATIONS = f"""
SELECT format('%I.%I', space.name, relname),
       concat_ws('; ',
           CASE relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END || CASE relkind
               WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
               WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
               WHEN 'c' THEN 'composite type' WHEN 'S' THEN 'sequence' END,
           {owned("relowner")},
           (SELECT 'stored by ' || amname FROM pg_am WHERE pg_am.oid = relam AND amname <> 'heap'),
           'partition by ' || pg_get_partkeydef(relation.oid),
           {BLINDED},
           CASE WHEN relrowsecurity THEN 'row security' END,
           CASE WHEN relforcerowsecurity THEN 'row security of its owner too' END,
           CASE WHEN relkind IN ('v', 'm') THEN array_to_string(reloptions, ', ') END,
           CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(relation.oid) END,
           {grants("relacl", "r", "relowner")})
  FROM pg_class AS relation JOIN space ON space.oid = relnamespace
 WHERE {made("relation.oid")} AND relkind NOT IN ('i', 'I', 't')
"""

SEQUENCES = f"""
SELECT format('%I.%I sequence', space.name, relname),
       concat_ws(', ', format_type(seqtypid, NULL), 'from ' || seqstart, 'by ' || seqincrement,
           seqmin || ' to ' || seqmax, CASE WHEN seqcycle THEN 'over and over' END)
  FROM pg_sequence JOIN pg_class AS relation ON relation.oid = seqrelid
  JOIN space ON space.oid = relnamespace
 WHERE {made("relation.oid")}
"""

# What lies below a table appears in it: rows of a child are rows of its parent.
CHILDREN = f"""
SELECT format('%I.%I child %I.%I', space.name, parent.relname, below.name, child.relname),
       coalesce(pg_get_expr(child.relpartbound, child.oid), 'inherits')
  FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent
  JOIN pg_class AS child ON child.oid = inhrelid
  JOIN space ON space.oid = parent.relnamespace
  JOIN space AS below ON below.oid = child.relnamespace
 WHERE {made("child.oid")}
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
           CASE WHEN attacl IS NOT NULL THEN {grants("attacl", "c", "relowner")} END)
  FROM pg_attribute JOIN pg_class AS relation ON relation.oid = attrelid
  JOIN space ON space.oid = relnamespace
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE {made("relation.oid")} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
   AND attnum > 0 AND NOT attisdropped
"""

# A definition says so where it is not valid or not enforced. A foreign key is enforced by triggers
# of its own, which can be disabled one by one.
CONSTRAINTS = f"""
SELECT format('%I.%I constraint %I', space.name, coalesce(relname, typname), conname),
       concat_ws('; ',
           pg_get_constraintdef(pg_constraint.oid),
           (SELECT concat_ws(', ', 'by ' || count(*) || ' triggers',
                    string_agg(DISTINCT {ENABLED.format("tgenabled")}, ' and '),
                    'of ' || string_agg(tgfoid::regproc::text, ' and ')
                        FILTER (WHERE proname !~ '^(RI_FKey|unique_key)_'))
              FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
             WHERE tgconstraint = pg_constraint.oid AND tgisinternal
            HAVING count(*) > 0))
  FROM pg_constraint
  LEFT JOIN pg_class AS relation ON relation.oid = conrelid
  LEFT JOIN pg_type AS domain ON domain.oid = contypid
  JOIN space ON space.oid = connamespace
 WHERE {made("pg_constraint.oid")} AND contype <> 'n'
"""

INDEXES = f"""
SELECT format('%I.%I index %I', space.name, relation.relname, made.relname),
       concat_ws('; ',
           pg_get_indexdef(indexrelid),
           CASE WHEN indisexclusion THEN 'excludes' END,
           CASE WHEN NOT indimmediate THEN 'deferred' END,
           CASE WHEN NOT (indisvalid AND indisready AND indislive) THEN 'not valid' END)
  FROM pg_index JOIN pg_class AS made ON made.oid = indexrelid
  JOIN pg_class AS relation ON relation.oid = indrelid
  JOIN space ON space.oid = relation.relnamespace
 WHERE {made("indexrelid")}
"""

# PostgreSQL's own are those of a constraint, and stand with it: a trigger may only say that it is.
TRIGGERS = f"""
SELECT format('%I.%I trigger %I', space.name, relname, tgname),
       concat_ws('; ', pg_get_triggerdef(pg_trigger.oid), {ENABLED.format("tgenabled")})
  FROM pg_trigger JOIN pg_class AS relation ON relation.oid = tgrelid
  JOIN space ON space.oid = relnamespace
 WHERE {made("pg_trigger.oid")} AND NOT (tgisinternal AND EXISTS (
     SELECT FROM pg_constraint WHERE oid = tgconstraint AND tgrelid IN (conrelid, confrelid)))
"""

RULES = f"""
SELECT format('%I.%I rule %I', space.name, relname, rulename),
       concat_ws('; ', pg_get_ruledef(pg_rewrite.oid), {ENABLED.format("ev_enabled")})
  FROM pg_rewrite JOIN pg_class AS relation ON relation.oid = ev_class
  JOIN space ON space.oid = relnamespace
 WHERE {made("pg_rewrite.oid")}
   AND NOT (rulename = '_RETURN' AND relkind IN ('v', 'm'))
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
 WHERE {made("pg_policy.oid")}
"""

QUERIES = (RELATIONS, SEQUENCES, CHILDREN, COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, RULES, POLICIES)
