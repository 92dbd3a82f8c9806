"""Bank statements with their payments and what they pay, and disputes of invoice lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "bank_file",
    "bank_statement",
    "bank_transaction",
    "allocation",
    "attachment",
    "dispute",
    "dispute_event",
)
FACTS = {
    "bank_statement": (
        "market || '-bank-' || lpad(number::text, greatest(6, length(number::text)), '0')"
    ),
    "dispute": "market || '/' || number",
    "dispute_event": "market || '/' || number",
}

CHECK_DISPUTES = """
CREATE FUNCTION ledger.check_disputes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.market, added.number INTO breach
    FROM added LEFT JOIN ledger.dispute AS earlier
        ON earlier.market = added.market AND earlier.number = added.number - 1
    WHERE added.number > 1 AND earlier.number IS NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'dispute % of % does not follow the one before',
            breach.number, breach.market
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_follows';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_DISPUTE_IS_OPENED = """
CREATE FUNCTION ledger.check_dispute_is_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ledger.dispute_event AS event
        WHERE event.market = NEW.market AND event.dispute_number = NEW.number
    ) THEN
        RAISE EXCEPTION 'dispute % of %: its opening did not arrive', NEW.number, NEW.market
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_is_opened';
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_DISPUTE_EVENT = """
CREATE FUNCTION ledger.check_dispute_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    SELECT event.action, event.digest INTO before
    FROM ledger.dispute_event AS event
    WHERE event.market = NEW.market AND event.dispute_number = NEW.dispute_number
        AND event.step = NEW.step - 1;
    IF NOT FOUND THEN
        SELECT NULL::text AS action, dispute.digest INTO before
        FROM ledger.dispute
        WHERE dispute.market = NEW.market AND dispute.number = NEW.dispute_number
            AND NEW.step = 1;
    END IF;
    IF before.digest IS DISTINCT FROM NEW.previous_digest OR NEW.number > 1 AND NOT EXISTS (
        SELECT FROM ledger.dispute_event AS event
        WHERE event.market = NEW.market AND event.number = NEW.number - 1
    ) THEN
        RAISE EXCEPTION 'event % of % does not follow the one before', NEW.number, NEW.market
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_event_follows';
    END IF;
    IF NOT EXISTS (
        SELECT FROM (VALUES
            (NULL, 'open', 'participant'),
            ('open', 'accept', 'operator'), ('open', 'reject', 'operator'),
            ('open', 'escalate', 'participant'), ('open', 'withdraw', 'participant'),
            ('reject', 'escalate', 'participant'), ('reject', 'withdraw', 'participant'),
            ('escalate', 'uphold', 'regulator'), ('escalate', 'refuse', 'regulator'),
            ('escalate', 'withdraw', 'participant'),
            ('accept', 'settle', 'operator'), ('accept', 'withdraw', 'participant'),
            ('uphold', 'settle', 'operator'), ('uphold', 'withdraw', 'participant')
        ) AS allowed (after, action, role)
        WHERE allowed.after IS NOT DISTINCT FROM before.action
            AND allowed.action = NEW.action AND allowed.role = NEW.role
    ) THEN
        RAISE EXCEPTION 'event % of %: % by the % does not follow %',
            NEW.number, NEW.market, NEW.action, NEW.role, coalesce(before.action, 'nothing')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_step_is_allowed';
    END IF;
    RETURN NULL;
END
$$
"""

FUNCTIONS = {
    "check_disputes": CHECK_DISPUTES,
    "check_dispute_is_opened": CHECK_DISPUTE_IS_OPENED,
    "check_dispute_event": CHECK_DISPUTE_EVENT,
}
TRIGGERS = (
    "CREATE TRIGGER check_batch AFTER INSERT ON ledger.dispute REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_disputes()",
    "CREATE CONSTRAINT TRIGGER dispute_is_opened AFTER INSERT ON ledger.dispute "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
    "EXECUTE FUNCTION ledger.check_dispute_is_opened()",
    "CREATE TRIGGER check_event AFTER INSERT ON ledger.dispute_event "
    "FOR EACH ROW EXECUTE FUNCTION ledger.check_dispute_event()",
)


