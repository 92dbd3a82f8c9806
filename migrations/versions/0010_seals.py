"""Seals of settlement days, which the ledger, the readings and the rulebook keep."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHECK_SEALS = """
CREATE FUNCTION ledger.check_seals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.market, added.settlement_day
    INTO breach
    FROM added
    WHERE added.last_journal_digest IS DISTINCT FROM (
        SELECT journal.digest FROM ledger.journal
        WHERE journal.market = added.market AND journal.settlement_day = added.settlement_day
            AND journal.number = added.last_journal_number)
        OR EXISTS (
            SELECT FROM ledger.journal
            WHERE journal.market = added.market AND journal.settlement_day = added.settlement_day
                AND journal.number > added.last_journal_number)
    ORDER BY added.market, added.settlement_day
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'seal of % %: it does not name the last journal of the day',
            breach.market, breach.settlement_day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'seal_is_founded';
    END IF;
    RETURN NULL;
END
$$
"""

REFUSE_SEALED = """
CREATE FUNCTION ledger.refuse_sealed_days() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT seal.market, seal.settlement_day, seal.sealed_at
    INTO breach
    FROM added JOIN ledger.seal
        ON seal.market = added.market AND seal.settlement_day = added.settlement_day
    ORDER BY seal.market, seal.settlement_day
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% %: sealed at %', breach.market, breach.settlement_day, breach.sealed_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'day_is_sealed';
    END IF;
    RETURN NULL;
END
$$
"""

REFUSE_SEALED_LAW = """
CREATE FUNCTION ledger.refuse_sealed_law() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT added.instrument, seal.settlement_day, seal.sealed_at
    INTO breach
    FROM added JOIN ledger.seal
        ON seal.market = added.market AND added.valid && tstzrange(seal.begins_at, seal.ends_at)
    WHERE NOT EXISTS (
        SELECT FROM rulebook.version AS before
        WHERE before.instrument = added.instrument AND before.digest = added.digest
            AND upper(before.recorded) = lower(added.recorded)
            AND before.valid @> tstzrange(seal.begins_at, seal.ends_at) * added.valid)
    ORDER BY added.instrument, seal.settlement_day
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% would change the law of %, sealed at %',
            breach.instrument, breach.settlement_day, breach.sealed_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'day_is_sealed';
    END IF;
    RETURN NULL;
END
$$
"""

KEEP_SEALED_LAW = """
CREATE FUNCTION ledger.keep_sealed_law() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    breach record;
BEGIN
    SELECT seal.settlement_day, seal.sealed_at
    INTO breach
    FROM ledger.seal
    WHERE seal.market = NEW.market AND NEW.valid && tstzrange(seal.begins_at, seal.ends_at)
        AND NOT EXISTS (
            SELECT FROM rulebook.version AS after
            WHERE after.instrument = NEW.instrument AND after.digest = NEW.digest
                AND lower(after.recorded) = upper(NEW.recorded)
                AND after.valid @> tstzrange(seal.begins_at, seal.ends_at) * NEW.valid)
    ORDER BY seal.settlement_day
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% would no longer be the law of %, sealed at %',
            NEW.instrument, breach.settlement_day, breach.sealed_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'day_is_sealed';
    END IF;
    RETURN NULL;
END
$$
"""

FUNCTIONS = {
    "check_seals": CHECK_SEALS,
    "refuse_sealed_days": REFUSE_SEALED,
    "refuse_sealed_law": REFUSE_SEALED_LAW,
    "keep_sealed_law": KEEP_SEALED_LAW,
}
BATCH_CHECKS = {
    ("ledger.seal", "check_batch"): "check_seals",
    ("ledger.journal", "refuse_sealed"): "refuse_sealed_days",
    ("settlement.reading", "refuse_sealed"): "refuse_sealed_days",
    ("rulebook.version", "refuse_sealed"): "refuse_sealed_law",
}


def upgrade() -> None:
    create_table()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for (table, name), function in BATCH_CHECKS.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger.{function}()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER keep_sealed AFTER UPDATE ON rulebook.version "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.keep_sealed_law()"
    )
    forbid_changes(op, "ledger.seal")


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_sealed ON rulebook.version")
    for table, name in reversed(BATCH_CHECKS):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    allow_changes(op, "ledger.seal")
    op.drop_table("seal", schema="ledger")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION ledger.{function}()")


def create_table() -> None:
    def moment(name: str) -> "sa.Column[object]":
        return sa.Column(name, sa.DateTime(timezone=True), nullable=False)

    def journal(name: str, *, index: bool = False) -> "sa.Column[int]":
        key = sa.ForeignKey("ledger.journal.number")
        return sa.Column(name, sa.BigInteger, key, nullable=False, index=index)

    op.create_table(
        "seal",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("settlement_day", sa.Date, primary_key=True),
        journal("journal_number", index=True),
        moment("begins_at"),
        moment("ends_at"),
        sa.Column("sealed_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        moment("sealed_at"),
        journal("last_journal_number"),
        sa.Column("last_journal_digest", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("begins_at < ends_at", name="day_has_a_length"),
        sa.CheckConstraint("sealed_by <> '' AND reason <> ''", name="sealed_by_someone"),
        sa.CheckConstraint("last_journal_number < journal_number", name="anchor_is_last"),
        sa.CheckConstraint(
            "octet_length(last_journal_digest) = 32", name="last_journal_digest_is_sha256"
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )
