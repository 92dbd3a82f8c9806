"""The transparency log, and seals of settlement days.

Every published fact becomes a leaf of the log, in the order of publication; the ledger, the
readings and the rulebook keep the seal of a day.
"""

import sqlalchemy as sa
from alembic import op

from database.guards import REFUSAL_SQLSTATE, allow_changes, forbid_changes
from database.logged import FUNCTIONS, forget_facts, log_facts

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CAUSE_KEY = "fk_journal_cause"
LOG_TABLES = ("log_leaf", "log_tile", "log_key", "checkpoint")
FACTS = {
    "rulebook.version": ("id", "row_digest"),
    "settlement.run": ("id", "digest"),
    "ledger.journal": ("number", "digest"),
    "ledger.invoice": (
        "series || '-' || lpad(number::text, greatest(6, length(number::text)), '0')",
        "digest",
    ),
    "ledger.log_key": ("number", "digest"),
    "ledger.checkpoint": ("size", "digest"),
}

# A leaf without a fact could never be taken back, so none is appended but by a fact's own trigger.
ONLY_BY_FACTS = f"""
CREATE FUNCTION ledger.only_by_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'ledger.log_leaf is append-only, by the facts themselves: INSERT is '
            'refused; publish a fact instead'
            USING ERRCODE = '{REFUSAL_SQLSTATE}';
    END IF;
    RETURN NULL;
END
$$
"""

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
            USING ERRCODE = 'check_violation', CONSTRAINT = 'day_is_sealed',
                DETAIL = format('%s of %s', breach.instrument, breach.settlement_day);
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
            USING ERRCODE = 'check_violation', CONSTRAINT = 'day_is_sealed',
                DETAIL = format('%s of %s', NEW.instrument, breach.settlement_day);
    END IF;
    RETURN NULL;
END
$$
"""

SEAL_FUNCTIONS = {
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
    install_log()
    install_seals()


def downgrade() -> None:
    remove_seals()
    op.drop_constraint(CAUSE_KEY, "journal", schema="ledger", type_="foreignkey")
    for table in reversed(FACTS):
        forget_facts(op, table)
    for table in reversed(LOG_TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
    for function in ("only_by_facts()", *reversed(FUNCTIONS)):
        op.execute(f"DROP FUNCTION ledger.{function}")


def install_log() -> None:
    create_leaf_and_tile_tables()
    create_checkpoint_tables()
    for definition in (*FUNCTIONS.values(), ONLY_BY_FACTS):
        op.execute(definition)
    for table in LOG_TABLES:
        forbid_changes(op, f"ledger.{table}")
    op.execute(
        "CREATE TRIGGER only_by_facts BEFORE INSERT ON ledger.log_leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.only_by_facts()"
    )
    for table, of_fact in FACTS.items():
        log_facts(op, table, *of_fact)
    # Money has a cause that was published: what is no leaf causes no journal.
    op.create_foreign_key(
        CAUSE_KEY,
        "journal",
        "log_leaf",
        ["cause_source", "cause_key", "cause_digest"],
        ["source", "key", "digest"],
        source_schema="ledger",
        referent_schema="ledger",
    )


def install_seals() -> None:
    create_seal_table()
    for definition in SEAL_FUNCTIONS.values():
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
    log_facts(op, "ledger.seal", "market || '/' || settlement_day")


def remove_seals() -> None:
    forget_facts(op, "ledger.seal")
    op.execute("DROP TRIGGER keep_sealed ON rulebook.version")
    for table, name in reversed(BATCH_CHECKS):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    allow_changes(op, "ledger.seal")
    op.drop_table("seal", schema="ledger")
    for function in SEAL_FUNCTIONS:
        op.execute(f"DROP FUNCTION ledger.{function}()")


def create_leaf_and_tile_tables() -> None:
    op.create_table(
        "log_leaf",
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("source", "key"),
        sa.UniqueConstraint("source", "key", "digest"),
        sa.CheckConstraint("index >= 0", name="index_is_not_negative"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        sa.CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash_is_sha256"),
        sa.Index(None, "digest"),
        schema="ledger",
    )
    op.create_table(
        "log_tile",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("level >= 0 AND index >= 0", name="place_is_not_negative"),
        sa.CheckConstraint("octet_length(hashes) = 8192", name="hashes_are_256"),
        sa.CheckConstraint("octet_length(root) = 32", name="root_is_sha256"),
        schema="ledger",
    )


def create_checkpoint_tables() -> None:
    op.create_table(
        "log_key",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint(
            "cause IN ('first', 'rotation', 'loss') AND (cause = 'first') = (number = 1)",
            name="cause_is_known",
        ),
        sa.CheckConstraint("octet_length(public_key) = 32", name="public_key_is_ed25519"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("size >= 1", name="size_is_positive"),
        sa.CheckConstraint("octet_length(root) = 32", name="root_is_sha256"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )


def create_seal_table() -> None:
    def moment(name: str) -> "sa.Column[object]":
        return sa.Column(name, sa.DateTime(timezone=True), nullable=False)

    def journal(name: str, **of_key: object) -> "sa.Column[int]":
        key = sa.ForeignKey("ledger.journal.number", **of_key)
        return sa.Column(name, sa.BigInteger, key, nullable=False, index=bool(of_key))

    op.create_table(
        "seal",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("settlement_day", sa.Date, primary_key=True),
        # Deferred: a seal is the cause of its anchor, and comes before it.
        journal("journal_number", deferrable=True, initially="DEFERRED"),
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
