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
        # Whose an entity is, the law of its day says. What participants are told of readings and
        # results, the worker explains to them, line by line: see `portal.explanations`.
        "settlement.reading_file": _BILLS,
        "settlement.reading": _BILLS,
        "settlement.result": _BILLS,
        "settlement.day_total": _BILLS,
        "settlement.study": _OVERSEES,
        "settlement.trial": _OVERSEES,
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
        "people.account_grant": f"{_OVERSEES} OR account = (SELECT people.acting())",
        "people.withdrawal": (
            f"{_OVERSEES} OR grant_number IN (SELECT number FROM people.account_grant)"
        ),
        "people.deed": f"{_OVERSEES} OR account = (SELECT people.acting())",
    }
)
"""By table, whose rows may be read: every table that tells of a participant or of a person."""

_ME = "(SELECT id FROM portal.auth_user WHERE username = people.acting())"
_MINE = f"user_id = {_ME}"

OWN_POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "portal.portal_act": _MINE,
        "portal.portal_export": _MINE,
        "portal.portal_exportpart": "export_id IN (SELECT id FROM portal.portal_export)",
        "portal.portal_explanationrequest": _MINE,
        "portal.portal_noticeread": _MINE,
        "portal.portal_use": _MINE,
        "portal.portal_replayrequest": _BILLS,
    }
)
"""By table of Django, whose rows may be read and written: of what people ask for, their own."""

ASKED: Mapping[str, str] = MappingProxyType(
    {
        "portal.portal_act": "state = 'asked' AND outcome = '{}' AND finished_at IS NULL",
        "portal.portal_export": (
            "state = 'running' AND file_name = '' AND media_type = '' AND size_bytes = 0 "
            "AND error = '' AND found = '[]' AND finished_at IS NULL AND expires_at IS NULL"
        ),
        "portal.portal_explanationrequest": "state = 'running' AND content = ''",
        "portal.portal_replayrequest": (
            f"state = 'running' AND requested_by_id = {_ME} AND stored_digest IS NULL "
            "AND recomputed_digest IS NULL AND first_difference = '' AND seconds IS NULL "
            "AND error = '' AND finished_at IS NULL"
        ),
    }
)
"""By table of what people ask the worker for, how a row is that nobody answered: what comes of it,
such as that a replay gave the same, the worker alone says. The web process may say that it failed,
where no worker is left to."""

QUEUE = "portal.procrastinate_jobs"
_NUMBER = "(args ->> 'number')::bigint"


def _job(task: str, priority: int, lanes: int, table: str) -> str:
    """Return the branch of a job that does what a row asks for, of those that whoever acts sees."""
    # Not the operator: a driver takes a per cent sign for a place of a value.
    lock = f"lock = '{task}-' || mod({_NUMBER}, {lanes})" if lanes else "lock IS NULL"
    return (
        f"WHEN '{task}' THEN priority = {priority} AND {lock} AND EXISTS (SELECT FROM {table} "
        f"AS asked WHERE asked.id = {_NUMBER} AND asked.state IN ('asked', 'running'))"
    )


# As `portal.jobs.defer` queues it. A moment that no clock has ended every worker, and a job of
# another's lock kept that lock for ever.
QUEUED = f"""
status = 'todo' AND NOT abort_requested AND worker_id IS NULL AND attempts = 0
AND scheduled_at IS NULL AND queueing_lock IS NULL AND queue_name = 'default'
AND args = jsonb_build_object('number', {_NUMBER})
AND CASE task_name
    {_job("act", 20, 0, "portal.portal_act")}
    {_job("explain", 15, 2, "portal.portal_explanationrequest")}
    {_job("export", 10, 2, "portal.portal_export")}
    {_job("replay", 0, 1, "portal.portal_replayrequest")}
    ELSE false END
AND NOT EXISTS (
    SELECT FROM portal.procrastinate_jobs AS other
    WHERE other.status = 'todo' AND other.task_name = procrastinate_jobs.task_name
        AND other.args = procrastinate_jobs.args)
"""
ADDED: Mapping[str, str] = MappingProxyType(
    {
        QUEUE: QUEUED,
        # As `ledger.log.witnesses` takes them: what it signs over, only its key can show.
        "ledger.cosignature": (
            "signed_at BETWEEN now() - interval '1 day' AND now() + interval '10 minutes'"
        ),
    }
)
"""By table that everybody reads, which rows the web process may add: the queue names rows by their
number, and the log is public."""

LOST = """
status = 'doing' AND NOT EXISTS (
    SELECT FROM portal.procrastinate_workers AS worker
    WHERE worker.id = worker_id AND worker.last_heartbeat >= now() - interval '60 seconds')
"""
"""A job whose worker is gone: `portal.jobs.HEART`."""

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


def secure_requests(execute: Callable[[str], object]) -> None:
    """Let the web process ask for what the worker does, and say nothing of what came of it."""
    for table, condition in ASKED.items():
        own = OWN_POLICIES[table]
        under_way = f"{own} AND state IN ('asked', 'running')"
        execute(f"DROP POLICY reads ON {table}")
        execute(f"CREATE POLICY reads ON {table} FOR SELECT USING ({own})")
        execute(f"CREATE POLICY asks ON {table} FOR INSERT WITH CHECK ({own} AND {condition})")
        execute(
            f"CREATE POLICY gives_up ON {table} FOR UPDATE USING ({under_way}) "
            f"WITH CHECK ({own} AND state IN ('asked', 'running', 'failed'))"
        )
    secure_added_rows(execute, QUEUE)
    execute(
        f"CREATE POLICY gives_up ON {QUEUE} FOR UPDATE USING ({LOST}) "
        "WITH CHECK (status = 'failed')"
    )


def unsecure_requests(execute: Callable[[str], object]) -> None:
    """Undo `secure_requests`."""
    execute(f"DROP POLICY gives_up ON {QUEUE}")
    unsecure_added_rows(execute, QUEUE)
    for table in ASKED:
        for policy in ("reads", "asks", "gives_up"):
            execute(f"DROP POLICY {policy} ON {table}")
        execute(f"CREATE POLICY reads ON {table} USING ({OWN_POLICIES[table]})")


def unsecure_rows(execute: Callable[[str], object], table: str) -> None:
    """Undo `secure_rows`, or `secure_own_rows`."""
    execute(f"DROP POLICY reads ON {table}")
    execute(f"DROP POLICY IF EXISTS appends ON {table}")
    execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
