"""Guards look for names in PostgreSQL's own schema first, and two of them act as their owner.

A caller's `search_path` must not say what a guard calls. Whoever may insert a fact, or a row of the
portal's, need not be able to write the log or the trail.
"""

from alembic import op

from database.guards import act_as_owner, fix_search_path

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

GUARDS = (
    "public.refuse_change",
    "rulebook.close_version_only",
    "ledger.check_causes",
    "ledger.check_dispute_event",
    "ledger.check_dispute_is_opened",
    "ledger.check_disputes",
    "ledger.check_invoice_has_lines",
    "ledger.check_invoice_lines",
    "ledger.check_invoices",
    "ledger.check_journal_has_postings",
    "ledger.check_journals",
    "ledger.check_paid",
    "ledger.check_participant_numbers",
    "ledger.check_postings",
    "ledger.check_seals",
    "ledger.keep_sealed_law",
    "ledger.link_row",
    "ledger.lock_log",
    "ledger.log_facts",
    "ledger.only_by_facts",
    "ledger.only_by_rows",
    "ledger.refuse_sealed_days",
    "ledger.refuse_sealed_law",
)
ACTING_AS_OWNER = ("ledger.log_facts", "ledger.link_row")


def upgrade() -> None:
    for guard in GUARDS:
        fix_search_path(op, guard)
    for guard in ACTING_AS_OWNER:
        act_as_owner(op, guard)


def downgrade() -> None:
    for guard in ACTING_AS_OWNER:
        op.execute(f"ALTER FUNCTION {guard}() SECURITY INVOKER")
    for guard in GUARDS:
        op.execute(f"ALTER FUNCTION {guard}() RESET search_path")
