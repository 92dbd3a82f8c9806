"""An approval publishes once, and the founding grants once: neither gives anything again."""

import sqlalchemy as sa
from alembic import op

from database.remainders import FUNCTIONS

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OF_FOUNDING = "uq_account_grant_of_founding"


def upgrade() -> None:
    for definition in FUNCTIONS.values():
        op.execute(definition)
    # Named to be asked last: what `check_decided` and `check_payees` refuse, they say better.
    op.execute(
        "CREATE TRIGGER follows_decision AFTER INSERT ON rulebook.version "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION rulebook.check_follows()"
    )
    op.create_index(
        OF_FOUNDING,
        "account_grant",
        ["role"],
        unique=True,
        schema="people",
        postgresql_where=sa.text("approval IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(OF_FOUNDING, "account_grant", schema="people")
    op.execute("DROP TRIGGER follows_decision ON rulebook.version")
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
