"""Whoever acts, acts as itself: rows name the account that acts, and law its approval."""

import sqlalchemy as sa
from alembic import op

from database.acting import actor_trigger, check_actor

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MANAGERS = ("operator", "regulator")

ACTORS = (
    ("people.person", "recorded_by", MANAGERS),
    ("people.account", "recorded_by", MANAGERS),
    ("people.proposal", "proposed_by", MANAGERS),
    ("people.approval", "approved_by", ()),
    ("people.withdrawal", "withdrawn_by", MANAGERS),
    ("people.deed", "account", ()),
    ("ledger.seal", "sealed_by", ("operator",)),
    ("ledger.bank_file", "received_by", ("operator",)),
    ("ledger.allocation", "decided_by", ("operator",)),
    ("ledger.dispute_event", "actor", ()),
)
"""What says who did it, and the roles of which they hold one."""

# Who stands in no row was made by the founding, in its transaction.
CHECK_RECORDED = """
CREATE FUNCTION people.check_recorded() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.recorded_by IS NULL AND NOT EXISTS (
        SELECT FROM people.founding JOIN people.account
            ON account.id IN (founding.operator, founding.regulator)
        WHERE founding.founded_at = NEW.recorded_at
            AND CASE TG_TABLE_NAME
                WHEN 'account' THEN account.id = to_jsonb(NEW) ->> 'id'
                ELSE account.person = (to_jsonb(NEW) ->> 'number')::bigint END
    ) THEN
        RAISE EXCEPTION 'people.%: nobody recorded it, and it is not of the founding', TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recorded_by_someone';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_FOUNDING = """
CREATE FUNCTION people.check_founding() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF people.person_of(NEW.operator) IS NULL OR people.person_of(NEW.regulator) IS NULL
        OR people.person_of(NEW.operator) = people.person_of(NEW.regulator)
    THEN
        RAISE EXCEPTION 'people.founding: % and % are not two people', NEW.operator, NEW.regulator
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_APPROVAL = """
CREATE FUNCTION people.check_approval() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proposed people.proposal%ROWTYPE;
    approver bigint := people.person_of(NEW.approved_by);
    grantee text;
BEGIN
    SELECT * INTO proposed FROM people.proposal WHERE number = NEW.proposal;
    IF proposed.kind = 'grant' THEN
        grantee := proposed.content::jsonb ->> 'account';
    END IF;
    IF approver IS NULL
        OR approver IS NOT DISTINCT FROM people.person_of(proposed.proposed_by)
        OR approver IS NOT DISTINCT FROM people.person_of(grantee)
    THEN
        RAISE EXCEPTION 'people.approval: % approves proposal % of %; another person must',
            NEW.approved_by, NEW.proposal, proposed.proposed_by
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_people';
    END IF;
    IF NOT people.holds_role(NEW.approved_by, CASE
        WHEN proposed.kind <> 'grant' THEN ARRAY['regulator']
        ELSE ARRAY['operator', 'regulator'] END)
    THEN
        RAISE EXCEPTION 'people.approval: % holds no role that approves a %',
            NEW.approved_by, proposed.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_role';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_GRANT = """
CREATE FUNCTION people.check_grant() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (CASE WHEN NEW.approval IS NULL
        THEN EXISTS (
            SELECT FROM people.founding
            WHERE founded_at = NEW.granted_at AND CASE NEW.role
                WHEN 'operator' THEN operator = NEW.account
                WHEN 'regulator' THEN regulator = NEW.account
                ELSE false END)
        ELSE EXISTS (
            SELECT FROM people.approval JOIN people.proposal ON proposal.number = approval.proposal
            WHERE approval.proposal = NEW.approval AND proposal.kind = 'grant'
                AND approval.approved_by = people.acting()
                AND proposal.content::jsonb @> jsonb_build_object(
                    'account', NEW.account, 'role', NEW.role,
                    'market', NEW.market, 'participant', NEW.participant))
        END)
    THEN
        RAISE EXCEPTION 'people.account_grant %: no approval says that % is %',
            NEW.number, NEW.account, NEW.role
            USING ERRCODE = 'check_violation', CONSTRAINT = 'grant_is_approved';
    END IF;
    RETURN NULL;
