"""Transition reports: kept for ever, leaves of the log; everybody reads what they tell all."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts
from database.moments import check_moment
from database.row_security import secure_rows, unsecure_rows
from database.transition_access import FUNCTIONS

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLE = "settlement.transition_report"


def upgrade() -> None:
    def column(name: str, kind: "sa.types.TypeEngine[object] | type") -> "sa.Column[object]":
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "transition_report",
        sa.Column("id", sa.Uuid, primary_key=True),
        column("market", sa.Text),
        column("run_id", sa.Uuid),
        column("first_day", sa.Date),
        column("last_day", sa.Date),
        column("prices", JSONB()),
        column("input_digest", sa.LargeBinary),
        column("report", JSONB()),
        column("created_at", sa.DateTime(timezone=True)),
        column("digest", sa.LargeBinary),
        sa.CheckConstraint("last_day >= first_day", name="days_in_order"),
        sa.CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    forbid_changes(op, TABLE)
    log_facts(op, TABLE, "id")
    check_moment(op.execute, TABLE)
    secure_rows(op.execute, TABLE)
    for statement in FUNCTIONS.values():
        op.execute(statement)


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    unsecure_rows(op.execute, TABLE)
    op.execute(f"DROP TRIGGER check_moment ON {TABLE}")
    forget_facts(op, TABLE)
    allow_changes(op, TABLE)
    op.drop_table("transition_report", schema="settlement")
