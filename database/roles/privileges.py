"""Who may do what, object by object: the list that `migrate` grants by, and tests hold it to.

What stands in no row here is open to nobody but its owner, and fails a test: whoever adds a table
says here who reads and who writes it. A privilege is written as in a GRANT; columns stand in
brackets. Nobody here may TRUNCATE, nor has a privilege that it may pass on.
"""

from collections.abc import Mapping
from types import MappingProxyType

from database.roles.names import Role

Privileges = Mapping[Role, str]
"""What each role may; a role that is not named may nothing."""

OWNER, WRITER = Role.OWNER, Role.WRITER
PORTAL, PORTAL_AUTH, AUDITOR = Role.PORTAL, Role.PORTAL_AUTH, Role.AUDITOR

READ = "SELECT"
APPEND = "SELECT, INSERT"
ANY_ROW = "SELECT, INSERT, UPDATE, DELETE"

FACTS: Privileges = {WRITER: APPEND, PORTAL: READ, AUDITOR: READ}
"""Facts are appended by commands and workers: what people ask for in the portal, a worker does."""
BY_GUARDS: Privileges = {WRITER: READ, PORTAL: READ, AUDITOR: READ}
"""Rows that a guard appends, as its owner: nobody can write one by hand."""
NOBODY: Privileges = {}
UNDER_WAY: Privileges = {WRITER: ANY_ROW, PORTAL_AUTH: ANY_ROW}
"""What Django keeps for a while, and changes."""
OF_DJANGO: Privileges = {WRITER: ANY_ROW, PORTAL_AUTH: READ}
GIVES_UP = "UPDATE (state, error, finished_at, job_number)"
"""What the web process says of a request: its job, and that nobody is left who does it."""
GIVES_UP_OR_WISHES = "UPDATE (state, error, finished_at, job_number, wish)"
"""What it says of a trial, too: that who asked wishes it to rest, to go on or to end."""

