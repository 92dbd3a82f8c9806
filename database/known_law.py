"""Which versions of a market apply at some time, as known at a moment, for whoever reads them.

Policies of rows are asked before operators of ranges, which PostgreSQL does not trust to keep what
they see to themselves; so an index of ranges serves nobody whose rows have policies, and the law of
a day was found by reading every version. This function asks it as its owner and returns identities
alone; what stands in a version is read by policy still.
"""

FUNCTION = "rulebook.versions_within(text, timestamptz, timestamptz, timestamptz)"

CREATE_VERSIONS_WITHIN = """
CREATE FUNCTION rulebook.versions_within(
    of_market text, starts timestamptz, ends timestamptz, known_at timestamptz)
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT version.id FROM rulebook.version
    WHERE version.market = of_market
        AND version.valid && tstzrange(starts, ends, '[)')
        AND version.recorded @> tstzrange(known_at, known_at, '[]');
END
"""
"""Those of [starts, ends), recorded at `known_at`; without an end where `ends` is null."""
