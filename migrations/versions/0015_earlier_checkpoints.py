"""A document seals the newest checkpoint before it: what is printed names a signed root."""

import sqlalchemy as sa
from alembic import op

from database.guards import fix_search_path

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A checkpoint is made under the lock of the ledger, and so is a document: none comes in between.
CHECK_CHECKPOINTS = """
CREATE FUNCTION ledger.check_sealed_checkpoints() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.series, added.number, last.size
    INTO breach
    FROM added
    LEFT JOIN (SELECT size, root FROM ledger.checkpoint ORDER BY size DESC LIMIT 1) AS last ON true
    WHERE added.checkpoint_size IS DISTINCT FROM last.size
        OR added.checkpoint_root IS DISTINCT FROM last.root
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'document % %: it does not seal the newest checkpoint, of % leaves',
            breach.series, breach.number, coalesce(breach.size, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_seals_newest_checkpoint';
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.add_column("invoice", sa.Column("checkpoint_size", sa.BigInteger), schema="ledger")
    op.add_column("invoice", sa.Column("checkpoint_root", sa.LargeBinary), schema="ledger")
    op.create_foreign_key(
        None,
        "invoice",
        "checkpoint",
        ["checkpoint_size"],
        ["size"],
        source_schema="ledger",
        referent_schema="ledger",
    )
    op.create_check_constraint(
        "checkpoint_is_whole",
        "invoice",
        "(checkpoint_size IS NULL) = (checkpoint_root IS NULL)",
        schema="ledger",
    )
    op.create_check_constraint(
        "checkpoint_root_is_sha256",
        "invoice",
        "octet_length(checkpoint_root) = 32",
        schema="ledger",
    )
    op.execute(CHECK_CHECKPOINTS)
    fix_search_path(op, "ledger.check_sealed_checkpoints")
    op.execute(
        "CREATE TRIGGER check_sealed_checkpoints AFTER INSERT ON ledger.invoice "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_sealed_checkpoints()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_sealed_checkpoints ON ledger.invoice")
    op.execute("DROP FUNCTION ledger.check_sealed_checkpoints()")
    op.drop_column("invoice", "checkpoint_root", schema="ledger")
    op.drop_column("invoice", "checkpoint_size", schema="ledger")
