"""Invoices and their lines, with the parties as they were at issue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from database.guards import allow_changes, forbid_changes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("invoice", "invoice_line")

PARTY = (
    "legal_name",
    "tax_identifier",
    "address_lines",
    "postcode",
    "country",
    "contact_name",
    "contact_email",
)
TEXTS = [f"{side}_{name}" for side in ("seller", "buyer") for name in PARTY]
IBANS = ["seller_iban", "buyer_iban"]

# Not round(value / divisor): a quotient of numeric has few decimals, and would be rounded twice.
ROUND_HALF_AWAY = """
CREATE FUNCTION ledger.round_half_away(value numeric, divisor numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN sign(value) * div(2 * abs(value) + divisor, 2 * divisor)
"""

# As with a journal's postings: an invoice counts its lines, and they all come in one statement.
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
    -- Net and tax are rounded on what the month's documents so far come to, tax by tax.
    WITH so_far AS (
        SELECT own.id, own.minor_unit_micro, line.tax_rate_ppm,
            sum(line.amount_micro) AS after,
            coalesce(sum(line.amount_micro) FILTER (WHERE other.id <> own.id), 0) AS before
        FROM (SELECT DISTINCT invoice_id FROM added) AS filled
        JOIN ledger.invoice AS own ON own.id = filled.invoice_id
        JOIN ledger.invoice AS other USING (market, participant, billing_month, series, currency)
        JOIN ledger.invoice_line AS line ON line.invoice_id = other.id
        WHERE other.number <= own.number
        GROUP BY own.id, own.minor_unit_micro, line.tax_category, line.tax_rate_ppm
    ), rounded AS (
        SELECT id, tax_rate_ppm,
            ledger.round_half_away(after, minor_unit_micro) AS after,
            ledger.round_half_away(before, minor_unit_micro) AS before
        FROM so_far
    ), stated AS (
        SELECT id, sum(after - before) AS net,
            sum(ledger.round_half_away(after * tax_rate_ppm, 1000000)
                - ledger.round_half_away(before * tax_rate_ppm, 1000000)) AS tax
        FROM rounded GROUP BY id
    )
    SELECT own.id, own.net_minor, own.tax_minor, net, tax INTO breach
    FROM stated JOIN ledger.invoice AS own USING (id)
    WHERE (own.net_minor, own.tax_minor) IS DISTINCT FROM (net, tax)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'invoice %: its lines come to net % and tax %, not net % and tax %',
            breach.id, breach.net, breach.tax, breach.net_minor, breach.tax_minor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_of_its_lines';
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
    "check_invoice_lines": CHECK_INVOICE_LINES,
    "check_invoices": CHECK_INVOICES,
    "check_invoice_has_lines": CHECK_INVOICE_HAS_LINES,
}
BATCH_CHECKS = {"invoice_line": "check_invoice_lines", "invoice": "check_invoices"}


def upgrade() -> None:
    create_tables()
    op.execute(ROUND_HALF_AWAY)
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for table, function in BATCH_CHECKS.items():
        op.execute(
            f"CREATE TRIGGER check_batch AFTER INSERT ON ledger.{table} "
            "REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger.{function}()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER invoice_is_complete AFTER INSERT ON ledger.invoice "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "WHEN (NEW.line_count > 0) EXECUTE FUNCTION ledger.check_invoice_has_lines()"
    )
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")


def downgrade() -> None:
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION ledger.{function}()")
    op.execute("DROP FUNCTION ledger.round_half_away(numeric, numeric)")


def digest_check(column: str = "digest") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")


def text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable)


def digest(name: str = "digest") -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def create_tables() -> None:
    create_invoice_table()
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
        text("quality"),
        sa.Column("estimated_quantity", sa.BigInteger),
        text("tax_category"),
        sa.Column("tax_rate_ppm", sa.BigInteger, nullable=False),
        text("tax_note"),
        sa.CheckConstraint("line >= 1", name="line_is_positive"),
        sa.CheckConstraint(
            "(quantity IS NULL) = (quantity_unit IS NULL)", name="quantity_has_a_unit"
        ),
        sa.CheckConstraint("quality IN ('measured', 'estimated', 'none')", name="quality_is_known"),
        sa.CheckConstraint(
            "estimated_quantity IS NULL OR (quantity IS NOT NULL AND quality <> 'none')",
            name="estimated_quantity_is_metered",
        ),
        sa.CheckConstraint(
            "tax_category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')", name="tax_category_is_known"
        ),
        sa.CheckConstraint(
            "tax_rate_ppm = 0 OR (tax_category = 'S' AND tax_rate_ppm BETWEEN 0 AND 1000000)",
            name="tax_rate_is_of_standard",
        ),
        sa.CheckConstraint("tax_note <> ''", name="tax_is_explained"),
        digest_check(),
        schema="ledger",
    )


def create_invoice_table() -> None:
    amounts = ("minor_unit_micro", "amount_micro", "rounding_micro", "net_minor")
    due = ("tax_minor", "due_minor")
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
        # Deferred: a document is the cause of its journal, and comes before it.
        sa.Column(
            "journal_number",
            sa.BigInteger,
            sa.ForeignKey("ledger.journal.number", deferrable=True, initially="DEFERRED"),
            unique=True,
        ),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        text("currency"),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in amounts),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in due),
        sa.Column("line_count", sa.Integer, nullable=False),
        digest("previous_digest"),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        *(text(name) for name in TEXTS),
        *(text(name, nullable=True) for name in IBANS),
        sa.Column("payment_term_days", sa.Integer, nullable=False),
        *invoice_checks(),
        digest_check("previous_digest"),
        digest_check(),
        sa.Index(None, "participant", "market", "billing_month"),
        schema="ledger",
    )


def invoice_checks() -> list[sa.CheckConstraint]:
    return [
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
    ]
