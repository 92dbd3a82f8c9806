"""Schemas of the domain, the extension for exclusion constraints, and the refusal to edit."""

from alembic import op

from database.guards import CREATE_REFUSAL, DROP_REFUSAL
from database.metadata import SCHEMAS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(CREATE_REFUSAL)
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")


def downgrade() -> None:
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema}")
    op.execute(DROP_REFUSAL)
    op.execute("DROP EXTENSION btree_gist")
