"""Guards of changes of law: the steps that may follow each other, whose each is, and on which text.

The table of steps is that of `rulebook.changes.steps`, to which a test holds it. An event names
the digest of the one before it and of the last revision, so of two at once exactly one is stored,
and none is of a text that somebody has changed meanwhile. All of it is kept under the lock of the
log, which is taken before the first row is inserted.
"""

from collections.abc import Mapping
from types import MappingProxyType

CREATE_CHANGE_STEPS = """
CREATE FUNCTION rulebook.change_steps()
RETURNS TABLE (kind text, before text, after text, parties text[], by_another boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT listed.kind, listed.before, listed.after, listed.parties::text[], listed.by_another
FROM (VALUES
  ('accept', 'assessed', 'determined', '{regulator}', true),
  ('answer', 'changes asked for', 'changes asked for', '{author,operator,regulator}', false),
  ('answer', 'draft', 'draft', '{author,operator,regulator}', false),
  ('answer', 'in review', 'in review', '{author,operator,regulator}', false),
  ('approve', 'waiting for approval', 'approved', '{regulator}', true),
  ('ask-changes', 'in review', 'changes asked for', '{operator,regulator}', true),
  ('ask-review', 'draft', 'in review', '{author,operator,regulator}', false),
  ('assess', 'consulted', 'assessed', '{regulator}', true),
  ('assess', 'in review', 'assessed', '{regulator}', true),
  ('close', 'in consultation', 'consulted', '{regulator}', false),
  ('comment', 'changes asked for', 'changes asked for', '{operator,participant,regulator}', false),
  ('comment', 'in review', 'in review', '{operator,participant,regulator}', false),
  ('consult', 'in review', 'in consultation', '{regulator}', true),
  ('note', 'approved', 'approved', '{operator,regulator}', false),
  ('open', NULL, 'draft', '{operator,participant,regulator}', false),
  ('propose', 'determined', 'waiting for approval', '{operator,regulator}', false),
  ('propose', 'waiting for approval', 'waiting for approval', '{operator,regulator}', false),
  ('reject', 'assessed', 'rejected', '{regulator}', false),
  ('reject', 'changes asked for', 'rejected', '{regulator}', false),
  ('reject', 'consulted', 'rejected', '{regulator}', false),
  ('reject', 'determined', 'rejected', '{regulator}', false),
  ('reject', 'in review', 'rejected', '{regulator}', false),
  ('reject', 'waiting for approval', 'rejected', '{regulator}', false),
  ('reply', 'in consultation', 'in consultation', '{regulator}', false),
  ('respond', 'in consultation', 'in consultation', '{operator,participant}', false),
  ('revise', 'assessed', 'draft', '{author,operator,regulator}', false),
  ('revise', 'changes asked for', 'draft', '{author,operator,regulator}', false),
  ('revise', 'consulted', 'draft', '{author,operator,regulator}', false),
  ('revise', 'determined', 'draft', '{author,operator,regulator}', false),
  ('revise', 'draft', 'draft', '{author,operator,regulator}', false),
  ('revise', 'in consultation', 'draft', '{author,operator,regulator}', false),
  ('revise', 'in review', 'draft', '{author,operator,regulator}', false),
  ('revise', 'waiting for approval', 'draft', '{author,operator,regulator}', false),
  ('withdraw', 'assessed', 'withdrawn', '{author}', false),
  ('withdraw', 'changes asked for', 'withdrawn', '{author}', false),
  ('withdraw', 'consulted', 'withdrawn', '{author}', false),
  ('withdraw', 'determined', 'withdrawn', '{author}', false),
  ('withdraw', 'draft', 'withdrawn', '{author}', false),
  ('withdraw', 'in consultation', 'withdrawn', '{author}', false),
  ('withdraw', 'in review', 'withdrawn', '{author}', false),
  ('withdraw', 'waiting for approval', 'withdrawn', '{author}', false)
) AS listed (kind, before, after, parties, by_another);
END
"""
"""Each kind of step, the state that it follows and that it leads to, and who takes it: of whoever
takes another's text, not the person who wrote it."""

# Whoever asks for review publishes: until then a draft is its author's, and of those who oversee.
CREATE_SEEN_CHANGES = """
CREATE FUNCTION rulebook.seen_changes() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT event.change FROM rulebook.change_event AS event
    WHERE event.kind = 'ask-review'
    UNION SELECT change.number FROM rulebook.change WHERE change.opened_by = people.acting();
END
"""

