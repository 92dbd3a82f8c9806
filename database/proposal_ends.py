"""Guards of proposals that were given up: withdrawn by who made them, or rejected by another.

After that nobody approves them and no participant answers them; one that was approved is law, and
ends no more. A proposal that a change made is given up with the change.
"""

from collections.abc import Mapping
from types import MappingProxyType

CREATE_CHECK_PROPOSAL_END = """
CREATE FUNCTION people.check_proposal_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proposed people.proposal%ROWTYPE;
    who bigint := people.person_of(NEW.ended_by);
BEGIN
    SELECT * INTO proposed FROM people.proposal WHERE number = NEW.proposal;
    IF EXISTS (SELECT FROM people.approval WHERE approval.proposal = NEW.proposal) THEN
        RAISE EXCEPTION 'people.proposal_end: proposal % was approved', NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'proposal_is_open';
    END IF;
    IF EXISTS (SELECT FROM rulebook.change_event AS event
        WHERE event.proposal = NEW.proposal AND event.kind = 'propose')
    THEN
        RAISE EXCEPTION 'people.proposal_end: proposal % is of a change', NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'proposal_is_open';
    END IF;
    IF who IS NULL
        OR (who = people.person_of(proposed.proposed_by)) <> (NEW.outcome = 'withdrawn')
    THEN
        RAISE EXCEPTION 'people.proposal_end: proposal % of % is not % by %',
            NEW.proposal, proposed.proposed_by, NEW.outcome, NEW.ended_by
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    IF NEW.outcome = 'rejected' AND proposed.kind <> 'grant'
        AND NOT people.holds_role(NEW.ended_by, ARRAY['regulator'])
    THEN
        RAISE EXCEPTION 'people.proposal_end: % holds no role that rejects a %',
            NEW.ended_by, proposed.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_role';
    END IF;
    RETURN NULL;
END
$$
"""

CREATE_CHECK_NOT_ENDED = """
CREATE FUNCTION people.check_not_ended() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM people.proposal_end WHERE proposal_end.proposal = NEW.proposal) THEN
        RAISE EXCEPTION '%.%: proposal % was given up', TG_TABLE_SCHEMA, TG_TABLE_NAME,
            NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'proposal_is_open';
    END IF;
    RETURN NULL;
END
$$
"""

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "people.check_proposal_end()": CREATE_CHECK_PROPOSAL_END,
        "people.check_not_ended()": CREATE_CHECK_NOT_ENDED,
    }
)

# Whoever a registration is of is told that its end is proposed, and what became of that; of no
# other proposal, and of no other's. Whose role passes by row security is told of everybody's.
CREATE_PROPOSED_ENDINGS = """
CREATE FUNCTION people.proposed_endings() RETURNS TABLE (
    number bigint, market text, instrument text, participant text, ends timestamptz, reason text,
    proposed_by text, proposed_at timestamptz, outcome text, ended_by text, ended_at timestamptz,
    end_reason text)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT proposal.number, proposal.market, said.instrument, said.participant,
        (proposal.content::jsonb ->> 'ends')::timestamptz, proposal.content::jsonb ->> 'reason',
        proposal.proposed_by, proposal.proposed_at, ended.outcome, ended.ended_by, ended.ended_at,
        ended.reason
    FROM people.proposal LEFT JOIN people.proposal_end AS ended ON ended.proposal = proposal.number
        CROSS JOIN LATERAL (
            SELECT proposal.content::jsonb ->> 'instrument' AS instrument,
                split_part(proposal.content::jsonb ->> 'instrument', '/', 3) AS participant
        ) AS said
    WHERE proposal.kind = 'ending'
        AND said.instrument = proposal.market || '/registration/' || said.participant
        AND (people.sees_as('operator', 'regulator', 'auditor')
            OR (SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = session_user)
            OR (proposal.market, said.participant)
                IN (SELECT owner.market, owner.participant FROM people.owned() AS owner))
    ORDER BY proposal.number;
END
"""

# What a participant's people, and those who oversee a market, are shown of the proposals asked for,
# or of all where none is named: the part that concerns them, and no other's registration. Whose
# role passes by row security is told of everybody's.
CREATE_PROPOSED_PAYEES = """
CREATE FUNCTION people.proposed_payees(asked bigint[]) RETURNS TABLE (
    number bigint, market text, content_digest bytea, reason text, proposed_by text,
    proposed_at timestamptz, approved_by text, approved_at timestamptz, starts timestamptz,
    participant text, before jsonb, after jsonb, units text[], taker text, told text[],
    is_bound boolean, delay_days int, answers jsonb, outcome text, ended_by text,
    ended_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT proposal.number, proposal.market, proposal.content_digest,
        proposal.content::jsonb ->> 'reason', proposal.proposed_by, proposal.proposed_at,
        approval.approved_by, approval.approved_at, said.starts, change.participant, change.before,
        change.after, change.units, change.taker, change.told, terms.is_bound, terms.delay_days, (
            SELECT jsonb_agg(jsonb_build_object('account', answer.answered_by,
                'agrees', answer.agrees, 'at', answer.answered_at) ORDER BY answer.number)
            FROM people.answer
            WHERE answer.proposal = proposal.number AND answer.participant = change.participant),
        ended.outcome, ended.ended_by, ended.ended_at
    FROM people.proposal LEFT JOIN people.approval ON approval.proposal = proposal.number
        LEFT JOIN people.proposal_end AS ended ON ended.proposal = proposal.number
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
