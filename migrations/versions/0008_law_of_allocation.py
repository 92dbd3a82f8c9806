"""The law of allocation, kept against code that forgot to ask."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What is paid of a document, by all decisions together, lies between nothing and what it asks for.
# Money of documents moves by decisions alone, so their journals hold all of it. A decision stands
# there before its postings come, so it is they that are checked.
CHECK_PAID = """
CREATE FUNCTION ledger.check_paid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    last bigint;
    breach record;
BEGIN
    -- Runs post by the hundred thousand and move no such account: nothing is looked for among them.
    SELECT min(journal_number), max(journal_number) INTO first, last FROM added;
    IF NOT EXISTS (
        SELECT FROM ledger.journal
        WHERE number BETWEEN first AND last AND cause_source = 'ledger.allocation'
    ) THEN
        RETURN NULL;
    END IF;
    WITH touched AS (
        SELECT DISTINCT account.code, account.market, account.participant, account.subject
        FROM added
        JOIN ledger.account ON account.code = added.account AND account.kind = 'paid'
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
    op.execute(CHECK_PAID)
    op.execute(
        "CREATE TRIGGER check_paid AFTER INSERT ON ledger.posting "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_paid()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER check_paid ON ledger.posting")
    op.execute("DROP FUNCTION ledger.check_paid()")
