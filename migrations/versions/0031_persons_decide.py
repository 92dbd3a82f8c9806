"""What two people decide is proposed by a person, and each step of a change is a person's.

A service has no person: whoever held its token, and an account of their own, was two. And trials of
the same days tell everybody no more together than each of them alone.
"""

from alembic import op

from database.changes import CREATE_CHECK_EVENT
from database.trial_access import CREATE_PUBLIC_TRIAL

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

CHECK_APPROVAL = """
CREATE OR REPLACE FUNCTION people.check_approval() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proposed people.proposal%ROWTYPE;
    approver bigint := people.person_of(NEW.approved_by);
    proposer bigint;
    grantee text;
BEGIN
    SELECT * INTO proposed FROM people.proposal WHERE number = NEW.proposal;
    proposer := people.person_of(proposed.proposed_by);
    IF proposed.kind = 'grant' THEN
        grantee := proposed.content::jsonb ->> 'account';
    END IF;
    IF approver IS NULL OR proposer IS NULL OR approver = proposer
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


def upgrade() -> None:
    op.execute(CHECK_APPROVAL)
    for definition in (CREATE_CHECK_EVENT, CREATE_PUBLIC_TRIAL):
        op.execute(definition.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    """Leave the functions: they refuse more and tell less."""
