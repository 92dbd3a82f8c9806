"""Guards of who is paid: a change of a participant's account, name or tax number takes its word.

Whoever has payouts go elsewhere writes law: another version of a registration, an end and a new
one, one that is back-dated, or another participant that takes over the units. So each is compared
with what was known of its days before, and where nothing was known of them, with what came last.
`rulebook.payee_changes` finds what is changed, for commands, pages and `verify` alike, and the
guard `rulebook.check_payees` asks it of whatever is inserted, so that no code path can forget.
"""

CREATE_PAYEE_OF = """
CREATE FUNCTION rulebook.payee_of(body jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN jsonb_build_object(
    'legal_name', body ->> 'legal_name',
    'tax_identifier', body ->> 'tax_identifier',
    'iban', body ->> 'iban',
    'sort_code', body #>> '{national_account,sort_code}',
    'account_number', body #>> '{national_account,account_number}')
"""
"""Who a registration says that its participant is, and where it is paid."""

# Earlier is what was recorded before, and at the same moment by another publication; of a remainder
# all of that moment is its own publication's, as the guard is asked row by row. Every registration
# of the market is read, as any may have held a unit: an index of units would spare that, and let
# guard and `verify` rest on what the index holds and not on the rows. Known is what no
# later version took the place of. One that somebody only closed is known still: else to close it
# first would make what follows a first registration.
CREATE_PAYEE_CHANGES = """
CREATE FUNCTION rulebook.payee_changes(
    of_market text, documents jsonb, starts timestamptz, ends timestamptz,
    recorded_at timestamptz, by_approval bigint, is_remainder boolean)
RETURNS TABLE (participant text, before jsonb, after jsonb, units text[], taker text, told text[])
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH fresh AS MATERIALIZED (
        SELECT each.key AS instrument, each.value AS body FROM jsonb_each(documents) AS each
    ), earlier AS MATERIALIZED (
        SELECT version.instrument, version.body, version.valid, version.recorded, NOT EXISTS (
            SELECT FROM rulebook.version AS later
            WHERE later.instrument = version.instrument
                AND lower(later.recorded) = upper(version.recorded) AND (
                    lower(later.recorded) < recorded_at
                    OR lower(later.recorded) = recorded_at AND later.origin IS NULL
                        AND later.approval IS DISTINCT FROM by_approval AND NOT is_remainder)
            ) AS is_known
        FROM rulebook.version
        WHERE version.market = of_market AND version.instrument LIKE '%/registration/%' AND (
            lower(version.recorded) < recorded_at
            OR lower(version.recorded) = recorded_at AND version.origin IS NULL
                AND version.approval IS DISTINCT FROM by_approval AND NOT is_remainder)
    ), beside AS MATERIALIZED (
        SELECT fresh.instrument, fresh.body AS after, known.body AS before
        FROM fresh JOIN earlier AS known
            ON known.instrument = fresh.instrument AND known.is_known
        WHERE known.valid && tstzrange(starts, ends) OR known.valid = (
            SELECT nearest.valid FROM earlier AS nearest
            WHERE nearest.instrument = fresh.instrument AND nearest.is_known
            ORDER BY lower(nearest.valid) <= starts DESC,
                CASE WHEN lower(nearest.valid) <= starts THEN lower(nearest.valid) END DESC,
                lower(nearest.valid)
            LIMIT 1
        ) AND NOT EXISTS (
            SELECT FROM earlier AS at
            WHERE at.instrument = fresh.instrument AND at.is_known AND at.valid @> starts)
    ), named AS MATERIALIZED (
        SELECT fresh.instrument, unit ->> 'unit' AS unit
        FROM fresh CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof(fresh.body -> 'units') WHEN 'array' THEN fresh.body -> 'units' END
        ) AS unit
    ), held AS MATERIALIZED (
        SELECT earlier.instrument, earlier.valid, earlier.recorded, earlier.is_known,
            unit ->> 'unit' AS unit
        FROM earlier CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof(earlier.body -> 'units')
                WHEN 'array' THEN earlier.body -> 'units' END
        ) AS unit
        WHERE unit ->> 'unit' IN (SELECT named.unit FROM named)
    ), moved AS (
        SELECT held.instrument AS loser, named.instrument AS taker, named.unit
        FROM named JOIN held ON held.unit = named.unit AND held.instrument <> named.instrument
        WHERE held.is_known AND held.valid && tstzrange(starts, ends)
        UNION
        SELECT last.instrument, named.instrument, named.unit
        FROM named CROSS JOIN LATERAL (
            SELECT held.instrument FROM held WHERE held.unit = named.unit
            ORDER BY lower(held.recorded) DESC, lower(held.valid) DESC LIMIT 1
        ) AS last
        WHERE last.instrument <> named.instrument AND NOT EXISTS (
            SELECT FROM held AS at
            WHERE at.unit = named.unit AND at.is_known AND at.valid @> starts)
    ), changed AS (
        SELECT beside.instrument, jsonb_agg(DISTINCT rulebook.payee_of(beside.before)) AS before,
            rulebook.payee_of(beside.after) AS after, '{}'::text[] AS units, NULL::text AS taker
        FROM beside
        WHERE rulebook.payee_of(beside.before) <> rulebook.payee_of(beside.after)
        GROUP BY beside.instrument, beside.after
        UNION ALL
        SELECT moved.loser, NULL, NULL, array_agg(moved.unit ORDER BY moved.unit),
            split_part(moved.taker, '/', 3)
        FROM moved GROUP BY moved.loser, moved.taker
    )
    SELECT split_part(changed.instrument, '/', 3), changed.before, changed.after, changed.units,
        changed.taker, ARRAY(
            SELECT DISTINCT contact ->> 'email'
            FROM earlier CROSS JOIN LATERAL jsonb_array_elements(
                CASE jsonb_typeof(earlier.body -> 'contacts')
                    WHEN 'array' THEN earlier.body -> 'contacts' END
            ) AS contact
            WHERE earlier.instrument = changed.instrument AND contact ->> 'email' IS NOT NULL
            ORDER BY 1)
    FROM changed
    ORDER BY 1, changed.taker NULLS FIRST;
END
"""
"""What documents (instrument -> body) that apply within [starts, ends) change for a participant.

before, after: who it is and where it is paid, of a change of these; before has each that differs.
units, taker: what another participant takes over, where that is the change.
told: every address that a version before named, so that to change the contacts first hides nothing.
"""

