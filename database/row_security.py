"""Which rows of participants' tables a reader sees: those of the account that acts, and no other.

Commands and workers read whole tables, and so do auditors' own tools: their roles pass by row
security. Every other role, that of the web process, sees through the policies here. The account is
that of the transaction's token (`database.acting`): SQL that names another's account shows nothing,
for it has no token of theirs.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

_DEFINER = "STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp"

# Policies call these as subqueries, so that each is asked once a statement and not once a row. They
# act as their owner, for they read grants, which have policies themselves.
CREATE_SEES_AS = f"""
CREATE FUNCTION people.sees_as(VARIADIC roles text[]) RETURNS boolean
LANGUAGE sql {_DEFINER}
RETURN people.holds_role(people.acting(), roles)
"""

CREATE_OWNED = f"""
CREATE FUNCTION people.owned() RETURNS TABLE (market text, participant text)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT held.market, held.participant FROM people.account_grant AS held
    WHERE held.account = people.acting() AND held.role = 'participant'
        AND NOT EXISTS (
            SELECT FROM people.withdrawal WHERE withdrawal.grant_number = held.number);
END
"""

CREATE_OWN_DOCUMENTS = f"""
CREATE FUNCTION people.own_documents() RETURNS text[]
LANGUAGE sql {_DEFINER}
RETURN (
    SELECT coalesce(array_agg(invoice.series || '-' || lpad(
        invoice.number::text, greatest(6, length(invoice.number::text)), '0')), '{{}}')
    FROM ledger.invoice JOIN people.owned() AS owner
        ON invoice.market = owner.market AND invoice.participant = owner.participant
)
"""

# What everybody may know of a dispute, and no other's row: see `ledger.disputes.bare`.
CREATE_BARE_DISPUTES = f"""
CREATE FUNCTION ledger.bare_disputes() RETURNS TABLE (
    market text, number bigint, kind text, billing_month date, terms_digest bytea, time_zone text,
    raise_within_days int, answer_within_days int, escalate_within_days int,
    decide_within_days int, events jsonb, moved_own boolean)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT dispute.market, dispute.number, CASE WHEN moved.own THEN line.kind END,
        invoice.billing_month, dispute.terms_digest, dispute.time_zone, dispute.raise_within_days,
        dispute.answer_within_days, dispute.escalate_within_days, dispute.decide_within_days,
        taken.events, moved.own
    FROM ledger.dispute
        JOIN ledger.invoice_line AS line
            ON line.invoice_id = dispute.invoice_id AND line.line = dispute.line
        JOIN ledger.invoice ON invoice.id = dispute.invoice_id
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object(
                'number', event.number, 'step', event.step, 'action', event.action,
                'role', event.role, 'taken_at', event.taken_at, 'run_id', event.run_id,
                'journal_numbers', event.journal_numbers, 'digest', encode(event.digest, 'hex')
                ) ORDER BY event.step) AS events
            FROM ledger.dispute_event AS event
            WHERE event.market = dispute.market AND event.dispute_number = dispute.number
        ) AS taken
        CROSS JOIN LATERAL (
            SELECT EXISTS (
                SELECT FROM ledger.dispute_event AS event
                    JOIN ledger.posting ON posting.journal_number = ANY (event.journal_numbers)
                    JOIN ledger.account ON account.code = posting.account
                    JOIN people.owned() AS owner ON owner.market = account.market
                        AND owner.participant = account.participant
                WHERE event.market = dispute.market AND event.dispute_number = dispute.number
                    AND event.action = 'settle'
                    AND (account.kind LIKE 'charge.%' OR account.kind LIKE 'payment.%')
            ) AND NOT EXISTS (
                SELECT FROM people.owned() AS owner
                WHERE owner.market = dispute.market AND owner.participant = dispute.participant
            ) AS own
        ) AS moved;
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "people.sees_as(text[])": CREATE_SEES_AS,
        "people.owned()": CREATE_OWNED,
        "people.own_documents()": CREATE_OWN_DOCUMENTS,
        "ledger.bare_disputes()": CREATE_BARE_DISPUTES,
    }
)


def _sees(*roles: str) -> str:
    return f"(SELECT people.sees_as({', '.join(map(repr, roles))}))"


_OWN = "(market, participant) IN (SELECT market, participant FROM people.owned())"
_BILLS = _sees("operator", "auditor")
_OVERSEES = _sees("operator", "auditor", "regulator")

