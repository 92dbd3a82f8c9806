"""Schemas, the refusal to edit, and versions of market documents, bitemporal and append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from database.guards import (
    CREATE_REFUSAL,
    DROP_REFUSAL,
    REFUSAL_SQLSTATE,
    allow_changes,
    forbid_changes,
)
from database.people import CREATE_PERSON_KEY, DROP_PERSON_KEY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HALF_OPEN = (
    "NOT isempty({0}) AND isfinite(lower({0})) AND lower_inc({0}) "
    "AND NOT upper_inc({0}) AND (upper_inf({0}) OR isfinite(upper({0})))"
)

CREATE_CLOSE_ONLY = f"""
CREATE FUNCTION rulebook.close_version_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reopened rulebook.version%ROWTYPE := NEW;
BEGIN
    reopened.recorded := OLD.recorded;
    IF reopened::text <> OLD::text
        OR NOT upper_inf(OLD.recorded)
        OR upper_inf(NEW.recorded)
        OR lower(NEW.recorded) <> lower(OLD.recorded)
    THEN
        RAISE EXCEPTION 'rulebook.version is append-only: of a version only the end of its '
            'recorded time may be set, once; publish a new version instead'
            USING ERRCODE = '{REFUSAL_SQLSTATE}';
    END IF;
    RETURN NEW;
END
$$
"""

SCHEMAS = ("rulebook", "settlement", "ledger", "people")


def upgrade() -> None:
    # The exclusion constraint compares a text beside two ranges, for which gist needs this. Its
    # version is named, so that a later server makes the same schema.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist VERSION '1.8'")
    op.execute(CREATE_REFUSAL)
    op.execute(CREATE_PERSON_KEY)
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    create_version_table()
    forbid_changes(op, "rulebook.version", updates=False)
    op.execute(CREATE_CLOSE_ONLY)
    op.execute(
        "CREATE TRIGGER close_version_only BEFORE UPDATE ON rulebook.version "
        "FOR EACH ROW EXECUTE FUNCTION rulebook.close_version_only()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER close_version_only ON rulebook.version")
    op.execute("DROP FUNCTION rulebook.close_version_only()")
    allow_changes(op, "rulebook.version")
    op.drop_table("version", schema="rulebook")
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema}")
    op.execute(DROP_PERSON_KEY)
    op.execute(DROP_REFUSAL)
    op.execute("DROP EXTENSION btree_gist")


def create_version_table() -> None:
    op.create_table(
        "version",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.uuidv7()),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", postgresql.JSONB, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE, nullable=False),
        sa.Column("recorded", postgresql.TSTZRANGE, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("supersedes", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("origin", sa.Uuid, nullable=True),
        sa.Column("row_digest", sa.LargeBinary, nullable=False),
        *version_constraints(),
        schema="rulebook",
    )
    op.create_index(op.f("ix_version_market"), "version", ["market"], schema="rulebook")


def version_constraints() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["origin"], ["rulebook.version.id"], name=op.f("fk_version_origin")
        ),
        sa.CheckConstraint(
            "public.person_key(author) <> public.person_key(approver)",
            name=op.f("ck_version_four_eyes"),
        ),
        sa.CheckConstraint(
            "public.person_key(author) <> '' AND public.person_key(approver) <> ''",
            name=op.f("ck_version_decided_by_someone"),
        ),
        sa.CheckConstraint("status IN ('in force')", name=op.f("ck_version_status_known")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_version_digest_length")),
        sa.CheckConstraint(
            "octet_length(row_digest) = 32", name=op.f("ck_version_row_digest_length")
        ),
        sa.CheckConstraint(HALF_OPEN.format("valid"), name=op.f("ck_version_valid_half_open")),
        sa.CheckConstraint(
            HALF_OPEN.format("recorded"), name=op.f("ck_version_recorded_half_open")
        ),
        sa.CheckConstraint(
            "origin IS NOT NULL OR reason <> '' OR lower(valid) >= lower(recorded)",
            name=op.f("ck_version_retroactive_with_reason"),
        ),
        postgresql.ExcludeConstraint(
            (sa.column("instrument"), "="),
            (sa.column("valid"), "&&"),
            (sa.column("recorded"), "&&"),
            where=sa.text("status = 'in force'"),
            using="gist",
            name="ex_version_in_force_once",
        ),
    ]