def upgrade() -> None:
    create_bank_tables()
    create_transaction_table()
    create_allocation_table()
    create_dispute_tables()
    create_event_table()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for trigger in TRIGGERS:
        op.execute(trigger)
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")
    for table, key in FACTS.items():
        log_facts(op, f"ledger.{table}", key)


def downgrade() -> None:
    for table in reversed(FACTS):
        forget_facts(op, f"ledger.{table}")
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION ledger.{function}()")


def digest_check(column: str = "digest") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")


def text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable)


def whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False)


def digest(name: str = "digest") -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def transaction_key() -> list["sa.Column[object]"]:
    return [
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("statement_number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    ]


def create_bank_tables() -> None:
    op.create_table(
        "bank_file",
        sa.Column("content_digest", sa.LargeBinary, primary_key=True),
        sa.Column("market", sa.Text, primary_key=True),
        text("name"),
        digest("content"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        text("received_by"),
        digest(),
        digest_check("content_digest"),
        digest_check(),
        schema="ledger",
    )
    op.create_table(
        "bank_statement",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        digest("file_digest"),
        text("identification"),
        sa.Column("sequence_number", sa.BigInteger),
        text("account"),
        text("currency"),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("closed_on", sa.Date, nullable=False),
        whole("opening_minor"),
        whole("closing_minor"),
        whole("transaction_count"),
        digest("previous_digest"),
        digest(),
        sa.UniqueConstraint(
            "market",
            "account",
            "identification",
            "closed_on",
            "sequence_number",
            name="uq_bank_statement_identity",
            postgresql_nulls_not_distinct=True,
        ),
        sa.ForeignKeyConstraint(
            ["file_digest", "market"],
            ["ledger.bank_file.content_digest", "ledger.bank_file.market"],
        ),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("transaction_count >= 0", name="transaction_count_is_not_negative"),
        sa.CheckConstraint("closed_on >= opened_on", name="closes_after_it_opens"),
        digest_check("previous_digest"),
        digest_check(),
        schema="ledger",
    )


def create_transaction_table() -> None:
    op.create_table(
        "bank_transaction",
        *transaction_key(),
        whole("entry"),
        whole("part"),
        whole("amount_minor"),
        sa.Column("booked_on", sa.Date, nullable=False),
        sa.Column("value_on", sa.Date, nullable=False),
        sa.Column("is_reversal", sa.Boolean, nullable=False),
        text("bank_reference"),
        text("end_to_end"),
        text("counterparty"),
        text("counterparty_account"),
        text("reference"),
        text("remittance"),
        digest(),
        sa.ForeignKeyConstraint(
            ["market", "statement_number"],
            ["ledger.bank_statement.market", "ledger.bank_statement.number"],
        ),
        sa.CheckConstraint("line >= 1", name="line_is_positive"),
        digest_check(),
        schema="ledger",
    )


def create_allocation_table() -> None:
    # Deferred: a decision is the cause of its journal, and comes before it.
    caused = sa.ForeignKey("ledger.journal.number", deferrable=True, initially="DEFERRED")
    op.create_table(
        "allocation",
        *transaction_key(),
        sa.Column("decision", sa.BigInteger, primary_key=True, autoincrement=False),
        text("method"),
        text("reason"),
        text("decided_by"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("documents", ARRAY(sa.Text), nullable=False),
        sa.Column("amounts_minor", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("journal_number", sa.BigInteger, caused, nullable=False, unique=True),
        sa.Column("reverses", sa.BigInteger, sa.ForeignKey("ledger.journal.number")),
        digest(),
        sa.ForeignKeyConstraint(
            ["market", "statement_number", "line"],
            [
                "ledger.bank_transaction.market",
                "ledger.bank_transaction.statement_number",
                "ledger.bank_transaction.line",
            ],
        ),
        sa.CheckConstraint("decision >= 1", name="decision_is_positive"),
        sa.CheckConstraint(
            "method IN ('reference', 'account', 'person', 'none')", name="method_is_known"
        ),
        sa.CheckConstraint("(decision = 1) = (reverses IS NULL)", name="later_decision_reverses"),
        sa.CheckConstraint(
            "cardinality(documents) = cardinality(amounts_minor)", name="document_has_an_amount"
        ),
        digest_check(),
        schema="ledger",
    )


def create_dispute_tables() -> None:
    op.create_table(
        "attachment",
        sa.Column("sha256", sa.LargeBinary, primary_key=True),
        text("media_type"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        digest(),
        sa.CheckConstraint("sha256 = sha256(content)", name="content_gives_sha256"),
        sa.CheckConstraint(
            "octet_length(content) BETWEEN 1 AND 10000000", name="content_is_bounded"
        ),
        digest_check(),
        schema="ledger",
    )
    days = ("raise_within_days", "answer_within_days", "escalate_within_days", "decide_within_days")
    op.create_table(
        "dispute",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        text("participant"),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        digest("line_digest"),
        sa.Column("claimed_micro", sa.BigInteger),
        sa.Column("claimed_quantity", sa.BigInteger),
        digest("terms_digest"),
        text("time_zone"),
        *(sa.Column(name, sa.Integer, nullable=False) for name in days),
        digest(),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint(
            "num_nonnulls(claimed_micro, claimed_quantity) = 1", name="claim_is_one"
        ),
        sa.CheckConstraint(
            "coalesce(claimed_micro, claimed_quantity) > 0", name="claim_is_positive"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id", "line"], ["ledger.invoice_line.invoice_id", "ledger.invoice_line.line"]
        ),
        digest_check("line_digest"),
        digest_check("terms_digest"),
        digest_check(),
        sa.Index(None, "invoice_id", "line"),
        schema="ledger",
    )


def create_event_table() -> None:
    op.create_table(
        "dispute_event",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("dispute_number", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        *(text(name) for name in ("action", "actor", "role")),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        text("reason"),
        sa.Column("upheld_micro", sa.BigInteger),
        sa.Column("upheld_quantity", sa.BigInteger),
        sa.Column("run_id", sa.Uuid),
        sa.Column("journal_numbers", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("note_id", sa.Uuid, sa.ForeignKey("ledger.invoice.id")),
        sa.Column("note_line", sa.Integer),
        text("attachment_name", nullable=True),
        sa.Column("attachment_sha256", sa.LargeBinary, sa.ForeignKey("ledger.attachment.sha256")),
        digest("previous_digest"),
        digest(),
        sa.UniqueConstraint("market", "dispute_number", "step"),
        sa.ForeignKeyConstraint(
            ["market", "dispute_number"], ["ledger.dispute.market", "ledger.dispute.number"]
        ),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("(step = 1) = (action = 'open')", name="opening_is_first"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        sa.CheckConstraint("btrim(actor) <> ''", name="actor_is_named"),
        sa.CheckConstraint(
            "num_nonnulls(upheld_micro, upheld_quantity) = (action = 'uphold')::int",
            name="upheld_is_one",
        ),
        sa.CheckConstraint("(run_id IS NOT NULL) = (action = 'settle')", name="settled_by_a_run"),
        sa.CheckConstraint(
            "(cardinality(journal_numbers) > 0) = (action = 'settle')", name="settled_by_journals"
        ),
        sa.CheckConstraint(
            "num_nonnulls(note_id, note_line) IN (0, 2) AND (note_id IS NULL OR action = 'settle')",
            name="note_settles",
        ),
        sa.CheckConstraint(
            "(attachment_name IS NULL) = (attachment_sha256 IS NULL)", name="attachment_is_named"
        ),
        digest_check("previous_digest"),
        digest_check(),
        schema="ledger",
    )
