"""Guards of when something was done: what a decision or its waiting time rests upon is not chosen.

A row states its moment itself, as its digest holds it. Whoever inserts a row chose that moment
once, so a consultation of 28 days could be written in a second; so the database holds it to its
own clock, and `ledger.log.moment_verification` to the checkpoints before and after its leaf.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

TOLERANCE_MINUTES = 10
"""How far a stated moment may be from the database's clock: for clocks of two machines, and for the
wait for a lock. No waiting time that a rule sets is counted in minutes."""


class Moment(NamedTuple):
    """The key of a table's rows in the log, and the column that says when each was done."""

    key: str
    column: str


MOMENTS: Mapping[str, Moment] = MappingProxyType(
    {
        "people.proposal": Moment("number", "proposed_at"),
        "people.approval": Moment("proposal", "approved_at"),
        "people.answer": Moment("number", "answered_at"),
        "people.proposal_end": Moment("proposal", "ended_at"),
        "people.account_grant": Moment("number", "granted_at"),
        "people.withdrawal": Moment("grant_number", "withdrawn_at"),
        "rulebook.change": Moment("number", "opened_at"),
        "rulebook.revision": Moment("change || '/' || number", "made_at"),
        "rulebook.change_event": Moment("change || '/' || sequence", "at"),
        "people.person": Moment("number", "recorded_at"),
        "people.account": Moment("id", "recorded_at"),
        "people.founding": Moment("operator", "founded_at"),
        "ledger.invoice": Moment(
            "series || '-' || lpad(number::text, greatest(6, length(number::text)), '0')",
            "issued_at",
        ),
        "ledger.bank_file": Moment("market || '/' || encode(content_digest, 'hex')", "received_at"),
        "ledger.allocation": Moment(
            "market || '-bank-' || lpad(statement_number::text, greatest(6, "
            "length(statement_number::text)), '0') || '/' || line || ':' || decision",
            "decided_at",
        ),
        "ledger.dispute_event": Moment("market || '/' || number", "taken_at"),
        "settlement.fairness_report": Moment("id", "created_at"),
        "settlement.transition_report": Moment("id", "created_at"),
        "ledger.seal": Moment("market || '/' || settlement_day", "sealed_at"),
        "ledger.log_key": Moment("number", "valid_from"),
        "ledger.witness": Moment("number", "recorded_at"),
        # A checkpoint bounds the rest, so its own moment is none that somebody chooses either.
        "ledger.checkpoint": Moment("size", "signed_at"),
    }
)
"""By table, what is held to the clock: decisions, the steps to them, documents and disputes, whose
windows count from it, and what bounds them all."""

NOT_HELD: Mapping[str, str] = MappingProxyType(
    {
        "rulebook.version.valid": "days to come or gone",
        "rulebook.version.recorded": "the moment of its approval, which is held: by trigger",
        "rulebook.revision.drawn_from": "an instant whose law a draft was drawn from",
        "rulebook.revision.valid_from": "the first instant of days to come or gone",
        "rulebook.revision.valid_to": "the instant after days to come or gone",
        "settlement.run.known_at": "the moment asked about, up to which a run knew",
        "settlement.run.created_at": "when its work began: a year computes for longer than minutes",
        "settlement.trial.known_at": "the moment asked about, up to which a trial knew",
        "settlement.trial.created_at": "when its work began, as of a run",
        "settlement.online_day.recorded_at": "when the work of its run began, as of a run; one "
        "before the last look of a run is refused, as it would change what that run knew",
        "settlement.reading_file.received_at": "when its work began, as of a run; one before the "
        "last look of a run is refused, as it would change what that run knew",
        "ledger.journal.posted_at": "when the work of its run or document began; no window counts "
        "from it, and journals are in order by number",
        "ledger.seal.begins_at": "the midnight before a day",
        "ledger.seal.ends_at": "the midnight after a day",
    }
)
"""By column, why the moment that a leaf states is not held to the clock: of every other it is."""

# The owner restores backups, and could take the guard away as well: `verify` holds what it writes.
# It is also how tests write what happened long ago (`tests/worlds/moments.py`); no process of the
# product connects as the owner but `migrate`.
CREATE_CHECK_MOMENT = f"""
CREATE FUNCTION people.check_moment() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stated timestamptz;
BEGIN
    IF pg_has_role(current_user, (
        SELECT relowner FROM pg_class WHERE pg_class.oid = TG_RELID), 'USAGE')
    THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'SELECT %1$I FROM added WHERE %1$I NOT BETWEEN $1 - $2 AND $1 + $2 LIMIT 1', TG_ARGV[0])
    INTO stated USING clock_timestamp(), make_interval(mins => {TOLERANCE_MINUTES});
    IF stated IS NOT NULL THEN
        RAISE EXCEPTION '%.%: % is %, and the clock of the database says %',
            TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0], stated, clock_timestamp()
            USING ERRCODE = 'check_violation', CONSTRAINT = 'moment_is_present';
    END IF;
    RETURN NULL;
END
$$
"""
"""Argument of the trigger: the column that says when."""


def check_moment(execute: Callable[[str], object], table: str) -> None:
    """Hold the moment that rows of a table state to the database's clock, from here on.

    Call it in the migration that makes the table, which stands in `MOMENTS`.
    """
    execute(
        f"CREATE TRIGGER check_moment AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION people.check_moment('{MOMENTS[table].column}')"
    )