POLICIES: Mapping[str, str] = MappingProxyType(
    {
        # A registration tells of costs, contacts and accounts; all other law is public.
        "rulebook.version": (
            f"kind <> 'registration' OR {_OVERSEES} OR (market, body ->> 'participant') IN "
            "(SELECT market, participant FROM people.owned())"
        ),
        # A draft is of its author and of those who oversee until review is asked for; from then on
        # everybody reads the record, but for texts of registrations.
        "rulebook.change": f"{_OVERSEES} OR number IN (SELECT rulebook.seen_changes())",
        "rulebook.change_event": f"{_OVERSEES} OR change IN (SELECT rulebook.seen_changes())",
        "rulebook.revision": f"{_OVERSEES} OR digest IN (SELECT rulebook.seen_revisions())",
        # Whose an entity is, the law of its day says. What participants are told of readings and
        # results, the worker explains to them, line by line: see `portal.explanations`.
        "settlement.reading_file": _BILLS,
        "settlement.reading": _BILLS,
        "settlement.result": _BILLS,
        "settlement.day_total": _BILLS,
        "settlement.study": _OVERSEES,
        "settlement.online_day": _OVERSEES,
        "settlement.trial": _OVERSEES,
        "settlement.trial_made": _OVERSEES,
        "settlement.fairness_report": _OVERSEES,
        "settlement.transition_report": _OVERSEES,
        "ledger.account": f"{_OVERSEES} OR {_OWN}",
        "ledger.posting": f"{_OVERSEES} OR account IN (SELECT code FROM ledger.account)",
        "ledger.invoice": f"{_OVERSEES} OR {_OWN}",
        # The regulator oversees what is owed, and reads of documents what is disputed.
        "ledger.invoice_line": (
            f"{_BILLS} OR invoice_id IN (SELECT id FROM ledger.invoice WHERE {_OWN}) "
            f"OR {_sees('regulator')} AND invoice_id IN (SELECT invoice_id FROM ledger.dispute)"
        ),
        "ledger.dispute": f"{_OVERSEES} OR {_OWN}",
        "ledger.dispute_event": (
            f"{_OVERSEES} OR (market, dispute_number) IN "
            "(SELECT market, number FROM ledger.dispute)"
        ),
        "ledger.attachment": (
            f"{_OVERSEES} OR sha256 IN (SELECT attachment_sha256 FROM ledger.dispute_event)"
        ),
        "ledger.bank_file": _BILLS,
        # Its balances are the market's, and sums over what others paid.
        "ledger.bank_statement": _BILLS,
        "ledger.bank_transaction": (
            f"{_BILLS} OR (market, statement_number, line) IN "
            "(SELECT market, statement_number, line FROM ledger.allocation)"
        ),
        "ledger.allocation": f"{_BILLS} OR documents && (SELECT people.own_documents())",
        "market.booking": f"{_BILLS} OR {_OWN}",
        "people.answer": f"{_OVERSEES} OR {_OWN}",
        "ledger.interest": (
            f"{_OVERSEES} OR document = ANY ((SELECT people.own_documents())::text[])"
        ),
        "ledger.trail_link": _OVERSEES,
        "people.person": f"{_OVERSEES} OR number = (SELECT people.person_of(people.acting()))",
        "people.account": f"{_OVERSEES} OR id = (SELECT people.acting())",
        "people.proposal": f"{_OVERSEES} OR proposed_by = (SELECT people.acting())",
        "people.approval": (
            f"{_OVERSEES} OR approved_by = (SELECT people.acting()) "
            "OR proposal IN (SELECT number FROM people.proposal)"
        ),
        "people.proposal_end": (f"{_OVERSEES} OR proposal IN (SELECT number FROM people.proposal)"),
        "people.account_grant": f"{_OVERSEES} OR account = (SELECT people.acting())",
        "people.withdrawal": (
            f"{_OVERSEES} OR grant_number IN (SELECT number FROM people.account_grant)"
        ),
        "people.deed": f"{_OVERSEES} OR account = (SELECT people.acting())",
    }
)
"""By table, whose rows may be read: every table that tells of a participant or of a person."""

ME = "(SELECT id FROM portal.auth_user WHERE username = people.acting())"
_MINE = f"user_id = {ME}"