TABLES: Mapping[str, Privileges] = MappingProxyType(
    {
        "public.alembic_version": {WRITER: READ, AUDITOR: READ},
        # A version is closed by a new one: its guard lets its record alone be changed.
        "rulebook.version": {**FACTS, WRITER: "SELECT, INSERT, UPDATE (recorded)"},
        **dict.fromkeys(
            (
                "rulebook.change",
                "rulebook.revision",
                "rulebook.change_event",
                "settlement.reading_file",
                "settlement.reading",
                "settlement.online_day",
                "settlement.run",
                "settlement.result",
                "settlement.day_total",
                "settlement.study",
                "settlement.trial",
                "settlement.trial_made",
                "settlement.fairness_report",
                "settlement.transition_report",
                "ledger.account",
                "ledger.journal",
                "ledger.posting",
                "ledger.bank_file",
                "ledger.bank_statement",
                "ledger.bank_transaction",
                "ledger.allocation",
                "ledger.dispute",
                "ledger.dispute_event",
                "ledger.attachment",
                "ledger.invoice",
                "ledger.invoice_line",
                "ledger.seal",
                "ledger.interest",
                "ledger.log_key",
                "ledger.log_tile",
                "ledger.checkpoint",
                "ledger.trail_head",
                "ledger.witness",
                "people.person",
                "people.account",
                "people.founding",
                "people.proposal",
                "people.approval",
                "people.answer",
                "people.proposal_end",
                "people.account_grant",
                "people.withdrawal",
                "people.deed",
            ),
            FACTS,
        ),
        # Who knows that somebody signed in lets their session act. The connection that reads facts
        # makes no token: whatever a page were made to ask by it, it asks as who is signed in.
        "people.token": UNDER_WAY,
        # A witness has no account: its key says whose a co-signature is, and the portal takes it.
        "ledger.cosignature": {
            **FACTS,
            PORTAL: "SELECT, INSERT (size, witness, signed_at, signature)",
        },
        # A market's log is written by functions alone, whose caller names the epoch that it leads.
        "market.submission": {WRITER: READ, AUDITOR: READ},
        "market.event": {WRITER: READ, AUDITOR: READ},
        "market.opening": {WRITER: READ, AUDITOR: READ},
        # Days are read through their table: of themselves, nobody may read one.
        **dict.fromkeys(("market.event_18991231", "market.publication_18991231"), NOBODY),
        "market.publication": BY_GUARDS,
        "market.written": BY_GUARDS,
        "market.booking": BY_GUARDS,
        "market.head": BY_GUARDS,
        "market.sealed": FACTS,
        # Of intervals to come; who leads keeps them by a function, in the place of the last.
        "market.outlook": BY_GUARDS,
        "market.standing": {WRITER: READ, AUDITOR: READ},
        "ledger.log_leaf": BY_GUARDS,
        "ledger.trail_link": BY_GUARDS,
        # Django's own, in the schema `portal`.
        "portal.django_migrations": {WRITER: READ, PORTAL_AUTH: READ},
        "portal.django_content_type": OF_DJANGO,
        "portal.auth_permission": OF_DJANGO,
        "portal.auth_group_permissions": OF_DJANGO,
        "portal.auth_user_user_permissions": OF_DJANGO,
        "portal.django_session": UNDER_WAY,
        # Of an account, the web process changes the password and when it was last used; that it is
        # active, staff or anybody's superuser, it cannot write.
        "portal.auth_user": {
            WRITER: ANY_ROW,
            PORTAL_AUTH: "SELECT, UPDATE (password, last_login)",
            AUDITOR: "SELECT (id, username, is_active, is_staff, is_superuser, date_joined, "
            "last_login)",
        },
        "portal.auth_group": OF_DJANGO,
        "portal.auth_user_groups": OF_DJANGO,
        "portal.account_emailaddress": OF_DJANGO,
        "portal.account_emailconfirmation": OF_DJANGO,
        "portal.mfa_authenticator": UNDER_WAY,
        "portal.portal_auditentry": {WRITER: APPEND, PORTAL_AUTH: APPEND, AUDITOR: READ},
        "portal.portal_noticesent": {WRITER: APPEND, AUDITOR: READ},
        "portal.portal_noticeread": {WRITER: ANY_ROW, PORTAL_AUTH: APPEND},
        "portal.portal_use": UNDER_WAY,
        "portal.portal_workingcopy": UNDER_WAY,
        "portal.portal_attempt": UNDER_WAY,
        # What people ask for, and how far it is: asked for here, and answered by the worker.
        "portal.portal_replayrequest": {
            WRITER: ANY_ROW,
            PORTAL_AUTH: f"SELECT, INSERT, {GIVES_UP}",
            AUDITOR: READ,
        },
        "portal.portal_askedtrial": {
            WRITER: ANY_ROW,
            PORTAL_AUTH: f"SELECT, INSERT, {GIVES_UP_OR_WISHES}",
        },
        "portal.portal_askedreport": {WRITER: ANY_ROW, PORTAL_AUTH: f"SELECT, INSERT, {GIVES_UP}"},
        "portal.portal_export": {WRITER: ANY_ROW, PORTAL_AUTH: f"SELECT, INSERT, {GIVES_UP}"},
        "portal.portal_exportpart": {WRITER: ANY_ROW, PORTAL_AUTH: READ},
        "portal.portal_explanationrequest": {
            WRITER: ANY_ROW,
            PORTAL_AUTH: "SELECT, INSERT, UPDATE (state, job_number)",
        },
        # A page says that it was queued, and nothing of what became of it.
        "portal.portal_act": {WRITER: ANY_ROW, PORTAL_AUTH: "SELECT, INSERT, UPDATE (job_number)"},
        # The queue. Its triggers write events, as whoever changed a job. Policies say which jobs
        # the web process queues, and which it ends: see `database.request_security`.
        "portal.procrastinate_jobs": {
            WRITER: ANY_ROW,
            PORTAL_AUTH: "SELECT, INSERT (queue_name, task_name, priority, lock, queueing_lock, "
            "args, scheduled_at), UPDATE (status)",
        },
        "portal.procrastinate_events": {WRITER: ANY_ROW, PORTAL_AUTH: "INSERT"},
        "portal.procrastinate_workers": {WRITER: ANY_ROW, PORTAL_AUTH: READ},
        "portal.procrastinate_periodic_defers": {WRITER: ANY_ROW},
    }
)
"""Of every table. Sequences that no column is the identity of are used by who may insert there."""

