"""Accounts, journals, postings and invoices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from database.guards import allow_changes, forbid_changes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("account", "journal", "posting", "invoice", "invoice_line")

# A journal (or an invoice) counts its rows and they all come in one statement, so a row can
# never be added to an older one: the statement would not hold the other rows.
CHECK_POSTINGS = """
CREATE FUNCTION ledger.check_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.journal_number, count(*) AS found, min(journal.posting_count) AS expected
    INTO breach
    FROM added LEFT JOIN ledger.journal ON journal.number = added.journal_number
    GROUP BY added.journal_number
    HAVING count(*) IS DISTINCT FROM min(journal.posting_count)
        OR min(added.line) <> 1 OR max(added.line) <> count(*)
    ORDER BY added.journal_number
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal %: % postings in one statement, not lines 1 to %',
            breach.journal_number, breach.found, coalesce(breach.expected, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_is_complete';
    END IF;
    SELECT added.journal_number, account.commodity, sum(added.amount) AS total
    INTO breach
    FROM added JOIN ledger.account ON account.code = added.account
    GROUP BY added.journal_number, account.commodity
    HAVING sum(added.amount) <> 0
    ORDER BY added.journal_number, account.commodity
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal %: % sums to %',
            breach.journal_number, breach.commodity, breach.total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_JOURNALS = """
CREATE FUNCTION ledger.check_journals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.number
    INTO breach
    FROM added LEFT JOIN ledger.journal AS earlier ON earlier.number = added.number - 1
    WHERE added.previous_digest IS DISTINCT FROM coalesce(
        earlier.digest, CASE added.number WHEN 1 THEN decode(repeat('00', 32), 'hex') END)
    ORDER BY added.number
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % does not follow journal %', breach.number, breach.number - 1
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_follows';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_JOURNAL_HAS_POSTINGS = """
CREATE FUNCTION ledger.check_journal_has_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.posting WHERE journal_number = NEW.number) THEN
        RAISE EXCEPTION 'journal %: none of its % postings arrived', NEW.number, NEW.posting_count
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_is_complete';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_INVOICE_LINES = """
CREATE FUNCTION ledger.check_invoice_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.invoice_id, count(*) AS found, min(invoice.line_count) AS expected,
        sum(added.amount_micro) AS total, min(invoice.amount_micro) AS amount
    INTO breach
    FROM added LEFT JOIN ledger.invoice ON invoice.id = added.invoice_id
    GROUP BY added.invoice_id
    HAVING count(*) IS DISTINCT FROM min(invoice.line_count)
        OR min(added.line) <> 1 OR max(added.line) <> count(*)
        OR sum(added.amount_micro) IS DISTINCT FROM min(invoice.amount_micro)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'invoice %: % lines in one statement sum to %, not % lines to %',
            breach.invoice_id, breach.found, breach.total, breach.expected, breach.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_complete';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_INVOICES = """
CREATE FUNCTION ledger.check_invoices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.series, added.number
    INTO breach
    FROM added LEFT JOIN ledger.invoice AS earlier
        ON earlier.series = added.series AND earlier.number = added.number - 1
    WHERE added.previous_digest IS DISTINCT FROM coalesce(
        earlier.digest, CASE added.number WHEN 1 THEN decode(repeat('00', 32), 'hex') END)
    ORDER BY added.series, added.number
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'invoice % of series % does not follow the one before',
            breach.number, breach.series
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_follows';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_INVOICE_HAS_LINES = """
CREATE FUNCTION ledger.check_invoice_has_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.invoice_line WHERE invoice_id = NEW.id) THEN
        RAISE EXCEPTION 'invoice %: none of its % lines arrived', NEW.id, NEW.line_count
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_complete';
    END IF;
    RETURN NULL;
