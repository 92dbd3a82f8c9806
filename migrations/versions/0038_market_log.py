"""The log of a market online: inbox, events, publications, openings, and what of it is sealed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts
from database.market_log import FUNCTIONS, MODEL_DAY, PARTITIONED

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

APPENDED = ("market.event", "market.publication", "market.opening", "market.sealed")
TABLES = ("sealed", "opening", "head", "publication", "event", "submission")

Kind = "sa.types.TypeEngine[object] | type"


def column(name: str, kind: Kind, **more: object) -> "sa.Column[object]":
    return sa.Column(name, kind, nullable=False, **more)


def moment(name: str, **more: object) -> "sa.Column[object]":
    return column(name, sa.DateTime(timezone=True), **more)


def digests(*names: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(f"octet_length({name}) = 32", name=f"{name}_length") for name in names
    ]


def upgrade() -> None:
    op.execute("CREATE SCHEMA market")
    _make_log()
    _make_publications()
    _make_marks()
    for table in APPENDED:
        forbid_changes(op, table)
    log_facts(op, "market.sealed", "market || '/' || last_sequence")
    # A submission goes when it is in the log; what it says nobody changes.
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON market.submission "
        "FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()"
    )
    for statement in FUNCTIONS.values():
        op.execute(statement)
    for table in PARTITIONED:
        op.execute(f"SELECT market.make_days('{table}', ARRAY[date '{MODEL_DAY}'])")


def said() -> list["sa.Column[object]"]:
    """Return the columns of what an event says, beside its day and key."""
    return [
        column("kind", sa.Text),
        column("entity", sa.Text),
        moment("at"),
        column("numbers", ARRAY(sa.BigInteger)),
        column("words", ARRAY(sa.Text)),
    ]


NOW = sa.func.clock_timestamp()


def _make_log() -> None:
    op.create_table(
        "submission",
        column("market", sa.Text, primary_key=True),
        column("day", sa.Date, primary_key=True),
        column("key", sa.Text, primary_key=True),
        column("number", sa.BigInteger, server_default=None),
        *said(),
        moment("submitted_at", server_default=NOW),
        column("submitted_by", sa.Text),
        sa.UniqueConstraint("market", "number"),
        schema="market",
    )
    op.execute("ALTER TABLE market.submission ALTER number ADD GENERATED ALWAYS AS IDENTITY")
    op.create_table(
        "event",
        column("market", sa.Text, primary_key=True),
        column("sequence", sa.BigInteger, primary_key=True),
        column("day", sa.Date, primary_key=True),
        column("batch", sa.BigInteger),
        column("key", sa.Text),
        *said(),
        column("outcome", sa.Text),
        moment("submitted_at"),
        column("submitted_by", sa.Text),
        column("digest", sa.LargeBinary),
        sa.UniqueConstraint("day", "market", "key"),
        sa.CheckConstraint("batch BETWEEN 1 AND sequence", name="batch_begins_before"),
        *digests("digest"),
        schema="market",
        postgresql_partition_by="RANGE (day)",
    )


def _make_publications() -> None:
    op.create_table(
        "publication",
        column("market", sa.Text, primary_key=True),
        column("sequence", sa.BigInteger, primary_key=True),
        column("part", sa.Integer, primary_key=True),
        column("day", sa.Date, primary_key=True),
        moment("at"),
        column("cause", sa.Text),
        column("holons", ARRAY(sa.Integer)),
        column("tightness_ppm", ARRAY(sa.BigInteger)),
        column("price_micro_per_mwh", ARRAY(sa.BigInteger)),
        column("sell_price_micro_per_mwh", ARRAY(sa.BigInteger)),
        moment("published_at", server_default=NOW),
        column("digest", sa.LargeBinary),
        sa.CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        sa.CheckConstraint("part >= 1", name="part_begins_at_one"),
        sa.CheckConstraint(
            "cardinality(holons) = cardinality(tightness_ppm) "
            "AND cardinality(holons) = cardinality(price_micro_per_mwh) "
            "AND cardinality(holons) = cardinality(sell_price_micro_per_mwh)",
            name="a_price_each",
        ),
        *digests("digest"),
        schema="market",
        postgresql_partition_by="RANGE (day)",
    )


def _make_marks() -> None:
    """Make what says where the log of a market ends, where its days begin, and what is sealed."""
    op.create_table(
        "head",
        column("market", sa.Text, primary_key=True),
        column("epoch", sa.BigInteger),
        column("sequence", sa.BigInteger),
        column("event_digest", sa.LargeBinary),
        column("publication_digest", sa.LargeBinary),
        sa.CheckConstraint("epoch >= 1", name="epoch_begins_at_one"),
        sa.CheckConstraint("sequence >= 0", name="sequence_begins_at_none"),
        *digests("event_digest", "publication_digest"),
        schema="market",
    )
    op.create_table(
        "opening",
        column("market", sa.Text, primary_key=True),
        column("day", sa.Date, primary_key=True),
        column("sequence", sa.BigInteger),
        column("state", sa.Text),
        column("digest", sa.LargeBinary),
        sa.UniqueConstraint("market", "sequence"),
        sa.CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        *digests("digest"),
        schema="market",
    )
    op.create_table(
        "sealed",
        column("market", sa.Text, primary_key=True),
        column("last_sequence", sa.BigInteger, primary_key=True),
        column("first_sequence", sa.BigInteger),
        column("event_digest", sa.LargeBinary),
        column("publication_digest", sa.LargeBinary),
        column("digest", sa.LargeBinary),
        sa.UniqueConstraint("market", "first_sequence"),
        sa.CheckConstraint("first_sequence BETWEEN 1 AND last_sequence", name="in_order"),
        *digests("event_digest", "publication_digest", "digest"),
        schema="market",
    )


def downgrade() -> None:
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TRIGGER refuse_change ON market.submission")
    forget_facts(op, "market.sealed")
    for table in APPENDED:
        allow_changes(op, table)
    for table in TABLES:
        op.drop_table(table, schema="market")
    op.execute("DROP SCHEMA market")
