"""An index by which the law of a market on a day, as known at a moment, is found among thousands.

The index of the exclusion constraint begins with the instrument, which whoever asks for the whole
law does not name, and holds what is in force by its stored status alone.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_version_market_valid_recorded ON rulebook.version "
        "USING gist (market, valid, recorded)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX rulebook.ix_version_market_valid_recorded")