# A registration tells of costs, contacts and accounts, in a draft as in the law.
CREATE_SEEN_REVISIONS = """
CREATE FUNCTION rulebook.seen_revisions() RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT revision.digest FROM rulebook.revision
    WHERE revision.author = people.acting() OR EXISTS (
            SELECT FROM rulebook.change_event AS event
            WHERE event.change = revision.change AND event.kind = 'ask-review'
                AND event.revision_digest = revision.digest)
        AND NOT EXISTS (
            SELECT FROM jsonb_object_keys(revision.draft -> 'documents') AS named (instrument)
            WHERE named.instrument LIKE '%/registration/%');
END
"""

CREATE_CHECK_EVENT = """
CREATE FUNCTION rulebook.check_change_event() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_change rulebook.change%ROWTYPE;
    last rulebook.change_event%ROWTYPE;
    written rulebook.revision%ROWTYPE;
    step record;
    parties text[];
BEGIN
    SELECT * INTO of_change FROM rulebook.change WHERE number = NEW.change;
    SELECT * INTO last FROM rulebook.change_event
    WHERE change = NEW.change AND sequence = NEW.sequence - 1;
    SELECT * INTO written FROM rulebook.revision
    WHERE change = NEW.change ORDER BY number DESC LIMIT 1;
    SELECT * INTO step FROM rulebook.change_steps() AS listed
    WHERE listed.kind = NEW.kind AND listed.before IS NOT DISTINCT FROM last.state;
    IF step.kind IS NULL OR step.after <> NEW.state OR NEW.at < last.at
        OR NEW.previous_digest IS DISTINCT FROM last.digest
        OR NEW.kind = 'open' AND (NEW.account, NEW.participant, NEW.at) IS DISTINCT FROM
            (of_change.opened_by, of_change.participant, of_change.opened_at)
    THEN
        RAISE EXCEPTION 'event % of change %: % does not follow a change that is %',
            NEW.sequence, NEW.change, NEW.kind, coalesce(last.state, 'not opened')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_in_order';
    END IF;
    parties := ARRAY[
        CASE WHEN NEW.account = of_change.opened_by
            OR people.person_of(NEW.account) = people.person_of(of_change.opened_by)
            THEN 'author' END,
        CASE WHEN people.holds_role(NEW.account, ARRAY['regulator']) THEN 'regulator' END,
        CASE WHEN people.holds_role(NEW.account, ARRAY['operator']) THEN 'operator' END,
        CASE WHEN people.acts_for(NEW.account, of_change.market, NEW.participant)
            THEN 'participant' END];
    IF NOT parties && step.parties
        OR NEW.participant IS NOT NULL AND NOT parties && ARRAY['participant']
    THEN
        RAISE EXCEPTION 'event % of change %: % may not % it',
            NEW.sequence, NEW.change, NEW.account, NEW.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_by_entitled';
    END IF;
    IF NEW.revision_digest IS DISTINCT FROM written.digest
        OR NEW.kind = 'revise' AND ((NEW.account, NEW.at) IS DISTINCT FROM
            (written.author, written.made_at) OR EXISTS (
            SELECT FROM rulebook.change_event AS earlier
            WHERE earlier.change = NEW.change AND earlier.sequence < NEW.sequence
                AND earlier.revision_digest = written.digest))
    THEN
        RAISE EXCEPTION 'event % of change %: its text is not the last revision',
            NEW.sequence, NEW.change
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_names_last_revision';
    END IF;
    IF people.person_of(NEW.account) IS NULL THEN
        RAISE EXCEPTION 'event % of change %: % is a service', NEW.sequence, NEW.change,
            NEW.account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    IF step.by_another AND (NEW.account = written.author
        OR people.person_of(NEW.account) = people.person_of(written.author))
    THEN
        RAISE EXCEPTION 'event % of change %: % wrote the text', NEW.sequence, NEW.change,
            NEW.account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    RETURN NULL;
END
$$
"""
"""Order, entitlement and text of a step, by the rows that are there when it is stored."""

