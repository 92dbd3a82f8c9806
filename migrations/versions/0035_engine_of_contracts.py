"""Runs are added by the third version of the engine, which serves contracts with windows.

What the second computed, this release cannot compute again. Its runs stay as they are.
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

NAME = "ck_run_engine_is_of_this_release"


def upgrade() -> None:
    _hold_to("3")


def downgrade() -> None:
    _hold_to("2")


def _hold_to(version: str) -> None:
    op.execute(f"ALTER TABLE settlement.run DROP CONSTRAINT {NAME}")
    op.execute(
        f"ALTER TABLE settlement.run ADD CONSTRAINT {NAME} "
        f"CHECK (engine_version = '{version}') NOT VALID"
    )
