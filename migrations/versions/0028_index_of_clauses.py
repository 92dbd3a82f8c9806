"""An index by which clauses of all versions are found by their words.

The words of a document's clauses are one text to it: which clause has them is asked of the few
documents that it finds. A check of publication keeps them within what such a text may hold.
"""

from alembic import op

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_version_words_of_clauses ON rulebook.version USING gin ("
        "jsonb_to_tsvector('english'::regconfig, "
        "jsonb_path_query_array(body, '$.clauses[*].text'::jsonpath), '[\"string\"]'::jsonb))"
    )


def downgrade() -> None:
    op.execute("DROP INDEX rulebook.ix_version_words_of_clauses")
