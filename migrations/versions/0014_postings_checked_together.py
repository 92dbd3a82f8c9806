"""Check the postings of a statement together, and find them by their journals alone.

The trigger that sums a batch joins its accounts and journals anyway; what it does not find is
refused there. Two foreign keys cost more than all else that storing a row did, and an index on the
account was the largest part of the rest: every question about postings names days, a run, or
journals without a run, which have an index of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FOREIGN_KEYS = {
    "fk_posting_account": ("account", "account", "code"),
    "fk_posting_journal_number": ("journal_number", "journal", "number"),
}
COMPLETE = """
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
"""
BALANCED = """
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
"""
TOGETHER = """
    WITH part AS (
        SELECT added.journal_number, account.commodity, count(*) AS lines,
            min(added.line) AS first_line, max(added.line) AS last_line,
            sum(added.amount) AS total
        FROM added LEFT JOIN ledger.account ON account.code = added.account
        GROUP BY added.journal_number, account.commodity
    ), whole AS (
        SELECT part.journal_number, sum(part.lines) AS counted,
            min(journal.posting_count) AS expected, min(part.first_line) AS first_line,
            max(part.last_line) AS last_line,
            bool_or(part.commodity IS NULL) AS is_unopened,
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
        OR is_unopened OR unbalanced IS NOT NULL
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
    END IF;
    RAISE EXCEPTION 'journal %: % sums to %',
        breach.journal_number, breach.unbalanced, breach.total
        USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
"""


def upgrade() -> None:
    check_postings(TOGETHER)
    for name in FOREIGN_KEYS:
        op.drop_constraint(name, "posting", schema="ledger")
    op.drop_index("ix_posting_account", "posting", schema="ledger")
    op.create_index(
        "ix_journal_without_run",
        "journal",
        ["market"],
        schema="ledger",
        postgresql_where=sa.text("run_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_journal_without_run", "journal", schema="ledger")
    op.create_index("ix_posting_account", "posting", ["account"], schema="ledger")
    for name, (column, table, key) in FOREIGN_KEYS.items():
        op.create_foreign_key(
            name,
            "posting",
            table,
            [column],
            [key],
            source_schema="ledger",
            referent_schema="ledger",
        )
    check_postings(COMPLETE + BALANCED + "RETURN NULL;")


def check_postings(steps: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION ledger.check_postings() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"DECLARE breach record; BEGIN {steps} END $$"
    )
