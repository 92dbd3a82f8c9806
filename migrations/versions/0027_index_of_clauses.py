"""An index by which clauses of all versions are found by their words, and who may ask it.

The words of a document's clauses are one text to it: which clause has them is asked of the few
documents that it finds. A check of publication keeps them within what such a text may hold.
"""

from alembic import op

from database.clause_words import CREATE_INDEX, FUNCTIONS

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_INDEX)
    for definition in FUNCTIONS.values():
        op.execute(definition)


def downgrade() -> None:
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
    op.execute("DROP INDEX rulebook.ix_version_words_of_clauses")