# A shorter delay counts once the longer one has passed since it was law: else whoever shortens it
# first waits for nothing.
CREATE_PAYEE_DELAY = """
CREATE FUNCTION rulebook.payee_delay(
    of_market text, proposed_at timestamptz, starts timestamptz, recorded_at timestamptz,
    by_approval bigint)
RETURNS TABLE (is_bound boolean, delay_days int)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT count(*) > 0, max(terms.days) FILTER (
        WHERE terms.recorded && tstzrange(proposed_at - terms.delay, proposed_at, '[]')
            AND terms.valid && tstzrange(
                proposed_at - terms.delay, greatest(starts, proposed_at), '[]'))
    FROM (
        SELECT version.recorded, version.valid, stated.days,
            make_interval(hours => 24 * stated.days) AS delay
        FROM rulebook.version CROSS JOIN LATERAL (
            SELECT CASE jsonb_typeof(version.body -> 'payee_change_delay_days') WHEN 'number'
                THEN least((version.body ->> 'payee_change_delay_days')::numeric, 3650)::int
                END AS days) AS stated
        WHERE version.market = of_market AND version.kind = 'settlement-terms'
            AND lower(version.recorded) <= recorded_at
            AND version.approval IS DISTINCT FROM by_approval
    ) AS terms;
END
"""
"""Whether a market has settlement terms, and the longest delay that they state from before the
proposal up to the day of the change; NULL where they state none."""

CREATE_CHECK_PAYEES = """
CREATE FUNCTION rulebook.check_payees() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    breach record;
BEGIN
    -- A moment before the last would let a version pass for the first.
    SELECT added.market, added.instrument INTO breach FROM added
    WHERE EXISTS (
        SELECT FROM rulebook.version AS other
        WHERE other.market = added.market AND lower(other.recorded) > lower(added.recorded));
    IF FOUND THEN
        RAISE EXCEPTION 'rulebook.version %: it is recorded before the last', breach.instrument
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recorded_last';
    END IF;
    SELECT fresh.market, change.participant, fresh.approval INTO breach
    FROM (
        SELECT market, approval, valid, recorded, origin IS NOT NULL AS is_remainder,
            jsonb_object_agg(instrument, body) AS documents
        FROM added WHERE instrument LIKE '%/registration/%' OR kind = 'registration'
        GROUP BY market, approval, valid, recorded, origin IS NOT NULL
    ) AS fresh
        JOIN people.proposal ON proposal.number = fresh.approval
        JOIN people.approval ON approval.proposal = proposal.number
        CROSS JOIN LATERAL rulebook.payee_delay(
            fresh.market, proposal.proposed_at, lower(fresh.valid), lower(fresh.recorded),
            fresh.approval) AS terms
        CROSS JOIN LATERAL rulebook.payee_changes(
            fresh.market, fresh.documents, lower(fresh.valid), upper(fresh.valid),
            lower(fresh.recorded), fresh.approval, fresh.is_remainder) AS change
    WHERE terms.is_bound AND (
        (change.taker IS NOT NULL OR lower(fresh.valid)
            >= proposal.proposed_at + make_interval(hours => 24 * terms.delay_days))
        AND EXISTS (
            SELECT FROM people.answer
            WHERE answer.proposal = proposal.number AND answer.participant = change.participant
                AND answer.agrees
                AND people.person_of(answer.answered_by)
                    NOT IN (people.person_of(approved_by), people.person_of(proposed_by)))
    ) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'rulebook.version: proposal % changes who % of % is or where it is paid, '
            'unconfirmed or too early', breach.approval, breach.participant, breach.market
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payee_is_confirmed';
    END IF;
    RETURN NULL;
END
$$
"""

