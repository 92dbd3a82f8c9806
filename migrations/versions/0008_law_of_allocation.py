"""The law of allocation, kept against code that forgot to ask."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What is paid of a document, by all decisions together, lies between nothing and what it asks for.
# Money of documents moves by decisions alone, so their journals hold all of it.
CHECK_ALLOCATIONS = """
CREATE FUNCTION ledger.check_allocations() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    WITH touched AS (
        SELECT DISTINCT account.code, account.market, account.participant, account.subject
        FROM added
        JOIN ledger.posting ON posting.journal_number = added.journal_number
        JOIN ledger.account ON account.code = posting.account AND account.kind = 'paid'
    ), paid AS (
        SELECT touched.code, touched.market, touched.participant, touched.subject,
            -sum(posting.amount) AS micro
        FROM ledger.allocation
        JOIN ledger.posting ON posting.journal_number = allocation.journal_number
        JOIN touched ON touched.code = posting.account
        GROUP BY touched.code, touched.market, touched.participant, touched.subject
    )
    SELECT paid.subject, paid.micro, invoice.due_minor * invoice.minor_unit_micro AS due INTO breach
    FROM paid LEFT JOIN ledger.invoice
        ON invoice.market = paid.market AND invoice.participant = paid.participant
        AND paid.subject = invoice.series || '-'
            || lpad(invoice.number::text, greatest(6, length(invoice.number::text)), '0')
    WHERE invoice.number IS NULL OR NOT paid.micro BETWEEN
        least(0, invoice.due_minor * invoice.minor_unit_micro)
        AND greatest(0, invoice.due_minor * invoice.minor_unit_micro)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is paid % of %', breach.subject, breach.micro, coalesce(breach.due, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_fits_document';
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.execute(CHECK_ALLOCATIONS)
    op.execute(
        "CREATE TRIGGER check_batch AFTER INSERT ON ledger.allocation "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_allocations()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_batch ON ledger.allocation")
    op.execute("DROP FUNCTION ledger.check_allocations()")
