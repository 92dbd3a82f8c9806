"""A proposal is withdrawn by who made it, or rejected by another person, and is approved no more.

Its participants are told: of a change of who is paid, and of the end of their registration. And
trials that share some days tell everybody no sum whose difference would be withheld; and the law of
a day is found by an index for those whose rows have policies, too.
"""

import sqlalchemy as sa
from alembic import op

from database.acting import actor_trigger
from database.guards import allow_changes, forbid_changes
from database.known_law import CREATE_VERSIONS_WITHIN, FUNCTION
from database.logged import forget_facts, log_facts
from database.moments import check_moment
from database.payees import CREATE_PROPOSED_PAYEES as BEFORE
from database.proposal_ends import CHECKS, CREATE_PROPOSED_ENDINGS, CREATE_PROPOSED_PAYEES
from database.row_security import secure_rows, unsecure_rows
from database.trial_access import CREATE_PUBLIC_TRIAL

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ENDS = "people.proposal_end"
GUARDED = {
    ENDS: "check_proposal_end",
    "people.approval": "check_not_ended",
    "people.answer": "check_not_ended",
}
"""By table, the check of each row as it is stored."""


def upgrade() -> None:
    create_ends()
    for definition in CHECKS.values():
        op.execute(definition)
    forbid_changes(op, ENDS)
    log_facts(op, ENDS, "proposal")
    actor_trigger(op.execute, ENDS, "ended_by", ("operator", "regulator"))
    check_moment(op.execute, ENDS)
    secure_rows(op.execute, ENDS)
    for table, name in GUARDED.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION people.{name}()"
        )
    op.execute("DROP FUNCTION people.proposed_payees(bigint[])")
    op.execute(CREATE_PROPOSED_PAYEES)
    op.execute(CREATE_PROPOSED_ENDINGS)
    op.execute(CREATE_VERSIONS_WITHIN)
    op.execute(CREATE_PUBLIC_TRIAL.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {FUNCTION}")
    op.execute("DROP FUNCTION people.proposed_endings()")
    op.execute("DROP FUNCTION people.proposed_payees(bigint[])")
    op.execute(BEFORE)
    for table, name in GUARDED.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    unsecure_rows(op.execute, ENDS)
    op.execute(f"DROP TRIGGER check_moment ON {ENDS}")
    op.execute(f"DROP TRIGGER check_actor ON {ENDS}")
    forget_facts(op, ENDS)
    allow_changes(op, ENDS)
    for name in reversed(CHECKS):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_table("proposal_end", schema="people")


def create_ends() -> None:
    op.create_table(
        "proposal_end",
        sa.Column(
            "proposal",
            sa.BigInteger,
            sa.ForeignKey("people.proposal.number"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("ended_by", sa.Text, sa.ForeignKey("people.account.id"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("outcome IN ('withdrawn', 'rejected')", name="outcome_is_known"),
        sa.CheckConstraint(
            "btrim(reason) <> '' AND length(reason) <= 20000", name="reason_is_given"
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="people",
    )