CREATE_CHECK_ANSWER = """
CREATE FUNCTION people.check_answer() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT people.acts_for(NEW.answered_by, NEW.market, NEW.participant) OR NOT EXISTS (
        SELECT FROM people.proposal
        WHERE proposal.number = NEW.proposal AND proposal.market = NEW.market)
    THEN
        RAISE EXCEPTION 'people.answer %: % does not act for % of %',
            NEW.number, NEW.answered_by, NEW.participant, NEW.market
            USING ERRCODE = 'check_violation', CONSTRAINT = 'answers_for_participant';
    END IF;
    IF people.person_of(NEW.answered_by) IS NULL OR NEW.agrees AND EXISTS (
        SELECT FROM people.proposal WHERE proposal.number = NEW.proposal
            AND people.person_of(proposal.proposed_by) = people.person_of(NEW.answered_by))
    THEN
        RAISE EXCEPTION 'people.answer %: % confirms proposal %; another person must',
            NEW.number, NEW.answered_by, NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    RETURN NULL;
END
$$
"""

CREATE_CHECK_OBJECTION = """
CREATE FUNCTION people.check_objection() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM people.answer WHERE answer.proposal = NEW.proposal AND NOT agrees) THEN
        RAISE EXCEPTION 'people.approval: proposal % was objected to', NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'nobody_objects';
    END IF;
    RETURN NULL;
END
$$
"""

# What a participant's people, and those who oversee a market, are shown of the proposals asked for,
# or of all where none is named: the part that concerns them, and no other's registration. Whose
# role passes by row security is told of everybody's. Since proposals end it tells of that, too: see
# `database.proposal_ends`.
CREATE_PROPOSED_PAYEES = """
CREATE FUNCTION people.proposed_payees(asked bigint[]) RETURNS TABLE (
    number bigint, market text, content_digest bytea, reason text, proposed_by text,
    proposed_at timestamptz, approved_by text, approved_at timestamptz, starts timestamptz,
    participant text, before jsonb, after jsonb, units text[], taker text, told text[],
    is_bound boolean, delay_days int, answers jsonb)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT proposal.number, proposal.market, proposal.content_digest,
        proposal.content::jsonb ->> 'reason', proposal.proposed_by, proposal.proposed_at,
        approval.approved_by, approval.approved_at, said.starts, change.participant, change.before,
        change.after, change.units, change.taker, change.told, terms.is_bound, terms.delay_days, (
            SELECT jsonb_agg(jsonb_build_object('account', answer.answered_by,
                'agrees', answer.agrees, 'at', answer.answered_at) ORDER BY answer.number)
            FROM people.answer
            WHERE answer.proposal = proposal.number AND answer.participant = change.participant)
    FROM people.proposal LEFT JOIN people.approval ON approval.proposal = proposal.number
        CROSS JOIN LATERAL (
            SELECT coalesce(approval.approved_at, 'infinity') AS recorded_at,
                (proposal.content::jsonb ->> 'valid_from')::timestamptz AS starts,
                (proposal.content::jsonb ->> 'valid_to')::timestamptz AS ends,
                (SELECT jsonb_object_agg(text.key, text.value -> 'body')
                    FROM jsonb_each(CASE WHEN proposal.texts IS JSON OBJECT
                        THEN proposal.texts::jsonb END) AS text
                    WHERE text.key LIKE '%/registration/%') AS documents
        ) AS said
        CROSS JOIN LATERAL rulebook.payee_delay(
            proposal.market, proposal.proposed_at, said.starts, said.recorded_at, proposal.number
        ) AS terms
        CROSS JOIN LATERAL rulebook.payee_changes(
            proposal.market, said.documents, said.starts, said.ends, said.recorded_at,
            proposal.number, false) AS change
    WHERE proposal.kind = 'publication' AND said.documents IS NOT NULL
        AND (asked IS NULL OR proposal.number = ANY (asked))
        AND (people.sees_as('operator', 'regulator', 'auditor')
            OR (SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = session_user)
            OR (proposal.market, change.participant)
                IN (SELECT owner.market, owner.participant FROM people.owned() AS owner))
    ORDER BY proposal.number, change.participant, change.taker NULLS FIRST;
END
"""

FUNCTIONS = {
    "rulebook.payee_of(jsonb)": CREATE_PAYEE_OF,
    "rulebook.payee_changes(text, jsonb, timestamptz, timestamptz, timestamptz, bigint, boolean)": (
        CREATE_PAYEE_CHANGES
    ),
    "rulebook.payee_delay(text, timestamptz, timestamptz, timestamptz, bigint)": CREATE_PAYEE_DELAY,
    "rulebook.check_payees()": CREATE_CHECK_PAYEES,
    "people.check_answer()": CREATE_CHECK_ANSWER,
    "people.check_objection()": CREATE_CHECK_OBJECTION,
    "people.proposed_payees(bigint[])": CREATE_PROPOSED_PAYEES,
}
