"""A run is added by the engine of the release that migrated: none of an earlier one is invented.

What an earlier version computed, nobody here can compute again, so a run that said to be of one
was believed. Runs that are there already stay as they are. Whoever raises `ENGINE_VERSION` replaces
the constraint in a migration of its own.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NAME = "ck_run_engine_is_of_this_release"


def upgrade() -> None:
    op.execute(
        f"ALTER TABLE settlement.run ADD CONSTRAINT {NAME} CHECK (engine_version = '2') NOT VALID"
    )


def downgrade() -> None:
    op.execute(f"ALTER TABLE settlement.run DROP CONSTRAINT {NAME}")
