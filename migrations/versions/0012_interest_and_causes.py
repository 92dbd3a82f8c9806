"""Interest has rows of its own, what causes money is a leaf, and causes name their journals."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

FACTS = {
    "ledger.allocation": (
        "market || '-bank-' || lpad(statement_number::text, greatest(6, "
        "length(statement_number::text)), '0') || '/' || line || ':' || decision"
    ),
    "ledger.interest": "document || ':' || number",
}

# That the cause was published, the foreign key to its leaf holds; this holds that it is the cause
# of this journal. A run has many, so it is held to what it computed: market, kind and days.
CHECK_CAUSES = """
CREATE FUNCTION ledger.check_causes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.number, added.cause_source, added.cause_key
    INTO breach
    FROM added
    WHERE NOT CASE added.cause_source
        WHEN 'settlement.run' THEN EXISTS (
            SELECT FROM settlement.run
            WHERE run.id = added.run_id AND run.market = added.market
                AND run.kind = added.run_kind
                AND added.settlement_day BETWEEN run.first_day AND run.last_day)
        WHEN 'ledger.invoice' THEN added.settlement_day IS NULL AND EXISTS (
            SELECT FROM ledger.invoice
            WHERE invoice.journal_number = added.number AND invoice.market = added.market
                AND invoice.digest = added.cause_digest)
        WHEN 'ledger.allocation' THEN added.settlement_day IS NULL AND EXISTS (
            SELECT FROM ledger.allocation
            WHERE allocation.journal_number = added.number AND allocation.market = added.market
                AND allocation.digest = added.cause_digest)
        WHEN 'ledger.interest' THEN EXISTS (
            SELECT FROM ledger.interest
            WHERE interest.journal_number = added.number AND interest.market = added.market
                AND interest.until = added.settlement_day
                AND interest.digest = added.cause_digest)
        WHEN 'ledger.seal' THEN added.settlement_day IS NULL AND added.posting_count = 0
            AND EXISTS (
                SELECT FROM ledger.seal
                WHERE seal.journal_number = added.number AND seal.market = added.market
                    AND seal.digest = added.cause_digest)
        ELSE false
        END
    ORDER BY added.number
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal %: it is not the journal of % %',
            breach.number, breach.cause_source, breach.cause_key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'cause_names_journal';
    END IF;
    RETURN NULL;
END
$$
"""


def create_interest_table() -> None:
    def whole(name: str) -> "sa.Column[int]":
        return sa.Column(name, sa.BigInteger, nullable=False)

    op.create_table(
        "interest",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until", sa.Date, nullable=False),
        *map(whole, ("borne_micro", "annual_rate_ppm", "days_in_year", "grace_days")),
        # Deferred: interest is the cause of its journal, and comes before it.
        sa.Column(
            "journal_number",
            sa.BigInteger,
            sa.ForeignKey("ledger.journal.number", deferrable=True, initially="DEFERRED"),
            nullable=False,
            unique=True,
        ),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("document", "number"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("annual_rate_ppm >= 0", name="rate_is_not_negative"),
        sa.CheckConstraint("days_in_year >= 1", name="year_has_days"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )


def upgrade() -> None:
    create_interest_table()
    forbid_changes(op, "ledger.interest")
    for table, key in FACTS.items():
        log_facts(op, table, key)
    op.execute(CHECK_CAUSES)
    op.execute(
        "CREATE TRIGGER check_causes AFTER INSERT ON ledger.journal REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_causes()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_causes ON ledger.journal")
    op.execute("DROP FUNCTION ledger.check_causes()")
    for table in reversed(FACTS):
        forget_facts(op, table)
    allow_changes(op, "ledger.interest")
    op.drop_table("interest", schema="ledger")