OWN_POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "portal.portal_act": _MINE,
        "portal.portal_export": _MINE,
        "portal.portal_exportpart": "export_id IN (SELECT id FROM portal.portal_export)",
        "portal.portal_explanationrequest": _MINE,
        "portal.portal_noticeread": _MINE,
        "portal.portal_use": _MINE,
        # What somebody writes is no law, and nobody else's to read until it is proposed.
        "portal.portal_workingcopy": _MINE,
        "portal.portal_replayrequest": _BILLS,
        "portal.portal_askedtrial": _MINE,
        "portal.portal_askedreport": _MINE,
    }
)
"""By table of Django, whose rows may be read and written: of what people ask for, their own."""

ADDED: Mapping[str, str] = MappingProxyType(
    {
        # As `ledger.log.witnesses` takes them: what it signs over, only its key can show.
        "ledger.cosignature": (
            "signed_at BETWEEN now() - interval '1 day' AND now() + interval '10 minutes'"
        ),
    }
)
"""By table that everybody reads, as the log is public, which rows the web process may add."""

APPENDED_BY_ALL: Mapping[str, str] = MappingProxyType(
    {
        # A sign-in is appended before anybody acts.
        "portal.portal_auditentry": f"{_sees('auditor')} OR account = (SELECT people.acting())",
    }
)
"""By table, whose rows may be read where everybody appends."""

OPEN: Mapping[str, str] = MappingProxyType(
    {
        "settlement.run": "what was settled when, by which digests",
        **dict.fromkeys(
            ("ledger.journal", "ledger.seal"), "that there are entries, and not whose they are"
        ),
        **dict.fromkeys(
            (
                "ledger.log_leaf", "ledger.log_key", "ledger.log_tile", "ledger.checkpoint",
                "ledger.trail_head", "ledger.witness",
            ),
            "the log is public: hashes, notes and keys",
        ),
        **dict.fromkeys(
            ("market.publication", "market.written", "market.head", "market.sealed"),
            "prices are public, and digests of what made them",
        ),
        "market.outlook": "prices of intervals to come are public, and how much waits for them",
        "people.founding": "who began, and whether it is a demonstration, is told to everybody",
        "people.token": "hashes of secrets, asked for before it is known who acts",
        **dict.fromkeys(
            (
                "portal.django_session", "portal.auth_user", "portal.mfa_authenticator",
                "portal.portal_attempt", "portal.account_emailaddress",
                "portal.account_emailconfirmation",
            ),
            "asked for before it is known who acts; sealed, hashed or a name",
        ),
        **dict.fromkeys(
            (
                "portal.django_migrations", "portal.django_content_type", "portal.auth_permission",
                "portal.auth_group", "portal.auth_group_permissions", "portal.auth_user_groups",
                "portal.auth_user_user_permissions",
            ),
            "Django's own lists, which tell of nobody",
        ),
        "portal.procrastinate_workers": "when each was last seen",
    }
)  # fmt: skip
"""By table without a policy that the web process reads, why everybody may read all of it."""


def secure_rows(execute: Callable[[str], object], table: str) -> None:
    """Let readers see the rows of a table that its policy says, from here on."""
    execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    execute(f"CREATE POLICY reads ON {table} FOR SELECT USING ({POLICIES[table]})")


def secure_own_rows(execute: Callable[[str], object], table: str) -> None:
    """Let the web process see and write the rows of a table of Django that its policy says."""
    execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    if table in OWN_POLICIES:
        execute(f"CREATE POLICY reads ON {table} USING ({OWN_POLICIES[table]})")
    else:
        execute(f"CREATE POLICY reads ON {table} FOR SELECT USING ({APPENDED_BY_ALL[table]})")
        execute(f"CREATE POLICY appends ON {table} FOR INSERT WITH CHECK (true)")


def secure_added_rows(execute: Callable[[str], object], table: str) -> None:
    """Let everybody read a table, and the web process add the rows that `ADDED` says."""
    execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    execute(f"CREATE POLICY reads ON {table} FOR SELECT USING (true)")
    execute(f"CREATE POLICY asks ON {table} FOR INSERT WITH CHECK ({ADDED[table]})")


def unsecure_added_rows(execute: Callable[[str], object], table: str) -> None:
    """Undo `secure_added_rows`."""
    for policy in ("reads", "asks"):
        execute(f"DROP POLICY {policy} ON {table}")
    execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def unsecure_rows(execute: Callable[[str], object], table: str) -> None:
    """Undo `secure_rows`, or `secure_own_rows`."""
    execute(f"DROP POLICY reads ON {table}")
    execute(f"DROP POLICY IF EXISTS appends ON {table}")
    execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