CREATE_CHECK_WAITS = """
CREATE FUNCTION rulebook.check_change_waits() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_change rulebook.change%ROWTYPE;
    stated jsonb;
    holds boolean := true;
BEGIN
    SELECT * INTO of_change FROM rulebook.change WHERE number = NEW.change;
    SELECT event.body INTO stated FROM rulebook.change_event AS event
    WHERE event.change = NEW.change AND event.sequence < NEW.sequence
        AND event.kind = CASE NEW.kind WHEN 'note' THEN 'accept' ELSE 'consult' END
    ORDER BY event.sequence DESC LIMIT 1;
    IF NEW.kind IN ('answer', 'reply') THEN
        holds := EXISTS (
            SELECT FROM rulebook.change_event AS asked
            WHERE asked.change = NEW.change AND asked.sequence = NEW.answers
                AND asked.kind = CASE NEW.kind WHEN 'answer' THEN 'comment' ELSE 'respond' END);
    ELSIF NEW.kind IN ('consult', 'assess', 'close') THEN
        holds := NOT EXISTS (
            SELECT FROM rulebook.change_event AS asked
            WHERE asked.change = NEW.change
                AND asked.kind = CASE NEW.kind WHEN 'close' THEN 'respond' ELSE 'comment' END
                AND NOT EXISTS (
                    SELECT FROM rulebook.change_event AS answer
                    WHERE answer.change = NEW.change AND answer.answers = asked.sequence));
    END IF;
    holds := holds AND CASE NEW.kind
        WHEN 'consult' THEN of_change.urgency = '' AND (NEW.body ->> 'ends_at')::timestamptz
            >= NEW.at + make_interval(hours => 24 * coalesce((
                SELECT (rules.body ->> 'consultation_days')::integer
                FROM rulebook.version AS rules
                WHERE rules.instrument = of_change.market || '/market-rules'
                    AND rules.valid @> NEW.at AND rules.recorded @> NEW.at), 28))
        WHEN 'respond' THEN NEW.at < (stated ->> 'ends_at')::timestamptz
        WHEN 'close' THEN NEW.at >= (stated ->> 'ends_at')::timestamptz
        WHEN 'accept' THEN (NEW.body ->> 'review_from')::timestamptz > NEW.at
        WHEN 'note' THEN NEW.at >= (stated ->> 'review_from')::timestamptz
        WHEN 'assess' THEN btrim(NEW.body ->> 'uncounted') <> '' AND (
            of_change.urgency <> '' OR EXISTS (
                SELECT FROM rulebook.change_event AS event
                WHERE event.change = NEW.change AND event.kind = 'close'))
        ELSE true END;
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'event % of change %: % waits for what it rests on',
            NEW.sequence, NEW.change, NEW.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_waits_for_others';
    END IF;
    RETURN NULL;
END
$$
"""
"""What must have happened before a step, beside the state: answers, days, a consultation."""

CREATE_CHECK_NAMED = """
CREATE FUNCTION rulebook.check_change_named() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_market text := (SELECT market FROM rulebook.change WHERE number = NEW.change);
    written rulebook.revision%ROWTYPE;
BEGIN
    SELECT * INTO written FROM rulebook.revision
    WHERE change = NEW.change ORDER BY number DESC LIMIT 1;
    IF NEW.kind = 'assess' AND (jsonb_typeof(NEW.body -> 'trials') = 'object' AND NOT EXISTS (
        SELECT FROM jsonb_each_text(NEW.body -> 'trials') AS named
            LEFT JOIN settlement.trial ON trial.id::text = named.key
                AND encode(trial.digest, 'hex') = named.value AND trial.market = of_market
                AND trial.drafts @> jsonb_build_array(jsonb_build_object(
                    'digest', encode(written.draft_digest, 'hex')))
        WHERE trial.id IS NULL)) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'event % of change %: a trial is of another draft', NEW.sequence, NEW.change
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assessment_of_revision';
    END IF;
    IF NEW.kind = 'propose' AND NOT EXISTS (
        SELECT FROM people.proposal
        WHERE proposal.number = NEW.proposal AND proposal.kind = 'publication'
            AND proposal.market = of_market AND proposal.proposed_by = NEW.account
            AND proposal.content::jsonb -> 'documents' = (
                SELECT jsonb_object_agg(text.key, text.value -> 'digest')
                FROM jsonb_each(written.draft -> 'documents') AS text)
            AND (proposal.content::jsonb ->> 'valid_from')::timestamptz = written.valid_from
            AND (proposal.content::jsonb ->> 'valid_to')::timestamptz
                IS NOT DISTINCT FROM written.valid_to
            AND NOT EXISTS (
                SELECT FROM people.approval WHERE approval.proposal = proposal.number))
        OR NEW.kind = 'approve' AND NOT EXISTS (
        SELECT FROM people.approval JOIN rulebook.change_event AS proposed
            ON proposed.change = NEW.change AND proposed.proposal = approval.proposal
                AND proposed.kind = 'propose' AND proposed.revision_digest = written.digest
        WHERE approval.proposal = NEW.proposal AND approval.approved_by = NEW.account)
    THEN
        RAISE EXCEPTION 'event % of change %: proposal % is not of its last revision',
            NEW.sequence, NEW.change, NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'proposal_of_revision';
    END IF;
    RETURN NULL;
END
$$
"""
"""That trials and proposals which a step names are of exactly the last revision."""