SCHEMAS: Mapping[str, Privileges] = MappingProxyType(
    {
        "rulebook": {WRITER: "USAGE", PORTAL: "USAGE", AUDITOR: "USAGE"},
        "settlement": {WRITER: "USAGE", PORTAL: "USAGE", AUDITOR: "USAGE"},
        "ledger": {WRITER: "USAGE", PORTAL: "USAGE", AUDITOR: "USAGE"},
        "market": {WRITER: "USAGE", PORTAL: "USAGE", AUDITOR: "USAGE"},
        "people": {WRITER: "USAGE", PORTAL: "USAGE", PORTAL_AUTH: "USAGE", AUDITOR: "USAGE"},
        "portal": {WRITER: "USAGE", PORTAL_AUTH: "USAGE", AUDITOR: "USAGE"},
        "public": {WRITER: "USAGE", AUDITOR: "USAGE"},
    }
)

CALLED: Privileges = {WRITER: "EXECUTE"}
"""Called in checks and guards, by whoever inserts."""
ASKED_WHO: Privileges = {WRITER: "EXECUTE", PORTAL: "EXECUTE"}
"""Who acts, and by which right, which it tells whoever holds a token of themselves alone; or what
everybody may know."""
ASKED_BY_POLICIES: Privileges = {**ASKED_WHO, PORTAL_AUTH: "EXECUTE"}
BY_LAW: Privileges = {WRITER: "EXECUTE", AUDITOR: "EXECUTE"}
QUEUED: Privileges = {WRITER: "EXECUTE", PORTAL_AUTH: "EXECUTE"}

FUNCTIONS: Mapping[str, Privileges] = MappingProxyType(
    {
        "public.person_key": CALLED,
        "ledger.source_that_moves": CALLED,
        "people.acting": ASKED_BY_POLICIES,
        "people.holds_role": ASKED_WHO,
        "people.acts_for": ASKED_WHO,
        "people.person_of": ASKED_WHO,
        # By the policies of rows, as whoever reads.
        "people.sees_as": {PORTAL: "EXECUTE", PORTAL_AUTH: "EXECUTE"},
        "people.owned": {PORTAL: "EXECUTE"},
        # What law changes, and whose, is asked by commands, by guards and by auditors alike.
        "rulebook.payee_of": BY_LAW,
        "rulebook.payee_changes": BY_LAW,
        "rulebook.payee_delay": BY_LAW,
        "rulebook.follows_decision": BY_LAW,
        "rulebook.change_steps": CALLED,
        "rulebook.seen_changes": {PORTAL: "EXECUTE"},
        "rulebook.seen_revisions": {PORTAL: "EXECUTE"},
        "rulebook.public_versions_with": ASKED_WHO,
        "rulebook.versions_within": {**ASKED_WHO, AUDITOR: "EXECUTE"},
        "settlement.is_consulted": {},
        "settlement.consulted_trials": ASKED_WHO,
        "settlement.public_trial": ASKED_WHO,
        "settlement.own_trial_rows": ASKED_WHO,
        "settlement.fairness_reports": ASKED_WHO,
        "settlement.public_fairness": ASKED_WHO,
        "settlement.own_fairness": ASKED_WHO,
        "settlement.transition_reports": ASKED_WHO,
        "settlement.public_transition": ASKED_WHO,
        "settlement.own_transition": ASKED_WHO,
        "people.proposed_payees": {**ASKED_WHO, AUDITOR: "EXECUTE"},
        "people.proposed_endings": {**ASKED_WHO, AUDITOR: "EXECUTE"},
        "people.own_documents": {PORTAL: "EXECUTE"},
        "ledger.bare_disputes": ASKED_WHO,
        "ledger.round_half_away": CALLED,
        "market.begin_epoch": CALLED,
        "market.submit": CALLED,
        "market.append": CALLED,
        "market.set_apart": CALLED,
        "market.keep_ahead": CALLED,
        "market.own_outcome": ASKED_WHO,
        "market.own_owed": ASKED_WHO,
        "market.watched": ASKED_WHO,
        "market.outcomes": ASKED_WHO,
        "market.kept_apart": ASKED_WHO,
        "market.leadership": ASKED_WHO,
        "market.law_told": ASKED_WHO,
        # By guards that act as their owner, alone.
        "market.make_days": {},
        "ledger.log_leaf_hash": {},
        "ledger.field": {},
        "portal.procrastinate_defer_jobs_v1": QUEUED,
        "portal.procrastinate_finish_job_v1": CALLED,
        "portal.procrastinate_cancel_job_v1": CALLED,
        "portal.procrastinate_defer_periodic_job_v2": CALLED,
        "portal.procrastinate_fetch_job_v2": CALLED,
        "portal.procrastinate_prune_stalled_workers_v1": CALLED,
        "portal.procrastinate_register_worker_v1": CALLED,
        "portal.procrastinate_retry_job_v1": CALLED,
        "portal.procrastinate_retry_job_v2": CALLED,
        "portal.procrastinate_unregister_worker_v1": CALLED,
        "portal.procrastinate_update_heartbeat_v1": CALLED,
    }
)
"""By name, whatever the arguments. No function of a trigger stands here: the trigger calls it, and
whoever else might could hang it on a table of their own."""

