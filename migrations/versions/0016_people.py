"""People: persons, accounts, grants, proposals and approvals, and tokens to act by."""

import sqlalchemy as sa
from alembic import op

from database.acting import FUNCTIONS
from database.chained import chain_rows, unchain_rows
from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FACTS = {
    "person": "number",
    "account": "id",
    "founding": "operator",
    "proposal": "number",
    "approval": "proposal",
    "account_grant": "number",
    "withdrawal": "grant_number",
}


def upgrade() -> None:
    create_people()
    create_beginnings()
    create_proposals()
    create_grants()
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for table, key in FACTS.items():
        forbid_changes(op, f"people.{table}")
        log_facts(op, f"people.{table}", key)
    forbid_changes(op, "people.deed")
    chain_rows(op.execute, "people.deed", "number", "at", "account", "command", "words")


def downgrade() -> None:
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION people.{name}")
    for table in FACTS:
        forget_facts(op, f"people.{table}")
        allow_changes(op, f"people.{table}")
    unchain_rows(op.execute, "people.deed")
    allow_changes(op, "people.deed")
    for table in (
        "deed", "token", "withdrawal", "account_grant", "approval", "proposal", "founding"
    ):  # fmt: skip
        op.drop_table(table, schema="people")
    op.execute("ALTER TABLE people.person DROP CONSTRAINT fk_person_recorded_by")
    op.drop_table("account", schema="people")
    op.drop_table("person", schema="people")


def create_people() -> None:
    op.create_table(
        "person",
        number(),
        text("name"),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        moment("recorded_at"),
        text("recorded_by", nullable=True),
        digest(),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("public.person_key(name) <> ''", name="name_is_given"),
        sa.CheckConstraint("octet_length(salt) = 16", name="salt_is_long"),
        digest_check(),
        schema="people",
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person", sa.BigInteger, sa.ForeignKey("people.person.number")),
        moment("recorded_at"),
        sa.Column("recorded_by", sa.Text, of_account()),
        digest(),
        sa.CheckConstraint(
            r"id ~ '^[a-z][a-z0-9]*([._-][a-z0-9]+)*$' AND length(id) <= 48", name="id_is_plain"
        ),
        digest_check(),
        schema="people",
    )
    op.execute(
        "ALTER TABLE people.person ADD CONSTRAINT fk_person_recorded_by "
        "FOREIGN KEY (recorded_by) REFERENCES people.account (id) DEFERRABLE INITIALLY DEFERRED"
    )


def create_beginnings() -> None:
    """Who began, by which token one acts, and what was done by commands."""
    op.create_table(
        "founding",
        sa.Column("once", sa.Boolean, primary_key=True),
        sa.Column("operator", sa.Text, of_account(), nullable=False),
        sa.Column("regulator", sa.Text, of_account(), nullable=False),
        sa.Column("is_demonstration", sa.Boolean, nullable=False),
        moment("founded_at"),
        digest(),
        sa.CheckConstraint("once", name="happens_once"),
        sa.CheckConstraint("operator <> regulator", name="two_accounts"),
        digest_check(),
        schema="people",
    )
    op.create_table(
        "token",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        account("account", index=True),
        moment("made_at"),
        moment("expires_at"),
        digest_check("hash"),
        schema="people",
    )
    op.create_table(
        "deed",
        sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
        moment("at"),
        account("account"),
        text("command"),
        text("words"),
        sa.CheckConstraint("btrim(command) <> ''", name="command_is_named"),
        schema="people",
    )


def create_proposals() -> None:
    op.create_table(
        "proposal",
        number(),
        text("kind"),
        text("market", nullable=True),
        text("content"),
        digest("content_digest"),
        text("texts"),
        account("proposed_by"),
        moment("proposed_at"),
        digest(),
        sa.UniqueConstraint("number", "content_digest"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("kind IN ('publication', 'ending', 'grant')", name="kind_is_known"),
        sa.CheckConstraint("content IS JSON OBJECT WITH UNIQUE KEYS", name="content_is_json"),
        sa.CheckConstraint(
            "content_digest = sha256(convert_to(content, 'UTF8'))", name="content_gives_digest"
        ),
        sa.CheckConstraint("(market IS NULL) = (kind = 'grant')", name="law_is_of_a_market"),
        digest_check(),
        schema="people",
    )
    op.create_table(
        "approval",
        number("proposal"),
        digest("content_digest"),
        account("approved_by"),
        moment("approved_at"),
        digest(),
        sa.ForeignKeyConstraint(
            ["proposal", "content_digest"],
            ["people.proposal.number", "people.proposal.content_digest"],
        ),
        digest_check(),
        schema="people",
    )


def create_grants() -> None:
    op.create_table(
        "account_grant",
        number(),
        account("account", index=True),
        text("role"),
        text("market", nullable=True),
        text("participant", nullable=True),
        sa.Column(
            "approval", sa.BigInteger, sa.ForeignKey("people.approval.proposal"), unique=True
        ),
        moment("granted_at"),
        digest(),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint(
            "role IN ('regulator', 'operator', 'auditor', 'participant')", name="role_is_known"
        ),
        sa.CheckConstraint(
            "num_nonnulls(market, participant) = CASE role WHEN 'participant' THEN 2 ELSE 0 END",
            name="participant_is_named",
        ),
        digest_check(),
        schema="people",
    )
    op.create_table(
        "withdrawal",
        sa.Column(
            "grant_number",
            sa.BigInteger,
            sa.ForeignKey("people.account_grant.number"),
            primary_key=True,
            autoincrement=False,
        ),
        account("withdrawn_by"),
        moment("withdrawn_at"),
        text("reason"),
        digest(),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        digest_check(),
        schema="people",
    )


def number(name: str = "number") -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable)


def moment(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def digest(name: str = "digest") -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def digest_check(column: str = "digest") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")


def of_account() -> sa.ForeignKey:
    return sa.ForeignKey("people.account.id", deferrable=True, initially="DEFERRED")


def account(name: str, *, index: bool = False) -> "sa.Column[str]":
    key = sa.ForeignKey("people.account.id")
    return sa.Column(name, sa.Text, key, nullable=False, index=index)
