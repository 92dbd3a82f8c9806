"""The transparency log: every published fact becomes a leaf, in the order of publication.

Facts that are there already become leaves table by table: versions of the rulebook by identity
(which rises with time), runs by the moment they were made, journals by number, documents by series
and number.
"""

import sqlalchemy as sa
from alembic import op

from database.guards import REFUSAL_SQLSTATE, allow_changes, forbid_changes
from database.logged import FUNCTIONS, forget_facts, log_facts

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FACTS = {
    "rulebook.version": ("id", "row_digest"),
    "settlement.run": ("id", "digest", "created_at, id"),
    "ledger.journal": ("number", "digest"),
    "ledger.invoice": (
        "series || '-' || lpad(number::text, greatest(6, length(number::text)), '0')",
        "digest",
    ),
}

# A leaf without a fact could never be taken back, so none is appended but by a fact's own trigger.
ONLY_BY_FACTS = f"""
CREATE FUNCTION ledger.only_by_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'ledger.log_leaf is append-only, by the facts themselves: INSERT is '
            'refused; publish a fact instead'
            USING ERRCODE = '{REFUSAL_SQLSTATE}';
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "log_leaf",
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("source", "key"),
        sa.CheckConstraint("index >= 0", name="index_is_not_negative"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        sa.CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash_is_sha256"),
        sa.Index(None, "digest"),
        schema="ledger",
    )
    for definition in (*FUNCTIONS.values(), ONLY_BY_FACTS):
        op.execute(definition)
    forbid_changes(op, "ledger.log_leaf")
    op.execute(
        "CREATE TRIGGER only_by_facts BEFORE INSERT ON ledger.log_leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.only_by_facts()"
    )
    for table, of_fact in FACTS.items():
        log_facts(op, table, *of_fact)


def downgrade() -> None:
    for table in reversed(FACTS):
        forget_facts(op, table)
    allow_changes(op, "ledger.log_leaf")
    op.drop_table("log_leaf", schema="ledger")
    for function in ("only_by_facts()", *reversed(FUNCTIONS)):
        op.execute(f"DROP FUNCTION ledger.{function}")
