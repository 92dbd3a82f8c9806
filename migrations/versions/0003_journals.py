"""Accounts, journals and postings."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("account", "journal", "posting")

# As `ledger.causes` says it. Not strict, so that it is written into the queries that call it.
SOURCE_THAT_MOVES = """
CREATE FUNCTION ledger.source_that_moves(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN kind IN ('bank', 'paid', 'unallocated') THEN 'ledger.allocation'
    WHEN kind IN ('rounding', 'tax') THEN 'ledger.invoice'
    WHEN kind IN ('charge.interest', 'payment.interest', 'interest') THEN 'ledger.interest'
    ELSE 'settlement.run'
END
"""

# A journal counts its rows and they all come in one statement, so a row can never be added to an
# older one: the statement would not hold the other rows. The sums join accounts and journals
# anyway, and what they do not find is refused here: two foreign keys would cost more than all else
# that storing a row does.
CHECK_POSTINGS_BODY = """
    WITH part AS (
        SELECT added.journal_number, account.commodity,
            ledger.source_that_moves(account.kind) AS source, count(*) AS lines,
            min(added.line) AS first_line, max(added.line) AS last_line,
            sum(added.amount) AS total
        FROM added LEFT JOIN ledger.account ON account.code = added.account
        GROUP BY added.journal_number, account.commodity, source
    ), whole AS (
        SELECT part.journal_number, sum(part.lines) AS counted,
            min(journal.posting_count) AS expected, min(part.first_line) AS first_line,
            max(part.last_line) AS last_line,
            bool_or(part.commodity IS NULL) AS is_unopened,
            min(journal.cause_source) AS cause_source,
            bool_or(part.source <> journal.cause_source) AS is_of_another,
            min(part.commodity) FILTER (WHERE part.total <> 0) AS unbalanced
        FROM part LEFT JOIN ledger.journal ON journal.number = part.journal_number
        GROUP BY part.journal_number
    )
    SELECT whole.*, part.total
    INTO breach
    FROM whole LEFT JOIN part
        ON part.journal_number = whole.journal_number AND part.commodity = whole.unbalanced
    WHERE counted IS DISTINCT FROM expected OR whole.first_line <> 1
        OR whole.last_line <> counted
        OR is_unopened OR is_of_another OR unbalanced IS NOT NULL
    ORDER BY whole.journal_number
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF breach.counted IS DISTINCT FROM breach.expected
        OR breach.first_line <> 1 OR breach.last_line <> breach.counted THEN
        RAISE EXCEPTION 'journal %: % postings in one statement, not lines 1 to %',
            breach.journal_number, breach.counted, coalesce(breach.expected, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_is_complete';
    ELSIF breach.is_unopened THEN
        RAISE EXCEPTION 'journal %: account % is not open', breach.journal_number, (
                SELECT min(added.account) FROM added
                WHERE added.journal_number = breach.journal_number
                    AND NOT EXISTS (SELECT FROM ledger.account WHERE code = added.account)
            )
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'account_is_open';
    ELSIF breach.is_of_another THEN
        RAISE EXCEPTION 'journal %: % moves no account such as %',
            breach.journal_number, breach.cause_source, (
                SELECT min(added.account)
                FROM added JOIN ledger.account ON account.code = added.account
                WHERE added.journal_number = breach.journal_number
                    AND ledger.source_that_moves(account.kind) <> breach.cause_source
            )
            USING ERRCODE = 'check_violation', CONSTRAINT = 'cause_moves_account';
    END IF;
    RAISE EXCEPTION 'journal %: % sums to %',
        breach.journal_number, breach.unbalanced, breach.total
        USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
"""

CHECK_POSTINGS = (
    "CREATE FUNCTION ledger.check_postings() RETURNS trigger LANGUAGE plpgsql AS $$ "
    f"DECLARE breach record; BEGIN {CHECK_POSTINGS_BODY} END $$"
)

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

FUNCTIONS = {
    "source_that_moves(text)": SOURCE_THAT_MOVES,
    "check_postings()": CHECK_POSTINGS,
    "check_journals()": CHECK_JOURNALS,
    "check_journal_has_postings()": CHECK_JOURNAL_HAS_POSTINGS,
}
BATCH_CHECKS = {"posting": "check_postings", "journal": "check_journals"}


def upgrade() -> None:
    create_tables()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for table, function in BATCH_CHECKS.items():
        op.execute(
            f"CREATE TRIGGER check_batch AFTER INSERT ON ledger.{table} "
            "REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger.{function}()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER journal_is_complete AFTER INSERT ON ledger.journal "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "WHEN (NEW.posting_count > 0) EXECUTE FUNCTION ledger.check_journal_has_postings()"
    )
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")


def downgrade() -> None:
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION ledger.{function}")


def digest_check(column: str = "digest") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")


def text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable)


def digest(name: str = "digest") -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def create_tables() -> None:
    create_account_table()
    create_journal_table()
    # No index on the account: every question about postings names days, a run, or journals
    # without a run, which have an index of their own.
    op.create_table(
        "posting",
        sa.Column("journal_number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        text("account"),
        sa.Column("amount", sa.BigInteger, nullable=False),
        digest(),
        sa.CheckConstraint("line >= 1", name="line_is_positive"),
        sa.CheckConstraint("amount <> 0", name="amount_moves"),
        digest_check(),
        schema="ledger",
    )


def create_account_table() -> None:
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


def constraints_of_causes() -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(
            "cause_source IN ('settlement.run', 'ledger.invoice', 'ledger.allocation',"
            " 'ledger.interest', 'ledger.seal')",
            name="cause_is_of_the_list",
        ),
        sa.CheckConstraint(
            "CASE WHEN cause_source = 'settlement.run'"
            " THEN run_id IS NOT NULL AND cause_key = run_id::text ELSE run_id IS NULL END",
            name="run_is_the_cause",
        ),
        sa.UniqueConstraint(
            "cause_source",
            "cause_key",
            "settlement_day",
            name="uq_journal_cause",
            postgresql_nulls_not_distinct=True,
        ),
    ]


def create_journal_table() -> None:
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
        text("cause_source"),
        text("cause_key"),
        digest("cause_digest"),
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
        sa.CheckConstraint("run_kind IS DISTINCT FROM 'study'", name="run_is_no_study"),
        *constraints_of_causes(),
        digest_check("input_digest"),
        digest_check("previous_digest"),
        digest_check(),
        sa.Index(None, "run_id"),
        sa.Index("ix_journal_without_run", "market", postgresql_where=sa.text("run_id IS NULL")),
        schema="ledger",
    )