AS_OWNER: Mapping[str, str] = MappingProxyType(
    {
        "ledger.log_facts": "nobody may append a leaf by hand",
        "ledger.link_row": "Django, which may not see the ledger, appends to the trail",
        "people.sees_as": "a policy asks it, and grants have policies themselves",
        "people.owned": "a policy asks it, and grants have policies themselves",
        "ledger.bare_disputes": "that there are disputes is public, and whose is not",
        "people.own_documents": "a policy asks it, and documents have policies themselves",
        "rulebook.public_versions_with": "an index by words serves nobody whose rows have policies",
        "rulebook.versions_within": "nor does an index by times; it returns identities alone",
        "settlement.is_consulted": "others ask it that act as their owner, and nobody else",
        "settlement.consulted_trials": "that a draft in consultation was tried is public",
        "settlement.public_trial": "sums of many are public, and the report they stand in is not",
        "settlement.own_trial_rows": "a participant is told of its own rows of a report alone",
        "settlement.fairness_reports": "that a period was reported on is public",
        "settlement.public_fairness": "ratios and sums of many are public, and the report is not",
        "settlement.own_fairness": "a participant is told of its own rows of a report alone",
        "settlement.transition_reports": "that a period was compared is public",
        "settlement.public_transition": "sums of many are public, and the report is not",
        "settlement.own_transition": "a participant is told of its own rows of a report alone",
        "market.begin_epoch": "an epoch is only ever raised, and nobody may write one",
        "market.submit": "a key stands for one event for good, in the inbox and in the log",
        "market.append": "who leads a market appends to its log, and nobody by hand",
        "market.set_apart": "who leads a market goes on past what no market can take, and keeps it",
        "market.keep_ahead": "intervals to come are kept by who leads, and by nobody else",
        "market.own_outcome": "who handed an event in is told what became of it, and nobody else",
        "market.own_owed": "a participant is told what its own points are owed alone",
        "market.watched": "who runs a market is told how many events wait, not what they say",
        "market.outcomes": "what became of events is told to who runs the market, in counts",
        "market.kept_apart": "which events were kept apart is told to who runs the market",
        "market.leadership": "whether a market is led is public, and what waits for it is not",
        "market.law_told": "of which day a market was told the law is public, events are not",
        "people.proposed_payees": "a participant is told of its own part of a proposal alone",
        "people.proposed_endings": "a participant is told that its own end is proposed alone",
        "rulebook.seen_changes": "a policy asks it, and events have policies themselves",
        "rulebook.seen_revisions": "a policy asks it, and events have policies themselves",
        "people.acting": "it compares a token with hashes that whoever acts need not read",
    }
)
"""Guards that act as their owner (SECURITY DEFINER), and why."""

NOT_OURS = "portal.procrastinate_"
"""How the names begin of functions of triggers that have no search path: the queue's own."""


def sequence_privileges(table: str) -> Privileges:
    """Return who may use the sequence of a table's column: who may insert there."""
    rows = TABLES.get(table, {})
    return {role: "USAGE" for role, may in rows.items() if "INSERT" in may}