END
$$
"""

# Of the statement: the content of a proposal is read once for all that it publishes. What remains
# of an older version keeps its names; its approval is that of the publication that it came from.
CHECK_DECIDED = """
CREATE FUNCTION rulebook.check_decided() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    breach record;
BEGIN
    WITH decided AS MATERIALIZED (
        SELECT proposal.number, proposal.kind, proposal.market, proposed_by, approved_by,
            content::jsonb AS content
        FROM people.approval JOIN people.proposal ON proposal.number = approval.proposal
        WHERE proposal.number IN (SELECT approval FROM added)
    ), named AS MATERIALIZED (
        SELECT decided.number, text.key AS instrument, decode(text.value, 'hex') AS digest
        FROM decided, jsonb_each_text(decided.content -> 'documents') AS text
    )
    SELECT added.instrument, added.approval INTO breach
    FROM added LEFT JOIN decided ON decided.number = added.approval
        LEFT JOIN named ON named.number = added.approval AND named.instrument = added.instrument
    WHERE (
        decided.market = added.market AND decided.proposed_by = added.author
        AND decided.approved_by = added.approver
        AND CASE
            WHEN added.origin IS NOT NULL THEN EXISTS (
                SELECT FROM rulebook.version AS origin
                WHERE origin.id = added.origin AND origin.digest = added.digest
                    AND origin.approval = added.approval)
            WHEN decided.kind = 'publication' THEN
                decided.approved_by = people.acting() AND named.digest = added.digest
                AND lower(added.valid) = (decided.content ->> 'valid_from')::timestamptz
                AND upper(added.valid)
                    IS NOT DISTINCT FROM (decided.content ->> 'valid_to')::timestamptz
                AND added.reason = decided.content ->> 'reason'
            WHEN decided.kind = 'ending' THEN
                decided.approved_by = people.acting()
                AND added.instrument = decided.content ->> 'instrument'
                AND upper(added.valid) = (decided.content ->> 'ends')::timestamptz
                AND added.reason = decided.content ->> 'reason'
                AND EXISTS (
                    SELECT FROM rulebook.version AS before
                    WHERE before.id = ANY (added.supersedes) AND before.digest = added.digest
                        AND lower(before.valid) = lower(added.valid))
            ELSE false END
    ) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'rulebook.version %: proposal % and its approval do not say so',
            breach.instrument, breach.approval
            USING ERRCODE = 'check_violation', CONSTRAINT = 'version_is_decided';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_PARTY = """
CREATE FUNCTION ledger.check_party() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (CASE NEW.role
        WHEN 'participant' THEN EXISTS (
            SELECT FROM ledger.dispute
            WHERE dispute.market = NEW.market AND dispute.number = NEW.dispute_number
                AND people.acts_for(NEW.actor, NEW.market, dispute.participant))
        ELSE people.holds_role(NEW.actor, ARRAY[NEW.role]) END)
    THEN
        RAISE EXCEPTION 'event % of %: % is not the %', NEW.number, NEW.market, NEW.actor, NEW.role
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_role';
    END IF;
    IF EXISTS (
        SELECT FROM ledger.dispute_event AS event
        WHERE event.market = NEW.market AND event.dispute_number = NEW.dispute_number
            AND people.person_of(event.actor) IS NOT DISTINCT FROM people.person_of(NEW.actor)
            AND (event.action = 'open' AND NEW.action IN ('accept', 'reject', 'uphold', 'refuse')
                OR event.action IN ('accept', 'reject') AND NEW.action IN ('uphold', 'refuse'))
    ) THEN
        RAISE EXCEPTION 'event % of %: % acts for both sides', NEW.number, NEW.market, NEW.actor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_has_two_sides';
    END IF;
    RETURN NULL;
END
$$
"""

TRIGGERS = {
    "people.person": ("check_recorded", "people.check_recorded", True),
    "people.account": ("check_recorded", "people.check_recorded", True),
    "people.founding": ("check_founding", "people.check_founding", False),
    "people.approval": ("check_approval", "people.check_approval", False),
    "people.account_grant": ("check_grant", "people.check_grant", False),
    "ledger.dispute_event": ("check_party", "ledger.check_party", False),
}
"""By table: the trigger of its rows, its function, and whether it waits for the commit."""

CHECKS = (CHECK_RECORDED, CHECK_FOUNDING, CHECK_APPROVAL, CHECK_GRANT, CHECK_DECIDED, CHECK_PARTY)


def upgrade() -> None:
    decide_versions()
    for definition in CHECKS:
        op.execute(definition)
    for table, column, roles in ACTORS:
        install = actor_trigger if table.startswith("people.") else check_actor
        install(op.execute, table, column, roles)
    for table, (name, function, waits) in TRIGGERS.items():
        kind = "CONSTRAINT TRIGGER" if waits else "TRIGGER"
        when = "DEFERRABLE INITIALLY DEFERRED " if waits else ""
        op.execute(
            f"CREATE {kind} {name} AFTER INSERT ON {table} {when}"
            f"FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    op.execute(
        "CREATE TRIGGER check_decided AFTER INSERT ON rulebook.version "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION rulebook.check_decided()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_decided ON rulebook.version")
    for table, (name, _, _) in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for table, column, _ in ACTORS:
        op.execute(f"DROP TRIGGER check_actor ON {table}")
        if not table.startswith("people."):
            constraint = f"fk_{table.partition('.')[2]}_{column}"
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    for function in ("rulebook.check_decided", "ledger.check_party"):
        op.execute(f"DROP FUNCTION {function}()")
    for name in ("check_recorded", "check_founding", "check_approval", "check_grant"):
        op.execute(f"DROP FUNCTION people.{name}()")
    leave_versions()


def decide_versions() -> None:
    """Let a version name its approval, and accounts in place of names."""
    for name in ("four_eyes", "decided_by_someone"):
        op.drop_constraint(op.f(f"ck_version_{name}"), "version", schema="rulebook")
    column = sa.Column("approval", sa.BigInteger, nullable=False)
    op.add_column("version", column, schema="rulebook")
    for column, target in (
        ("author", "account.id"),
        ("approver", "account.id"),
        ("approval", "approval.proposal"),
    ):
        table, _, key = target.partition(".")
        op.create_foreign_key(
            op.f(f"fk_version_{column}"), "version", table, [column], [key],
            source_schema="rulebook", referent_schema="people",
        )  # fmt: skip


def leave_versions() -> None:
    """Undo `decide_versions`."""
    op.drop_column("version", "approval", schema="rulebook")
    for column in ("author", "approver"):
        name = op.f(f"fk_version_{column}")
        op.drop_constraint(name, "version", schema="rulebook")
    checks = {
        "four_eyes": "public.person_key(author) <> public.person_key(approver)",
        "decided_by_someone": (
            "public.person_key(author) <> '' AND public.person_key(approver) <> ''"
        ),
    }
    for name, check in checks.items():
        op.create_check_constraint(op.f(f"ck_version_{name}"), "version", check, schema="rulebook")
