"""The words of clauses: what of a version is indexed, and the function that finds versions by them.

Where rows have policies, PostgreSQL asks these before any operator that might tell of a row, so an
index by words would serve no page. The function acts as its owner and looks in law that is public
alone; registrations are looked through under their policy.
"""

from collections.abc import Mapping
from types import MappingProxyType

WORDS_OF_CLAUSES = (
    "jsonb_to_tsvector('english'::regconfig, "
    "jsonb_path_query_array(body, '$.clauses[*].text'::jsonpath), '[\"string\"]'::jsonb)"
)
"""The words of all clauses of a version; an index serves who writes it so, to the letter."""

CREATE_INDEX = (
    f"CREATE INDEX ix_version_words_of_clauses ON rulebook.version USING gin ({WORDS_OF_CLAUSES})"
)

CREATE_PUBLIC_VERSIONS_WITH = f"""
CREATE FUNCTION rulebook.public_versions_with(words tsquery) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT version.id FROM rulebook.version
    WHERE version.kind <> 'registration'
        AND {WORDS_OF_CLAUSES.replace("body", "version.body")} @@ words;
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {"rulebook.public_versions_with(tsquery)": CREATE_PUBLIC_VERSIONS_WITH}
)
