"""Changes of law: what somebody wants, its texts, and the steps from a problem to law."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from database.acting import check_actor
from database.changes import FUNCTIONS, ROW_CHECKS, TOLD
from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts
from database.row_security import secure_rows, unsecure_rows

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = {
    "rulebook.change": ("number", "opened_by"),
    "rulebook.revision": ("change || '/' || number", "author"),
    "rulebook.change_event": ("change || '/' || sequence", "account"),
}
"""By table, the key of its leaves, and the column that says who."""


def upgrade() -> None:
    create_changes()
    create_revisions()
    create_events()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for table, (key, actor) in TABLES.items():
        forbid_changes(op, table)
        log_facts(op, table, key)
        check_actor(op.execute, table, actor)
        secure_rows(op.execute, table)
    for table, names in ROW_CHECKS.items():
        for name in names:
            op.execute(
                f"CREATE TRIGGER {name} AFTER INSERT ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION rulebook.{name}()"
            )
    for table in TOLD:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER check_change_told AFTER INSERT ON {table} "
            "DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION rulebook.check_change_told()"
        )


def downgrade() -> None:
    for table in TOLD:
        op.execute(f"DROP TRIGGER check_change_told ON {table}")
    for table, names in ROW_CHECKS.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name} ON {table}")
    for table in TABLES:
        unsecure_rows(op.execute, table)
        op.execute(f"DROP TRIGGER check_actor ON {table}")
        forget_facts(op, table)
        allow_changes(op, table)
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
    for table in reversed(TABLES):
        op.drop_table(table.partition(".")[2], schema="rulebook")


def create_changes() -> None:
    op.create_table(
        "change",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(text, ("market", "title", "problem", "objectives", "do_nothing")),
        sa.Column("options", ARRAY(sa.Text), nullable=False),
        text("urgency"),
        text("opened_by"),
        sa.Column("participant", sa.Text),
        moment("opened_at"),
        digest(),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint(
            "btrim(title) <> '' AND btrim(problem) <> '' AND btrim(objectives) <> '' "
            "AND btrim(do_nothing) <> ''",
            name="says_what_and_why",
        ),
        sa.CheckConstraint("cardinality(options) >= 1", name="has_options"),
        sa.CheckConstraint(
            "length(title) <= 200 AND greatest(length(problem), length(objectives), "
            "length(do_nothing), length(urgency)) <= 20000",
            name="texts_are_bounded",
        ),
        digest_check(),
        schema="rulebook",
    )


def create_revisions() -> None:
    op.create_table(
        "revision",
        of_change(),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("parent", sa.BigInteger),
        moment("drawn_from"),
        moment("valid_from"),
        sa.Column("valid_to", sa.DateTime(timezone=True)),
        sa.Column("draft", JSONB(), nullable=False),
        digest("draft_digest"),
        text("author"),
        moment("made_at"),
        digest(),
        sa.UniqueConstraint("change", "digest"),
        # Of two that were made from one, one is refused.
        sa.UniqueConstraint("change", "parent"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint(
            "parent IS NOT DISTINCT FROM nullif(number - 1, 0)", name="parent_is_last"
        ),
        sa.CheckConstraint("valid_to > valid_from", name="validity_in_order"),
        sa.CheckConstraint("draft -> 'documents' IS NOT NULL", name="draft_has_documents"),
        digest_check("draft_digest"),
        digest_check(),
        schema="rulebook",
    )


def create_events() -> None:
    op.create_table(
        "change_event",
        of_change(),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(text, ("kind", "state", "account")),
        sa.Column("participant", sa.Text),
        moment("at"),
        text("reason"),
        sa.Column("revision_digest", sa.LargeBinary),
        sa.Column("answers", sa.BigInteger),
        sa.Column("proposal", sa.BigInteger, sa.ForeignKey("people.proposal.number")),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("previous_digest", sa.LargeBinary),
        digest(),
        sa.UniqueConstraint("change", "answers"),
        sa.ForeignKeyConstraint(
            ["change", "answers"],
            ["rulebook.change_event.change", "rulebook.change_event.sequence"],
        ),
        sa.ForeignKeyConstraint(
            ["change", "revision_digest"], ["rulebook.revision.change", "rulebook.revision.digest"]
        ),
        sa.CheckConstraint("sequence >= 1", name="sequence_is_positive"),
        sa.CheckConstraint("(sequence = 1) = (kind = 'open')", name="opening_is_first"),
        sa.CheckConstraint("(sequence = 1) = (previous_digest IS NULL)", name="follows_another"),
        sa.CheckConstraint(
            "btrim(reason) <> '' AND length(reason) <= 20000", name="reason_is_given"
        ),
        sa.CheckConstraint(
            "(revision_digest IS NULL) <= (kind IN ('open', 'withdraw'))", name="names_revision"
        ),
        sa.CheckConstraint("(answers IS NOT NULL) = (kind IN ('answer', 'reply'))", name="answers"),
        sa.CheckConstraint(
            "(proposal IS NOT NULL) = (kind IN ('propose', 'approve'))", name="names_proposal"
        ),
        sa.CheckConstraint("jsonb_typeof(body) = 'object'", name="body_is_object"),
        digest_check("previous_digest"),
        digest_check(),
        schema="rulebook",
    )
    op.create_index(
        "uq_change_event_proposed_once",
        "change_event",
        ["proposal"],
        unique=True,
        schema="rulebook",
        postgresql_where=sa.text("kind = 'propose'"),
    )


def of_change() -> "sa.Column[int]":
    key = sa.ForeignKey("rulebook.change.number")
    return sa.Column("change", sa.BigInteger, key, primary_key=True, autoincrement=False)


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def moment(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def digest(name: str = "digest") -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def digest_check(column: str = "digest") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_length")
