"""Who is paid: a participant's word on a change of its account, name or tax number."""

import sqlalchemy as sa
from alembic import op

from database.acting import actor_trigger
from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts
from database.payees import FUNCTIONS
from database.row_security import secure_rows, unsecure_rows

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ANSWER = "people.answer"


def upgrade() -> None:
    create_answers()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    forbid_changes(op, ANSWER)
    log_facts(op, ANSWER, "number")
    actor_trigger(op.execute, ANSWER, "answered_by")
    secure_rows(op.execute, ANSWER)
    for table, name in ((ANSWER, "check_answer"), ("people.approval", "check_objection")):
        op.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION people.{name}()"
        )
    op.execute(
        "CREATE TRIGGER check_payees AFTER INSERT ON rulebook.version "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION rulebook.check_payees()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_payees ON rulebook.version")
    op.execute("DROP TRIGGER check_objection ON people.approval")
    op.execute(f"DROP TRIGGER check_answer ON {ANSWER}")
    unsecure_rows(op.execute, ANSWER)
    op.execute(f"DROP TRIGGER check_actor ON {ANSWER}")
    forget_facts(op, ANSWER)
    allow_changes(op, ANSWER)
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_table("answer", schema="people")


def create_answers() -> None:
    op.create_table(
        "answer",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("proposal", sa.BigInteger, nullable=False),
        sa.Column("content_digest", sa.LargeBinary, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("participant", sa.Text, nullable=False),
        sa.Column("agrees", sa.Boolean, nullable=False),
        sa.Column("answered_by", sa.Text, sa.ForeignKey("people.account.id"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("proposal", "participant", "agrees"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        sa.ForeignKeyConstraint(
            ["proposal", "content_digest"],
            ["people.proposal.number", "people.proposal.content_digest"],
        ),
        schema="people",
    )
