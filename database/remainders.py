"""Guard of what law a version takes the place of: an approval publishes once, and nothing besides.

A publication closes the versions that it touches, and what is left of each is appended again, by
the approval under which it came. So whoever holds the writer's password needs nobody to append a
row by an old approval, unless it is asked what that row is left of: law of another time would be in
force again, for whatever days they like, and two people would stand beside it.
"""

# Ranges that touch are one in a multirange; what a publication leaves of a version never touches.
CREATE_FOLLOWS_DECISION = """
CREATE FUNCTION rulebook.follows_decision(version_id uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN EXISTS (
    SELECT FROM rulebook.version AS added
        LEFT JOIN people.approval ON approval.proposal = added.approval
    WHERE added.id = version_id AND CASE
        WHEN added.origin IS NULL THEN lower(added.recorded) = approval.approved_at
        ELSE EXISTS (
            SELECT FROM rulebook.version AS closed
                JOIN rulebook.version AS taker ON closed.id = ANY (taker.supersedes)
                CROSS JOIN LATERAL unnest(
                    tstzmultirange(closed.valid) - tstzmultirange(taker.valid)) AS remaining
            WHERE added.supersedes = ARRAY[closed.id]
                AND added.origin = coalesce(closed.origin, closed.id)
                AND added.valid = remaining
                AND lower(added.recorded) = upper(closed.recorded)
                AND added.approval = closed.approval
                AND added.digest = closed.digest AND added.kind = closed.kind
                AND added.instrument = closed.instrument
                AND taker.instrument = closed.instrument AND taker.origin IS NULL
                AND lower(taker.recorded) = upper(closed.recorded))
        END)
"""
"""Whether a version was recorded as it was approved, or is what then remained of one before it."""

CREATE_CHECK_FOLLOWS = """
CREATE FUNCTION rulebook.check_follows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    breach record;
BEGIN
    SELECT instrument, approval INTO breach FROM added
    WHERE rulebook.follows_decision(added.id) IS NOT TRUE LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'rulebook.version %: it is neither what proposal % published when it was '
            'approved, nor what a publication left of that', breach.instrument, breach.approval
            USING ERRCODE = 'check_violation', CONSTRAINT = 'version_follows_decision';
    END IF;
    RETURN NULL;
END
$$
"""

FUNCTIONS = {
    "rulebook.follows_decision(uuid)": CREATE_FOLLOWS_DECISION,
    "rulebook.check_follows()": CREATE_CHECK_FOLLOWS,
}