END
$$
"""

FUNCTIONS = {
    "check_postings": CHECK_POSTINGS,
    "check_journals": CHECK_JOURNALS,
    "check_journal_has_postings": CHECK_JOURNAL_HAS_POSTINGS,
    "check_invoice_lines": CHECK_INVOICE_LINES,
    "check_invoices": CHECK_INVOICES,
    "check_invoice_has_lines": CHECK_INVOICE_HAS_LINES,
}
BATCH_CHECKS = {
    "posting": "check_postings",
    "journal": "check_journals",
    "invoice_line": "check_invoice_lines",
    "invoice": "check_invoices",
}
COMMIT_CHECKS = {
    ("journal", "posting_count > 0"): ("journal_is_complete", "check_journal_has_postings"),
    ("invoice", "line_count > 0"): ("invoice_is_complete", "check_invoice_has_lines"),
}


def upgrade() -> None:
    create_journal_tables()
    create_invoice_tables()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for table, function in BATCH_CHECKS.items():
        op.execute(
            f"CREATE TRIGGER check_batch AFTER INSERT ON ledger.{table} "
            "REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger.{function}()"
        )
    for (table, condition), (name, function) in COMMIT_CHECKS.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON ledger.{table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            f"WHEN (NEW.{condition}) EXECUTE FUNCTION ledger.{function}()"
        )
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")


def downgrade() -> None:
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION ledger.{function}()")


def digest_check(column: str = "digest") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")


def text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable)


def digest(name: str = "digest") -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def create_journal_tables() -> None:
    op.create_table(
        "account",
        sa.Column("code", sa.Text, primary_key=True),
        text("market"),
        text("participant", nullable=True),
        text("kind"),
        text("subject"),
        text("commodity"),
        digest(),
        sa.CheckConstraint(
            "code = market || ':' || commodity || ':' || coalesce(participant, '-')"
            " || ':' || kind || ':' || subject",
            name="code_is_made_of_its_parts",
        ),
        sa.CheckConstraint(
            "market || commodity || coalesce(participant, '') || kind || subject !~ '[:[:space:]]'",
            name="parts_are_names",
        ),
        digest_check(),
        sa.Index(None, "participant", "market"),
        schema="ledger",
    )
    op.create_table(
        "journal",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Uuid, nullable=False, unique=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        text("market"),
        sa.Column("settlement_day", sa.Date),
        sa.Column("run_id", sa.Uuid),
        text("run_kind", nullable=True),
        text("reason"),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posting_count", sa.Integer, nullable=False),
        digest("input_digest"),
        digest("previous_digest"),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.UniqueConstraint("market", "settlement_day", "run_kind"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("posting_count >= 0", name="posting_count_is_not_negative"),
        sa.CheckConstraint(
            "(run_id IS NULL) = (run_kind IS NULL)"
            " AND (run_kind IS NULL OR settlement_day IS NOT NULL)",
            name="run_is_named",
        ),
        digest_check("input_digest"),
        digest_check("previous_digest"),
        digest_check(),
        sa.Index(None, "run_id"),
        schema="ledger",
    )
    op.create_table(
        "posting",
        sa.Column(
            "journal_number",
            sa.BigInteger,
            sa.ForeignKey("ledger.journal.number"),
            primary_key=True,
        ),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "account", sa.Text, sa.ForeignKey("ledger.account.code"), nullable=False, index=True
        ),
        sa.Column("amount", sa.BigInteger, nullable=False),
        digest(),
        sa.CheckConstraint("line >= 1", name="line_is_positive"),
        sa.CheckConstraint("amount <> 0", name="amount_moves"),
        digest_check(),
        schema="ledger",
    )


def create_invoice_tables() -> None:
    amounts = ("minor_unit_micro", "amount_micro", "rounding_micro", "net_minor")
    tax = ("tax_rate_ppm", "tax_minor", "due_minor")
    op.create_table(
        "invoice",
        sa.Column("series", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Uuid, nullable=False, unique=True),
        text("kind"),
        text("market"),
        text("participant"),
        sa.Column("billing_month", sa.Date, nullable=False),
        sa.Column("original", sa.Uuid, sa.ForeignKey("ledger.invoice.id")),
        sa.Column("run_id", sa.Uuid),
        sa.Column(
            "last_journal_number",
            sa.BigInteger,
            sa.ForeignKey("ledger.journal.number"),
            nullable=False,
        ),
        sa.Column(
            "journal_number", sa.BigInteger, sa.ForeignKey("ledger.journal.number"), unique=True
        ),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        text("currency"),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in amounts),
        text("tax_category"),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in tax),
        sa.Column("line_count", sa.Integer, nullable=False),
        digest("previous_digest"),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.CheckConstraint(
            "kind IN ('invoice', 'credit note', 'debit note', 'self-billed invoice',"
            " 'self-billed credit note', 'self-billed debit note')",
            name="kind_is_known",
        ),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("line_count >= 1", name="line_count_is_positive"),
        sa.CheckConstraint(
            "extract(day FROM billing_month) = 1", name="billing_month_is_first_day"
        ),
        sa.CheckConstraint(
            "(original IS NULL) = (kind IN ('invoice', 'self-billed invoice'))",
            name="note_names_original",
        ),
        sa.CheckConstraint(
            "amount_micro::numeric + rounding_micro = net_minor::numeric * minor_unit_micro",
            name="net_is_amount_rounded",
        ),
        sa.CheckConstraint("net_minor + tax_minor = due_minor", name="due_is_net_and_tax"),
        digest_check("previous_digest"),
        digest_check(),
        sa.Index(None, "participant", "market", "billing_month"),
        schema="ledger",
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Uuid, sa.ForeignKey("ledger.invoice.id"), primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        text("kind"),
        text("subject"),
        text("description"),
        sa.Column("quantity", sa.BigInteger),
        text("quantity_unit", nullable=True),
        sa.Column("amount_micro", sa.BigInteger, nullable=False),
        sa.Column("clauses", ARRAY(sa.Text), nullable=False),
        sa.Column("rule_digests", ARRAY(sa.LargeBinary), nullable=False),
        digest(),
        sa.CheckConstraint("line >= 1", name="line_is_positive"),
        sa.CheckConstraint(
            "(quantity IS NULL) = (quantity_unit IS NULL)", name="quantity_has_a_unit"
        ),
        digest_check(),
        schema="ledger",
    )
