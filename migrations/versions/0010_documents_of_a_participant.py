"""Documents are counted by participant, without gaps, so that none can be kept from its own."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Two of one number the unique constraint refuses; so there is none without the one before it.
CHECK_PARTICIPANT_NUMBERS = """
CREATE FUNCTION ledger.check_participant_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.market, added.participant, added.participant_number
    INTO breach
    FROM added
    WHERE added.participant_number > 1 AND NOT EXISTS (
        SELECT FROM ledger.invoice AS earlier
        WHERE earlier.market = added.market AND earlier.participant = added.participant
            AND earlier.participant_number = added.participant_number - 1)
    ORDER BY added.market, added.participant, added.participant_number
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'document % of % in % does not follow the one before',
            breach.participant_number, breach.participant, breach.market
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_counted';
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.add_column(
        "invoice",
        sa.Column("participant_number", sa.BigInteger, nullable=False),
        schema="ledger",
    )
    op.create_check_constraint(
        "participant_number_is_positive", "invoice", "participant_number >= 1", schema="ledger"
    )
    op.create_unique_constraint(
        None, "invoice", ["market", "participant", "participant_number"], schema="ledger"
    )
    op.execute(CHECK_PARTICIPANT_NUMBERS)
    op.execute(
        "CREATE TRIGGER check_participant_numbers AFTER INSERT ON ledger.invoice "
        "REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
        "EXECUTE FUNCTION ledger.check_participant_numbers()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_participant_numbers ON ledger.invoice")
    op.execute("DROP FUNCTION ledger.check_participant_numbers()")
    op.drop_column("invoice", "participant_number", schema="ledger")