# A proposal that no change made is approved as ever.
CREATE_CHECK_APPROVED = """
CREATE FUNCTION rulebook.check_change_approved() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proposed rulebook.change_event%ROWTYPE;
    written rulebook.revision%ROWTYPE;
    last rulebook.change_event%ROWTYPE;
BEGIN
    SELECT * INTO proposed FROM rulebook.change_event
    WHERE proposal = NEW.proposal AND kind = 'propose';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO written FROM rulebook.revision
    WHERE change = proposed.change ORDER BY number DESC LIMIT 1;
    SELECT * INTO last FROM rulebook.change_event
    WHERE change = proposed.change ORDER BY sequence DESC LIMIT 1;
    IF written.digest <> proposed.revision_digest OR last.state <> 'waiting for approval'
        OR last.sequence > proposed.sequence
    THEN
        RAISE EXCEPTION 'people.approval: proposal % is of an older state of change %, which is %',
            NEW.proposal, proposed.change, last.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_last_revision';
    END IF;
    IF NEW.approved_by = written.author
        OR people.person_of(NEW.approved_by) = people.person_of(written.author)
    THEN
        RAISE EXCEPTION 'people.approval: % approves proposal %, whose text is their own',
            NEW.approved_by, NEW.proposal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    RETURN NULL;
END
$$
"""

CREATE_CHECK_TOLD = """
CREATE FUNCTION rulebook.check_change_told() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored jsonb := to_jsonb(NEW);
BEGIN
    IF NOT (CASE TG_TABLE_NAME
        WHEN 'change' THEN EXISTS (
            SELECT FROM rulebook.change_event
            WHERE change = (stored ->> 'number')::bigint AND kind = 'open')
        WHEN 'revision' THEN EXISTS (
            SELECT FROM rulebook.change_event
            WHERE change = (stored ->> 'change')::bigint AND kind = 'revise'
                AND revision_digest = (stored ->> 'digest')::bytea)
        ELSE NOT EXISTS (
            SELECT FROM rulebook.change_event
            WHERE proposal = (stored ->> 'proposal')::bigint AND kind = 'propose')
            OR EXISTS (
            SELECT FROM rulebook.change_event
            WHERE proposal = (stored ->> 'proposal')::bigint AND kind = 'approve')
        END)
    THEN
        RAISE EXCEPTION '%.%: no step of a change says so', TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_is_told';
    END IF;
    RETURN NULL;
END
$$
"""
"""That what is stored beside the events has the step that says so, when its transaction ends."""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "rulebook.change_steps()": CREATE_CHANGE_STEPS,
        "rulebook.seen_changes()": CREATE_SEEN_CHANGES,
        "rulebook.seen_revisions()": CREATE_SEEN_REVISIONS,
        "rulebook.check_change_event()": CREATE_CHECK_EVENT,
        "rulebook.check_change_waits()": CREATE_CHECK_WAITS,
        "rulebook.check_change_named()": CREATE_CHECK_NAMED,
        "rulebook.check_change_approved()": CREATE_CHECK_APPROVED,
        "rulebook.check_change_told()": CREATE_CHECK_TOLD,
    }
)

ROW_CHECKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "rulebook.change_event": ("check_change_event", "check_change_waits", "check_change_named"),
        "people.approval": ("check_change_approved",),
    }
)
"""By table, the checks of each row as it is stored; they fire in the order of their names."""

TOLD = ("rulebook.change", "rulebook.revision", "people.approval")
"""The tables whose rows an event must tell of when their transaction ends."""
